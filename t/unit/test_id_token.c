/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "signer.h"
#include "smart/sl_id_token.h"
#include <openssl/hmac.h>

#define NOW 1700000000
#define ISS "\"iss\":\"https://a.example\","
#define AUD "\"aud\":\"me\","
#define SUB "\"sub\":\"u1\","
#define IAT "\"iat\":1699999990,"
#define EXP "\"exp\":1700000300"
#define WHOLE "{" ISS AUD SUB IAT EXP "}"

static sl_jwks_t *keys_of(apr_pool_t *p, const char *keys)
{
    const char *text = apr_pstrcat(p, "{\"keys\":[", keys, "]}", NULL);
    sl_jwks_t *set;

    if (sl_jwks_parse(&set, text, strlen(text), p, NULL) != SL_OK) {
        abort();
    }
    return set;
}

static sl_id_token_expect_t expectation(const sl_jwks_t *keys)
{
    sl_id_token_expect_t expect = {.issuer = "https://a.example",
                                   .client_id = "me",
                                   .now = apr_time_from_sec(NOW),
                                   .keys = keys};

    return expect;
}

/* Verify a text, and see that no claims come of a failure. */
static void check(apr_pool_t *p, const sl_id_token_expect_t *expect, const char *jwt, sl_rc_t rc,
                  const char *id, const char *name)
{
    sl_json_t *claims = NULL;
    sl_err_t err;

    is_end(sl_id_token_verify(&claims, sl_secret_str(p, jwt), expect, p, &err), &err, id, rc, name);
    ok((claims != NULL) == (rc == SL_OK), "%s%s", name,
       rc == SL_OK ? ": claims" : ": APP sees nothing of it");
}

