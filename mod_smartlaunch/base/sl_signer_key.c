/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_signer_key.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <string.h>

#define RSA_MIN_BITS 2048

/* JWK member, OpenSSL parameter; RFC 7518 sections 6.2 and 6.3. */
typedef struct {
    const char *member, *param;
    bool is_secret;
} part_t;

static const part_t rsa_parts[] = {
    {"n", OSSL_PKEY_PARAM_RSA_N, false},         {"e", OSSL_PKEY_PARAM_RSA_E, false},
    {"d", OSSL_PKEY_PARAM_RSA_D, true},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1, true},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2, true},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1, true},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2, true}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1, true}};
#define RSA_PARTS ((int)(sizeof(rsa_parts) / sizeof(rsa_parts[0])))
#define RSA_LEAST 3 /* n, e and d do; the others only make it faster */

static apr_status_t release(void *data)
{
    EVP_PKEY_free(data);
    return APR_SUCCESS;
}

/* A base64url member as number; NULL: missing, malformed or too long. */
static BIGNUM *number(const sl_json_t *jwk, const char *name, apr_pool_t *p)
{
    const char *text = sl_json_str(jwk, name);
    apr_size_t len = 0;
    unsigned char *bytes = text == NULL ? NULL : sl_text_unbase64url(p, text, strlen(text), &len);
    BIGNUM *result = NULL;

    if (bytes != NULL && len <= SL_SIGNER_RSA_BYTES) {
        result = BN_bin2bn(bytes, (int)len, NULL);
    }
    if (bytes != NULL) {
        sl_secret_wipe(bytes, len);
    }
    return result;
}

static EVP_PKEY *from_builder(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

/* All eight numbers, or n, e and d alone: half a factorization is no use to OpenSSL. */
static EVP_PKEY *rsa_key(const sl_json_t *jwk, apr_pool_t *p)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *numbers[RSA_PARTS] = {NULL};
    EVP_PKEY *key = NULL;
    int have = 0, use;

    for (int i = 0; i < RSA_PARTS; i++) {
        numbers[i] = number(jwk, rsa_parts[i].member, p);
        have += have == i && numbers[i] != NULL;
    }
    use = have == RSA_PARTS ? RSA_PARTS : RSA_LEAST;
    for (int i = 0; builder != NULL && have >= use && i < use; i++) {
        if (OSSL_PARAM_BLD_push_BN(builder, rsa_parts[i].param, numbers[i]) != 1) {
            have = 0;
        }
    }
    if (builder != NULL && have >= use) {
        key = from_builder("RSA", builder);
    }
    OSSL_PARAM_BLD_free(builder);
    for (int i = 0; i < RSA_PARTS; i++) {
        BN_clear_free(numbers[i]);
    }
    return key;
}

/* RFC 7518 section 6.2.1: the point that belongs to d, uncompressed. */
static bool push_point(OSSL_PARAM_BLD *builder, const BIGNUM *x, const BIGNUM *y,
                       unsigned char point[1 + 2 * SL_SIGNER_EC_BYTES])
{
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    return BN_bn2binpad(x, point + 1, SL_SIGNER_EC_BYTES) == SL_SIGNER_EC_BYTES &&
           BN_bn2binpad(y, point + 1 + SL_SIGNER_EC_BYTES, SL_SIGNER_EC_BYTES) ==
               SL_SIGNER_EC_BYTES &&
           OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point,
                                            1 + 2 * SL_SIGNER_EC_BYTES) == 1;
}

static EVP_PKEY *ec_key(const sl_json_t *jwk, apr_pool_t *p)
{
    const char *crv = sl_json_str(jwk, "crv");
    unsigned char point[1 + 2 * SL_SIGNER_EC_BYTES];
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *x = number(jwk, "x", p), *y = number(jwk, "y", p), *d = number(jwk, "d", p);
    EVP_PKEY *key = NULL;

    if (builder != NULL && crv != NULL && strcmp(crv, "P-384") == 0 && x != NULL && y != NULL &&
        d != NULL && push_point(builder, x, y, point) &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-384", 0) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1) {
        key = from_builder("EC", builder);
    }
    OSSL_PARAM_BLD_free(builder);
    BN_free(x);
    BN_free(y);
    BN_clear_free(d);
    return key;
}

/* The one private key of a JWK set, which may hold public ones beside; a JWK is itself. */
static const sl_json_t *choose(const sl_json_t *json)
{
    sl_json_t *keys = sl_json_get(json, "keys");
    const sl_json_t *found = NULL;

    if (keys == NULL) {
        return json;
    }
    for (apr_size_t i = 0;
         json_object_is_type(keys, json_type_array) && i < json_object_array_length(keys); i++) {
        sl_json_t *key = json_object_array_get_idx(keys, i);

        if (json_object_is_type(key, json_type_object) && sl_json_str(key, "d") != NULL) {
            if (found != NULL) {
                return NULL;
            }
            found = key;
        }
    }
    return found;
}

/* json-c frees its strings as they are. */
static void wipe_members(const sl_json_t *jwk)
{
    for (int i = 0; i < RSA_PARTS; i++) {
        sl_json_t *value = rsa_parts[i].is_secret ? sl_json_get(jwk, rsa_parts[i].member) : NULL;

        if (json_object_is_type(value, json_type_string)) {
            sl_secret_wipe((void *)(uintptr_t)json_object_get_string(value),
                           (apr_size_t)json_object_get_string_len(value));
        }
    }
}

