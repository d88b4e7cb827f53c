/* SPDX-License-Identifier: Apache-2.0 */
/** The rules of a renewal (RFR-*): when, and what an answer of the token endpoint means. */
#ifndef SL_RENEWAL_H
#define SL_RENEWAL_H

#include "smart/sl_context.h"
#include "smart/sl_token_response.h"

/** A token as the rules see it. */
typedef struct {
    apr_time_t issued_at, expires_at; /* expires_at 0: the EHR did not say */
    bool can_renew;                   /* there is a refresh token */
} sl_renewal_token_t;

typedef enum {
    SL_RENEWAL_NOT_NEEDED, /* use it */
    SL_RENEWAL_AHEAD,      /* still valid; renew, and use it if that fails for the moment */
    SL_RENEWAL_NEEDED,     /* expired: renew or refuse */
    SL_RENEWAL_IMPOSSIBLE  /* expired, no refresh token: launch again (RFR-10) */
} sl_renewal_need_t;

/**
 * RFR-5. The EHR's renew_ahead and renew_interval count; `now` and the token's times agree. Never
 * earlier than at half the token's life. renew_interval does not hold up an expired one.
 */
sl_renewal_need_t sl_renewal_need(const sl_renewal_token_t *token, const sl_ehr_t *ehr,
                                  apr_time_t now);

/**
 * Is a failure of sl_token_response_parse() one that only a new launch mends (RFR-6)? Any 4xx but
 * 408, 429 and one that says itself that it passes (temporarily_unavailable, slow_down,
 * server_error), and a 2xx whose body is an error of RFC 6749; where the EHR is known for it
 * (error-by-500) a 5xx with one, too. The rest is trouble for the moment (RFR-7).
 * `error` is of sl_token_response_error().
 */
bool sl_renewal_is_final(const sl_ehr_t *ehr, int status, const char *error);

/** Trouble for the moment (RFR-7), by the status alone: 5xx, 429 and 408. */
bool sl_renewal_is_trouble(int status);

/**
 * RFR-9: does the answer speak of the same patient? SL_DENIED: of another one: end the session.
 * `was` may be NULL (none: any patient is another one), and so may the answer's (unchanged).
 */
SL_MUST_USE sl_rc_t sl_renewal_check_patient(const sl_context_t *now, const char *was,
                                             sl_err_t *err);

#endif
