/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_text.h"
#include "rule.h"
#include "smart/sl_params.h"
#include "smart/sl_token_request.h"
#include <apr_strings.h>

#define CODE "c/o+d=e&"
#define REDIRECT "https://app.example/smart"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

static sl_ehr_t make_ehr(sl_client_auth_t auth, const char *secret, apr_pool_t *p)
{
    sl_ehr_t ehr = {.name = "epic", .client_id = "my-id", .auth = auth, .basic = SL_BASIC_RAW};

    ehr.client_secret = sl_secret_str(p, secret);
    return ehr;
}

static sl_rc_t ask(sl_token_call_t *out, const sl_ehr_t *ehr, const char *assertion, apr_pool_t *p,
                   sl_err_t *err)
{
    const sl_code_grant_t grant = {.ehr = ehr,
                                   .code = sl_secret_str(p, CODE),
                                   .redirect_uri = REDIRECT,
                                   .verifier = sl_secret_str(p, VERIFIER),
                                   .assertion = sl_secret_str(p, assertion)};

    return sl_token_request_code(out, &grant, p, err);
}

/* Are the names in the body exactly these, each once? */
static bool has_exactly(const sl_secret_t *body, const char *const *names, apr_pool_t *p)
{
    sl_params_t *params;
    int count = 0;

    if (sl_params_parse(&params, sl_secret_reveal(body), sl_secret_len(body), p, NULL) != SL_OK) {
        return false;
    }
    for (; names[count] != NULL; count++) {
        if (sl_params_count(params, names[count]) != 1) {
            return false;
        }
    }
    return params->pairs->nelts == count;
}

static const char *value(const sl_secret_t *body, const char *name, apr_pool_t *p)
{
    sl_params_t *params;

    if (sl_params_parse(&params, sl_secret_reveal(body), sl_secret_len(body), p, NULL) != SL_OK) {
        return NULL;
    }
    return sl_params_one(params, name);
}

static void test_basic(apr_pool_t *p)
{
    static const char *const names[] = {"grant_type", "code", "redirect_uri", "code_verifier",
                                        NULL};
    static const char *const with_id[] = {"grant_type",    "code",      "redirect_uri",
                                          "code_verifier", "client_id", NULL};
    sl_ehr_t ehr = make_ehr(SL_CLIENT_BASIC, "s%/+\xc3\xa9:3", p);
    sl_token_call_t call;
    apr_size_t len;
    sl_err_t err;

    is_end(ask(&call, &ehr, NULL, p, &err), &err, NULL, SL_OK, "TKR-S1 a call with Basic");
    ok(has_exactly(call.body, names, p), "TKR-2, TKR-S2 body keys are exactly the expected set");
    is_str(value(call.body, "grant_type", p), "authorization_code", "TKR-2 grant_type");
    is_str(value(call.body, "code", p), CODE, "TKR-2 the exact code");
    is_str(value(call.body, "redirect_uri", p), REDIRECT, "TKR-2 the same redirect_uri");
    is_str(value(call.body, "code_verifier", p), VERIFIER, "TKR-2 the matching code_verifier");
    ok(strncmp(sl_secret_reveal(call.authorization), "Basic ", 6) == 0,
       "TKR-S1 the exact prefix Basic");
    is_str((const char *)sl_text_unbase64(p, sl_secret_reveal(call.authorization) + 6, &len),
           "my-id:s%/+\xc3\xa9:3", "TKR-S3 raw: id and secret as they are");
    ehr.basic = SL_BASIC_FORM;
    is_end(ask(&call, &ehr, NULL, p, &err), &err, NULL, SL_OK, "TKR-S3 a call with Basic, form");
    is_str((const char *)sl_text_unbase64(p, sl_secret_reveal(call.authorization) + 6, &len),
           "my-id:s%25%2F%2B%C3%A9%3A3", "TKR-S3 form: both are encoded first");
    ehr.quirks.client_id_in_body = SL_SWITCH_ON;
    is_end(ask(&call, &ehr, NULL, p, &err), &err, NULL, SL_OK, "TKR-S2 the switch");
    ok(has_exactly(call.body, with_id, p), "TKR-S2 adds client_id");
}

static void test_long_secret(apr_pool_t *p)
{
    char secret[301];
    sl_token_call_t call;
    apr_size_t len;
    sl_err_t err;
    sl_ehr_t ehr;

    memset(secret, 'k', 300);
    secret[300] = '\0';
    ehr = make_ehr(SL_CLIENT_BASIC, secret, p);
    is_end(ask(&call, &ehr, NULL, p, &err), &err, NULL, SL_OK, "TKR-S1 a secret of 300 bytes");
    ok(strpbrk(sl_secret_reveal(call.authorization), "\r\n") == NULL, "TKR-S1 no line breaks");
    is_str((const char *)sl_text_unbase64(p, sl_secret_reveal(call.authorization) + 6, &len),
           apr_pstrcat(p, "my-id:", secret, NULL), "TKR-S1 decodes strictly, padded");
}

