/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "signer.h"
#include "smart/sl_jwks.h"

static sl_jwks_t *parse(apr_pool_t *p, const char *keys)
{
    const char *text = apr_pstrcat(p, "{\"keys\":[", keys, "]}", NULL);
    sl_jwks_t *set;

    if (sl_jwks_parse(&set, text, strlen(text), p, NULL) != SL_OK) {
        abort();
    }
    return set;
}

static void test_parse(apr_pool_t *p, const signer_t *rsa)
{
    const char *key = signer_jwk(p, rsa, "");
    const struct {
        const char *name;
        const char *text;
        const char *id;
    } refused[] = {
        {"no JSON", "<html>", "SL2301"},
        {"nothing", "", "SL2301"},
        {"an array", apr_pstrcat(p, "[", key, "]", NULL), "SL2301"},
        {"no keys", "{}", "SL2302"},
        {"keys null", "{\"keys\":null}", "SL2302"},
        {"keys that are an object", "{\"keys\":{}}", "SL2302"},
    };
    const char *many = "{}";
    sl_jwks_t *set;
    sl_err_t err;

    for (int i = 0; i < COUNT_OF(refused); i++) {
        is_end(sl_jwks_parse(&set, refused[i].text, strlen(refused[i].text), p, &err), &err,
               refused[i].id, SL_UPSTREAM,
               apr_pstrcat(p, "DIS-8 ", refused[i].name, " is no key set", NULL));
    }
    for (int i = 0; i < SL_JWKS_MAX_KEYS; i++) {
        many = apr_pstrcat(p, many, ",{}", NULL);
    }
    many = apr_pstrcat(p, "{\"keys\":[", many, "]}", NULL);
    is_end(sl_jwks_parse(&set, many, strlen(many), p, &err), &err, "SL2302", SL_UPSTREAM,
           "IDT-3 more than 64 keys are refused");
    is_int(sl_jwks_count(parse(p, "")), 0, "IDT-3 an empty set");
    is_int(
        sl_jwks_count(parse(
            p, apr_pstrcat(p, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"},null,7,[],\"x\",",
                           "{\"kty\":\"oct\",\"k\":\"AAAA\"},{\"kty\":\"RSA\"},", key, NULL))),
        1, "IDT-3 unknown kty and junk are skipped");
}

static void test_select(apr_pool_t *p, const signer_t *rsa, const signer_t *ec)
{
    const signer_t other = signer_new(p, "ES256");
    const char *rsa_a = signer_jwk(p, rsa, "\"kid\":\"a\",");
    const char *ec_b = signer_jwk(p, ec, "\"kid\":\"b\",");
    const char *other_a = signer_jwk(p, &other, "\"kid\":\"a\",");
    const char *other_b = signer_jwk(p, &other, "\"kid\":\"b\",");
    const char *bare = signer_jwk(p, rsa, "");
    const struct {
        const char *name;
        const char *keys;
        const char *kid;
        sl_alg_t alg;
        sl_rc_t rc;
        const char *id;
    } cases[] = {
        {"the key of this kid", apr_pstrcat(p, rsa_a, ",", ec_b, NULL), "b", SL_ALG_ES256, SL_OK,
         NULL},
        {"a kid we do not know", rsa_a, "z", SL_ALG_RS256, SL_NONE, "SL2303"},
        {"kids have their case", rsa_a, "A", SL_ALG_RS256, SL_NONE, "SL2303"},
        {"an empty set", "", "a", SL_ALG_RS256, SL_NONE, "SL2303"},
        {"a key without kid is not this one", bare, "a", SL_ALG_RS256, SL_NONE, "SL2303"},
        {"a kid whose key is of another type", rsa_a, "a", SL_ALG_ES256, SL_DENIED, "SL2304"},
        {"a curve that does not fit", ec_b, "b", SL_ALG_ES384, SL_DENIED, "SL2304"},
        {"one kid, two types: the one that fits", apr_pstrcat(p, rsa_a, ",", other_a, NULL), "a",
         SL_ALG_ES256, SL_OK, NULL},
        {"one kid, two keys that fit", apr_pstrcat(p, ec_b, ",", other_b, NULL), "b", SL_ALG_ES256,
         SL_DENIED, "SL2304"},
        {"no kid, one key that fits", apr_pstrcat(p, rsa_a, ",", ec_b, NULL), NULL, SL_ALG_RS256,
         SL_OK, NULL},
        {"no kid, two keys that fit", apr_pstrcat(p, ec_b, ",", other_a, NULL), NULL, SL_ALG_ES256,
         SL_DENIED, "SL2304"},
        {"no kid, no key that fits", rsa_a, NULL, SL_ALG_ES256, SL_DENIED, "SL2304"},
        {"a key for another algorithm only", signer_jwk(p, rsa, "\"kid\":\"a\",\"alg\":\"RS256\","),
         "a", SL_ALG_RS384, SL_DENIED, "SL2304"},
        {"a key for encryption", signer_jwk(p, rsa, "\"kid\":\"a\",\"use\":\"enc\","), "a",
         SL_ALG_RS256, SL_NONE, "SL2303"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *name = apr_pstrcat(p, "IDT-4 ", cases[i].name, NULL);
        const sl_jwk_t *key = NULL;
        sl_err_t err;

        is_end(sl_jwks_select(&key, parse(p, cases[i].keys), cases[i].kid, cases[i].alg, &err),
               &err, cases[i].id, cases[i].rc, name);
        if (cases[i].rc == SL_OK) {
            ok(key != NULL && sl_jwk_fits(key, cases[i].alg), "%s: and it fits", name);
        }
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    const signer_t rsa = signer_new(p, "RS256");
    const signer_t ec = signer_new(p, "ES256");

    test_parse(p, &rsa);
    test_select(p, &rsa, &ec);
    rule_release(p);
    return tap_done();
}