static void test_claims(apr_pool_t *p, const signer_t *rsa, const sl_id_token_expect_t *expect)
{
    static const struct {
        const char *name;
        const char *claims;
        const char *id; /* NULL: accepted */
    } cases[] = {
        {"IDT-5 all there", WHOLE, NULL},
        {"IDT-2 a foreign iss", "{\"iss\":\"https://b.example\"," AUD SUB IAT EXP "}", "SL2328"},
        {"IDT-2 iss with a slash more", "{\"iss\":\"https://a.example/\"," AUD SUB IAT EXP "}",
         "SL2328"},
        {"IDT-2 no iss", "{" AUD SUB IAT EXP "}", "SL2328"},
        {"IDT-2 iss of another type", "{\"iss\":[\"https://a.example\"]," AUD SUB IAT EXP "}",
         "SL2328"},
        {"IDT-5 aud is a list of us", "{" ISS "\"aud\":[\"me\"]," SUB IAT EXP "}", NULL},
        {"IDT-5 aud is another", "{" ISS "\"aud\":\"you\"," SUB IAT EXP "}", "SL2329"},
        {"IDT-5 aud begins like us", "{" ISS "\"aud\":\"me2\"," SUB IAT EXP "}", "SL2329"},
        {"IDT-5 aud with a NUL", "{" ISS "\"aud\":\"me\\u0000x\"," SUB IAT EXP "}", "SL2329"},
        {"IDT-5 aud has somebody else, too", "{" ISS "\"aud\":[\"me\",\"you\"]," SUB IAT EXP "}",
         "SL2329"},
        {"IDT-5 aud is an empty list", "{" ISS "\"aud\":[]," SUB IAT EXP "}", "SL2329"},
        {"IDT-5 no aud", "{" ISS SUB IAT EXP "}", "SL2329"},
        {"IDT-5 azp is ours", "{" ISS AUD SUB IAT "\"azp\":\"me\"," EXP "}", NULL},
        {"IDT-5 azp is another", "{" ISS AUD SUB IAT "\"azp\":\"you\"," EXP "}", "SL2330"},
        {"IDT-5 azp of another type", "{" ISS AUD SUB IAT "\"azp\":7," EXP "}", "SL2330"},
        {"IDT-5 expired within the skew", "{" ISS AUD SUB IAT "\"exp\":1699999941}", NULL},
        {"IDT-5 expired", "{" ISS AUD SUB IAT "\"exp\":1699999940}", "SL2325"},
        {"IDT-5 no exp", "{" ISS AUD SUB "\"iat\":1699999990}", "SL2325"},
        {"IDT-5 exp is a string", "{" ISS AUD SUB IAT "\"exp\":\"1700000300\"}", "SL2325"},
        {"IDT-5 exp is a fraction", "{" ISS AUD SUB IAT "\"exp\":1700000300.5}", NULL},
        {"IDT-5 exp is endless", "{" ISS AUD SUB IAT "\"exp\":1e400}", "SL2325"},
        {"IDT-5 exp is negative", "{" ISS AUD SUB IAT "\"exp\":-1}", "SL2325"},
        {"IDT-5 iat within the skew", "{" ISS AUD SUB "\"iat\":1700000060," EXP "}", NULL},
        {"IDT-5 iat in the future", "{" ISS AUD SUB "\"iat\":1700000061," EXP "}", "SL2326"},
        {"IDT-5 iat two days ago", "{" ISS AUD SUB "\"iat\":1699827200," EXP "}", "SL2326"},
        {"IDT-5 no iat", "{" ISS AUD SUB EXP "}", "SL2326"},
        {"IDT-5 nbf has come", "{" ISS AUD SUB IAT "\"nbf\":1700000000," EXP "}", NULL},
        {"IDT-5 nbf in the future", "{" ISS AUD SUB IAT "\"nbf\":1700000061," EXP "}", "SL2327"},
        {"IDT-5 nbf of another type", "{" ISS AUD SUB IAT "\"nbf\":\"x\"," EXP "}", "SL2327"},
        {"IDT-5 no sub", "{" ISS AUD IAT EXP "}", "SL2331"},
        {"IDT-5 empty sub", "{" ISS AUD "\"sub\":\"\"," IAT EXP "}", "SL2331"},
        {"IDT-5 sub is a number", "{" ISS AUD "\"sub\":1," IAT EXP "}", "SL2331"},
        {"IDT-5 sub with a line end", "{" ISS AUD "\"sub\":\"a\\nb\"," IAT EXP "}", "SL2331"},
        {"IDT-5 sub not ASCII", "{" ISS AUD "\"sub\":\"\xc3\xa9\"," IAT EXP "}", "SL2331"},
        {"TRS-4 a claim given twice counts as the last",
         "{\"iss\":\"https://b.example\"," ISS AUD SUB IAT EXP "}", NULL},
        {"IDT-3 claims that are an array", "[]", "SL2322"},
        {"IDT-3 claims that are no JSON", "x", "SL2322"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *jwt = signer_jwt(p, rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}", cases[i].claims);

        check(p, expect, jwt, cases[i].id == NULL ? SL_OK : SL_UPSTREAM, cases[i].id,
              cases[i].name);
    }
}

static void test_headers(apr_pool_t *p, const signer_t *rsa, const sl_id_token_expect_t *expect)
{
    const signer_t forger = signer_new(p, "RS256");
    const struct {
        const char *name;
        const char *header;
        sl_rc_t rc;
        const char *id;
    } cases[] = {
        {"IDT-3 alg none", "{\"alg\":\"none\",\"kid\":\"a\"}", SL_UPSTREAM, "SL2323"},
        {"IDT-3 alg HS256", "{\"alg\":\"HS256\",\"kid\":\"a\"}", SL_UPSTREAM, "SL2323"},
        {"IDT-3 alg PS256", "{\"alg\":\"PS256\",\"kid\":\"a\"}", SL_UPSTREAM, "SL2323"},
        {"IDT-3 alg in another case", "{\"alg\":\"rs256\",\"kid\":\"a\"}", SL_UPSTREAM, "SL2323"},
        {"IDT-3 no alg", "{\"kid\":\"a\"}", SL_UPSTREAM, "SL2323"},
        {"IDT-3 alg of another type", "{\"alg\":[\"RS256\"]}", SL_UPSTREAM, "SL2323"},
        {"IDT-3 alg of another family", "{\"alg\":\"ES256\",\"kid\":\"a\"}", SL_UPSTREAM, "SL2334"},
        {"IDT-3 alg of another digest", "{\"alg\":\"RS384\",\"kid\":\"a\"}", SL_UPSTREAM, "SL2334"},
        {"IDT-3 crit", "{\"alg\":\"RS256\",\"kid\":\"a\",\"crit\":[\"x\"],\"x\":1}", SL_UPSTREAM,
         "SL2324"},
        {"IDT-3 kid of another type", "{\"alg\":\"RS256\",\"kid\":7}", SL_UPSTREAM, "SL2324"},
        {"IDT-4 an unknown kid", "{\"alg\":\"RS256\",\"kid\":\"z\"}", SL_NONE, "SL2303"},
        {"IDT-4 no kid, one key", "{\"alg\":\"RS256\"}", SL_OK, NULL},
        {"IDT-3 typ is not looked at", "{\"alg\":\"RS256\",\"kid\":\"a\",\"typ\":\"x\"}", SL_OK,
         NULL},
    };
    const char *own_key =
        apr_pstrcat(p, "{\"alg\":\"RS256\",\"kid\":\"a\",\"jku\":\"https://e/k\",",
                    "\"jwk\":", signer_jwk(p, &forger, ""), "}", NULL);

    for (int i = 0; i < COUNT_OF(cases); i++) {
        check(p, expect, signer_jwt(p, rsa, cases[i].header, WHOLE), cases[i].rc, cases[i].id,
              cases[i].name);
    }
    check(p, expect, signer_jwt(p, &forger, "{\"alg\":\"RS256\",\"kid\":\"a\"}", WHOLE),
          SL_UPSTREAM, "SL2334", "IDT-3 forged by another key");
    check(p, expect, signer_jwt(p, &forger, "{\"alg\":\"RS256\"}", WHOLE), SL_NONE, "SL2334",
          "IDT-4 no kid, and another key: the EHR may have new ones");
    check(p, expect, signer_jwt(p, rsa, "{\"alg\":\"ES256\"}", WHOLE), SL_NONE, "SL2334",
          "IDT-4 no kid, and no key of that kind: the EHR may have new ones");
    check(p, expect, signer_jwt(p, &forger, own_key, WHOLE), SL_UPSTREAM, "SL2334",
          "IDT-3 a key or a URL in the header is not believed");
}

/* HMAC with the public key as its secret: what a verifier that trusts `alg` falls for. */
static const char *confused(apr_pool_t *p, const signer_t *rsa)
{
    const char *header = "{\"alg\":\"HS256\",\"kid\":\"a\"}";
    const char *input = apr_pstrcat(p, sl_text_base64url(p, header, strlen(header)), ".",
                                    sl_text_base64url(p, WHOLE, strlen(WHOLE)), NULL);
    const char *secret = signer_jwk(p, rsa, "");
    unsigned char mac[32];
    unsigned len = sizeof(mac);

    if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)input, strlen(input),
             mac, &len) == NULL) {
        abort();
    }
    return apr_pstrcat(p, input, ".", sl_text_base64url(p, mac, len), NULL);
}

