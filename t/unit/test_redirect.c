/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_redirect.h"
#include <apr_strings.h>

static sl_rc_t classify(sl_redirect_t *out, const char *query, apr_pool_t *p, sl_err_t *err)
{
    sl_params_t *params;
    sl_rc_t rc = sl_params_parse(&params, query, strlen(query), p, err);

    return rc == SL_OK ? sl_redirect_classify(out, params, p, err) : rc;
}

static void test_kinds(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *query;
        sl_redirect_kind_t kind;
    } cases[] = {
        {"LCH-1 iss and launch", "iss=https://e&launch=x", SL_REDIRECT_LAUNCH},
        {"LCH-7 unknown parameters are ignored", "iss=i&launch=x&foo=1&foo=2&token_endpoint=e",
         SL_REDIRECT_LAUNCH},
        {"LCH-7 a state with a launch is ignored", "iss=i&launch=x&state=s", SL_REDIRECT_LAUNCH},
        {"CBK-6 code and state", "code=c&state=s", SL_REDIRECT_CODE},
        {"CBK-7 code, state and iss", "code=c&state=s&iss=i", SL_REDIRECT_CODE},
        {"CBK-6 unknown parameters in an answer", "code=c&state=s&session_state=1&session_state=2",
         SL_REDIRECT_CODE},
        {"CBK-4 error with state", "error=access_denied&state=s", SL_REDIRECT_ERROR},
        {"CBK-5 error without state", "error=access_denied", SL_REDIRECT_ERROR},
        {"CBK-4 an empty error is an error", "error=&state=s", SL_REDIRECT_ERROR},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_redirect_t got;
        sl_err_t err;

        if (is_end(classify(&got, cases[i].query, p, &err), &err, NULL, SL_OK, cases[i].name)) {
            is_int(got.kind, cases[i].kind, cases[i].name);
        }
    }
}

static void test_refusals(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *query;
        const char *id;
    } cases[] = {
        {"LCH-1 no iss", "launch=x", "SL2021"},
        {"LCH-1 no launch", "iss=i", "SL2021"},
        {"LCH-1 empty iss", "iss=&launch=x", "SL2021"},
        {"LCH-1 empty launch", "iss=i&launch=", "SL2021"},
        {"LCH-1 two iss", "iss=i&launch=x&iss=i", "SL2024"},
        {"LCH-1 two launch", "iss=i&launch=x&launch=y", "SL2024"},
        {"CBK-6 two codes", "code=c&code=c&state=s", "SL2024"},
        {"CBK-6 two states", "code=c&state=s&state=t", "SL2024"},
        {"CBK-6 two errors", "error=a&error=b&state=s", "SL2024"},
        {"CBK-6 two iss in an answer", "code=c&state=s&iss=i&iss=i", "SL2024"},
        {"CBK-6 code and error together", "code=c&error=access_denied&state=s", "SL2025"},
        {"CBK-6 launch and code together", "iss=i&launch=x&code=c&state=s", "SL2025"},
        {"CBK-6 launch and error together", "iss=i&launch=x&error=e&state=s", "SL2025"},
        {"CBK-6 none of them", "foo=bar", "SL2021"},
        {"CBK-6 nothing", "", "SL2021"},
        {"CBK-6 state alone", "state=s", "SL2021"},
        {"CBK-1 code without state", "code=c", "SL2023"},
        {"CBK-1 code with empty state", "code=c&state=", "SL2023"},
        {"CBK-6 empty code", "code=&state=s", "SL2023"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_redirect_t got;
        sl_err_t err;

        is_end(classify(&got, cases[i].query, p, &err), &err, cases[i].id, SL_INVALID,
               cases[i].name);
    }
}

static const char *filler(apr_pool_t *p, int len)
{
    char *text = apr_pcalloc(p, (apr_size_t)len + 1);

    memset(text, 'x', (apr_size_t)len);
    return text;
}

static void test_sizes(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *before;
        int len;
        const char *after;
        const char *id; /* NULL: accepted */
    } cases[] = {
        {"LCH-3 a launch of 16 KiB", "iss=i&launch=", SL_REDIRECT_MAX_LAUNCH, "", NULL},
        {"LCH-3 a longer launch", "iss=i&launch=", SL_REDIRECT_MAX_LAUNCH + 1, "", "SL2021"},
        {"LCH-2 an iss of 2 KiB", "launch=x&iss=", SL_REDIRECT_MAX_ISS, "", NULL},
        {"LCH-2 a longer iss", "launch=x&iss=", SL_REDIRECT_MAX_ISS + 1, "", "SL2021"},
        {"CBK-11 a code of 16 KiB", "state=s&code=", SL_REDIRECT_MAX_CODE, "", NULL},
        {"CBK-8 a longer code", "state=s&code=", SL_REDIRECT_MAX_CODE + 1, "", "SL2023"},
        {"CBK-8 a state of 512 bytes", "code=c&state=", SL_REDIRECT_MAX_STATE, "", NULL},
        {"CBK-8 a longer state", "code=c&state=", SL_REDIRECT_MAX_STATE + 1, "", "SL2022"},
        {"CBK-8 a longer state with an error", "error=e&state=", SL_REDIRECT_MAX_STATE + 1, "",
         "SL2022"},
        {"CBK-8 a longer iss in an answer", "code=c&state=s&iss=", SL_REDIRECT_MAX_ISS + 1, "",
         "SL2022"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *query =
            apr_pstrcat(p, cases[i].before, filler(p, cases[i].len), cases[i].after, NULL);
        sl_redirect_t got;
        sl_err_t err;

        is_end(classify(&got, query, p, &err), &err, cases[i].id,
               cases[i].id == NULL ? SL_OK : SL_INVALID,
               apr_pstrcat(p, cases[i].name, cases[i].id == NULL ? " is accepted" : " is refused",
                           NULL));
    }
}

