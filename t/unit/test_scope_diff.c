/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_scope_diff.h"
#include <apr_strings.h>
#include <string.h>

#define USUAL "launch openid fhirUser offline_access patient/*.rs"

/* What came: r refresh token, p patient, i id_token, f fhirUser; "x": a public client. */
static sl_scope_facts_t facts_of(const char *asked, const char *granted, const char *came)
{
    const sl_scope_facts_t facts = {.asked = asked,
                                    .granted = granted,
                                    .has_refresh = strchr(came, 'r') != NULL,
                                    .has_patient = strchr(came, 'p') != NULL,
                                    .has_id_token = strchr(came, 'i') != NULL,
                                    .has_fhir_user = strchr(came, 'f') != NULL,
                                    .is_public = strchr(came, 'x') != NULL};

    return facts;
}

static void test_missing(apr_pool_t *p)
{
    static const struct {
        const char *name, *asked, *granted, *came, *missing;
        const char *cause; /* a word of it; NULL: nothing is missing */
    } cases[] = {
        {"all", USUAL, USUAL, "rpif", "", NULL},
        {"another order, repeated", "openid patient/*.rs", "patient/*.rs openid openid", "i", "",
         NULL},
        {"v1 asked, v2 granted", "patient/*.read", "patient/*.rs", "", "", NULL},
        {"v2 asked, v1 granted", "patient/*.cruds", "patient/*.write patient/*.read", "", "", NULL},
        {"widened", "patient/X.r", "patient/*.cruds user/*.rs", "", "", NULL},
        {"not said", USUAL, NULL, "rpif", "", NULL},
        {"nothing asked", NULL, "openid", "", "", NULL},
        {"what came though nobody repeats it", USUAL " launch/patient online_access",
         "patient/*.rs", "rpif", "", NULL},
        {"launch not repeated and no patient", "launch user/*.rs", "user/*.rs", "", "", NULL},

        {"no refresh token", USUAL, USUAL, "pif", "offline_access", "persistent access"},
        {"no refresh token, though not said", USUAL, NULL, "pif", "offline_access", "persistent"},
        {"no refresh token for a public client", USUAL, USUAL, "pifx", "offline_access",
         "without secret or key"},
        {"no id_token", "openid patient/X.rs", "openid patient/X.rs", "", "openid", "no id_token"},
        {"no fhirUser", "openid fhirUser", "openid fhirUser", "i", "fhirUser", "no fhirUser"},
        {"no patient", "launch/patient", "launch/patient", "", "launch/patient", "no patient"},
        {"another launch context is not counted", "launch/encounter", "", "", "", NULL},
        {"a vendor's own", "https://v.example/x", "", "", "https://v.example/x", "registration"},

        {"SCP-7 granted as URIs", "launch openid patient/*.rs",
         "http://smarthealthit.org/fhir/scopes/patient/*.rs", "i", "", NULL},
        {"SCP-7 asked as URIs",
         "http://smarthealthit.org/fhir/scopes/launch "
         "http://openid.net/specs/openid-connect-core-1_0#openid "
         "http://smarthealthit.org/fhir/scopes/patient/A.rs",
         "patient/A.rs", "", "http://openid.net/specs/openid-connect-core-1_0#openid",
         "no id_token"},
        {"nothing granted", "openid patient/*.rs", "", "", "openid patient/*.rs",
         "no data scope was granted"},
        {"v1 asked, registered for v2", "patient/A.read patient/B.read", "patient/B.r", "",
         "patient/A.read patient/B.read", "SMART v2 scopes: write .rs"},
        {"v2 asked, registered for v1", "patient/A.rs", "patient/B.read", "", "patient/A.rs",
         "SMART v1 scopes: write .read"},
        {"no *", "patient/*.rs", "patient/A.rs patient/B.rs", "", "patient/*.rs", "name the types"},
        {"another level", "patient/A.rs user/A.rs", "patient/A.rs", "", "user/A.rs",
         "user/ scopes are not"},
        {"fewer rights", "patient/A.cruds", "patient/A.rs", "", "patient/A.cruds",
         "not all rights"},
        {"a constraint", "patient/A.rs", "patient/A.rs?category=x", "", "patient/A.rs",
         "constraint"},
        {"one type less", "patient/A.rs patient/B.rs", "patient/A.rs", "", "patient/B.rs",
         "not in the app's registration"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *name = apr_pstrcat(p, "TRS-3, SCP-5 ", cases[i].name, NULL);
        const sl_scope_facts_t facts = facts_of(cases[i].asked, cases[i].granted, cases[i].came);
        sl_scope_diff_t diff;

        sl_scope_diff(&diff, &facts, p);
        is_str(diff.missing, cases[i].missing, name);
        ok(cases[i].cause == NULL ? diff.cause == NULL : holds(diff.cause, cases[i].cause),
           "%s: its cause", name);
        if (diff.cause != NULL) {
            diag("%s", diff.cause);
        }
    }
}

static void test_causes(apr_pool_t *p)
{
    char *many = apr_pstrdup(p, "patient/A.rs");
    sl_scope_facts_t facts =
        facts_of("offline_access online_access patient/A.rs patient/B.rs", "openid", "");
    sl_scope_diff_t diff;
    const char *again;

    sl_scope_diff(&diff, &facts, p);
    again = strstr(diff.cause, "persistent access");
    ok(holds(diff.cause, "; ") && again != NULL && strstr(again + 1, "persistent access") == NULL,
       "TRS-3 each cause is named once");
    while (strlen(many) < 2100) {
        many = apr_pstrcat(p, many, " patient/Observation.rs", NULL);
    }
    facts = facts_of(many, "patient/A.rs", "");
    sl_scope_diff(&diff, &facts, p);
    ok(holds(diff.cause, "cut long lists"), "SCP-5 that the list is long may be the cause");
}

static void test_text(apr_pool_t *p)
{
    sl_scope_facts_t facts = facts_of("openid user/X.rs", "openid", "i");
    char *many = apr_pstrdup(p, "openid");
    sl_scope_diff_t diff;

    sl_scope_diff(&diff, &facts, p);
    is_str(sl_scope_diff_text(&diff, &facts, p),
           apr_pstrcat(p, "asked \"openid user/X.rs\", granted \"openid\", missing \"user/X.rs\": ",
                       diff.cause, NULL),
           "TRS-3 one line: asked, granted, missing, cause");
    facts = facts_of("openid", "openid extra", "i");
    sl_scope_diff(&diff, &facts, p);
    is_str(sl_scope_diff_text(&diff, &facts, p),
           "asked \"openid\", granted \"openid extra\", nothing is missing",
           "TRS-3 and if nothing is missing, it says that");
    facts = facts_of("openid", NULL, "i");
    sl_scope_diff(&diff, &facts, p);
    is_str(sl_scope_diff_text(&diff, &facts, p),
           "asked \"openid\", it does not say what it granted, nothing is missing",
           "TRS-3 and if the EHR did not say");
    while (strlen(many) < 20000) {
        many = apr_pstrcat(p, many, " patient/Observation.rs", NULL);
    }
    facts = facts_of(many, many, "");
    sl_scope_diff(&diff, &facts, p);
    ok(strlen(sl_scope_diff_text(&diff, &facts, p)) < 2000, "TRS-3 long lists are cut");
    facts = facts_of("openid", "caf\xc3\xa9\x1b[31m", "i");
    sl_scope_diff(&diff, &facts, p);
    ok(holds(sl_scope_diff_text(&diff, &facts, p), "caf???[31m"),
       "TRS-3 nothing odd comes into the log");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_missing(p);
    test_causes(p);
    test_text(p);
    rule_release(p);
    return tap_done();
}
