/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_token_response.h"
#include <apr_strings.h>

#define AT "\"access_token\":\"t\""
#define BEARER "\"token_type\":\"Bearer\""
#define NOW apr_time_from_sec(1700000000)

static const sl_ehr_t strict = {.name = "epic", .quirks = {.bare_token = SL_SWITCH_OFF}};
static const sl_ehr_t lenient = {.name = "ecw", .quirks = {.bare_token = SL_SWITCH_ON}};

static sl_rc_t parse(sl_token_response_t *out, const char *body, apr_array_header_t *notices,
                     apr_pool_t *p, sl_err_t *err)
{
    const sl_token_answer_t answer = {200, body, strlen(body), NOW, notices, false, NULL};

    return sl_token_response_parse(out, &strict, &answer, p, err);
}

static void test_types(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *body;
        const char *id; /* NULL: accepted */
    } cases[] = {
        {"Bearer", "{" AT "," BEARER "}", NULL},
        {"bearer", "{" AT ",\"token_type\":\"bearer\"}", NULL},
        {"BEARER", "{" AT ",\"token_type\":\"BEARER\"}", NULL},
        {"mac", "{" AT ",\"token_type\":\"mac\"}", "SL2131"},
        {"SEC-12 DPoP", "{" AT ",\"token_type\":\"DPoP\"}", "SL2131"},
        {"bearers", "{" AT ",\"token_type\":\"bearers\"}", "SL2131"},
        {"an empty type", "{" AT ",\"token_type\":\"\"}", "SL2131"},
        {"a type that is a number", "{" AT ",\"token_type\":1}", "SL2131"},
        {"a type that is a list", "{" AT ",\"token_type\":[\"Bearer\"]}", "SL2131"},
        {"no type", "{" AT "}", "SL2131"},
        {"type null", "{" AT ",\"token_type\":null}", "SL2131"},
        {"no access_token", "{" BEARER "}", "SL2132"},
        {"an empty access_token", "{\"access_token\":\"\"," BEARER "}", "SL2132"},
        {"a number as access_token", "{\"access_token\":1," BEARER "}", "SL2132"},
        {"access_token null", "{\"access_token\":null," BEARER "}", "SL2132"},
        {"a line end in the access_token", "{\"access_token\":\"t\\r\\nX: y\"," BEARER "}",
         "SL2132"},
        {"a blank in the access_token", "{\"access_token\":\"t t\"," BEARER "}", "SL2132"},
        {"a NUL in the access_token", "{\"access_token\":\"t\\u0000t\"," BEARER "}", "SL2132"},
        {"an error with status 200", "{\"error\":\"invalid_grant\",\"expires_in\":0}", "SL2133"},
        {"an error beside a token", "{\"error\":\"x\"," AT "," BEARER "}", "SL2133"},
        {"an array", "[" AT "]", "SL2137"},
        {"null", "null", "SL2137"},
        {"nothing", "", "SL2137"},
        {"HTML", "<html><body>login</body></html>", "SL2137"},
        {"half an object", "{" AT, "SL2137"},
        {"two objects", "{" AT "," BEARER "}{}", "SL2137"},
        {"invalid UTF-8", "{" AT "," BEARER ",\"x\":\"\xff\"}", "SL2137"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_token_response_t got;
        sl_err_t err;

        is_end(parse(&got, cases[i].body, NULL, p, &err), &err, cases[i].id,
               cases[i].id == NULL ? SL_OK : SL_UPSTREAM,
               apr_pstrcat(p, "TRS-1 ", cases[i].name,
                           cases[i].id == NULL ? " is accepted" : " is refused", NULL));
    }
}

static void test_bounds(apr_pool_t *p)
{
    char *large = apr_pcalloc(p, SL_TOKEN_RESPONSE_MAX_BYTES + 2);
    char *deep = apr_pcalloc(p, 400);
    sl_token_response_t got;
    sl_err_t err;

    memset(large, ' ', SL_TOKEN_RESPONSE_MAX_BYTES + 1);
    memcpy(large, "{" AT "," BEARER "}", strlen("{" AT "," BEARER "}"));
    is_end(parse(&got, large, NULL, p, &err), &err, "SL2137", SL_UPSTREAM,
           "TRS-4 more than 1 MiB is refused");
    large[SL_TOKEN_RESPONSE_MAX_BYTES] = '\0';
    is_end(parse(&got, large, NULL, p, &err), &err, NULL, SL_OK, "TRS-4 1 MiB is read");
    memcpy(deep, "{" AT "," BEARER ",\"x\":", strlen("{" AT "," BEARER ",\"x\":"));
    memset(deep + strlen(deep), '[', 40);
    memset(deep + strlen(deep), ']', 40);
    strcat(deep, "}");
    is_end(parse(&got, deep, NULL, p, &err), &err, "SL2137", SL_UPSTREAM,
           "TRS-4 a depth over 32 is refused");
    is_end(parse(&got, "{\"access_token\":\"a\",\"access_token\":\"b\"," BEARER "}", NULL, p, &err),
           &err, NULL, SL_OK, "TRS-4 a member given twice");
    is_str(sl_secret_reveal(got.access), "b", "TRS-4 the last one counts");
}

