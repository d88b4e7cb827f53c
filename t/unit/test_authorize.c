/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_authorize.h"
#include "smart/sl_params.h"
#include <apr_strings.h>

static const sl_authorize_t whole = {
    .endpoint = "https://auth.example/authorize",
    .client_id = "id with blank",
    .redirect_uri = "https://app.example/smart",
    .scope = "launch patient/*.rs user/Observation.rs?category=a&b=c",
    .state = "s-t_a.t~e",
    .aud = "https://ehr.example/fhir/",
    .launch = "+/=%&\xc3\xa9 x",
    .challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
};

static sl_params_t *query_of(const char *url, apr_pool_t *p)
{
    const char *query = strchr(url, '?');
    sl_params_t *params = NULL;

    if (query == NULL || sl_params_parse(&params, query + 1, strlen(query + 1), p, NULL) != SL_OK) {
        abort();
    }
    return params;
}

static void test_url(apr_pool_t *p)
{
    const char *url = sl_authorize_url(p, &whole);
    sl_params_t *params = query_of(url, p);
    sl_authorize_t standalone = whole;
    sl_authorize_t tenant = whole;

    ok(strncmp(url, "https://auth.example/authorize?", 31) == 0, "AZR-7 GET on the endpoint");
    is_str(sl_params_one(params, "response_type"), "code", "AZR-1 response_type=code");
    is_str(sl_params_one(params, "client_id"), whole.client_id, "AZR-1 client_id as registered");
    is_str(sl_params_one(params, "redirect_uri"), whole.redirect_uri,
           "AZR-1 redirect_uri string-identical");
    is_str(sl_params_one(params, "state"), whole.state, "AZR-2 state");
    is_str(sl_params_one(params, "aud"), whole.aud, "AZR-3 aud is the launch iss, byte for byte");
    is_str(sl_params_one(params, "launch"), whole.launch, "LCH-3 launch comes back byte for byte");
    is_str(sl_params_one(params, "scope"), whole.scope, "AZR-5 / * ? = & survive in scope");
    is_str(sl_params_one(params, "code_challenge"), whole.challenge, "AZR-6 code_challenge");
    is_str(sl_params_one(params, "code_challenge_method"), "S256", "AZR-6 S256, never plain");
    is_int(params->pairs->nelts, 9, "AZR-9, AZR-11 no max_age, no nonce, nothing else");
    ok(!holds(url, "+") && !holds(url, "#"), "AZR-5 blanks are %%20");

    standalone.launch = NULL;
    standalone.aud = NULL;
    standalone.challenge = NULL;
    params = query_of(sl_authorize_url(p, &standalone), p);
    is_int(sl_params_count(params, "launch"), 0, "LCH-4 standalone: no launch");
    is_int(sl_params_count(params, "aud"), 0, "AZR-3 no aud where none is to be sent");
    is_int(sl_params_count(params, "code_challenge_method"), 0, "PKCE off sends no method");

    standalone.form_post = true;
    params = query_of(sl_authorize_url(p, &standalone), p);
    is_str(sl_params_one(params, "response_mode"), "form_post", "form-post asks for a POST");

    tenant.endpoint = "https://auth.example/authorize?tenant=1";
    url = sl_authorize_url(p, &tenant);
    ok(strncmp(url, "https://auth.example/authorize?tenant=1&response_type=code&", 59) == 0,
       "AZR-7 appended with & when the endpoint has a query");
}

static void test_scope(apr_pool_t *p)
{
    is_str(sl_authorize_scope(p, "openid patient/*.rs", true), "launch openid patient/*.rs",
           "AZR-4 launch is added when the configuration forgot it");
    is_str(sl_authorize_scope(p, "openid  launch\tpatient/*.rs", true),
           "openid launch patient/*.rs", "AZR-4 launch is not added twice");
    is_str(sl_authorize_scope(p, "launch/patient openid", true), "launch launch/patient openid",
           "AZR-4 launch/patient is not launch");
    is_str(sl_authorize_scope(p, "launch openid launch/patient", false), "openid launch/patient",
           "AZR-4 a standalone launch does not ask for launch");
    is_str(sl_authorize_scope(p, NULL, true), "launch", "AZR-10 no wildcard by default");
}

static void test_aud(apr_pool_t *p)
{
    sl_ehr_t ehr = {.issuer = "https://ehr.example/fhir", .aud_url = "https://aud.example/"};

    static const struct {
        const char *name;
        sl_aud_t aud;
        const char *iss, *want;
    } cases[] = {
        {"aud is the launch iss, byte for byte", SL_AUD_ISS, "HTTPS://EHR.example/fhir/",
         "HTTPS://EHR.example/fhir/"},
        {"aud is the configured issuer in a standalone launch", SL_AUD_ISS, NULL,
         "https://ehr.example/fhir"},
        {"the default is iss", SL_AUD_UNSET, "https://ehr.example/fhir/",
         "https://ehr.example/fhir/"},
        {"strip-slash", SL_AUD_STRIP_SLASH, "https://ehr.example/fhir/",
         "https://ehr.example/fhir"},
        {"none", SL_AUD_NONE, "https://ehr.example/fhir", NULL},
        {"a URL", SL_AUD_URL, "https://ehr.example/fhir", "https://aud.example/"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        ehr.aud = cases[i].aud;
        is_str(sl_authorize_aud(p, &ehr, cases[i].iss), cases[i].want,
               apr_pstrcat(p, "AZR-3 ", cases[i].name, NULL));
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_url(p);
    test_scope(p);
    test_aud(p);
    rule_release(p);
    return tap_done();
}
