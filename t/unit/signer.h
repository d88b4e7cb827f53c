/* SPDX-License-Identifier: Apache-2.0 */
/** An issuer for tests: makes keys, shows them as JWK and signs JWTs with them. */
#ifndef SIGNER_H
#define SIGNER_H
#include "base/sl_text.h"
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    EVP_PKEY *key;
    const char *alg; /* "RS256", "RS384", "ES256" or "ES384" */
} signer_t;

static apr_status_t signer_forget(void *data)
{
    EVP_PKEY_free(data);
    return APR_SUCCESS;
}

static signer_t signer_new(apr_pool_t *p, const char *alg)
{
    signer_t signer = {NULL, alg};

    if (alg[0] == 'R') {
        signer.key = EVP_RSA_gen(2048);
    } else {
        signer.key = EVP_EC_gen(strcmp(alg, "ES256") == 0 ? "P-256" : "P-384");
    }
    if (signer.key == NULL) {
        abort();
    }
    apr_pool_cleanup_register(p, signer.key, signer_forget, apr_pool_cleanup_null);
    return signer;
}

static int signer_ec_bytes(const signer_t *signer)
{
    return strcmp(signer->alg, "ES256") == 0 ? 32 : 48;
}

/* A number of the key in base64url. */
static const char *signer_number(apr_pool_t *p, const signer_t *signer, const char *name, int bytes)
{
    unsigned char buffer[512];
    BIGNUM *number = NULL;
    int len;

    if (EVP_PKEY_get_bn_param(signer->key, name, &number) != 1) {
        abort();
    }
    len = bytes == 0 ? BN_num_bytes(number) : bytes;
    if (BN_bn2binpad(number, buffer, len) != len) {
        abort();
    }
    BN_free(number);
    return sl_text_base64url(p, buffer, (apr_size_t)len);
}

/** The public key as JWK; `more` is put before its own members ("\"kid\":\"1\","). */
static const char *signer_jwk(apr_pool_t *p, const signer_t *signer, const char *more)
{
    if (signer->alg[0] == 'R') {
        return apr_psprintf(p, "{%s\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", more,
                            signer_number(p, signer, OSSL_PKEY_PARAM_RSA_N, 0),
                            signer_number(p, signer, OSSL_PKEY_PARAM_RSA_E, 0));
    }
    return apr_psprintf(
        p, "{%s\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", more,
        signer_ec_bytes(signer) == 32 ? "P-256" : "P-384",
        signer_number(p, signer, OSSL_PKEY_PARAM_EC_PUB_X, signer_ec_bytes(signer)),
        signer_number(p, signer, OSSL_PKEY_PARAM_EC_PUB_Y, signer_ec_bytes(signer)));
}

/* RFC 7518 section 3.4: r and s, each as long as the curve. */
static const char *signer_raw(apr_pool_t *p, const unsigned char *der, size_t len, int bytes)
{
    unsigned char raw[96];
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);

    if (signature == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, bytes) != bytes ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + bytes, bytes) != bytes) {
        abort();
    }
    ECDSA_SIG_free(signature);
    return sl_text_base64url(p, raw, (apr_size_t)(2 * bytes));
}

/** The signature of `input` in base64url. */
static const char *signer_sign(apr_pool_t *p, const signer_t *signer, const char *input)
{
    const EVP_MD *digest = strstr(signer->alg, "256") != NULL ? EVP_sha256() : EVP_sha384();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char signature[512];
    size_t len = sizeof(signature);

    if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, digest, NULL, signer->key) != 1 ||
        EVP_DigestSign(ctx, signature, &len, (const unsigned char *)input, strlen(input)) != 1) {
        abort();
    }
    EVP_MD_CTX_free(ctx);
    return signer->alg[0] == 'R' ? sl_text_base64url(p, signature, len)
                                 : signer_raw(p, signature, len, signer_ec_bytes(signer));
}

/** A compact JWS over the two JSON texts. */
__attribute__((unused)) static const char *signer_jwt(apr_pool_t *p, const signer_t *signer,
                                                      const char *header, const char *claims)
{
    const char *input = apr_pstrcat(p, sl_text_base64url(p, header, strlen(header)), ".",
                                    sl_text_base64url(p, claims, strlen(claims)), NULL);

    return apr_pstrcat(p, input, ".", signer_sign(p, signer, input), NULL);
}

#endif
