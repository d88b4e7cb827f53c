/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a check found (smartlaunchctl check): is it right, and if it is not, what to do. One
 * sentence each, nothing secret, no control characters.
 */
#ifndef SL_FINDING_H
#define SL_FINDING_H

#include "base/sl_rc.h"
#include <apr_pools.h>
#include <apr_tables.h>

typedef enum { SL_FINDING_OK, SL_FINDING_WARN, SL_FINDING_WRONG } sl_verdict_t;

typedef struct {
    const char *ehr;  /* its name; NULL: of the whole installation */
    const char *what; /* "discovery": a literal, at most 14 characters */
    sl_verdict_t verdict;
    const char *found; /* how it is */
    const char *todo;  /* what to do; NULL: nothing */
} sl_finding_t;

/** Findings in the making: those of one EHR, or of the whole. */
typedef struct {
    apr_array_header_t *list; /* of sl_finding_t */
    const char *ehr;
} sl_findings_t;

/** An empty list; for the EHR by that name, a copy with another `ehr` shares it. */
sl_findings_t sl_finding_list(apr_pool_t *p);

/** "ok", "warn", "WRONG". */
const char *sl_finding_word(sl_verdict_t verdict);

/** It is right. */
SL_PRINTF(3, 4)
void sl_finding_ok(const sl_findings_t *findings, const char *what, const char *fmt, ...);

/** It may be right, or will not stay so. @param todo copied */
SL_PRINTF(4, 5)
void sl_finding_warn(const sl_findings_t *findings, const char *what, const char *todo,
                     const char *fmt, ...);

/** Launches will fail by it. @param todo copied */
SL_PRINTF(4, 5)
void sl_finding_wrong(const sl_findings_t *findings, const char *what, const char *todo,
                      const char *fmt, ...);

#endif
