/* SPDX-License-Identifier: Apache-2.0 */
/** Private keys as people keep them, for sl_signer.c only: PEM (PKCS #8, SEC 1, PKCS #1) and JWK.
 */
#ifndef SL_SIGNER_KEY_H
#define SL_SIGNER_KEY_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include <apr_pools.h>
#include <openssl/evp.h>

#define SL_SIGNER_EC_BYTES 48
#define SL_SIGNER_RSA_BYTES 1024 /* 8192 bits */

typedef struct {
    EVP_PKEY *key;   /* RSA or P-384; freed with the pool */
    bool is_rsa;     /* else P-384 */
    const char *kid; /* what a JWK says of itself; NULL: nothing */
    const char *alg; /* as above */
} sl_signer_key_t;

/** SL_INVALID: no private key, more than one, or of a kind that signs neither RS384 nor ES384. */
SL_MUST_USE sl_rc_t sl_signer_key_read(sl_signer_key_t *out, const sl_secret_t *text, apr_pool_t *p,
                                       sl_err_t *err);

/** {kty, n, e} or {kty, crv, x, y}. SL_FAILED: OpenSSL does not give them away. */
SL_MUST_USE sl_rc_t sl_signer_key_public(sl_json_t **out, const sl_signer_key_t *key, apr_pool_t *p,
                                         sl_err_t *err);

#endif
