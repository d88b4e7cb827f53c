/* SPDX-License-Identifier: Apache-2.0 */
/** What a launch asked for, what it got, and why they mostly differ (TRS-3). */
#ifndef SL_SCOPE_DIFF_H
#define SL_SCOPE_DIFF_H

#include <apr_pools.h>
#include <stdbool.h>

/** What came of one authorization. */
typedef struct {
    const char *asked;   /* SmartScope as it was sent */
    const char *granted; /* as the EHR said; NULL: it did not say */
    bool has_refresh;    /* a refresh token came */
    bool has_patient;
    bool has_id_token;  /* verified */
    bool has_fhir_user; /* in it */
    bool is_public;     /* we have neither secret nor key */
} sl_scope_facts_t;

typedef struct {
    const char *missing; /* tokens of `asked` with one blank between; "": nothing is missing */
    const char *cause;   /* the likely one, in words for the log; NULL: nothing is missing */
} sl_scope_diff_t;

/**
 * What counts is what came: a refresh token is offline_access, an id_token is openid, a patient is
 * launch/patient, whether the EHR repeats the scope or not (many do not). `launch` is never
 * missing. Data scopes are compared by sl_scope_covers(); where the EHR did not say, they count as
 * granted.
 */
void sl_scope_diff(sl_scope_diff_t *out, const sl_scope_facts_t *facts, apr_pool_t *p);

/** One line for a log: `asked "…", granted "…", missing "…": the cause`. Long lists are cut. */
const char *sl_scope_diff_text(const sl_scope_diff_t *diff, const sl_scope_facts_t *facts,
                               apr_pool_t *p);

#endif
