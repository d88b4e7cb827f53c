/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One GET of a FHIR server with a stored token: a place in the EHR's gate, a token that is good,
 * one more try where the EHR refuses it, and a row of the audit (C13).
 */
#ifndef SL_CDP_ASK_H
#define SL_CDP_ASK_H

#include "base/sl_json.h"
#include "flow/sl_cdp_token.h"

#define SL_CDP_PAGE_MAX (8 * 1024 * 1024) /* bytes of one answer */

/** Who asks whom, for one fetch. */
typedef struct {
    const sl_cdp_t *cdp;
    const sl_cdp_project_t *project;
    sl_cdp_token_t token;  /* renewed as needed */
    const char *patient;   /* for the audit; NULL: not known yet */
    const char *reference; /* of the request; of the watchdog where there is none */
    apr_time_t until;      /* nothing takes longer */
    bool is_unattended;
    apr_pool_t *p; /* holds the token: lives as long as this */
} sl_cdp_asking_t;

typedef struct {
    int status;        /* 0: there was no answer */
    sl_json_t *json;   /* NULL: none */
    const char *told;  /* what an OperationOutcome with an error says; NULL */
    bool is_protected; /* … that the patient is (C14) */
} sl_cdp_answer_t;

/**
 * Ask. SL_OK: 2xx with JSON. SL_INVALID: 400: another way of asking may do. SL_EXPIRED: the token
 * is of no use any more: launch again. SL_DENIED: 403. SL_BUSY: 429, 503, no place, with
 * err->retry_after. SL_TIMEOUT, SL_UPSTREAM: the EHR. SL_UNAVAILABLE: PostgreSQL, and under
 * SmartAudit required also that the audit did not take the row: nothing of the answer is in `out`.
 * @param url below the FHIR base, or of the same origin; never logged
 * @param type of resource, for the audit
 */
SL_MUST_USE sl_rc_t sl_cdp_ask(sl_cdp_answer_t *out, sl_cdp_asking_t *asking, const char *url,
                               const char *type, apr_pool_t *p, sl_err_t *err);

#endif
