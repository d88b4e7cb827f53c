/* SPDX-License-Identifier: Apache-2.0 */
/** New private keys for SmartClientKey. */
#ifndef SL_SIGNER_NEW_H
#define SL_SIGNER_NEW_H

#include "base/sl_jwk.h"
#include "base/sl_secret.h"

typedef struct {
    sl_alg_t alg;    /* SL_ALG_RS384: RSA with 3072 bits; SL_ALG_ES384: EC P-384 */
    bool is_jwk;     /* a JWK (RFC 7517), else PEM (PKCS #8) */
    const char *kid; /* of the JWK; NULL: none in it, its thumbprint counts */
} sl_signer_wish_t;

/** The text of a key file, as sl_signer_parse() reads it. SL_INVALID: another alg. */
SL_MUST_USE sl_rc_t sl_signer_new(sl_secret_t **text, const sl_signer_wish_t *wish, apr_pool_t *p,
                                  sl_err_t *err);

#endif
