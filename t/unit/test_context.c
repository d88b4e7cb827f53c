/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_context.h"
#include "smart/sl_notice.h"
#include <apr_strings.h>

static const sl_quirks_t strict = {.patient_reference = SL_SWITCH_OFF,
                                   .patient_in_id_token = SL_SWITCH_OFF};
static const sl_quirks_t lenient = {.patient_reference = SL_SWITCH_ON,
                                    .patient_in_id_token = SL_SWITCH_OFF};
static const sl_quirks_t inside = {.patient_reference = SL_SWITCH_OFF,
                                   .patient_in_id_token = SL_SWITCH_ON};

#define X16 "0123456789abcdef"
#define X64 X16 X16 X16 X16

static sl_rc_t parse(sl_context_t *out, const char *json, const sl_quirks_t *quirks,
                     apr_array_header_t *notices, apr_pool_t *p, sl_err_t *err)
{
    sl_context_input_t input = {NULL, quirks, notices, NULL};
    sl_json_t *doc;

    if (sl_json_parse(&doc, json, strlen(json), p, NULL) != SL_OK) {
        diag("the test's own JSON is wrong: %s", json);
        abort();
    }
    input.response = doc;
    return sl_context_parse(out, &input, p, err);
}

static void test_ids(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *json;
        const sl_quirks_t *quirks;
        const char *want;
        const char *id; /* NULL: accepted */
    } cases[] = {
        {"a FHIR id", "{\"patient\":\"Ab-1.2\"}", &strict, "Ab-1.2", NULL},
        {"64 characters", "{\"patient\":\"" X64 "\"}", &strict, X64, NULL},
        {"absent", "{}", &strict, NULL, NULL},
        {"null", "{\"patient\":null}", &strict, NULL, NULL},
        {"65 characters", "{\"patient\":\"" X64 "x\"}", &strict, NULL, "SL2152"},
        {"empty", "{\"patient\":\"\"}", &strict, NULL, "SL2152"},
        {"a header line", "{\"patient\":\"1\\r\\nX: y\"}", &strict, NULL, "SL2152"},
        {"a number", "{\"patient\":1}", &strict, NULL, "SL2152"},
        {"an object", "{\"patient\":{\"id\":\"1\"}}", &strict, NULL, "SL2152"},
        {"a NUL", "{\"patient\":\"1\\u0000\"}", &strict, NULL, "SL2152"},
        {"a slash", "{\"patient\":\"../1\"}", &strict, NULL, "SL2152"},
        {"an underscore", "{\"patient\":\"a_b\"}", &strict, NULL, "SL2152"},
        {"a letter over ASCII", "{\"patient\":\"\xc3\xa9\"}", &strict, NULL, "SL2152"},
        {"Patient/1", "{\"patient\":\"Patient/1\"}", &strict, NULL, "SL2152"},
        {"Patient/1 where the profile says so", "{\"patient\":\"Patient/1\"}", &lenient, "1", NULL},
        {"another type where the profile says so", "{\"patient\":\"Person/1\"}", &lenient, NULL,
         "SL2152"},
        {"the type alone", "{\"patient\":\"Patient/\"}", &lenient, NULL, "SL2152"},
        {"the type twice", "{\"patient\":\"Patient/Patient/1\"}", &lenient, NULL, "SL2152"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *name = apr_pstrcat(p, "CTX-1 patient: ", cases[i].name, NULL);
        sl_context_t got;
        sl_err_t err;

        if (is_end(parse(&got, cases[i].json, cases[i].quirks, NULL, p, &err), &err, cases[i].id,
                   cases[i].id == NULL ? SL_OK : SL_UPSTREAM, name) &&
            cases[i].id == NULL) {
            is_str(got.patient, cases[i].want, name);
        }
    }
}

static void test_inside(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const sl_quirks_t *quirks;
        const char *json, *claims; /* NULL: there is no id_token */
        const char *patient, *id;
    } cases[] = {
        {"is read where the profile says so", &inside, "{}", "{\"patient\":\"p1\"}", "p1", NULL},
        {"is not read elsewhere", &lenient, "{}", "{\"patient\":\"p1\"}", NULL, NULL},
        {"does not change what the response says", &inside, "{\"patient\":\"p2\"}",
         "{\"patient\":\"p1\"}", "p2", NULL},
        {"may be absent", &inside, "{}", "{\"sub\":\"s\"}", NULL, NULL},
        {"may have no id_token", &inside, "{}", NULL, NULL, NULL},
        {"must be a FHIR id", &inside, "{}", "{\"patient\":\"Patient/1\"}", NULL, "SL2152"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *name = apr_pstrcat(p, "CTX-1 patient in the id_token ", cases[i].name, NULL);
        sl_context_input_t input = {NULL, cases[i].quirks, NULL, NULL};
        sl_json_t *doc = NULL, *claims = NULL;
        sl_context_t got;
        sl_err_t err;

        ok(sl_json_parse(&doc, cases[i].json, strlen(cases[i].json), p, NULL) == SL_OK &&
               (cases[i].claims == NULL ||
                sl_json_parse(&claims, cases[i].claims, strlen(cases[i].claims), p, NULL) == SL_OK),
           "%s: the test's own JSON", name);
        input.response = doc;
        input.claims = claims;
        if (is_end(sl_context_parse(&got, &input, p, &err), &err, cases[i].id,
                   cases[i].id == NULL ? SL_OK : SL_UPSTREAM, name)) {
            is_str(got.patient, cases[i].patient, name);
        }
    }
}

