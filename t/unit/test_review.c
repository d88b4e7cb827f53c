/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_review.h"
#include <apr_strings.h>
#include <string.h>

#define DAY apr_time_from_sec(86400)
#define NOW apr_time_from_sec(1800000000)

static const sl_ehr_t plain = {.name = "epic",
                               .issuer = "https://ehr.example/fhir",
                               .auth = SL_CLIENT_BASIC,
                               .basic = SL_BASIC_RAW,
                               .scope = "launch openid fhirUser patient/*.rs",
                               .pkce = SL_SWITCH_ON};

/* Is the finding `what` there with this verdict and these words, and does it say what to do? */
static void is_found(const sl_findings_t *findings, const char *what, sl_verdict_t verdict,
                     const char *words, const char *name)
{
    const sl_finding_t *hit = NULL;

    for (int i = 0; i < findings->list->nelts; i++) {
        const sl_finding_t *one = &APR_ARRAY_IDX(findings->list, i, sl_finding_t);

        if (strcmp(one->what, what) == 0 && one->verdict == verdict && holds(one->found, words)) {
            hit = one;
        }
    }
    ok(hit != NULL, "%s", name);
    ok(hit != NULL && (verdict == SL_FINDING_OK) == (hit->todo == NULL), "… %s",
       verdict == SL_FINDING_OK ? "and there is nothing to do" : "and what to do");
    if (hit == NULL) {
        for (int i = 0; i < findings->list->nelts; i++) {
            const sl_finding_t *one = &APR_ARRAY_IDX(findings->list, i, sl_finding_t);

            diag("%s %s: %s", sl_finding_word(one->verdict), one->what, one->found);
        }
    }
}

/* Is there no finding of this verdict with these words? */
static void is_not_found(const sl_findings_t *findings, sl_verdict_t verdict, const char *words,
                         const char *name)
{
    for (int i = 0; i < findings->list->nelts; i++) {
        const sl_finding_t *one = &APR_ARRAY_IDX(findings->list, i, sl_finding_t);

        if (one->verdict == verdict && holds(one->found, words)) {
            ok(false, "%s: %s", name, one->found);
            return;
        }
    }
    ok(true, "%s", name);
}

static void test_certificate(apr_pool_t *p)
{
    static const struct {
        const char *name;
        apr_time_t ends;
        sl_verdict_t verdict;
        const char *words;
    } cases[] = {
        {"a year", NOW + 365 * DAY, SL_FINDING_OK, "365 days left"},
        {"21 days", NOW + 21 * DAY, SL_FINDING_OK, "21 days left"},
        {"less than 21 days", NOW + 21 * DAY - 1, SL_FINDING_WARN, "ends in 20 days"},
        {"one day", NOW + DAY, SL_FINDING_WARN, "ends in 1 day"},
        {"some hours", NOW + DAY / 2, SL_FINDING_WARN, "ends in 0 days"},
        {"no TLS", 0, SL_FINDING_WARN, "without TLS"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_findings_t findings = sl_finding_list(p);

        sl_review_certificate(&findings, "ehr.example", cases[i].ends, NOW);
        is_found(&findings, "tls", cases[i].verdict, cases[i].words,
                 apr_pstrcat(p, "a certificate: ", cases[i].name, NULL));
    }
}

static void test_clock(apr_pool_t *p)
{
    static const struct {
        const char *name;
        int skew;
        sl_verdict_t verdict;
        const char *words;
    } cases[] = {
        {"the same", 0, SL_FINDING_OK, "agree"},
        {"10 s ahead", 10, SL_FINDING_OK, "agree"},
        {"11 s ahead", 11, SL_FINDING_WARN, "11 s ahead of ours"},
        {"60 s behind", -60, SL_FINDING_WARN, "60 s behind ours"},
        {"61 s behind", -61, SL_FINDING_WRONG, "61 s behind ours"},
        {"an hour ahead", 3600, SL_FINDING_WRONG, "3600 s ahead of ours"},
        {"another century", 2000000000, SL_FINDING_WRONG, "ahead of ours"},
    };
    sl_findings_t none = sl_finding_list(p);

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_findings_t findings = sl_finding_list(p);

        sl_review_clock(&findings, NOW + apr_time_from_sec(cases[i].skew), NOW);
        is_found(&findings, "clock", cases[i].verdict, cases[i].words,
                 apr_pstrcat(p, "IDT-5 a clock: ", cases[i].name, NULL));
    }
    sl_review_clock(&none, 0, NOW);
    is_found(&none, "clock", SL_FINDING_WARN, "does not say", "a clock: no Date");
}