static EVP_PKEY *from_jwk(sl_signer_key_t *out, const sl_json_t *jwk, apr_pool_t *p)
{
    const char *kty = sl_json_str(jwk, "kty"), *kid = sl_json_str(jwk, "kid"),
               *alg = sl_json_str(jwk, "alg");
    EVP_PKEY *key = NULL;

    if (kty != NULL && strcmp(kty, "RSA") == 0) {
        key = rsa_key(jwk, p);
    } else if (kty != NULL && strcmp(kty, "EC") == 0) {
        key = ec_key(jwk, p);
    }
    out->kid = kid == NULL ? NULL : apr_pstrdup(p, kid);
    out->alg = alg == NULL ? NULL : apr_pstrdup(p, alg);
    wipe_members(jwk);
    return key;
}

static EVP_PKEY *read_jwk(sl_signer_key_t *out, const sl_secret_t *text, apr_pool_t *p)
{
    sl_json_t *json = NULL;
    const sl_json_t *jwk = NULL;
    EVP_PKEY *key = NULL;
    apr_pool_t *tmp;

    apr_pool_create(&tmp, p);
    if (sl_json_parse(&json, sl_secret_reveal(text), sl_secret_len(text), tmp, NULL) == SL_OK) {
        jwk = choose(json);
    }
    if (jwk != NULL) {
        key = from_jwk(out, jwk, p);
    }
    apr_pool_destroy(tmp);
    return key;
}

/* Nobody sits at a terminal when httpd starts. */
static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

static EVP_PKEY *read_pem(const sl_secret_t *text)
{
    BIO *bio = BIO_new_mem_buf(sl_secret_reveal(text), (int)sl_secret_len(text));
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

    BIO_free(bio);
    return key;
}

static bool is_p384(const EVP_PKEY *key)
{
    char group[32] = "";

    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
                                          NULL) == 1 &&
           strcmp(group, "secp384r1") == 0;
}

sl_rc_t sl_signer_key_read(sl_signer_key_t *out, const sl_secret_t *text, apr_pool_t *p,
                           sl_err_t *err)
{
    const char *bytes = sl_secret_reveal(text);
    int bits;

    memset(out, 0, sizeof(*out));
    out->key = bytes[strspn(bytes, " \t\r\n")] == '{' ? read_jwk(out, text, p) : read_pem(text);
    if (out->key == NULL) {
        return sl_err_set(err, SL_INVALID, "SL1631",
                          "it holds no private key that can be read: PEM without a pass phrase, a "
                          "JWK, or a JWK set with one private key");
    }
    apr_pool_cleanup_register(p, out->key, release, apr_pool_cleanup_null);
    bits = EVP_PKEY_get_bits(out->key);
    out->is_rsa = EVP_PKEY_is_a(out->key, "RSA") == 1;
    if (out->is_rsa && (bits < RSA_MIN_BITS || bits > 8 * SL_SIGNER_RSA_BYTES)) {
        return sl_err_set(err, SL_INVALID, "SL1632", "an RSA key has 2048 to 8192 bits, not %d",
                          bits);
    }
    if (!out->is_rsa && (EVP_PKEY_is_a(out->key, "EC") != 1 || !is_p384(out->key))) {
        return sl_err_set(err, SL_INVALID, "SL1633", "it is neither an RSA key nor one on P-384");
    }
    return SL_OK;
}

/* A public number in base64url; `len` 0: as long as it is. */
static bool put_number(sl_json_t *to, const char *member, const EVP_PKEY *key, const char *param,
                       int len)
{
    unsigned char bytes[SL_SIGNER_RSA_BYTES];
    BIGNUM *value = NULL;
    apr_pool_t *tmp = NULL;
    bool done = false;
    int n;

    if (EVP_PKEY_get_bn_param(key, param, &value) != 1) {
        return false;
    }
    n = len == 0 ? BN_num_bytes(value) : len;
    if (n <= (int)sizeof(bytes) && BN_bn2binpad(value, bytes, n) == n) {
        apr_pool_create(&tmp, NULL);
        sl_json_put_str(to, member, sl_text_base64url(tmp, bytes, (apr_size_t)n));
        apr_pool_destroy(tmp);
        done = true;
    }
    BN_free(value);
    return done;
}

sl_rc_t sl_signer_key_public(sl_json_t **out, const sl_signer_key_t *key, apr_pool_t *p,
                             sl_err_t *err)
{
    sl_json_t *jwk = sl_json_object(p);
    bool whole;

    if (key->is_rsa) {
        sl_json_put_str(jwk, "kty", "RSA");
        whole = put_number(jwk, "n", key->key, OSSL_PKEY_PARAM_RSA_N, 0) &&
                put_number(jwk, "e", key->key, OSSL_PKEY_PARAM_RSA_E, 0);
    } else {
        sl_json_put_str(jwk, "kty", "EC");
        sl_json_put_str(jwk, "crv", "P-384");
        whole = put_number(jwk, "x", key->key, OSSL_PKEY_PARAM_EC_PUB_X, SL_SIGNER_EC_BYTES) &&
                put_number(jwk, "y", key->key, OSSL_PKEY_PARAM_EC_PUB_Y, SL_SIGNER_EC_BYTES);
    }
    *out = jwk;
    return whole ? SL_OK
                 : sl_err_set(err, SL_FAILED, "SL1634", "OpenSSL does not tell the public half");
}
