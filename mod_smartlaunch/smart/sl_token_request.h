/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Calls to the token endpoint and its neighbours: form body and client authentication (TKR-*,
 * RFR-1, RFR-2, BKS-1, SEC-10, SEC-11).
 */
#ifndef SL_TOKEN_REQUEST_H
#define SL_TOKEN_REQUEST_H

#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include "smart/sl_ehr.h"
#include "smart/sl_notice.h"

/** POST as application/x-www-form-urlencoded with Accept: application/json. */
typedef struct {
    const sl_secret_t *body;
    const sl_secret_t *authorization; /* value of the Authorization header; NULL: send none */
} sl_token_call_t;

typedef struct {
    const sl_ehr_t *ehr;
    const sl_secret_t *code;
    const char *redirect_uri;
    const sl_secret_t *verifier;  /* NULL: the launch went without PKCE */
    const sl_secret_t *assertion; /* client_assertion for SL_CLIENT_KEY, else NULL */
} sl_code_grant_t;

typedef struct {
    const sl_ehr_t *ehr;
    const sl_secret_t *refresh;
    const sl_secret_t *assertion; /* as above, a new one for every call */
} sl_refresh_grant_t;

/** Backend services (BKS-1): no user, and only ever with a key. */
typedef struct {
    const sl_ehr_t *ehr;
    const char *scope;
    const sl_secret_t *assertion; /* as above */
} sl_client_grant_t;

/** A question or an order about a token: RFC 7662 (introspection), RFC 7009 (revocation). */
typedef struct {
    const sl_ehr_t *ehr;
    const sl_secret_t *token;
    const char *hint;             /* token_type_hint: "refresh_token", "access_token"; NULL: none */
    const sl_secret_t *assertion; /* as above */
} sl_token_about_t;

/** SL_FAILED: the EHR's client authentication lacks its secret or assertion. */
SL_MUST_USE sl_rc_t sl_token_request_code(sl_token_call_t *out, const sl_code_grant_t *grant,
                                          apr_pool_t *p, sl_err_t *err);
SL_MUST_USE sl_rc_t sl_token_request_refresh(sl_token_call_t *out, const sl_refresh_grant_t *grant,
                                             apr_pool_t *p, sl_err_t *err);

SL_MUST_USE sl_rc_t sl_token_request_client(sl_token_call_t *out, const sl_client_grant_t *grant,
                                            apr_pool_t *p, sl_err_t *err);
SL_MUST_USE sl_rc_t sl_token_request_about(sl_token_call_t *out, const sl_token_about_t *about,
                                           apr_pool_t *p, sl_err_t *err);

/**
 * Can this client id (and the secret, where it is known already) be sent the configured way
 * (TKR-S3)? For check_config: SL_INVALID with a sentence that names no secret.
 * @param notices gets a warning when raw and form differ; may be NULL
 */
SL_MUST_USE sl_rc_t sl_token_request_check(const sl_ehr_t *ehr, apr_array_header_t *notices,
                                           sl_err_t *err);

#endif
