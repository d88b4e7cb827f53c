/* SPDX-License-Identifier: Apache-2.0 */
/* smart/sl_start.c: what a standalone launch is asked for, and by whom (LCH-4, AZR-13). */
#include "launches.h"
#include "rule.h"
#include "smart/sl_start.h"
#include <apr_strings.h>

static apr_pool_t *p;

static bool is_text(const char *got, const char *want)
{
    return got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;
}

/* Reading */

static const struct {
    const char *query, *ehr, *return_to, *id;
} reads[] = {
    {"ehr=epic&return=/app/", "epic", "/app/", NULL},
    {"", NULL, NULL, NULL},
    {"return=%2Fapp%2Fpage%3Fa%3D1%26b%3D%2541", NULL, "/app/page?a=1&b=%41", NULL},
    {"ehr=epic&iss=https%3A%2F%2Fevil.example&launch=x&answer=yes", "epic", NULL, NULL},
    {"ehr=epic&return=/app/?a=1%26smart_launch=x%26b=2", "epic", "/app/?a=1&b=2", NULL},
    {"return=/app/?smart_launch=x", NULL, "/app/", NULL},
    {"ehr=epic&ehr=epic", NULL, NULL, "SL2960"},
    {"ehr=", NULL, NULL, "SL2960"},
    {"return=", NULL, NULL, "SL2960"},
    {"return=/a&return=/a", NULL, NULL, "SL2960"},
    {"return=//evil.example", NULL, NULL, "SL2961"},
    {"return=%2F%2Fevil.example", NULL, NULL, "SL2961"},
    {"return=/%252Fevil.example", NULL, NULL, "SL2961"},
    {"return=/%5Cevil.example", NULL, NULL, "SL2961"},
    {"return=/%255Cevil.example", NULL, NULL, "SL2961"},
    {"return=https://evil.example/", NULL, NULL, "SL2961"},
    {"return=https:evil.example", NULL, NULL, "SL2961"},
    {"return=app/", NULL, NULL, "SL2961"},
    {"return=?a=1", NULL, NULL, "SL2961"},
    {"return=/app/%0d%0aX:y", NULL, NULL, "SL2961"},
    {"return=/app/%250d%250a", NULL, NULL, "SL2961"},
    {"return=/app/../other", NULL, NULL, "SL2961"},
    {"return=/app/%2e%2e/other", NULL, NULL, "SL2961"},
    {"return=/app/%252e%252e/other", NULL, NULL, "SL2961"},
    {"return=/app/%23x", NULL, NULL, "SL2961"},
    {"return=/app/%C3%A9", NULL, NULL, "SL2961"},
    {"return=/app/%25zz", NULL, NULL, "SL2961"},
    {"return=/app/+x", NULL, NULL, "SL2961"},
};

static void test_reading(void)
{
    for (int i = 0; i < COUNT_OF(reads); i++) {
        const char *query = reads[i].query;
        const char *name = apr_psprintf(p, "LCH-4 AZR-13 start?%s", query);
        sl_params_t *params = NULL;
        sl_start_t got = {NULL, NULL};
        sl_err_t err;
        sl_rc_t rc = sl_params_parse(&params, query, strlen(query), p, &err);

        if (rc == SL_OK) {
            rc = sl_start_read(&got, params, p, &err);
        }
        is_end(rc, &err, reads[i].id, reads[i].id == NULL ? SL_OK : SL_INVALID, name);
        if (reads[i].id == NULL) {
            ok(is_text(got.ehr, reads[i].ehr), "%s: which EHR", name);
            ok(is_text(got.return_to, reads[i].return_to), "%s: the way back", name);
        }
    }
}

/* Which EHR: small letters have a standalone scope, capitals none. */

static const struct {
    const char *served, *name, *want, *id;
    sl_rc_t rc;
} choices[] = {
    {"a", "a", "a", NULL, SL_OK},
    {"ab", "b", "b", NULL, SL_OK},
    {"aB", NULL, "a", NULL, SL_OK},
    {"AbC", NULL, "b", NULL, SL_OK},
    {"ab", NULL, NULL, NULL, SL_OK},
    {"aB", "B", NULL, "SL2962", SL_DENIED},
    {"a", "b", NULL, "SL2963", SL_UNKNOWN_EHR},
    {"a", "A", NULL, "SL2963", SL_UNKNOWN_EHR},
    {"a", "https://a.example/fhir", NULL, "SL2963", SL_UNKNOWN_EHR},
    {"", "a", NULL, "SL2963", SL_UNKNOWN_EHR},
    {"AB", NULL, NULL, "SL2964", SL_DENIED},
    {"", NULL, NULL, "SL2964", SL_DENIED},
};

