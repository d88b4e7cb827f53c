/* SPDX-License-Identifier: Apache-2.0 */
/* REG-3, TKR-A2, TKR-A4: our signatures, with the keys of the SMART App Launch guide. */
#include "base/sl_signer.h"
#include "base/sl_text.h"
#include "rule.h"
#include "vectors.h"

#include <apr_strings.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define MANY 1000

static sl_signer_t *signer_of(apr_pool_t *p, const char *file)
{
    sl_signer_t *signer = NULL;
    sl_err_t err;

    if (sl_signer_parse(&signer, vector_file(p, file), NULL, SL_ALG_NONE, p, &err) != SL_OK) {
        diag("%s: %s", err.id, err.text);
        abort();
    }
    return signer;
}

static sl_json_t *claims_of(apr_pool_t *p, const char *text)
{
    sl_json_t *claims = NULL;

    if (sl_json_parse(&claims, text, strlen(text), p, NULL) != SL_OK) {
        abort();
    }
    return claims;
}

/* The signature of a compact JWS by the key that we publish. */
static bool verifies(const sl_signer_t *signer, const char *jwt, apr_size_t *len, apr_pool_t *p)
{
    const char *dot = strrchr(jwt, '.');
    sl_signed_t message = {sl_signer_alg(signer), jwt, (apr_size_t)(dot - jwt), NULL, 0};
    sl_jwk_t *key = NULL;
    sl_err_t err;

    message.signature = sl_text_unbase64url(p, dot + 1, strlen(dot + 1), &message.signature_len);
    *len = message.signature_len;
    return message.signature != NULL &&
           sl_jwk_parse(&key, claims_of(p, sl_signer_public(signer)), p, &err) == SL_OK &&
           sl_jwk_verify(key, &message, p, &err) == SL_OK;
}

static void test_guide(apr_pool_t *p)
{
    static const char text[] =
        "{\"iss\":\"https://bili-monitor.example.com\",\"sub\":\"https://"
        "bili-monitor.example.com\","
        "\"aud\":\"https://authorize.smarthealthit.org/token\",\"exp\":1422568860,"
        "\"jti\":\"random-non-reusable-jwt-id-123\"}";
    const sl_signer_t *signer = signer_of(p, "RS384.private.json");
    const sl_secret_t *jwt = NULL;
    sl_err_t err;

    is_end(sl_signer_jwt(&jwt, signer, claims_of(p, text), p, &err), &err, NULL, SL_OK,
           "REG-3 an RS384 signature");
    ok(sl_secret_eq(jwt, vector_file(p, "RS384.assertion.jwt")),
       "TKR-A4 the guide's RS384 assertion, byte for byte");
    is_str(sl_signer_kid(signer), "eee9f17a3b598fd86417a980b591fbe6", "TKR-A2 the JWK's kid");
    is_int(sl_signer_alg(signer), SL_ALG_RS384, "REG-3 RSA signs by RS384");
}

/* A random nonce each time: now and then r or s begins with zeros, which DER leaves out. */
static void test_many(apr_pool_t *p)
{
    const sl_signer_t *signer = signer_of(p, "ES384.private.json");
    apr_pool_t *tmp;
    int good = 0, whole = 0, zeros = 0;

    apr_pool_create(&tmp, p);
    for (int i = 0; i < MANY; i++) {
        sl_json_t *claims = sl_json_object(tmp);
        const sl_secret_t *jwt = NULL;
        apr_size_t len = 0;
        sl_err_t err;

        sl_json_put_int(claims, "n", i);
        if (sl_signer_jwt(&jwt, signer, claims, tmp, &err) == SL_OK) {
            const char *text = sl_secret_reveal(jwt), *tail = strrchr(text, '.') + 1;
            const unsigned char *raw = sl_text_unbase64url(tmp, tail, strlen(tail), &len);

            zeros += raw != NULL && len == 96 && (raw[0] == 0 || raw[48] == 0);
            good += verifies(signer, text, &len, tmp);
            whole += len == 96;
        }
        apr_pool_clear(tmp);
    }
    apr_pool_destroy(tmp);
    is_int(good, MANY, "TKR-A4 a thousand ES384 signatures are good");
    is_int(whole, MANY, "TKR-A4 each has 96 bytes, r and s side by side");
    diag("%d of them with a short r or s", zeros);
}