static void test_encounter(apr_pool_t *p)
{
    sl_context_t got;
    sl_err_t err;

    is_end(parse(&got, "{\"encounter\":\"e-1\"}", &strict, NULL, p, &err), &err, NULL, SL_OK,
           "CTX-1 an encounter");
    is_str(got.encounter, "e-1", "CTX-1 its id");
    is_end(parse(&got, "{\"encounter\":\"e 1\"}", &strict, NULL, p, &err), &err, "SL2153",
           SL_UPSTREAM, "CTX-1 a malformed encounter is refused");
    is_end(parse(&got, "{\"encounter\":\"Encounter/1\"}", &lenient, NULL, p, &err), &err, NULL,
           SL_OK, "CTX-1 Encounter/1 where the profile says so");
    is_str(got.encounter, "1", "CTX-1 without the type");
}

static void test_banner(apr_pool_t *p)
{
    static const struct {
        const char *json;
        const char *want;
    } cases[] = {
        {"{\"need_patient_banner\":true}", "true"},
        {"{\"need_patient_banner\":false}", "false"},
        {"{}", "unknown"},
        {"{\"need_patient_banner\":\"false\"}", "unknown"},
        {"{\"need_patient_banner\":0}", "unknown"},
        {"{\"need_patient_banner\":null}", "unknown"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_context_t got;
        sl_err_t err;

        is_end(parse(&got, cases[i].json, &strict, NULL, p, &err), &err, NULL, SL_OK,
               "CTX-2 a banner");
        is_str(sl_context_banner(got.need_banner), cases[i].want,
               apr_pstrcat(p, "CTX-2 ", cases[i].json, " is ", cases[i].want, NULL));
    }
}

static const char *filler(apr_pool_t *p, int len)
{
    char *text = apr_pcalloc(p, (apr_size_t)len + 1);

    memset(text, 'x', (apr_size_t)len);
    return text;
}

static void test_texts(apr_pool_t *p)
{
    const struct {
        const char *name;
        const char *value; /* JSON */
        const char *want;
        bool is_noted;
    } cases[] = {
        {"verbatim", "\"reconcile <&> 'x'\"", "reconcile <&> 'x'", false},
        {"null", "null", NULL, false},
        {"empty", "\"\"", NULL, false},
        {"with a line end", "\"a\\nX: y\"", NULL, true},
        {"not ASCII", "\"\xc3\xa9\"", NULL, true},
        {"with a NUL", "\"a\\u0000b\"", NULL, true},
        {"a number", "7", NULL, true},
        {"4096 bytes", apr_pstrcat(p, "\"", filler(p, 4096), "\"", NULL), filler(p, 4096), false},
        {"4097 bytes, never cut", apr_pstrcat(p, "\"", filler(p, 4097), "\"", NULL), NULL, true},
    };
    static const char *const members[] = {"intent", "tenant"};

    for (int m = 0; m < COUNT_OF(members); m++) {
        for (int i = 0; i < COUNT_OF(cases); i++) {
            apr_array_header_t *notices = sl_notice_list(p);
            const char *name =
                apr_pstrcat(p, "CTX-3, CTX-6 ", members[m], " ", cases[i].name, NULL);
            sl_context_t got;
            sl_err_t err;

            is_end(parse(&got, apr_pstrcat(p, "{\"", members[m], "\":", cases[i].value, "}", NULL),
                         &strict, notices, p, &err),
                   &err, NULL, SL_OK, name);
            is_str(m == 0 ? got.intent : got.tenant, cases[i].want, name);
            is_int(sl_notice_has(notices, "SL2151"), cases[i].is_noted, name);
        }
    }
}

static void test_style(apr_pool_t *p)
{
    static const struct {
        const char *json;
        const char *want;
    } cases[] = {
        {"{\"smart_style_url\":\"https://ehr.example/style.json\"}",
         "https://ehr.example/style.json"},
        {"{\"smart_style_url\":\"http://ehr.example/style.json\"}", NULL},
        {"{\"smart_style_url\":\"javascript:alert(1)\"}", NULL},
        {"{\"smart_style_url\":\"/style.json\"}", NULL},
        {"{\"smart_style_url\":7}", NULL},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_context_t got;
        sl_err_t err;

        is_end(parse(&got, cases[i].json, &strict, NULL, p, &err), &err, NULL, SL_OK,
               "CTX-4 a style URL never fails the launch");
        is_str(got.style_url, cases[i].want, apr_pstrcat(p, "CTX-4 ", cases[i].json, NULL));
    }
}

static void test_fhir_context(apr_pool_t *p)
{
    const struct {
        const char *name;
        const char *value;
        const char *want;
        bool is_noted;
    } cases[] = {
        {"a reference", "[{\"reference\":\"Task/1\"}]", "[{\"reference\":\"Task/1\"}]", false},
        {"canonical with type and role",
         "[{\"canonical\":\"https://e/Q|1\",\"type\":\"Questionnaire\",\"role\":\"https://r\"}]",
         "[{\"canonical\":\"https://e/Q|1\",\"type\":\"Questionnaire\",\"role\":\"https://r\"}]",
         false},
        {"an identifier", "[{\"identifier\":{\"value\":\"1\"}}]",
         "[{\"identifier\":{\"value\":\"1\"}}]", false},
        {"a string of STU 2.0", "[\"Task/1\"]", "[{\"reference\":\"Task/1\"}]", false},
        {"an empty role", "[{\"reference\":\"Task/1\",\"role\":\"\"}]", NULL, true},
        {"a role that is a number", "[{\"reference\":\"Task/1\",\"role\":1}]", NULL, true},
        {"none of the three", "[{\"type\":\"Task\"}]", NULL, true},
        {"a reference that is a number", "[{\"reference\":1}]", NULL, true},
        {"an empty reference", "[{\"reference\":\"\"}]", NULL, true},
        {"an empty string", "[\"\"]", NULL, true},
        {"junk beside a good item", "[7,null,[],{\"reference\":\"Task/1\"},true]",
         "[{\"reference\":\"Task/1\"}]", true},
        {"no array", "{\"reference\":\"Task/1\"}", NULL, true},
        {"an empty array", "[]", NULL, false},
        {"null", "null", NULL, false},
        {"letters over ASCII", "[{\"reference\":\"T/1\",\"x\":\"\xc3\xa9\xe2\x82\xac\"}]",
         "[{\"reference\":\"T/1\",\"x\":\"\\u00e9\\u20ac\"}]", false},
        {"a letter over U+FFFF", "[{\"reference\":\"T/1\",\"x\":\"\xf0\x9f\x98\x80\"}]",
         "[{\"reference\":\"T/1\",\"x\":\"\\ud83d\\ude00\"}]", false},
        {"line ends and DEL", "[{\"reference\":\"T/1\",\"x\":\"a\\r\\nb\x7f\"}]",
         "[{\"reference\":\"T/1\",\"x\":\"a\\r\\nb\\u007f\"}]", false},
        {"64 KiB", apr_pstrcat(p, "[\"", filler(p, 65536), "\"]", NULL), NULL, true},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        apr_array_header_t *notices = sl_notice_list(p);
        const char *name = apr_pstrcat(p, "CTX-5 fhirContext: ", cases[i].name, NULL);
        sl_context_t got;
        sl_err_t err;

        is_end(parse(&got, apr_pstrcat(p, "{\"fhirContext\":", cases[i].value, "}", NULL), &strict,
                     notices, p, &err),
               &err, NULL, SL_OK, name);
        is_str(got.fhir_context, cases[i].want, name);
        is_int(sl_notice_has(notices, "SL2151"), cases[i].is_noted, name);
    }
}

static void test_patient_asked(void)
{
    const sl_context_t with = {.patient = "1"};
    const sl_context_t without = {.encounter = "1"};
    sl_err_t err;

    is_end(sl_context_check_patient(&with, "launch launch/patient", &err), &err, NULL, SL_OK,
           "CTX-8 a patient asked for and given");
    is_end(sl_context_check_patient(&without, "launch launch/patient", &err), &err, "SL2154",
           SL_DENIED, "CTX-8 a patient asked for and not given");
    is_end(sl_context_check_patient(&without, "launch patient/*.rs", &err), &err, NULL, SL_OK,
           "CTX-8 no patient asked for");
    is_end(sl_context_check_patient(&with, "launch", &err), &err, NULL, SL_OK,
           "CTX-9 a patient that was not asked for is accepted");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_ids(p);
    test_inside(p);
    test_encounter(p);
    test_banner(p);
    test_texts(p);
    test_style(p);
    test_fhir_context(p);
    test_patient_asked();
    rule_release(p);
    return tap_done();
}