static apr_array_header_t *ehrs_of(const char *letters)
{
    apr_array_header_t *ehrs = apr_array_make(p, 4, sizeof(const sl_ehr_t *));

    for (; *letters != '\0'; letters++) {
        sl_ehr_t *ehr = apr_pcalloc(p, sizeof(*ehr));

        ehr->name = apr_pstrmemdup(p, letters, 1);
        ehr->issuer = "https://a.example/fhir";
        ehr->standalone_scope = *letters >= 'a' ? "openid" : NULL;
        APR_ARRAY_PUSH(ehrs, const sl_ehr_t *) = ehr;
    }
    return ehrs;
}

static void test_choice(void)
{
    for (int i = 0; i < COUNT_OF(choices); i++) {
        const char *name = apr_psprintf(p, "LCH-4 of '%s' asked for %s", choices[i].served,
                                        choices[i].name != NULL ? choices[i].name : "none");
        const sl_ehr_t *got = NULL;
        sl_err_t err;
        sl_rc_t rc = sl_start_ehr(&got, ehrs_of(choices[i].served), choices[i].name, &err);

        is_end(rc, &err, choices[i].id, choices[i].rc, name);
        ok(is_text(got != NULL ? got->name : NULL, choices[i].want), "%s: which one", name);
    }
}

/* Who asks: launches as in launches.h; the handle of each is its word. */

static const struct {
    const char *launches, *url, *header, *referer, *want;
} askers[] = {
    {"0s", NULL, NULL, NULL, "alice"},
    {"", NULL, NULL, NULL, NULL},
    {"0se", NULL, NULL, NULL, NULL},
    {"A", NULL, NULL, NULL, "alice"},
    {"A B 0s", NULL, NULL, NULL, "alice"},
    {"Ae 0s", NULL, NULL, NULL, "alice"},
    {"A 0su", NULL, NULL, NULL, NULL},
    {"0s 0su", NULL, NULL, NULL, NULL},
    {"Aeu 0s", NULL, NULL, NULL, "alice"},
    /* not linked: there is a name of the EHR's, none of the app's */
    {"Ap", NULL, NULL, NULL, NULL},
    {"An", NULL, NULL, NULL, NULL},
    {"Am 0s", NULL, NULL, NULL, "alice"},
    {"Ap 0s", NULL, NULL, NULL, "alice"},
    /* named: that one or nobody */
    {"A 0su", "A", NULL, NULL, "alice"},
    {"A 0su", NULL, "0su", NULL, "bob"},
    {"A 0su", NULL, NULL, "0su", "bob"},
    {"A Bp", NULL, NULL, "Bp", NULL},
    {"A Be", NULL, NULL, "Be", NULL},
    {"A", NULL, NULL, "unknown", NULL},
    {"A Au", "A", NULL, "Au", "alice"},
    {"A Au", "A", "Au", NULL, NULL},
    {"A", "A", "A", NULL, "alice"},
    {"A", "", NULL, NULL, NULL},
};

static void test_asker(void)
{
    for (int i = 0; i < COUNT_OF(askers); i++) {
        sl_bind_request_t request;
        launches_t launches;

        memset(&request, 0, sizeof(request));
        request.url_handle = askers[i].url;
        request.header_handle = askers[i].header;
        request.referer_handle = askers[i].referer;
        launches_read(&launches, askers[i].launches);
        ok(is_text(sl_start_user(&request, launches.at, launches.count), askers[i].want),
           "LCH-4 who asks, row %d: of '%s' it is %s", i, askers[i].launches,
           askers[i].want != NULL ? askers[i].want : "nobody known");
        request.url_several = true;
        ok(sl_start_user(&request, launches.at, launches.count) == NULL,
           "LCH-4 who asks, row %d: two handles are nobody", i);
        request.url_several = false;
        request.referer_several = true;
        ok(sl_start_user(&request, launches.at, launches.count) == NULL,
           "LCH-4 who asks, row %d: nor are two in the Referer", i);
    }
}

static void test_address(void)
{
    const sl_start_t both = {"epic", "/app/?a=1&b=<x>"};
    const sl_start_t none = {NULL, NULL};

    is_str(sl_start_address(p, "https://app.example/smart", &both),
           "https://app.example/smart/start?ehr=epic&return=%2Fapp%2F%3Fa%3D1%26b%3D%3Cx%3E",
           "LCH-4 the address of /start, encoded");
    is_str(sl_start_address(p, "/smart", &none), "/smart/start", "LCH-4 and without anything");
}

int main(void)
{
    p = rule_pool();
    test_reading();
    test_choice();
    test_asker();
    test_address();
    rule_release(p);
    return tap_done();
}