static void test_life(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *member;
        int want;
        bool is_noted;
    } cases[] = {
        {"a number", ",\"expires_in\":3600", 3600, false},
        {"a string of digits", ",\"expires_in\":\"3600\"", 3600, false},
        {"a fraction", ",\"expires_in\":59.9", 59, false},
        {"missing", "", 300, true},
        {"null", ",\"expires_in\":null", 300, true},
        {"0", ",\"expires_in\":0", 300, true},
        {"negative", ",\"expires_in\":-5", 300, true},
        {"a small fraction", ",\"expires_in\":0.5", 300, true},
        {"a negative string", ",\"expires_in\":\"-5\"", 300, true},
        {"an empty string", ",\"expires_in\":\"\"", 300, true},
        {"a text", ",\"expires_in\":\"1h\"", 300, true},
        {"true", ",\"expires_in\":true", 300, true},
        {"an object", ",\"expires_in\":{}", 300, true},
        {"huge", ",\"expires_in\":99999999999999999999", 86400, false},
        {"a huge string", ",\"expires_in\":\"99999999999999999999\"", 86400, false},
        {"a huge fraction", ",\"expires_in\":1e300", 86400, false},
        {"1", ",\"expires_in\":1", 1, false},
        {"expires_at instead", ",\"expires_at\":1700000600", 600, false},
        {"expires_at in the past", ",\"expires_at\":1600000000", 300, true},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        apr_array_header_t *notices = sl_notice_list(p);
        const char *name = apr_pstrcat(p, "TRS-2 expires_in: ", cases[i].name, NULL);
        sl_token_response_t got;
        sl_err_t err;

        is_end(parse(&got, apr_pstrcat(p, "{" AT "," BEARER, cases[i].member, "}", NULL), notices,
                     p, &err),
               &err, NULL, SL_OK, name);
        is_int(got.expires_in, cases[i].want, name);
        is_int(sl_notice_has(notices, "SL2121"), cases[i].is_noted,
               apr_pstrcat(p, name, cases[i].is_noted ? ", warned" : ", not warned", NULL));
    }
}

static void test_scope(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *member;
        const char *want;
        const char *id; /* of the failure; NULL: accepted */
        bool is_noted;
    } cases[] = {
        {"given", ",\"scope\":\"launch patient/*.rs\"", "launch patient/*.rs", NULL, false},
        {"empty", ",\"scope\":\"\"", "", NULL, false},
        {"absent", "", NULL, NULL, true},
        {"null", ",\"scope\":null", NULL, NULL, true},
        {"a list", ",\"scope\":[\"openid\"]", NULL, NULL, true},
        {"with a line end", ",\"scope\":\"openid\\r\\nX: y\"", NULL, "SL2134", false},
        {"not ASCII", ",\"scope\":\"\xc3\xa9\"", NULL, "SL2134", false},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        apr_array_header_t *notices = sl_notice_list(p);
        const char *name = apr_pstrcat(p, "TRS-3 scope ", cases[i].name, NULL);
        sl_token_response_t got;
        sl_err_t err;

        if (!is_end(parse(&got, apr_pstrcat(p, "{" AT "," BEARER, cases[i].member, "}", NULL),
                          notices, p, &err),
                    &err, cases[i].id, cases[i].id == NULL ? SL_OK : SL_UPSTREAM, name) ||
            cases[i].id != NULL) {
            continue;
        }
        is_str(got.scope, cases[i].want, name);
        is_int(sl_notice_has(notices, "SL2122"), cases[i].is_noted, name);
    }
}

static void test_tokens(apr_pool_t *p)
{
    sl_token_response_t got;
    const char *text;
    sl_err_t err;

    is_end(parse(&got,
                 "{\"access_token\":\"AAA\",\"refresh_token\":\"RRR\",\"id_token\":\"III\"," BEARER
                 ",\"patient\":\"p1\",\"unknown\":{\"x\":1}}",
                 NULL, p, &err),
           &err, NULL, SL_OK, "TRS-4 unknown members are ignored");
    is_end(parse(&got,
                 "{\"access_token\":\"AAA\",\"refresh_token\":\"RRR\",\"id_token\":\"III\"," BEARER
                 ",\"patient\":\"p1\",\"authorization_details\":[{\"type\":\"smart_on_fhir\","
                 "\"locations\":[\"https://other.example/fhir\"],\"patient\":\"p2\"}]}",
                 NULL, p, &err),
           &err, NULL, SL_OK, "TRS-8 authorization_details changes nothing");
    is_str(sl_json_str(got.json, "patient"), "p1", "TRS-8 … nor the patient");
    is_str(sl_secret_reveal(got.access), "AAA", "TRS-1 the access token");
    is_str(sl_secret_reveal(got.refresh), "RRR", "RFR-3 the refresh token");
    is_str(sl_secret_reveal(got.id_token), "III", "IDT-3 the id_token");
    text = sl_json_text(p, got.json);
    ok(!holds(text, "AAA") && !holds(text, "RRR") && !holds(text, "III"),
       "TRS-6 the object that is handed on holds no token");
    is_str(sl_json_str(got.json, "patient"), "p1", "CTX-1 but the context");
    is_end(parse(&got, "{" AT "," BEARER ",\"refresh_token\":\"\",\"id_token\":7}", NULL, p, &err),
           &err, NULL, SL_OK, "IDT-10 tokens that are none");
    ok(got.refresh == NULL && got.id_token == NULL, "IDT-10 are none");
}

