/* SPDX-License-Identifier: Apache-2.0 */
/* SEC-11: what an introspection endpoint may answer, and what comes of it. */
#include "rule.h"
#include "smart/sl_introspection.h"
#include <apr_strings.h>

static const sl_ehr_t ehr = {.name = "epic"};

static sl_rc_t parse(sl_introspection_t *out, int status, const char *body, apr_pool_t *p,
                     sl_err_t *err)
{
    const sl_introspection_answer_t answer = {status, body, strlen(body)};

    return sl_introspection_parse(out, &ehr, &answer, p, err);
}

static void test_taken(apr_pool_t *p)
{
    static const struct {
        const char *name, *body, *scope;
        bool is_active;
        int64_t exp;
    } cases[] = {
        {"active", "{\"active\":true}", NULL, true, 0},
        {"with exp and scope", "{\"active\":true,\"exp\":1700000000,\"scope\":\"openid\"}",
         "openid", true, 1700000000},
        {"exp with a fraction", "{\"active\":true,\"exp\":1700000000.5}", NULL, true, 1700000000},
        {"exp as a string", "{\"active\":true,\"exp\":\"1700000000\"}", NULL, true, 0},
        {"a negative exp", "{\"active\":true,\"exp\":-5}", NULL, true, 0},
        {"an exp beyond all time", "{\"active\":true,\"exp\":9223372036854775807}", NULL, true, 0},
        {"an exp beyond all numbers", "{\"active\":true,\"exp\":1e300}", NULL, true, 0},
        {"a scope that breaks a header", "{\"active\":true,\"scope\":\"a\\r\\nb\"}", NULL, true, 0},
        {"a scope that is a list", "{\"active\":true,\"scope\":[\"openid\"]}", NULL, true, 0},
        {"members nobody knows", "{\"x\":{\"y\":[1]},\"active\":true,\"patient\":\"p\"}", NULL,
         true, 0},
        {"not active", "{\"active\":false}", NULL, false, 0},
        {"not active, whatever else it says",
         "{\"active\":false,\"exp\":1700000000,\"scope\":\"openid\"}", NULL, false, 0},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_introspection_t got;
        sl_err_t err;

        is_int(parse(&got, 200, cases[i].body, p, &err), SL_OK, cases[i].name);
        is_int(got.is_active, cases[i].is_active, "… active or not");
        is_int(apr_time_sec(got.expires_at), cases[i].exp, "… until when");
        is_str(got.scope, cases[i].scope, "… for what");
    }
}

static void test_refused(apr_pool_t *p)
{
    static const struct {
        const char *name;
        int status;
        const char *body, *id;
    } cases[] = {
        {"401", 401, "{\"error\":\"invalid_client\"}", "SL2161"},
        {"500 that says active", 500, "{\"active\":true}", "SL2161"},
        {"a redirect", 302, "", "SL2161"},
        {"nothing", 200, "", "SL2162"},
        {"HTML", 200, "<p>login</p>", "SL2162"},
        {"an array", 200, "[true]", "SL2162"},
        {"half an object", 200, "{\"active\":true", "SL2162"},
        {"no active", 200, "{}", "SL2163"},
        {"active null", 200, "{\"active\":null}", "SL2163"},
        {"active as a word", 200, "{\"active\":\"true\"}", "SL2163"},
        {"active as a number", 200, "{\"active\":1}", "SL2163"},
    };
    sl_introspection_t got;
    sl_err_t err;
    char *big;

    for (int i = 0; i < COUNT_OF(cases); i++) {
        is_int(parse(&got, cases[i].status, cases[i].body, p, &err), SL_UPSTREAM, cases[i].name);
        is_str(err.id, cases[i].id, "… and why");
        ok(!got.is_active, "… nothing counts as active");
    }
    big = apr_palloc(p, SL_INTROSPECTION_MAX_BYTES + 64);
    memset(big, ' ', SL_INTROSPECTION_MAX_BYTES + 1);
    apr_cpystrn(big + SL_INTROSPECTION_MAX_BYTES + 1, "{\"active\":true}", 63);
    is_int(parse(&got, 200, big, p, &err), SL_UPSTREAM, "too long");
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    test_taken(p);
    test_refused(p);
    apr_pool_destroy(p);
    return tap_done();
}
