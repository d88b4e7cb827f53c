/* SPDX-License-Identifier: Apache-2.0 */
/** Public keys as JWK (RFC 7517) and the signatures they verify (RFC 7515, RFC 7518 section 3). */
#ifndef SL_JWK_H
#define SL_JWK_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include <apr_pools.h>

/** The algorithms we know; nothing else verifies. */
typedef enum { SL_ALG_NONE = 0, SL_ALG_RS256, SL_ALG_RS384, SL_ALG_ES256, SL_ALG_ES384 } sl_alg_t;

typedef struct sl_jwk sl_jwk_t;

/** "RS256" → SL_ALG_RS256; anything else, "none" and HS* among them → SL_ALG_NONE. */
sl_alg_t sl_alg_of(const char *name);

/** One key. SL_INVALID: unknown kty or curve, a use other than `sig`, RSA under 2048 bits, junk. */
SL_MUST_USE sl_rc_t sl_jwk_parse(sl_jwk_t **out, const sl_json_t *jwk, apr_pool_t *p,
                                 sl_err_t *err);

/** The key's `kid`, or NULL. */
const char *sl_jwk_kid(const sl_jwk_t *jwk);

/** Does the key's type (and `alg`, where it has one) fit the algorithm? */
bool sl_jwk_fits(const sl_jwk_t *jwk, sl_alg_t alg);

/** A signed message: signing input and raw signature bytes. */
typedef struct {
    sl_alg_t alg;
    const char *input;
    apr_size_t input_len;
    const unsigned char *signature;
    apr_size_t signature_len;
} sl_signed_t;

/** SL_OK or SL_DENIED. */
SL_MUST_USE sl_rc_t sl_jwk_verify(const sl_jwk_t *jwk, const sl_signed_t *message, apr_pool_t *tmp,
                                  sl_err_t *err);

#endif