static void test_statuses(apr_pool_t *p)
{
    static const struct {
        const char *name;
        int status;
        const char *body;
        sl_rc_t rc;
        const char *id;
        const char *text; /* in the message */
    } cases[] = {
        {"400 invalid_grant", 400, "{\"error\":\"invalid_grant\"}", SL_UPSTREAM, "SL2136",
         "invalid_grant"},
        {"401 invalid_client", 401, "{\"error\":\"invalid_client\",\"error_description\":null}",
         SL_UPSTREAM, "SL2136", "invalid_client"},
        {"403 invalid_grant", 403, "{\"error\":\"invalid_grant\"}", SL_UPSTREAM, "SL2136",
         "invalid_grant"},
        {"400 unknown error", 400, "{\"error\":\"SECRET\"}", SL_UPSTREAM, "SL2136", "other"},
        {"400 error of another type", 400, "{\"error\":{\"code\":1}}", SL_UPSTREAM, "SL2136",
         "other"},
        {"400 OperationOutcome", 400, "{\"resourceType\":\"OperationOutcome\"}", SL_UPSTREAM,
         "SL2136", "none"},
        {"500 text", 500, "Oops SECRET", SL_UPSTREAM, "SL2136", "none"},
        {"500 access_denied", 500, "{\"error\":\"access_denied\"}", SL_UPSTREAM, "SL2136",
         "access_denied"},
        {"502 nothing", 502, "", SL_UPSTREAM, "SL2136", "none"},
        {"307", 307, "", SL_UPSTREAM, "SL2136", "none"},
        {"400 with a whole token", 400, "{" AT "," BEARER "}", SL_UPSTREAM, "SL2136", "none"},
        {"429", 429, "slow down SECRET", SL_BUSY, "SL2135", "429"},
        {"503", 503, "", SL_BUSY, "SL2135", "503"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const sl_token_answer_t answer = {
            cases[i].status, cases[i].body, strlen(cases[i].body), NOW, NULL, false, NULL};
        const char *name = apr_pstrcat(p, "TRS-5 ", cases[i].name, NULL);
        sl_token_response_t got;
        sl_err_t err;

        is_end(sl_token_response_parse(&got, &strict, &answer, p, &err), &err, cases[i].id,
               cases[i].rc, name);
        ok(holds(err.text, cases[i].text) && !holds(err.text, "SECRET"),
           "%s: the message has our code, not their text", name);
        ok(got.access == NULL, "%s: no token", name);
    }
}

static void test_life_of_profile(apr_pool_t *p)
{
    static const char body[] = "{" AT ",\"token_type\":\"Bearer\"}";
    const sl_token_answer_t answer = {200, body, sizeof(body) - 1, NOW, NULL, false, NULL};
    sl_ehr_t ehr = strict;
    sl_token_response_t got;
    sl_err_t err;

    ehr.token_life = apr_time_from_sec(900);
    is_end(sl_token_response_parse(&got, &ehr, &answer, p, &err), &err, NULL, SL_OK, "no expiry");
    is_int(got.expires_in, 900, "TRS-2 SmartRenew life= where the EHR does not say");
    ehr.token_life = apr_time_from_sec(10 * SL_TOKEN_LIFE_MAX);
    is_end(sl_token_response_parse(&got, &ehr, &answer, p, &err), &err, NULL, SL_OK, "no expiry");
    is_int(got.expires_in, SL_TOKEN_LIFE_MAX, "TRS-2 within bounds");
}

static void test_quirk(apr_pool_t *p)
{
    static const char body[] = "{" AT "}";
    static const char mac[] = "{" AT ",\"token_type\":\"mac\"}";
    sl_token_answer_t answer = {201, body, sizeof(body) - 1, NOW, NULL, false, NULL};
    sl_token_response_t got;
    sl_err_t err;

    is_end(sl_token_response_parse(&got, &lenient, &answer, p, &err), &err, NULL, SL_OK,
           "TRS-1 a profile may take a missing type for Bearer");
    answer.body = mac;
    answer.len = sizeof(mac) - 1;
    is_end(sl_token_response_parse(&got, &lenient, &answer, p, &err), &err, "SL2131", SL_UPSTREAM,
           "TRS-1 but no other type");
    answer.body = NULL;
    answer.len = 0;
    is_end(sl_token_response_parse(&got, &lenient, &answer, p, &err), &err, "SL2137", SL_UPSTREAM,
           "TRS-1 no body at all is refused");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_types(p);
    test_bounds(p);
    test_life(p);
    test_scope(p);
    test_tokens(p);
    test_statuses(p);
    test_quirk(p);
    test_life_of_profile(p);
    rule_release(p);
    return tap_done();
}