static void test_shapes(apr_pool_t *p, const signer_t *rsa, const sl_id_token_expect_t *expect)
{
    const char *good = signer_jwt(p, rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}", WHOLE);
    const char *dot = strrchr(good, '.');
    const char *input = apr_pstrmemdup(p, good, (apr_size_t)(dot - good));
    char *flipped = apr_pstrdup(p, good);
    char *huge = apr_pcalloc(p, SL_ID_TOKEN_MAX_BYTES + 2);
    sl_json_t *claims = NULL;
    sl_err_t err;

    memset(huge, 'A', SL_ID_TOKEN_MAX_BYTES + 1);
    huge[10] = '.';
    huge[20] = '.';
    flipped[dot + 5 - good] = flipped[dot + 5 - good] == 'A' ? 'B' : 'A';
    check(p, expect, good, SL_OK, NULL, "IDT-3 the untouched token");
    check(p, expect, flipped, SL_UPSTREAM, "SL2334", "IDT-3 one character of the signature");
    check(p, expect, apr_pstrcat(p, input, ".", NULL), SL_UPSTREAM, "SL2334",
          "IDT-3 the signature stripped");
    check(p, expect, input, SL_UPSTREAM, "SL2321", "IDT-3 two parts");
    check(p, expect, apr_pstrcat(p, good, ".x", NULL), SL_UPSTREAM, "SL2321", "IDT-3 four parts");
    check(p, expect, apr_pstrcat(p, good, "=", NULL), SL_UPSTREAM, "SL2322", "IDT-3 padding");
    check(p, expect, apr_pstrcat(p, " ", good, NULL), SL_UPSTREAM, "SL2322", "IDT-3 a blank");
    check(p, expect, "..", SL_UPSTREAM, "SL2322", "IDT-3 empty parts");
    check(p, expect, "", SL_UPSTREAM, "SL2321", "IDT-3 nothing");
    check(p, expect, huge, SL_UPSTREAM, "SL2321", "IDT-3 more than 64 KiB");
    check(p, expect, confused(p, rsa), SL_UPSTREAM, "SL2323",
          "IDT-3 HS256 with the public key as secret");
    is_end(sl_id_token_verify(&claims, sl_secret_new(p, "a.b.c\0d", 7), expect, p, &err), &err,
           "SL2321", SL_UPSTREAM, "IDT-3 a NUL in the token");
    is_end(sl_id_token_verify(&claims, NULL, expect, p, &err), &err, "SL2321", SL_UPSTREAM,
           "IDT-10 no token at all");
}

