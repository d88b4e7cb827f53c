/* SPDX-License-Identifier: Apache-2.0 */
/* IDT-3: signatures, with the examples of RFC 7515 and of the SMART App Launch guide. */
#include "base/sl_jwk.h"
#include "base/sl_text.h"
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* RFC 7515 appendix A.2 and A.3: the same claims, two keys. */
#define RFC_CLAIMS                                                                                 \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
static const char rfc_rsa[] =
    "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz"
    "P1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf6"
    "3kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw"
    "Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"
    "yuXpoQ"
    "\"}";
static const char rfc_rsa_input[] = "eyJhbGciOiJSUzI1NiJ9." RFC_CLAIMS;
static const char rfc_rsa_signature[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt"
    "_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArL"
    "IARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7no"
    "OPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
    "Ge77Rw";
static const char rfc_ec[] = "{\"kty\":\"EC\",\"crv\":\"P-256\","
                             "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                             "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
static const char rfc_ec_input[] = "eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS;
static const char rfc_ec_signature[] =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/* SMART App Launch, example of an asymmetric client. */
static const char smart_rsa[] =
    "{\"kty\":\"RSA\",\"alg\":\"RS384\",\"e\":\"AQAB\",\"key_ops\":[\"verify\"],"
    "\"ext\":true,\"kid\":\"eee9f17a3b598fd86417a980b591fbe6\",\"n\":\""
    "wJq2RHIA-7RT6q4go7wjcbHdW7ck7Kz22A8wf-kN7Wi5CWvhFG2_Y7nQp1lDpb2IKMQr-Q4n_vgJ6d5rWPsp"
    "JpSPY7iffUK4ipQCEbzID5DJ6fQMBZOfCTXyxkuMh3jYGKEF3Ziw2oxbM1H9j-eJAPtrj5stUG6kVoXowegd"
    "ox-bSjWP0iI5PnkwUNzcekLMug4M3LRluEQgGR9O_BAML6-w3igZ_rZA_gunyrLAMbfmCVaceW5ohLp679ky"
    "M7U6W2gDK_NbkDKcINUakVmPeoG5h8RzgGzvGrySR0k0VDFiZv60Ua07DqHTeDGH9e4NV07AECae-oykIj5N"
    "DCs3pw"
    "\"}";
static const char smart_rsa_input[] =
    "eyJhbGciOiJSUzM4NCIsImtpZCI6ImVlZTlmMTdhM2I1OThmZDg2NDE3YTk4MGI1OTFmYmU2IiwidHlwIjoi"
    "SldUIn0.eyJpc3MiOiJodHRwczovL2JpbGktbW9uaXRvci5leGFtcGxlLmNvbSIsInN1YiI6Imh0dHBzOi8v"
    "YmlsaS1tb25pdG9yLmV4YW1wbGUuY29tIiwiYXVkIjoiaHR0cHM6Ly9hdXRob3JpemUuc21hcnRoZWFsdGhp"
    "dC5vcmcvdG9rZW4iLCJleHAiOjE0MjI1Njg4NjAsImp0aSI6InJhbmRvbS1ub24tcmV1c2FibGUtand0LWlk"
    "LTEyMyJ9";
static const char smart_rsa_signature[] =
    "D5kAqNJwaftCqsRdVVQDq6dMBxuGFOF5svQJuXbcYp-oEyg5qOwK9ZE5cGLTHxqwfpUPNzRKgVdIGuhawAA-"
    "8g0s1nKQae8CuKs33hhKh4J34xSEwW3MYs1gwI4GHTtR_g3kYSX6QCi14Ed3GIAvYFgqRqt-gD7sewMUXL4S"
    "B8I8cXcDbCqVizm7uPVhjw6QaeKZygJJ_AVLhM4Xs9LTy4HAhdCHpN0FrNmCerUIYJvHDpcod7A0jDmxdoeW"
    "1KIBYlhdhQNwjtsTvT1ce4qacN_3KIv_fIzCKLIgDv9eWxkjAtxOmIm8aW5gX9xX7X0nbd0QglIyiic_bZVN"
    "NEh0kg";
static const char smart_ec[] =
    "{\"kty\":\"EC\",\"crv\":\"P-384\",\"alg\":\"ES384\",\"kid\":"
    "\"cd520211e5661dbba2256f67f6d53f97\","
    "\"x\":\"pyqburM9y8HPcFhNosDW6ngoVEJitqXi_HJgI5hYqX21PoFDwCbYirGy_o0oapIU\","
    "\"y\":\"95bxkCnMKoHvgbcPAIAcgzzu8scd81mXfM_IzuJFNfkUNkGYBFGvuEU1KPi5j1ob\"}";

static sl_rc_t parse(sl_jwk_t **out, const char *text, apr_pool_t *p)
{
    sl_json_t *json = NULL;

    *out = NULL;
    if (sl_json_parse(&json, text, strlen(text), p, NULL) != SL_OK) {
        abort();
    }
    return sl_jwk_parse(out, json, p, NULL);
}

static sl_jwk_t *key_of(const char *text, apr_pool_t *p)
{
    sl_jwk_t *key;

    is_int(parse(&key, text, p), SL_OK, "a key");
    return key;
}

static sl_signed_t message_of(sl_alg_t alg, const char *input, const char *signature, apr_pool_t *p)
{
    sl_signed_t message = {alg, input, strlen(input), NULL, 0};

    message.signature =
        sl_text_unbase64url(p, signature, strlen(signature), &message.signature_len);
    return message;
}

/* The signature holds, and stops to hold with any change of input, signature, length or alg. */
static void check(const sl_jwk_t *key, sl_signed_t good, const char *name, apr_pool_t *p)
{
    sl_alg_t algs[] = {SL_ALG_NONE, SL_ALG_RS256, SL_ALG_RS384, SL_ALG_ES256, SL_ALG_ES384};
    sl_signed_t bad = good;
    unsigned char *copy = apr_pcalloc(p, good.signature_len + 1);

    is_int(sl_jwk_verify(key, &good, p, NULL), SL_OK, name);
    bad.input = apr_psprintf(p, "x%.*s", (int)good.input_len - 1, good.input + 1);
    is_int(sl_jwk_verify(key, &bad, p, NULL), SL_DENIED, "another input");
    bad = good;
    memcpy(copy, good.signature, good.signature_len);
    bad.signature = copy;
    bad.signature_len = good.signature_len - 1;
    is_int(sl_jwk_verify(key, &bad, p, NULL), SL_DENIED, "a byte missing");
    bad.signature_len = good.signature_len + 1;
    is_int(sl_jwk_verify(key, &bad, p, NULL), SL_DENIED, "a byte too many");
    bad.signature_len = 0;
    is_int(sl_jwk_verify(key, &bad, p, NULL), SL_DENIED, "no signature");
    bad.signature_len = good.signature_len;
    copy[good.signature_len / 2] ^= 1;
    is_int(sl_jwk_verify(key, &bad, p, NULL), SL_DENIED, "a bit flipped");
    memset(copy, 0, good.signature_len);
    is_int(sl_jwk_verify(key, &bad, p, NULL), SL_DENIED, "all zero");
    for (size_t i = 0; i < sizeof(algs) / sizeof(*algs); i++) {
        bad = good;
        bad.alg = algs[i];
        is_int(sl_jwk_verify(key, &bad, p, NULL), algs[i] == good.alg ? SL_OK : SL_DENIED,
               "IDT-3: alg counts");
    }
}

static void published(apr_pool_t *p)
{
    check(key_of(rfc_rsa, p), message_of(SL_ALG_RS256, rfc_rsa_input, rfc_rsa_signature, p),
          "RFC 7515 A.2", p);
    check(key_of(rfc_ec, p), message_of(SL_ALG_ES256, rfc_ec_input, rfc_ec_signature, p),
          "RFC 7515 A.3", p);
    check(key_of(smart_rsa, p), message_of(SL_ALG_RS384, smart_rsa_input, smart_rsa_signature, p),
          "SMART example assertion", p);
    is_str(sl_jwk_kid(key_of(smart_ec, p)), "cd520211e5661dbba2256f67f6d53f97", "kid");
    ok(sl_jwk_kid(key_of(rfc_ec, p)) == NULL, "no kid");
    ok(sl_jwk_fits(key_of(smart_ec, p), SL_ALG_ES384), "P-384 fits ES384");
    ok(!sl_jwk_fits(key_of(smart_ec, p), SL_ALG_ES256), "and not ES256");
}

/* A fresh P-384 key as JWK, and a signature by it in the raw form of JOSE. */
static const char *fresh_es384(sl_signed_t *message, apr_pool_t *p)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char point[97], der[256], *raw = apr_palloc(p, 96);
    const unsigned char *at = der;
    size_t len = sizeof(der), point_len = 0;
    ECDSA_SIG *pair;

    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
                                        &point_len) != 1 ||
        point_len != sizeof(point) ||
        EVP_DigestSignInit_ex(ctx, NULL, "SHA384", NULL, NULL, key, NULL) != 1 ||
        EVP_DigestSign(ctx, der, &len, (const unsigned char *)"h.p", 3) != 1 ||
        (pair = d2i_ECDSA_SIG(NULL, &at, (long)len)) == NULL ||
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 48) != 48 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 48, 48) != 48) {
        abort();
    }
    *message = (sl_signed_t){SL_ALG_ES384, "h.p", 3, raw, 96};
    ECDSA_SIG_free(pair);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return apr_psprintf(p, "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"%s\",\"y\":\"%s\"}",
                        sl_text_base64url(p, point + 1, 48), sl_text_base64url(p, point + 49, 48));
}

