/* SPDX-License-Identifier: Apache-2.0 */
/** What an OperationOutcome says, in words that may be shown and kept. */
#ifndef SL_CDP_OUTCOME_H
#define SL_CDP_OUTCOME_H

#include "base/sl_json.h"
#include <apr_tables.h>

typedef struct {
    apr_array_header_t *sentences; /* of const char * */
    bool is_protected;             /* break the glass first (C14) */
    bool has_failed;               /* an error, or fatal */
} sl_cdp_outcome_t;

/**
 * Read it. What every answer says, and what says nothing was found, is left out. Numbers and ids
 * (among them `patient`, which may be NULL) are masked: servers quote what they were asked.
 */
void sl_cdp_outcome_read(sl_cdp_outcome_t *out, const sl_json_t *outcome, const char *patient,
                         apr_pool_t *p);

#endif