static void test_fields(apr_pool_t *p)
{
    sl_redirect_t got;
    sl_err_t err;

    is_end(classify(&got, "iss=https%3A%2F%2Fe%2F&launch=a%2Bb+c%26", p, &err), &err, NULL, SL_OK,
           "a launch");
    is_str(got.iss, "https://e/", "LCH-2 iss as received");
    is_str(got.launch, "a+b c&", "LCH-3 launch decoded once");
    ok(got.code == NULL && got.state == NULL && got.error == NULL, "and no answer");

    is_end(classify(&got, "code=a.b%2B&state=s&iss=i", p, &err), &err, NULL, SL_OK, "an answer");
    is_str(sl_secret_reveal(got.code), "a.b+", "CBK-11 the exact code");
    is_str(got.state, "s", "CBK-1 the state");
    is_str(got.iss, "i", "CBK-7 the issuer");

    is_end(classify(&got, "error=access_denied&state=&error_description=%3Cscript%3Ea%0D%0Ab", p,
                    &err),
           &err, NULL, SL_OK, "an error");
    is_str(got.error, "access_denied", "CBK-4 a known code");
    is_str(got.state, NULL, "CBK-5 an empty state is none");
    is_str(got.description, "<script>a  b", "CBK-4 the description on one line");
    ok(got.code == NULL, "CBK-4 no code");

    is_end(classify(&got, "error=%3Cscript%3E&error_uri=https://evil", p, &err), &err, NULL, SL_OK,
           "a strange error");
    is_str(got.error, "other", "CBK-4 its code is not passed on");
    is_str(got.description, NULL, "CBK-4 nor its URI");
}

static void test_description(apr_pool_t *p)
{
    const char *query =
        apr_pstrcat(p, "error=server_error&error_description=", filler(p, 199), "%C3%A9zzz", NULL);
    sl_redirect_t got;
    sl_err_t err;

    is_end(classify(&got, query, p, &err), &err, NULL, SL_OK, "a long description");
    is_int((intmax_t)strlen(got.description), 199,
           "CBK-4 is capped at 200 bytes, between characters");
    query =
        apr_pstrcat(p, "error=server_error&error_description=", filler(p, 198), "%C3%A9zzz", NULL);
    is_end(classify(&got, query, p, &err), &err, NULL, SL_OK, "a long description, one shorter");
    is_str(got.description + 198, "\xc3\xa9", "CBK-4 keeps the character that fits");
}

static void test_error_uri(apr_pool_t *p)
{
    sl_redirect_t got;
    sl_err_t err;

    is_end(classify(&got, "error=invalid_scope&state=s&error_uri=urn%3Aehr%3Ae%3Fx%3Dy", p, &err),
           &err, NULL, SL_OK, "an error_uri");
    is_str(got.error_uri, "urn:ehr:e", "CBK-4 error_uri for the log, without its query");
    is_end(classify(&got, "error=invalid_scope&state=s&error_uri=javascript%3Aalert(1)", p, &err),
           &err, NULL, SL_OK, "a bad error_uri");
    is_str(got.error_uri, NULL, "CBK-4 nothing else is kept");
    is_end(classify(&got, "error=invalid_scope&state=s&error_uri=urn:a&error_uri=urn:b", p, &err),
           &err, NULL, SL_OK, "two of them");
    is_str(got.error_uri, NULL, "CBK-4 of two none");
}

static void test_errors(void)
{
    ok(holds(sl_redirect_error_hint("invalid_scope"), "SmartScope") &&
           sl_redirect_error_hint("shaken") == NULL && sl_redirect_error_hint(NULL) == NULL,
       "CBK-4 what lies behind a known one");
    is_str(sl_redirect_error_code("invalid_scope"), "invalid_scope", "CBK-4 a known code stays");
    is_str(sl_redirect_error_code("INVALID_SCOPE"), "other", "CBK-4 codes have their case");
    is_str(sl_redirect_error_code(NULL), "other", "CBK-4 no code");
    ok(holds(sl_redirect_error_text("access_denied"), "declined"),
       "CBK-4 own text for a known code");
    ok(strlen(sl_redirect_error_text("made_up")) > 0 &&
           !holds(sl_redirect_error_text("made_up"), "made_up"),
       "CBK-4 own text for an unknown code");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_kinds(p);
    test_refusals(p);
    test_sizes(p);
    test_fields(p);
    test_description(p);
    test_error_uri(p);
    test_errors();
    rule_release(p);
    return tap_done();
}
