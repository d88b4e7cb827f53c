/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which tokens a fetch may use, best first. A token of one patient is never used for another:
 * whoever looks for a patient with it may find that one only.
 */
#ifndef SL_CDP_TOKEN_H
#define SL_CDP_TOKEN_H

#include "flow/sl_cdp.h"
#include "flow/sl_grant.h"

#define SL_CDP_TOKEN_PATIENTS 8 /* of how many patients a user's tokens are tried */

typedef struct {
    sl_grant_t grant;  /* may have ended: it is renewed when it is used */
    const char *bound; /* its patient; NULL: good for whomever its user may see */
} sl_cdp_token_t;

typedef struct {
    const sl_cdp_t *cdp;
    const sl_cdp_project_t *project;
    const sl_cdp_actor_t *actor; /* user SL_CDP_SYSTEM: has none */
    const char *patient;         /* behind the MRN, as known so far; NULL: not known */
    bool is_unattended;          /* the token of backend services may be used, too */
} sl_cdp_token_ask_t;

/**
 * Of sl_cdp_token_t, one at least. With a patient: the launch's own, the user's for this patient,
 * those without a patient. Else those without a patient, then the launch's, then the user's, newest
 * first. SL_EXPIRED: there is none: launch again. SL_UNAVAILABLE, SL_BUSY: PostgreSQL.
 */
SL_MUST_USE sl_rc_t sl_cdp_token_list(apr_array_header_t **out, const sl_cdp_token_ask_t *ask,
                                      apr_pool_t *p, sl_err_t *err);

#endif
