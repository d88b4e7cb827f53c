/* SPDX-License-Identifier: Apache-2.0 */
/* DIS-7, TKR-A3: what a client assertion says, and which key signs it. */
#include "rule.h"
#include "smart/sl_assertion.h"
#include "vectors.h"

static const sl_signer_t *key_of(apr_pool_t *p, const char *file)
{
    sl_signer_t *signer = NULL;

    if (sl_signer_parse(&signer, vector_file(p, file), NULL, SL_ALG_NONE, p, NULL) != SL_OK) {
        abort();
    }
    return signer;
}

static void test_choice(apr_pool_t *p)
{
    const sl_signer_t *rsa = key_of(p, "RS384.private.json"), *ec = key_of(p, "ES384.private.json");
    const unsigned rs384 = 1u << SL_ALG_RS384, es384 = 1u << SL_ALG_ES384,
                   rs256 = 1u << SL_ALG_RS256;
    const struct {
        const char *name;
        const sl_signer_t *first, *second;
        unsigned algs;
        const sl_signer_t *want;
        bool unfit;
    } rows[] = {
        {"it lists nothing: the first", rsa, ec, 0, rsa, false},
        {"it takes both: the first", rsa, ec, rs384 | es384, rsa, false},
        {"it takes both: the first, whichever it is", ec, rsa, rs384 | es384, ec, false},
        {"it lacks the first one's: the other", rsa, ec, es384 | rs256, ec, false},
        {"it lacks the first one's: the other", ec, rsa, rs384, rsa, false},
        {"none fits: the first, and a warning", rsa, ec, rs256, rsa, true},
        {"one key that fits", ec, NULL, es384, ec, false},
        {"one key that does not", ec, NULL, rs384, ec, true},
        {"no key", NULL, NULL, rs384, NULL, false},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        apr_array_header_t *keys = apr_array_make(p, 2, sizeof(const sl_signer_t *));
        sl_ehr_t ehr = {.name = "epic", .keys = rows[i].first != NULL ? keys : NULL};

        APR_ARRAY_PUSH(keys, const sl_signer_t *) = rows[i].first;
        if (rows[i].second != NULL) {
            APR_ARRAY_PUSH(keys, const sl_signer_t *) = rows[i].second;
        }
        ok(sl_assertion_key(&ehr, rows[i].algs) == rows[i].want, "DIS-7 %s", rows[i].name);
        ok(sl_assertion_is_unfit(&ehr, rows[i].algs) == rows[i].unfit, "DIS-7 and it is said");
    }
}

static void test_claims(apr_pool_t *p)
{
    const sl_assertion_t says = {"my-id", "https://ehr.example/token", "j1",
                                 apr_time_from_sec(1700000000) + 999999};

    is_str(sl_json_text(p, sl_assertion_claims(&says, p)),
           "{\"iss\":\"my-id\",\"sub\":\"my-id\",\"aud\":\"https://ehr.example/token\","
           "\"iat\":1699999970,\"exp\":1700000240,\"jti\":\"j1\"}",
           "TKR-A3 iss = sub, aud as one string, exp within five minutes, jti, no nbf");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_choice(p);
    test_claims(p);
    rule_release(p);
    return tap_done();
}