static void test_others(apr_pool_t *p)
{
    static const char *const public_names[] = {"grant_type",    "code",      "redirect_uri",
                                               "code_verifier", "client_id", NULL};
    static const char *const post_names[] = {
        "grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", NULL};
    static const char *const key_names[] = {
        "grant_type",       "code", "redirect_uri", "client_assertion_type", "code_verifier",
        "client_assertion", NULL};
    sl_ehr_t ehr = make_ehr(SL_CLIENT_NONE, NULL, p);
    sl_token_call_t call;
    sl_err_t err;

    is_end(ask(&call, &ehr, NULL, p, &err), &err, NULL, SL_OK, "TKR-P1 a public client");
    ok(has_exactly(call.body, public_names, p), "TKR-P1 client_id in the body");
    is_str(value(call.body, "client_id", p), "my-id", "TKR-P1 our client_id");
    ok(call.authorization == NULL, "TKR-P1 no Authorization header");

    ehr = make_ehr(SL_CLIENT_POST, "s&t", p);
    is_end(ask(&call, &ehr, NULL, p, &err), &err, NULL, SL_OK, "TKR-S4 client_secret_post");
    ok(has_exactly(call.body, post_names, p), "TKR-S4 id and secret in the body");
    is_str(value(call.body, "client_secret", p), "s&t", "TKR-S4 the exact secret");
    ok(call.authorization == NULL, "TKR-S4 no Authorization header");

    ehr = make_ehr(SL_CLIENT_KEY, NULL, p);
    is_end(ask(&call, &ehr, "a.b.c", p, &err), &err, NULL, SL_OK, "TKR-A1 a client assertion");
    ok(has_exactly(call.body, key_names, p), "TKR-A1 its type and itself in the body");
    is_str(value(call.body, "client_assertion_type", p),
           "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "TKR-A1 the type");
    is_str(value(call.body, "client_assertion", p), "a.b.c", "TKR-A1 the assertion");
    ok(call.authorization == NULL, "TKR-A1 no Authorization header");
}

static void test_failures(apr_pool_t *p)
{
    static const struct {
        const char *name;
        sl_client_auth_t auth;
        const char *client_id, *secret, *id;
    } cases[] = {
        {"Basic without a secret sends no empty Basic", SL_CLIENT_BASIC, "i", NULL, "SL2101"},
        {"Basic with an empty secret", SL_CLIENT_BASIC, "i", "", "SL2101"},
        {"raw Basic with a colon in the id", SL_CLIENT_BASIC, "a:b", "s", "SL2101"},
        {"post without a secret", SL_CLIENT_POST, "i", NULL, "SL2102"},
        {"a key without assertion", SL_CLIENT_KEY, "i", NULL, "SL2103"},
        {"no method configured", SL_CLIENT_UNSET, "i", "s", "SL2104"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_ehr_t ehr = make_ehr(cases[i].auth, cases[i].secret, p);
        sl_token_call_t call;
        sl_err_t err;

        ehr.client_id = cases[i].client_id;
        is_end(ask(&call, &ehr, NULL, p, &err), &err, cases[i].id, SL_FAILED,
               apr_pstrcat(p, "REG-5 ", cases[i].name, NULL));
    }
}

static void test_refresh(apr_pool_t *p)
{
    static const char *const names[] = {"grant_type", "refresh_token", NULL};
    static const char *const with_id[] = {"grant_type", "refresh_token", "client_id", NULL};
    sl_ehr_t ehr = make_ehr(SL_CLIENT_BASIC, "s", p);
    sl_refresh_grant_t grant = {.ehr = &ehr, .refresh = sl_secret_str(p, "r/1")};
    sl_token_call_t call;
    sl_err_t err;

    is_end(sl_token_request_refresh(&call, &grant, p, &err), &err, NULL, SL_OK, "RFR-1 a renewal");
    ok(has_exactly(call.body, names, p), "RFR-1 scope is left out");
    is_str(value(call.body, "grant_type", p), "refresh_token", "RFR-1 grant_type");
    is_str(value(call.body, "refresh_token", p), "r/1", "RFR-1 the exact refresh token");
    ok(call.authorization != NULL, "RFR-2 Basic as at the code exchange");
    ehr.auth = SL_CLIENT_NONE;
    is_end(sl_token_request_refresh(&call, &grant, p, &err), &err, NULL, SL_OK, "a public renewal");
    ok(has_exactly(call.body, with_id, p), "TKR-P1 a public client sends client_id here, too");
}

static void test_client(apr_pool_t *p)
{
    static const char *const names[] = {"grant_type", "scope", "client_assertion_type",
                                        "client_assertion", NULL};
    sl_ehr_t ehr = make_ehr(SL_CLIENT_KEY, NULL, p);
    sl_client_grant_t grant = {&ehr, "system/*.rs system/Group.r", sl_secret_str(p, "a.b.c")};
    sl_token_call_t call;
    sl_err_t err;

    is_end(sl_token_request_client(&call, &grant, p, &err), &err, NULL, SL_OK,
           "BKS-1 client credentials");
    ok(has_exactly(call.body, names, p), "BKS-1 scope and assertion, and no client_id");
    is_str(value(call.body, "grant_type", p), "client_credentials", "BKS-1 grant_type");
    is_str(value(call.body, "scope", p), "system/*.rs system/Group.r", "BKS-1 scope");
    ok(call.authorization == NULL, "BKS-1 no Authorization header");
    ehr = make_ehr(SL_CLIENT_BASIC, "secret", p);
    is_end(sl_token_request_client(&call, &grant, p, &err), &err, "SL2107", SL_FAILED,
           "BKS-1 never with a secret");
    ehr = make_ehr(SL_CLIENT_NONE, NULL, p);
    is_end(sl_token_request_client(&call, &grant, p, &err), &err, "SL2107", SL_FAILED,
           "BKS-1 never as a public client");
}

static void test_about(apr_pool_t *p)
{
    static const char *const names[] = {"token", "token_type_hint", NULL};
    static const char *const without[] = {"token", NULL};
    static const char *const with_key[] = {"token", "client_assertion_type", "client_assertion",
                                           NULL};
    sl_ehr_t ehr = make_ehr(SL_CLIENT_BASIC, "secret", p);
    sl_token_about_t about = {&ehr, sl_secret_str(p, "t/1"), "refresh_token", NULL};
    sl_token_call_t call;
    sl_err_t err;

    is_end(sl_token_request_about(&call, &about, p, &err), &err, NULL, SL_OK,
           "SEC-10 a call about a token");
    ok(has_exactly(call.body, names, p), "SEC-10 the token and what it is");
    is_str(value(call.body, "token", p), "t/1", "SEC-10 the exact token");
    is_str(value(call.body, "token_type_hint", p), "refresh_token", "SEC-10 the hint");
    ok(call.authorization != NULL, "SEC-10 the EHR's way of client authentication");
    about.hint = NULL;
    is_end(sl_token_request_about(&call, &about, p, &err), &err, NULL, SL_OK, "SEC-11 no hint");
    ok(has_exactly(call.body, without, p), "SEC-11 the token alone");
    ehr = make_ehr(SL_CLIENT_KEY, NULL, p);
    about.assertion = sl_secret_str(p, "a.b.c");
    is_end(sl_token_request_about(&call, &about, p, &err), &err, NULL, SL_OK,
           "SEC-11 with an assertion");
    ok(has_exactly(call.body, with_key, p), "SEC-11 in the body");
}

static void test_check(apr_pool_t *p)
{
    apr_array_header_t *notices = sl_notice_list(p);
    sl_ehr_t ehr = make_ehr(SL_CLIENT_BASIC, "plain-secret_1.~", p);
    sl_err_t err;

    is_end(sl_token_request_check(&ehr, notices, &err), &err, NULL, SL_OK, "TKR-S3 a plain secret");
    is_int(notices->nelts, 0, "TKR-S3 raw and form are the same: no warning");
    ehr.client_secret = sl_secret_str(p, "s%/+3");
    is_end(sl_token_request_check(&ehr, notices, &err), &err, NULL, SL_OK, "TKR-S3 an odd secret");
    ok(sl_notice_has(notices, "SL2106"), "TKR-S3 raw and form differ: a warning");
    ok(!holds(APR_ARRAY_IDX(notices, 0, sl_notice_t).text, "s%/+3"), "SEC-5 without the secret");
    ehr.client_id = "a:b";
    is_end(sl_token_request_check(&ehr, notices, &err), &err, "SL2105", SL_INVALID,
           "TKR-S3 a colon in a raw id is refused");
    ehr.basic = SL_BASIC_FORM;
    is_end(sl_token_request_check(&ehr, notices, &err), &err, NULL, SL_OK,
           "TKR-S3 form can carry the colon");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_basic(p);
    test_long_secret(p);
    test_others(p);
    test_failures(p);
    test_refresh(p);
    test_client(p);
    test_about(p);
    test_check(p);
    rule_release(p);
    return tap_done();
}
