/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_error_uri.h"
#include "smart/sl_token_error.h"
#include <apr_strings.h>
#include <string.h>

static void test_uri(apr_pool_t *p)
{
    static const struct {
        const char *said, *want;
    } cases[] = {
        {"https://ehr.example/errors/urn%3Acerner%3Aerror", "https://ehr.example/errors/"
                                                            "urn%3Acerner%3Aerror"},
        {"urn:cerner:error:token:expired", "urn:cerner:error:token:expired"},
        {"http://ehr.example/e", "http://ehr.example/e"},
        {"https://ehr.example/e?client=x&user=y", "https://ehr.example/e"},
        {"https://ehr.example/e#user", "https://ehr.example/e"},
        {"javascript:alert(1)", NULL},
        {"/errors/1", NULL},
        {"", NULL},
        {NULL, NULL},
        {"https://ehr.example/<script>", NULL},
        {"https://ehr.example/a b", NULL},
        {"https://ehr.example/\r\nX: y", NULL},
        {"https://ehr.example/\"", NULL},
        {"https://ehr.example/\xc3\xa9", NULL},
    };
    char *longest = apr_pcalloc(p, 4001);

    for (int i = 0; i < COUNT_OF(cases); i++) {
        is_str(sl_error_uri_loggable(p, cases[i].said), cases[i].want,
               apr_psprintf(p, "CBK-4, TRS-5 error_uri %d", i));
    }
    memset(longest, 'a', 4000);
    memcpy(longest, "urn:", 4);
    is_int((long)strlen(sl_error_uri_loggable(p, longest)), SL_ERROR_URI_MAX,
           "TRS-5 a long one is cut");
}

static void test_read(apr_pool_t *p)
{
    static const struct {
        const char *body, *code, *kind, *uri;
    } cases[] = {
        {"{\"error\":\"invalid_client\",\"error_description\":null}", "invalid_client",
         "an OAuth error", NULL},
        {"{\"error\":\"invalid_grant\",\"error_uri\":\"urn:x:y\"}", "invalid_grant",
         "an OAuth error", "urn:x:y"},
        {"{\"error_uri\":\"urn:x:y\"}", "none", "JSON without an error", "urn:x:y"},
        {"{\"error\":\"shaken\"}", "other", "an OAuth error", NULL},
        {"{\"error\":{\"code\":7}}", "other", "an OAuth error", NULL},
        {"{\"error\":\"invalid_scope\",\"expires_in\":0}", "invalid_scope", "an OAuth error", NULL},
        {"{\"resourceType\":\"OperationOutcome\"}", "none", "an OperationOutcome", NULL},
        {"{}", "none", "JSON without an error", NULL},
        {"", "none", "nothing", NULL},
        {" \r\n", "none", "nothing", NULL},
        {NULL, "none", "nothing", NULL},
        {"\n<!DOCTYPE html><h1>Oops!", "none", "a web page", NULL},
        {"{\"error\":", "none", "broken JSON", NULL},
        {"Unauthorized", "none", "text", NULL},
        {"[1]", "none", "text", NULL},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *body = cases[i].body;
        const char *name = apr_pstrcat(p, "TRS-5 ", body == NULL ? "no body" : body, NULL);
        sl_token_error_t got;

        sl_token_error_read(&got, body, body == NULL ? 0 : strlen(body), p);
        is_str(got.code, cases[i].code, name);
        is_str(got.body, cases[i].kind, name);
        is_str(got.uri, cases[i].uri, name);
    }
}

static void test_hints(apr_pool_t *p)
{
    static const struct {
        const char *name, *code, *body;
        sl_client_auth_t auth;
        int status;
        bool is_renewal;
        const char *hint; /* a word of it; NULL: none */
    } cases[] = {
        {"wrong secret", "invalid_client", "", SL_CLIENT_BASIC, 401, false, "SmartClientSecret"},
        {"wrong secret, post", "invalid_client", "", SL_CLIENT_POST, 401, false, "hours to days"},
        {"unknown key", "invalid_client", "", SL_CLIENT_KEY, 400, false, "jwks.json"},
        {"public", "invalid_client", "", SL_CLIENT_NONE, 401, false, "to authenticate"},
        {"client_id at a renewal", "invalid_client", "", SL_CLIENT_BASIC, 401, true,
         "client-id-in-body=on"},
        {"not entitled", "unauthorized_client", "", SL_CLIENT_BASIC, 400, false,
         "not allowed this"},
        {"no such grant", "unsupported_grant_type", "", SL_CLIENT_BASIC, 400, true, "registration"},
        {"a code", "invalid_grant", "", SL_CLIENT_BASIC, 400, false, "a scope that they do not"},
        {"a refresh token", "invalid_grant", "", SL_CLIENT_BASIC, 403, true, "has ended there"},
        {"a scope", "invalid_scope", "", SL_CLIENT_BASIC, 400, false, "SmartScope"},
        {"an aud", "invalid_target", "", SL_CLIENT_BASIC, 400, false, "SmartAud"},
        {"denied by 500", "access_denied", "", SL_CLIENT_BASIC, 500, false, "not allowed there"},
        {"a login page", "none", "a web page", SL_CLIENT_BASIC, 500, false, "proxy"},
        {"a redirect", "none", "nothing", SL_CLIENT_BASIC, 302, false, "never followed"},
        {"another address", "none", "text", SL_CLIENT_BASIC, 404, false, "the right one"},
        {"nothing known", "none", "nothing", SL_CLIENT_BASIC, 401, false, NULL},
        {"another error", "other", "an OAuth error", SL_CLIENT_BASIC, 400, false, NULL},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const sl_ehr_t ehr = {.name = "e", .auth = cases[i].auth};
        const sl_token_asked_t asked = {&ehr, cases[i].status, cases[i].is_renewal};
        const sl_token_error_t error = {cases[i].code, NULL, cases[i].body};
        const char *hint = sl_token_error_hint(&error, &asked);

        ok(cases[i].hint == NULL ? hint == NULL : holds(hint, cases[i].hint), "TRS-5 hint: %s",
           cases[i].name);
    }
    (void)p;
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_uri(p);
    test_read(p);
    test_hints(p);
    rule_release(p);
    return tap_done();
}
