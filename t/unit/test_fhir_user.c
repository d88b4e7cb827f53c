/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_fhir_user.h"
#include <apr_strings.h>

#define BASE "https://ehr.example/fhir"

static void test_accepted(apr_pool_t *p)
{
    static const struct {
        const char *raw, *url, *type, *id;
        bool is_local;
    } cases[] = {
        {"Practitioner/1", BASE "/Practitioner/1", "Practitioner", "1", true},
        {"PractitionerRole/a.b-c", BASE "/PractitionerRole/a.b-c", "PractitionerRole", "a.b-c",
         true},
        {"Patient/1", BASE "/Patient/1", "Patient", "1", true},
        {"RelatedPerson/1", BASE "/RelatedPerson/1", "RelatedPerson", "1", true},
        {"Person/1", BASE "/Person/1", "Person", "1", true},
        {BASE "/Practitioner/1", BASE "/Practitioner/1", "Practitioner", "1", true},
        {"HTTPS://EHR.example:443/fhir/Practitioner/1",
         "HTTPS://EHR.example:443/fhir/Practitioner/1", "Practitioner", "1", true},
        {"https://other.example/fhir/Practitioner/1", "https://other.example/fhir/Practitioner/1",
         "Practitioner", "1", false},
        {"https://ehr.example/other/Practitioner/1", "https://ehr.example/other/Practitioner/1",
         "Practitioner", "1", false},
        {"https://ehr.example/Practitioner/1", "https://ehr.example/Practitioner/1", "Practitioner",
         "1", false},
        {"https://ehr.example/fhir/x/../Person/1", "https://ehr.example/fhir/x/../Person/1",
         "Person", "1", false},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *name = apr_pstrcat(p, "IDT-7 ", cases[i].raw, NULL);
        sl_fhir_user_t got;
        sl_err_t err;

        if (!is_end(sl_fhir_user_resolve(&got, cases[i].raw, BASE, p, &err), &err, NULL, SL_OK,
                    name)) {
            continue;
        }
        is_str(got.raw, cases[i].raw, apr_pstrcat(p, name, ": raw", NULL));
        is_str(got.url, cases[i].url, apr_pstrcat(p, name, ": absolute", NULL));
        is_str(got.type, cases[i].type, apr_pstrcat(p, name, ": type", NULL));
        is_str(got.id, cases[i].id, apr_pstrcat(p, name, ": id", NULL));
        is_int(got.is_local, cases[i].is_local,
               apr_pstrcat(p, "IDT-8 ", cases[i].raw,
                           cases[i].is_local ? " is below the FHIR base" : " is not", NULL));
    }
}

static void test_refused(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *raw;
        const char *id;
    } cases[] = {
        {"another type", "Device/1", "SL2252"},
        {"a type in another case", "practitioner/1", "SL2252"},
        {"javascript", "javascript:alert(1)", "SL2252"},
        {"javascript with a reference", "javascript://x/%0aalert(1)/Practitioner/1", "SL2253"},
        {"javascript with a slash", "javascript:/Practitioner/1", "SL2253"},
        {"an id alone", "1", "SL2252"},
        {"no id", "Practitioner/", "SL2252"},
        {"a malformed id", "Practitioner/a_b", "SL2252"},
        {"an id with a query", "Practitioner/1?x", "SL2252"},
        {"a version", "Practitioner/1/_history/2", "SL2252"},
        {"a path-absolute reference", "/Practitioner/1", "SL2253"},
        {"a longer relative reference", "fhir/Practitioner/1", "SL2253"},
        {"a network-path reference", "//evil.example/Practitioner/1", "SL2253"},
        {"a host that is a type", "https://Practitioner/1", "SL2253"},
        {"user information", "https://a@ehr.example/fhir/Practitioner/1", "SL2253"},
        {"a query before the reference", "https://ehr.example/fhir?x/Practitioner/1", "SL2253"},
        {"a fragment before the reference", "https://ehr.example/#/Practitioner/1", "SL2253"},
        {"a blank", "https://ehr.example/f f/Practitioner/1", "SL2253"},
        {"a line end", "Practitioner/1\r\nX: y", "SL2251"},
        {"nothing", "", "SL2251"},
        {"NULL", NULL, "SL2251"},
        {"letters over ASCII", "https://ehr.example/\xc3\xa9/Practitioner/1", "SL2251"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_fhir_user_t got;
        sl_err_t err;

        is_end(sl_fhir_user_resolve(&got, cases[i].raw, BASE, p, &err), &err, cases[i].id,
               SL_UPSTREAM, apr_pstrcat(p, "IDT-7 ", cases[i].name, " is refused", NULL));
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_accepted(p);
    test_refused(p);
    rule_release(p);
    return tap_done();
}