static void test_public(apr_pool_t *p)
{
    static const struct {
        const char *file, *jwk;
    } rows[] = {
        {"RS384.private.json",
         "{\"kty\":\"RSA\",\"n\":\"wJq2RHIA-7RT6q4go7wjcbHdW7ck7Kz22A8wf-kN7Wi5CWvhFG2_"
         "Y7nQp1lDpb2IKMQr-"
         "Q4n_vgJ6d5rWPspJpSPY7iffUK4ipQCEbzID5DJ6fQMBZOfCTXyxkuMh3jYGKEF3Ziw2oxbM1H9j-"
         "eJAPtrj5stUG6kVo"
         "Xowegdox-bSjWP0iI5PnkwUNzcekLMug4M3LRluEQgGR9O_BAML6-w3igZ_rZA_"
         "gunyrLAMbfmCVaceW5ohLp679kyM7U6"
         "W2gDK_NbkDKcINUakVmPeoG5h8RzgGzvGrySR0k0VDFiZv60Ua07DqHTeDGH9e4NV07AECae-oykIj5NDCs3pw\","
         "\"e\":\"AQAB\",\"kid\":\"eee9f17a3b598fd86417a980b591fbe6\",\"alg\":\"RS384\",\"use\":"
         "\"sig\"}"},
        {"ES384.private.json",
         "{\"kty\":\"EC\",\"crv\":\"P-384\","
         "\"x\":\"pyqburM9y8HPcFhNosDW6ngoVEJitqXi_HJgI5hYqX21PoFDwCbYirGy_o0oapIU\","
         "\"y\":\"95bxkCnMKoHvgbcPAIAcgzzu8scd81mXfM_IzuJFNfkUNkGYBFGvuEU1KPi5j1ob\","
         "\"kid\":\"cd520211e5661dbba2256f67f6d53f97\",\"alg\":\"ES384\",\"use\":\"sig\"}"}};

    for (int i = 0; i < COUNT_OF(rows); i++) {
        is_str(sl_signer_public(signer_of(p, rows[i].file)), rows[i].jwk,
               "REG-2 what is published of a key, and nothing of its private half");
    }
}

static void test_header(apr_pool_t *p)
{
    const sl_signer_t *signer = signer_of(p, "ES384.private.json");
    const sl_secret_t *jwt = NULL;
    const char *text;
    apr_size_t len;
    sl_err_t err;

    is_end(sl_signer_jwt(&jwt, signer, claims_of(p, "{}"), p, &err), &err, NULL, SL_OK,
           "TKR-A2 an ES384 signature");
    text = sl_secret_reveal(jwt);
    is_str((const char *)sl_text_unbase64url(p, text, strcspn(text, "."), &len),
           "{\"alg\":\"ES384\",\"kid\":\"cd520211e5661dbba2256f67f6d53f97\",\"typ\":\"JWT\"}",
           "TKR-A2 alg, kid and typ JWT, nothing else");
}

/* A key as PEM, made for the test; `cipher` NULL: without a pass phrase. */
static const sl_secret_t *pem_of(apr_pool_t *p, EVP_PKEY *key, const EVP_CIPHER *cipher)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const sl_secret_t *text;
    char *bytes;
    long len;

    if (key == NULL || bio == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, cipher == NULL ? NULL : "phrase",
                                      cipher == NULL ? 0 : 6, NULL, NULL) != 1) {
        abort();
    }
    len = BIO_get_mem_data(bio, &bytes);
    text = sl_secret_new(p, bytes, (apr_size_t)len);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return text;
}

static const sl_secret_t *pem_public(apr_pool_t *p)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");
    BIO *bio = BIO_new(BIO_s_mem());
    const sl_secret_t *text;
    char *bytes;
    long len;

    if (key == NULL || bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1) {
        abort();
    }
    len = BIO_get_mem_data(bio, &bytes);
    text = sl_secret_new(p, bytes, (apr_size_t)len);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return text;
}

/* As `openssl ecparam -genkey` writes it: parameters first, then SEC 1. */
static const sl_secret_t *pem_sec1(apr_pool_t *p)
{
    static const char params[] = "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n"
                                 "-----END EC PARAMETERS-----\n";
    EVP_PKEY *key = EVP_EC_gen("P-384");
    BIO *bio = BIO_new(BIO_s_mem());
    const sl_secret_t *text;
    char *bytes;
    long len;

    if (key == NULL || bio == NULL || BIO_puts(bio, params) <= 0 ||
        PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        abort();
    }
    len = BIO_get_mem_data(bio, &bytes);
    text = sl_secret_new(p, bytes, (apr_size_t)len);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return text;
}

