/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_jwk.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#define RSA_MIN_BITS 2048
#define RSA_MAX_BYTES 1024 /* 8192 bits: more only costs time */
#define RSA_MAX_EXPONENT 8
#define EC_MAX_BYTES 48

typedef enum { KEY_RSA, KEY_P256, KEY_P384 } key_type_t;

struct sl_jwk {
    const char *kid;
    key_type_t type;
    sl_alg_t alg; /* SL_ALG_NONE: the key names none */
    EVP_PKEY *key;
};

typedef struct {
    unsigned char *bytes;
    apr_size_t len;
} number_t;

static apr_status_t release(void *data)
{
    EVP_PKEY_free(data);
    return APR_SUCCESS;
}

sl_alg_t sl_alg_of(const char *name)
{
    if (name == NULL) {
        return SL_ALG_NONE;
    }
    if (strcmp(name, "RS256") == 0) {
        return SL_ALG_RS256;
    }
    if (strcmp(name, "RS384") == 0) {
        return SL_ALG_RS384;
    }
    if (strcmp(name, "ES256") == 0) {
        return SL_ALG_ES256;
    }
    return strcmp(name, "ES384") == 0 ? SL_ALG_ES384 : SL_ALG_NONE;
}

/* A member in base64url; bytes NULL when it is missing or malformed. */
static number_t member(const sl_json_t *jwk, const char *name, apr_pool_t *p)
{
    const char *text = sl_json_str(jwk, name);
    number_t number = {NULL, 0};

    if (text != NULL) {
        number.bytes = sl_text_unbase64url(p, text, strlen(text), &number.len);
    }
    return number;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *rsa_from_numbers(const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        params = OSSL_PARAM_BLD_to_param(builder);
    }
    if (params != NULL) {
        key = from_params("RSA", params);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* RFC 7518 section 6.3.1, with bounds that keep a hostile key from costing anything. */
static EVP_PKEY *rsa_key(const sl_json_t *jwk, apr_pool_t *p)
{
    number_t n = member(jwk, "n", p), e = member(jwk, "e", p);
    BIGNUM *modulus, *exponent;
    EVP_PKEY *key = NULL;

    if (n.bytes == NULL || n.len > RSA_MAX_BYTES || e.bytes == NULL || e.len > RSA_MAX_EXPONENT) {
        return NULL;
    }
    modulus = BN_bin2bn(n.bytes, (int)n.len, NULL);
    exponent = BN_bin2bn(e.bytes, (int)e.len, NULL);
    if (modulus != NULL && exponent != NULL && BN_num_bits(modulus) >= RSA_MIN_BITS &&
        BN_is_odd(modulus) && BN_is_odd(exponent) && !BN_is_one(exponent)) {
        key = rsa_from_numbers(modulus, exponent);
    }
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

/* RFC 7518 section 6.2.1. OpenSSL refuses a point that is not on the curve. */
static EVP_PKEY *ec_key(const sl_json_t *jwk, apr_size_t size, const char *group, apr_pool_t *p)
{
    number_t x = member(jwk, "x", p), y = member(jwk, "y", p);
    unsigned char point[1 + 2 * EC_MAX_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    OSSL_PARAM params[3];

    if (x.bytes == NULL || x.len != size || y.bytes == NULL || y.len != size) {
        return NULL;
    }
    memcpy(point + 1, x.bytes, size);
    memcpy(point + 1 + size, y.bytes, size);
    params[0] =
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, apr_pstrdup(p, group), 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size);
    params[2] = OSSL_PARAM_construct_end();
    return from_params("EC", params);
}

/* The key of a kty and curve we know, else NULL. */
static EVP_PKEY *build(key_type_t *type, const sl_json_t *jwk, apr_pool_t *p)
{
    const char *kty = sl_json_str(jwk, "kty"), *crv = sl_json_str(jwk, "crv");

    if (kty != NULL && strcmp(kty, "RSA") == 0) {
        *type = KEY_RSA;
        return rsa_key(jwk, p);
    }
    if (kty == NULL || strcmp(kty, "EC") != 0 || crv == NULL) {
        return NULL;
    }
    if (strcmp(crv, "P-256") == 0) {
        *type = KEY_P256;
        return ec_key(jwk, 32, "P-256", p);
    }
    if (strcmp(crv, "P-384") == 0) {
        *type = KEY_P384;
        return ec_key(jwk, 48, "P-384", p);
    }
    return NULL;
}

/* Does the key say that it is for something else than signatures we know? */
static bool is_for_something_else(const sl_json_t *jwk)
{
    sl_json_t *use = sl_json_get(jwk, "use"), *alg = sl_json_get(jwk, "alg");
    const char *use_text = sl_json_str(jwk, "use");

    if (use != NULL && (use_text == NULL || strcmp(use_text, "sig") != 0)) {
        return true;
    }
    return alg != NULL && sl_alg_of(sl_json_str(jwk, "alg")) == SL_ALG_NONE;
}

sl_rc_t sl_jwk_parse(sl_jwk_t **out, const sl_json_t *jwk, apr_pool_t *p, sl_err_t *err)
{
    sl_jwk_t *key = apr_pcalloc(p, sizeof(*key));
    const char *kid = sl_json_str(jwk, "kid");

    if (is_for_something_else(jwk)) {
        return sl_err_set(err, SL_INVALID, "SL1501", "a key that is not for our signatures");
    }
    key->key = build(&key->type, jwk, p);
    if (key->key == NULL) {
        return sl_err_set(err, SL_INVALID, "SL1502", "a key of a kind we do not know, or broken");
    }
    apr_pool_cleanup_register(p, key->key, release, apr_pool_cleanup_null);
    key->kid = kid == NULL ? NULL : apr_pstrdup(p, kid);
    key->alg = sl_alg_of(sl_json_str(jwk, "alg"));
    *out = key;
    return SL_OK;
}

const char *sl_jwk_kid(const sl_jwk_t *jwk)
{
    return jwk->kid;
}

bool sl_jwk_fits(const sl_jwk_t *jwk, sl_alg_t alg)
{
    if (jwk->alg != SL_ALG_NONE && jwk->alg != alg) {
        return false;
    }
    switch (alg) {
    case SL_ALG_RS256:
    case SL_ALG_RS384:
        return jwk->type == KEY_RSA;
    case SL_ALG_ES256:
        return jwk->type == KEY_P256;
    case SL_ALG_ES384:
        return jwk->type == KEY_P384;
    case SL_ALG_NONE:
        break;
    }
    return false;
}

/* JOSE has r and s side by side (RFC 7518 section 3.4), OpenSSL wants them in DER. */
static number_t to_der(const sl_signed_t *message, apr_size_t size, apr_pool_t *tmp)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(message->signature, (int)size, NULL);
    BIGNUM *s = BN_bin2bn(message->signature + size, (int)size, NULL);
    number_t der = {NULL, 0};

    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else {
        unsigned char *at = der.bytes = apr_palloc(tmp, 2 * size + 16);
        int n = i2d_ECDSA_SIG(pair, &at);

        der.len = n > 0 ? (apr_size_t)n : 0;
    }
    ECDSA_SIG_free(pair);
    return der;
}

static bool verify(const sl_jwk_t *jwk, const sl_signed_t *message, number_t signature)
{
    bool sha384 = message->alg == SL_ALG_RS384 || message->alg == SL_ALG_ES384;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL &&
                EVP_DigestVerifyInit_ex(ctx, NULL, sha384 ? "SHA384" : "SHA256", NULL, NULL,
                                        jwk->key, NULL) == 1 &&
                EVP_DigestVerify(ctx, signature.bytes, signature.len,
                                 (const unsigned char *)message->input, message->input_len) == 1;

    EVP_MD_CTX_free(ctx);
    return good;
}

sl_rc_t sl_jwk_verify(const sl_jwk_t *jwk, const sl_signed_t *message, apr_pool_t *tmp,
                      sl_err_t *err)
{
    apr_size_t size = jwk->type == KEY_P256 ? 32 : 48;
    number_t signature = {NULL, 0};

    if (!sl_jwk_fits(jwk, message->alg)) {
        return sl_err_set(err, SL_DENIED, "SL1503", "the key does not fit the algorithm");
    }
    if (message->signature_len !=
        (jwk->type == KEY_RSA ? (apr_size_t)EVP_PKEY_get_size(jwk->key) : 2 * size)) {
        return sl_err_set(err, SL_DENIED, "SL1504", "the signature has the wrong length");
    }
    if (jwk->type == KEY_RSA) {
        signature.bytes = apr_pmemdup(tmp, message->signature, message->signature_len);
        signature.len = message->signature_len;
    } else {
        signature = to_der(message, size, tmp);
    }
    if (signature.len == 0 || !verify(jwk, message, signature)) {
        return sl_err_set(err, SL_DENIED, "SL1505", "the signature does not match");
    }
    return SL_OK;
}