static void test_algorithms(apr_pool_t *p)
{
    static const char *const algs[] = {"RS256", "RS384", "ES256", "ES384"};

    for (int i = 0; i < COUNT_OF(algs); i++) {
        const signer_t signer = signer_new(p, algs[i]);
        const sl_id_token_expect_t expect =
            expectation(keys_of(p, signer_jwk(p, &signer, "\"kid\":\"k\",")));
        const char *header = apr_psprintf(p, "{\"alg\":\"%s\",\"kid\":\"k\"}", algs[i]);

        check(p, &expect, signer_jwt(p, &signer, header, WHOLE), SL_OK, NULL,
              apr_pstrcat(p, "IDT-3 ", algs[i], " verifies", NULL));
    }
}

static void test_nonce(apr_pool_t *p, const signer_t *rsa, sl_id_token_expect_t expect)
{
    static const char header[] = "{\"alg\":\"RS256\",\"kid\":\"a\"}";

    expect.nonce = "n-1";
    check(p, &expect, signer_jwt(p, rsa, header, "{" ISS AUD SUB IAT "\"nonce\":\"n-1\"," EXP "}"),
          SL_OK, NULL, "AZR-11 the nonce comes back");
    check(p, &expect, signer_jwt(p, rsa, header, "{" ISS AUD SUB IAT "\"nonce\":\"n-2\"," EXP "}"),
          SL_UPSTREAM, "SL2332", "IDT-5 another nonce");
    check(p, &expect, signer_jwt(p, rsa, header, WHOLE), SL_UPSTREAM, "SL2332",
          "AZR-11 once sent, the nonce must come back");
}

static void test_fetching(apr_pool_t *p, const signer_t *rsa)
{
    static const char header[] = "{\"alg\":\"RS256\",\"kid\":\"a\"}";
    sl_id_token_expect_t expect = expectation(NULL);

    check(p, &expect, signer_jwt(p, rsa, header, WHOLE), SL_NONE, "SL2333",
          "IDT-4 right so far, and the keys are needed");
    check(p, &expect,
          signer_jwt(p, rsa, header, "{\"iss\":\"https://b.example\"," AUD SUB IAT EXP "}"),
          SL_UPSTREAM, "SL2328", "IDT-2 a foreign iss is refused before any fetch");
    check(p, &expect, signer_jwt(p, rsa, "{\"alg\":\"none\"}", WHOLE), SL_UPSTREAM, "SL2323",
          "IDT-3 alg none is refused before any fetch");
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    const signer_t rsa = signer_new(p, "RS256");
    const sl_id_token_expect_t expect =
        expectation(keys_of(p, signer_jwk(p, &rsa, "\"kid\":\"a\",")));

    test_claims(p, &rsa, &expect);
    test_headers(p, &rsa, &expect);
    test_shapes(p, &rsa, &expect);
    test_algorithms(p);
    test_nonce(p, &rsa, expect);
    test_fetching(p, &rsa);
    rule_release(p);
    return tap_done();
}