static void test_pem(apr_pool_t *p)
{
    const struct {
        const char *what;
        const sl_secret_t *text;
        sl_alg_t alg;
    } rows[] = {{"RSA in PKCS #8", pem_of(p, EVP_RSA_gen(2048), NULL), SL_ALG_RS384},
                {"P-384 in PKCS #8", pem_of(p, EVP_EC_gen("P-384"), NULL), SL_ALG_ES384},
                {"P-384 in SEC 1, after its parameters", pem_sec1(p), SL_ALG_ES384}};

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_signer_t *signer = NULL;
        const sl_secret_t *jwt = NULL;
        apr_size_t len;
        sl_err_t err;

        is_end(sl_signer_parse(&signer, rows[i].text, NULL, SL_ALG_NONE, p, &err), &err, NULL,
               SL_OK, apr_psprintf(p, "REG-3 %s", rows[i].what));
        is_int(sl_signer_alg(signer), rows[i].alg, "REG-3 and signs by");
        ok(strlen(sl_signer_kid(signer)) == 43, "REG-2 its kid is its thumbprint");
        ok(sl_signer_jwt(&jwt, signer, claims_of(p, "{\"a\":1}"), p, &err) == SL_OK &&
               verifies(signer, sl_secret_reveal(jwt), &len, p),
           "TKR-A4 what it signs is good");
    }
}

/* A JWK of the guide, or its set, with one member changed; NULL: taken out. */
static const sl_secret_t *changed(apr_pool_t *p, const char *file, const char *member,
                                  const char *value)
{
    const sl_secret_t *text = vector_file(p, file);
    sl_json_t *set = claims_of(p, sl_secret_reveal(text));
    sl_json_t *key = json_object_array_get_idx(sl_json_get(set, "keys"), 1);

    json_object_object_del(key, member);
    if (value != NULL) {
        sl_json_put_str(key, member, value);
    }
    return sl_secret_str(p, sl_json_text(p, key));
}

static void test_names(apr_pool_t *p)
{
    static const struct {
        const char *file, *thumbprint;
    } rows[] = {{"RS384.private.json", "I99tVmIhN2uhvx12lO4Zrjk9OhGDH6LvIyYALIZivws"},
                {"ES384.private.json", "gpusNZnFRvG96B1APEttC6NcJetjhM0q2LJagnlW6Tc"}};

    for (int i = 0; i < COUNT_OF(rows); i++) {
        const sl_secret_t *bare = changed(p, rows[i].file, "kid", NULL);
        sl_signer_t *signer = NULL;
        sl_err_t err;

        ok(sl_signer_parse(&signer, bare, NULL, SL_ALG_NONE, p, &err) == SL_OK,
           "REG-2 a JWK without kid");
        is_str(sl_signer_kid(signer), rows[i].thumbprint, "REG-2 is called by its thumbprint");
        ok(sl_signer_parse(&signer, vector_file(p, rows[i].file), "mine", SL_ALG_NONE, p, &err) ==
               SL_OK,
           "REG-2 kid=");
        is_str(sl_signer_kid(signer), "mine", "REG-2 counts before the JWK's own");
        is_str(sl_json_str(claims_of(p, sl_signer_public(signer)), "kid"), "mine",
               "REG-2 and is published");
    }
}

static void test_slim(apr_pool_t *p)
{
    const sl_secret_t *jwt = NULL;
    sl_signer_t *signer = NULL;
    apr_size_t len;
    sl_err_t err;

    is_end(sl_signer_parse(&signer, changed(p, "RS384.private.json", "qi", NULL), NULL, SL_ALG_NONE,
                           p, &err),
           &err, NULL, SL_OK, "REG-3 an RSA JWK with n, e and d does");
    ok(sl_signer_jwt(&jwt, signer, claims_of(p, "{}"), p, &err) == SL_OK &&
           verifies(signer, sl_secret_reveal(jwt), &len, p),
       "TKR-A4 and signs");
}

