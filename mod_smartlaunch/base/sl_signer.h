/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Signed JWTs of ours (RFC 7515, 7518): client assertions and sign-on messages. A signer never
 * gives its private part away; it lives as long as its pool and is used by any thread.
 */
#ifndef SL_SIGNER_H
#define SL_SIGNER_H

#include "base/sl_json.h"
#include "base/sl_jwk.h"
#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include <apr_pools.h>

typedef struct sl_signer sl_signer_t;

/**
 * A private key: PEM, a JWK, or a JWK set with one private key in it.
 * @param text as read from its file; the caller checked who else may read that (REG-4)
 * @param kid  NULL: the JWK's own, else its thumbprint (RFC 7638)
 * @param alg  SL_ALG_NONE: RS384 for RSA, ES384 for P-384
 * SL_INVALID: no private key, RSA under 2048 bits, another curve, an alg that does not fit.
 */
SL_MUST_USE sl_rc_t sl_signer_parse(sl_signer_t **out, const sl_secret_t *text, const char *kid,
                                    sl_alg_t alg, apr_pool_t *p, sl_err_t *err);

const char *sl_signer_kid(const sl_signer_t *signer);
sl_alg_t sl_signer_alg(const sl_signer_t *signer);

/**
 * Its public half as the text of a JWK: kty, kid, alg, use "sig", n and e or crv, x and y; no more
 * (REG-2). A text, since json-c's values cannot be shared by threads.
 */
const char *sl_signer_public(const sl_signer_t *signer);

/**
 * Header {alg, kid, typ: JWT} and claims as a compact JWS (TKR-A2, TKR-A4): RS384 as PKCS #1 v1.5,
 * ES384 as R and S side by side.
 */
SL_MUST_USE sl_rc_t sl_signer_jwt(const sl_secret_t **out, const sl_signer_t *signer,
                                  const sl_json_t *claims, apr_pool_t *p, sl_err_t *err);

/** The same by HS256 with a shared secret: header {alg, typ}. */
SL_MUST_USE sl_rc_t sl_signer_hs256(const sl_secret_t **out, const sl_secret_t *secret,
                                    const sl_json_t *claims, apr_pool_t *p, sl_err_t *err);

#endif