static void test_made_up_code(apr_pool_t *p)
{
    static const struct {
        const char *name;
        sl_client_auth_t auth;
        int status;
        const char *error;
        sl_verdict_t verdict;
        const char *words;
    } cases[] = {
        {"refused as it should be", SL_CLIENT_BASIC, 400, "invalid_grant", SL_FINDING_OK,
         "knows us"},
        {"the same by 401", SL_CLIENT_BASIC, 401, "invalid_grant", SL_FINDING_OK, "knows us"},
        {"a public client", SL_CLIENT_NONE, 400, "invalid_grant", SL_FINDING_OK, "as it should"},
        {"taken", SL_CLIENT_BASIC, 200, "none", SL_FINDING_WRONG, "takes a made-up code"},
        {"invalid_client", SL_CLIENT_BASIC, 400, "invalid_client", SL_FINDING_WRONG, "who we say"},
        {"invalid_client, by post", SL_CLIENT_POST, 401, "invalid_client", SL_FINDING_WRONG,
         "who we say"},
        {"invalid_client, by key", SL_CLIENT_KEY, 401, "invalid_client", SL_FINDING_WRONG,
         "who we say"},
        {"invalid_client, public", SL_CLIENT_NONE, 401, "invalid_client", SL_FINDING_WRONG,
         "who we say"},
        {"401 without a word", SL_CLIENT_BASIC, 401, "none", SL_FINDING_WRONG, "who we say"},
        {"unauthorized_client", SL_CLIENT_BASIC, 400, "unauthorized_client", SL_FINDING_WRONG,
         "may not use this grant"},
        {"unsupported_grant_type", SL_CLIENT_BASIC, 400, "unsupported_grant_type", SL_FINDING_WRONG,
         "may not use this grant"},
        {"429", SL_CLIENT_BASIC, 429, "none", SL_FINDING_WARN, "busy"},
        {"503", SL_CLIENT_BASIC, 503, "none", SL_FINDING_WARN, "busy"},
        {"404", SL_CLIENT_BASIC, 404, "none", SL_FINDING_WRONG, "no token endpoint"},
        {"405", SL_CLIENT_BASIC, 405, "other", SL_FINDING_WRONG, "no token endpoint"},
        {"500", SL_CLIENT_BASIC, 500, "server_error", SL_FINDING_WRONG, "out of order"},
        {"invalid_request", SL_CLIENT_BASIC, 400, "invalid_request", SL_FINDING_WARN,
         "another way than usual"},
        {"nothing understood", SL_CLIENT_BASIC, 400, "none", SL_FINDING_WARN,
         "another way than usual"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const sl_review_answer_t answer = {cases[i].status, cases[i].error};
        sl_findings_t findings = sl_finding_list(p);
        sl_ehr_t ehr = plain;

        ehr.auth = cases[i].auth;
        sl_review_made_up_code(&findings, &ehr, &answer);
        is_int(findings.list->nelts, 1, "TKR-S3 one answer is one finding");
        is_found(&findings, "client", cases[i].verdict, cases[i].words,
                 apr_pstrcat(p, "TKR-S3 a made-up code: ", cases[i].name, NULL));
    }
}

static void test_system(apr_pool_t *p)
{
    static const struct {
        int status;
        const char *error;
        sl_verdict_t verdict;
        const char *words;
    } cases[] = {
        {200, "none", SL_FINDING_OK, "granted"},
        {400, "invalid_scope", SL_FINDING_WRONG, "SmartSystemScope is refused"},
        {401, "invalid_client", SL_FINDING_WRONG, "who we say"},
        {400, "unauthorized_client", SL_FINDING_WRONG, "may not use this grant"},
        {400, "invalid_grant", SL_FINDING_WRONG, "no token for SmartSystemScope"},
        {429, "none", SL_FINDING_WARN, "busy"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const sl_review_answer_t answer = {cases[i].status, cases[i].error};
        sl_findings_t findings = sl_finding_list(p);

        sl_review_system(&findings, &plain, &answer);
        is_found(&findings, "system", cases[i].verdict, cases[i].words,
                 apr_psprintf(p, "BKS-1 a grant for us: %d %s", cases[i].status, cases[i].error));
    }
}

#define ALL                                                                                        \
    "\"capabilities\":[\"launch-ehr\",\"launch-standalone\",\"permission-v1\",\"permission-v2\"]," \
    "\"scopes_supported\":[\"openid\",\"fhirUser\",\"launch\",\"patient/*.rs\"],"                  \
    "\"code_challenge_methods_supported\":[\"S256\"],"                                             \
    "\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\"]"

static sl_findings_t review(const sl_ehr_t *ehr, const char *members, apr_pool_t *p)
{
    const sl_endpoints_t endpoints = {.revoke = "https://a.example/re"};
    const char *text = apr_pstrcat(p, "{", members, "}", NULL);
    sl_findings_t findings = sl_finding_list(p);
    sl_json_t *doc;

    if (sl_json_parse(&doc, text, strlen(text), p, NULL) != SL_OK) {
        abort();
    }
    sl_review_document(&findings, ehr, doc, &endpoints);
    return findings;
}

static void test_document(apr_pool_t *p)
{
    static const struct {
        const char *name, *members, *what;
        sl_verdict_t verdict;
        const char *words;
    } cases[] = {
        {"DIS-5 launches", ALL, "launch", SL_FINDING_OK, "from the EHR"},
        {"SCP-3 scopes", ALL, "scopes", SL_FINDING_OK, "lists what SmartScope"},
        {"DIS-6 PKCE", ALL, "pkce", SL_FINDING_OK, "S256"},
        {"DIS-7 method", ALL, "method", SL_FINDING_OK, "client_secret_basic"},
        {"SEC-9 revocation", ALL, "revocation", SL_FINDING_OK, "a logout revokes"},
        {"SEC-11 introspection", ALL, "introspection", SL_FINDING_OK, "not offered"},
        {"DIS-5 nothing is said of launches", "\"x\":1", "launch", SL_FINDING_WARN, "capabilities"},
        {"DIS-5 no EHR launch", "\"capabilities\":[\"launch-standalone\"]", "launch",
         SL_FINDING_WARN, "launch-ehr"},
        {"SCP-3 nothing is said of scopes", "\"x\":1", "scopes", SL_FINDING_OK, "does not list"},
        {"SCP-3 a data scope is not listed", "\"scopes_supported\":[\"openid\",\"fhirUser\"]",
         "scopes", SL_FINDING_WARN, "patient/*.rs"},
        {"SCP-3 the other version's spelling is as good",
         "\"scopes_supported\":[\"patient/*.read\"]", "scopes", SL_FINDING_OK, "SmartScope"},
        {"SCP-2 SCP-6 the other version is listed", "\"capabilities\":[\"permission-v1\"]",
         "scopes", SL_FINDING_WARN, "version 1 only"},
        {"DIS-6 S256 is not listed", "\"code_challenge_methods_supported\":[\"plain\"]", "pkce",
         SL_FINDING_WARN, "S256"},
        {"DIS-7 another method is listed",
         "\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]", "method",
         SL_FINDING_WARN, "lists private_key_jwt"},
        {"junk in the lists does no harm",
         "\"capabilities\":[1,{},\"launch-ehr\"],\"scopes_supported\":\"openid\"", "launch",
         SL_FINDING_OK, "from the EHR"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_findings_t findings = review(&plain, cases[i].members, p);

        is_found(&findings, cases[i].what, cases[i].verdict, cases[i].words, cases[i].name);
    }
}

/* What is configured changes what a document means. */
static void test_configured(apr_pool_t *p)
{
    sl_ehr_t ehr = plain;
    sl_findings_t findings;

    ehr.pkce = SL_SWITCH_OFF;
    findings = review(&ehr, ALL, p);
    is_found(&findings, "pkce", SL_FINDING_WARN, "without PKCE", "AZR-6 SmartPKCE off");
    ehr = plain;
    ehr.aud = SL_AUD_NONE;
    findings = review(&ehr, ALL, p);
    is_found(&findings, "aud", SL_FINDING_WARN, "less tightly", "AZR-3 SmartAud none");
    ehr = plain;
    ehr.scope = "launch http://openid.net/specs/openid-connect-core-1_0#openid patient/X.read";
    findings = review(&ehr, "\"capabilities\":[\"permission-v1\"]", p);
    is_not_found(&findings, SL_FINDING_WARN, "version 2", "SCP-7 a URI is of neither version");
    ehr = plain;
    ehr.scope = "launch patient/Observation.read";
    findings = review(&ehr, "\"capabilities\":[\"permission-v2\"]", p);
    is_found(&findings, "scopes", SL_FINDING_WARN, "version 2 only", "SCP-2 v1 scopes, v2 EHR");
    ehr = plain;
    ehr.standalone_scope = "openid patient/*.rs";
    findings = review(&ehr, "\"capabilities\":[\"launch-ehr\"]", p);
    is_found(&findings, "launch", SL_FINDING_WARN, "launch-standalone",
             "LCH-4 no standalone launch");
    ehr = plain;
    ehr.ep_token = "https://a.example/token";
    findings = review(&ehr, "\"token_endpoint\":\"https://a.example/token\"", p);
    is_found(&findings, "endpoints", SL_FINDING_OK, "nothing else",
             "DIS-2 a stored endpoint agrees");
    findings = review(&ehr, "\"token_endpoint\":\"https://b.example/token\"", p);
    is_found(&findings, "endpoints", SL_FINDING_WARN, "SmartEndpoint token",
             "DIS-2 a stored endpoint differs");
    ehr = plain;
    ehr.auth = SL_CLIENT_NONE;
    findings = review(&ehr, ALL, p);
    is_found(&findings, "method", SL_FINDING_OK, "public client", "REG-5 a public client");
}

static void test_texts(apr_pool_t *p)
{
    sl_findings_t findings = sl_finding_list(p);
    sl_findings_t of_ehr = {findings.list, "epic"};
    const sl_finding_t *one;

    sl_finding_wrong(&of_ehr, "jwks", "do \x1b[31mthis", "%s", "a\nb\x1b[2Jc\xc3\xa9");
    one = &APR_ARRAY_IDX(findings.list, 0, sl_finding_t);
    ok(strpbrk(one->found, "\n\x1b\xc3") == NULL && strpbrk(one->todo, "\x1b") == NULL,
       "what the other side sent moves no terminal's cursor");
    is_str(one->ehr, "epic", "whose it is");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_certificate(p);
    test_clock(p);
    test_made_up_code(p);
    test_system(p);
    test_document(p);
    test_configured(p);
    test_texts(p);
    rule_release(p);
    return tap_done();
}
