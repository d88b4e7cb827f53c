/* SPDX-License-Identifier: Apache-2.0 */
/** Verification of an id_token (OpenID Connect Core section 3.1.3.7; IDT-2 to 6). */
#ifndef SL_ID_TOKEN_H
#define SL_ID_TOKEN_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include "smart/sl_jwks.h"
#include <apr_time.h>

#define SL_ID_TOKEN_MAX_BYTES 65536
#define SL_ID_TOKEN_SKEW 60 /* seconds of clock difference that are forgiven */

typedef struct {
    const char *issuer; /* sl_discovery_issuer() */
    const char *client_id;
    const char *nonce; /* NULL: none was sent */
    apr_time_t now;
    const sl_jwks_t *keys; /* NULL: not fetched yet */
} sl_id_token_expect_t;

/**
 * Verify. Everything that needs no key is checked first, so that a foreign token causes no fetch.
 * SL_OK: the claims, each of which may be trusted. SL_NONE: right so far, but `keys` is NULL, has
 * no key of this kid, or none that fits a token without kid: fetch, and verify once more.
 * SL_UPSTREAM: anything else.
 * @param claims owned by the pool; untouched unless SL_OK
 */
SL_MUST_USE sl_rc_t sl_id_token_verify(sl_json_t **claims, const sl_secret_t *token,
                                       const sl_id_token_expect_t *expect, apr_pool_t *p,
                                       sl_err_t *err);

#endif
