/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_signer_new.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define RSA_BITS ((size_t)3072)
#define EC_BYTES 48
#define MAX_BYTES 512

typedef struct {
    const char *member, *param;
} part_t;

/* RFC 7518 section 6.3.2 and section 6.2.2. */
static const part_t RSA_PARTS[] = {
    {"n", OSSL_PKEY_PARAM_RSA_N},
    {"e", OSSL_PKEY_PARAM_RSA_E},
    {"d", OSSL_PKEY_PARAM_RSA_D},
    {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
    {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
    {NULL, NULL},
};
static const part_t EC_PARTS[] = {
    {"x", OSSL_PKEY_PARAM_EC_PUB_X},
    {"y", OSSL_PKEY_PARAM_EC_PUB_Y},
    {"d", OSSL_PKEY_PARAM_PRIV_KEY},
    {NULL, NULL},
};

static sl_rc_t openssl_failed(sl_err_t *err)
{
    return sl_err_set(err, SL_FAILED, "SL1711", "OpenSSL cannot make or write the key");
}

/** `text` and one more member; both are wiped by whoever owns them. NULL: it could not be had. */
static char *add_part(char *text, const part_t *part, EVP_PKEY *key, int pad, apr_pool_t *p)
{
    unsigned char bytes[MAX_BYTES];
    BIGNUM *number = NULL;
    char *longer = NULL, *value;
    int len;

    if (EVP_PKEY_get_bn_param(key, part->param, &number) != 1) {
        return NULL;
    }
    len = pad > 0 ? pad : BN_num_bytes(number);
    if (len <= MAX_BYTES && BN_bn2binpad(number, bytes, len) == len) {
        value = sl_text_base64url(p, bytes, (apr_size_t)len);
        longer = apr_pstrcat(p, text, ",\"", part->member, "\":\"", value, "\"", NULL);
        sl_secret_wipe(value, strlen(value));
    }
    sl_secret_wipe(bytes, sizeof(bytes));
    sl_secret_wipe(text, strlen(text));
    BN_clear_free(number);
    return longer;
}

static sl_secret_t *as_jwk(EVP_PKEY *key, const sl_signer_wish_t *wish, apr_pool_t *p)
{
    const bool is_rsa = wish->alg == SL_ALG_RS384;
    sl_json_t *open = sl_json_object(p);
    const char *opening;
    sl_secret_t *out = NULL;
    char *text;

    sl_json_put_str(open, "kty", is_rsa ? "RSA" : "EC");
    if (!is_rsa) {
        sl_json_put_str(open, "crv", "P-384");
    }
    sl_json_put_str(open, "alg", is_rsa ? "RS384" : "ES384");
    sl_json_put_str(open, "use", "sig");
    if (wish->kid != NULL) {
        sl_json_put_str(open, "kid", wish->kid);
    }
    opening = sl_json_text(p, open);
    text = apr_pstrmemdup(p, opening, strlen(opening) - 1);
    for (const part_t *part = is_rsa ? RSA_PARTS : EC_PARTS; text != NULL && part->member != NULL;
         part++) {
        text = add_part(text, part, key, is_rsa ? 0 : EC_BYTES, p);
    }
    if (text != NULL) {
        char *whole = apr_pstrcat(p, text, "}\n", NULL);

        out = sl_secret_str(p, whole);
        sl_secret_wipe(whole, strlen(whole));
        sl_secret_wipe(text, strlen(text));
    }
    return out;
}

static sl_secret_t *as_pem(EVP_PKEY *key, apr_pool_t *p)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    sl_secret_t *out = NULL;
    char *text = NULL;

    if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        long len = BIO_get_mem_data(bio, &text);

        out = len > 0 ? sl_secret_new(p, text, (apr_size_t)len) : NULL;
    }
    BIO_free(bio);
    return out;
}

sl_rc_t sl_signer_new(sl_secret_t **text, const sl_signer_wish_t *wish, apr_pool_t *p,
                      sl_err_t *err)
{
    EVP_PKEY *key;

    if (wish->alg != SL_ALG_RS384 && wish->alg != SL_ALG_ES384) {
        return sl_err_set(err, SL_INVALID, "SL1712", "a key signs RS384 or ES384");
    }
    key = wish->alg == SL_ALG_RS384 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", RSA_BITS)
                                    : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    *text = key == NULL ? NULL : wish->is_jwk ? as_jwk(key, wish, p) : as_pem(key, p);
    EVP_PKEY_free(key);
    return *text != NULL ? SL_OK : openssl_failed(err);
}