static void test_refused(apr_pool_t *p)
{
    static const char other[] = "hQCNmfvZEUjOon8zLc0bULlmrDPFHrieFHRVZUGMuiQscx9IO7MT03TsaCPdPv0v";
    const sl_secret_t *two = sl_secret_str(
        p, apr_pstrcat(p, "{\"keys\":[",
                       sl_secret_reveal(changed(p, "RS384.private.json", "x", NULL)), ",",
                       sl_secret_reveal(changed(p, "ES384.private.json", "e", NULL)), "]}", NULL));
    const struct {
        const char *what;
        const sl_secret_t *text;
        sl_alg_t alg;
        const char *id;
    } rows[] = {
        {"a public key", vector_file(p, "ES384.public.json"), SL_ALG_NONE, "SL1631"},
        {"a public key in PEM", pem_public(p), SL_ALG_NONE, "SL1631"},
        {"two private keys", two, SL_ALG_NONE, "SL1631"},
        {"a pass phrase", pem_of(p, EVP_EC_gen("P-384"), EVP_aes_256_cbc()), SL_ALG_NONE, "SL1631"},
        {"no key at all", sl_secret_str(p, "hello"), SL_ALG_NONE, "SL1631"},
        {"nothing", sl_secret_str(p, ""), SL_ALG_NONE, "SL1631"},
        {"JSON that is none", sl_secret_str(p, "{\"kty\":"), SL_ALG_NONE, "SL1631"},
        {"keys that are no list", sl_secret_str(p, "{\"keys\":7}"), SL_ALG_NONE, "SL1631"},
        {"a curve that is not P-384", changed(p, "ES384.private.json", "crv", "P-256"), SL_ALG_NONE,
         "SL1631"},
        {"an RSA JWK without d", changed(p, "RS384.private.json", "d", NULL), SL_ALG_NONE,
         "SL1631"},
        {"RSA of 1024 bits", pem_of(p, EVP_RSA_gen(1024), NULL), SL_ALG_NONE, "SL1632"},
        {"P-256", pem_of(p, EVP_EC_gen("P-256"), NULL), SL_ALG_NONE, "SL1633"},
        {"Ed25519", pem_of(p, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL), SL_ALG_NONE,
         "SL1633"},
        {"another private half", changed(p, "ES384.private.json", "d", other), SL_ALG_NONE,
         "SL1636"},
        {"alg=ES384 for RSA", vector_file(p, "RS384.private.json"), SL_ALG_ES384, "SL1637"},
        {"alg=RS384 for P-384", vector_file(p, "ES384.private.json"), SL_ALG_RS384, "SL1637"},
        {"alg=RS256", vector_file(p, "RS384.private.json"), SL_ALG_RS256, "SL1637"},
        {"a JWK for RS256", changed(p, "RS384.private.json", "alg", "RS256"), SL_ALG_NONE,
         "SL1638"}};

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_signer_t *signer = NULL;
        sl_err_t err;

        is_end(sl_signer_parse(&signer, rows[i].text, NULL, rows[i].alg, p, &err), &err, rows[i].id,
               SL_INVALID, apr_psprintf(p, "REG-3 refused: %s", rows[i].what));
        ok(signer == NULL, "REG-3 and nothing comes of it");
    }
}

static void test_hs256(apr_pool_t *p)
{
    static const char want[] =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJhcHAiLCJleHAiOjYwfQ."
        "49KBwpaN0o1y4TjAzSSOIoEP-t5s2dn7YQvy1FQ0cMU";
    sl_json_t *claims = claims_of(p, "{\"aud\":\"app\",\"exp\":60}");
    const sl_secret_t *jwt = NULL;
    sl_err_t err;

    is_end(sl_signer_hs256(&jwt, sl_secret_str(p, "secret-of-32-bytes-or-more-is-ok"), claims, p,
                           &err),
           &err, NULL, SL_OK, "a JWT with a shared secret");
    is_str(sl_secret_reveal(jwt), want, "HS256 over header and claims");
    is_end(sl_signer_hs256(&jwt, sl_secret_str(p, ""), claims, p, &err), &err, "SL1639", SL_FAILED,
           "an empty secret signs nothing");
    is_end(sl_signer_hs256(&jwt, NULL, claims, p, &err), &err, "SL1639", SL_FAILED,
           "a missing secret neither");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_guide(p);
    test_many(p);
    test_public(p);
    test_header(p);
    test_pem(p);
    test_names(p);
    test_slim(p);
    test_refused(p);
    test_hs256(p);
    rule_release(p);
    return tap_done();
}
