/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a pure rule found worth a line in the log although it went on: the rule writes nothing
 * itself, its caller hands the notices to sl_log() as warnings.
 */
#ifndef SL_NOTICE_H
#define SL_NOTICE_H

#include "base/sl_rc.h"
#include <apr_pools.h>
#include <apr_tables.h>

typedef struct {
    const char *id;   /* "SL2123": a literal */
    const char *text; /* one line; no secret, no patient */
} sl_notice_t;

/** An empty list of notices. */
apr_array_header_t *sl_notice_list(apr_pool_t *p);

/** Add one; `list` NULL adds nothing. The text is allocated from the list's pool. */
SL_PRINTF(3, 4)
void sl_notice_add(apr_array_header_t *list, const char *id, const char *fmt, ...);

/** Is there a notice of this id? */
bool sl_notice_has(const apr_array_header_t *list, const char *id);

#endif