static void es384(apr_pool_t *p)
{
    sl_signed_t message;
    const char *jwk = fresh_es384(&message, p);

    check(key_of(jwk, p), message, "ES384", p);
    is_int(sl_jwk_verify(key_of(smart_ec, p), &message, p, NULL), SL_DENIED, "another key");
}

typedef struct {
    const char *name, *text;
} junk_row_t;

#define X256 "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define Y256 "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""

static const junk_row_t junk_rows[] = {
    {"nothing", "{}"},
    {"symmetric key", "{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\"}"},
    {"unknown kty", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}"},
    {"kty in lower case", "{\"kty\":\"rsa\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"},
    {"unknown curve", "{\"kty\":\"EC\",\"crv\":\"P-521\"," X256 "," Y256 "}"},
    {"secp256k1", "{\"kty\":\"EC\",\"crv\":\"secp256k1\"," X256 "," Y256 "}"},
    {"no curve", "{\"kty\":\"EC\"," X256 "," Y256 "}"},
    {"no y", "{\"kty\":\"EC\",\"crv\":\"P-256\"," X256 "}"},
    {"x is a number", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1," Y256 "}"},
    {"point off the curve", "{\"kty\":\"EC\",\"crv\":\"P-256\"," X256
                            ",\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"},
    {"coordinates of another size", "{\"kty\":\"EC\",\"crv\":\"P-384\"," X256 "," Y256 "}"},
    {"for encryption", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"enc\"," X256 "," Y256 "}"},
    {"use that is no text", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":1," X256 "," Y256 "}"},
    {"for another algorithm",
     "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES\"," X256 "," Y256 "}"},
    {"RSA of 24 bits", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"},
    {"RSA without e", "{\"kty\":\"RSA\",\"n\":\"AQAB\"}"},
};

/* An RSA key of so many bits (all ones) and that exponent. */
static sl_rc_t parse_rsa(int bits, const char *e, apr_pool_t *p)
{
    unsigned char *n = apr_palloc(p, 2048);
    sl_jwk_t *key;

    memset(n, 0xff, 2048);
    n[0] = (unsigned char)(0xff >> (8 - ((bits - 1) % 8 + 1)));
    return parse(&key,
                 apr_psprintf(p, "{\"kty\":\"RSA\",\"use\":\"sig\",\"n\":\"%s\",\"e\":\"%s\"}",
                              sl_text_base64url(p, n, (apr_size_t)(bits + 7) / 8), e),
                 p);
}

static void junk(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(junk_rows) / sizeof(*junk_rows); i++) {
        sl_jwk_t *key;

        is_int(parse(&key, junk_rows[i].text, p), SL_INVALID, junk_rows[i].name);
    }
    is_int(parse_rsa(2047, "AQAB", p), SL_INVALID, "RSA of 2047 bits");
    is_int(parse_rsa(2048, "AQAB", p), SL_OK, "RSA of 2048 bits");
    is_int(parse_rsa(8192, "AQAB", p), SL_OK, "RSA of 8192 bits");
    is_int(parse_rsa(8200, "AQAB", p), SL_INVALID, "RSA of 8200 bits");
    is_int(parse_rsa(2048, "AQ", p), SL_INVALID, "exponent 1");
    is_int(parse_rsa(2048, "Ag", p), SL_INVALID, "even exponent");
    is_int(parse_rsa(2048, "", p), SL_INVALID, "no exponent");
    is_int(parse_rsa(2048, "__________________8", p), SL_INVALID, "exponent of 14 bytes");
    is_int(parse_rsa(2048, "AQ==", p), SL_INVALID, "padded exponent");
}

static void names(void)
{
    is_int(sl_alg_of("RS256"), SL_ALG_RS256, "RS256");
    is_int(sl_alg_of("RS384"), SL_ALG_RS384, "RS384");
    is_int(sl_alg_of("ES256"), SL_ALG_ES256, "ES256");
    is_int(sl_alg_of("ES384"), SL_ALG_ES384, "ES384");
    is_int(sl_alg_of("none"), SL_ALG_NONE, "none");
    is_int(sl_alg_of("HS256"), SL_ALG_NONE, "HS256");
    is_int(sl_alg_of("rs256"), SL_ALG_NONE, "rs256");
    is_int(sl_alg_of(NULL), SL_ALG_NONE, "missing");
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    published(p);
    es384(p);
    junk(p);
    names();
    apr_terminate();
    return tap_done();
}
