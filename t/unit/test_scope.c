/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_scope.h"
#include <apr_strings.h>

static void test_grammar(apr_pool_t *p)
{
    static const struct {
        const char *rule;
        const char *scope;
        const char *id; /* NULL: well formed */
    } cases[] = {
        {"SCP-1", "patient/Observation.rs", NULL},
        {"SCP-1", "user/*.cruds", NULL},
        {"SCP-1", "system/Patient.c", NULL},
        {"SCP-1", "patient/*.cs", NULL},
        {"SCP-1", "patient/Observation.rs?category=laboratory", NULL},
        {"SCP-1", "patient/Observation.rs?category=http://x|laboratory&code=a,b", NULL},
        {"SCP-1", "patient/Observation.rs?code:in=x", NULL},
        {"SCP-1", "patient/Observation.dus", "SL2202"},
        {"SCP-1", "patient/Observation.rd", "SL2212"},
        {"SCP-1", "patient/Observation.r patient/Observation.d", NULL},
        {"SCP-1", "patient/Observation.dr", "SL2202"},
        {"SCP-1", "patient/Observation.rr", "SL2202"},
        {"SCP-1", "patient/Observation.sr", "SL2202"},
        {"SCP-1", "patient/Observation.x", "SL2202"},
        {"SCP-1", "patient/Observation.", "SL2202"},
        {"SCP-1", "patient/Observation", "SL2202"},
        {"SCP-1", "patient/.rs", "SL2201"},
        {"SCP-1", "patient/observation.rs", "SL2201"},
        {"SCP-1", "patient/Obs*.rs", "SL2201"},
        {"SCP-1", "patient/**.rs", "SL2201"},
        {"SCP-1", "patient/", "SL2201"},
        {"SCP-1", "patient/Observation.rs?", "SL2203"},
        {"SCP-1", "patient/Observation.rs?category", "SL2203"},
        {"SCP-1", "patient/Observation.rs?category=", "SL2203"},
        {"SCP-1", "patient/Observation.rs?=x", "SL2203"},
        {"SCP-1", "patient/Observation.rs?a=b&", "SL2203"},
        {"SCP-1", "patient/Observation.rs?a=b?c=d", "SL2203"},
        {"SCP-1", "patient/Observation.read?a=b", "SL2203"},
        {"SCP-1", "Patient/Observation.rs", "SL2206"},
        {"SCP-1", "USER/*.rs", "SL2206"},
        {"SCP-2", "patient/*.read", NULL},
        {"SCP-2", "patient/Observation.write", NULL},
        {"SCP-2", "user/*.*", NULL},
        {"SCP-2", "patient/*.reads", "SL2202"},
        {"SCP-2", "patient/*.READ", "SL2202"},
        {"SCP-3", "launch", NULL},
        {"SCP-3", "launch/patient", NULL},
        {"SCP-3", "launch/encounter?role=http://x", NULL},
        {"SCP-3", "launch/Patient", "SL2204"},
        {"SCP-3", "launch/", "SL2204"},
        {"SCP-3", "launch/patient?role=", "SL2204"},
        {"SCP-3", "launch/patient?role=a&role=b", "SL2204"},
        {"SCP-3", "launch/patient?role=a?role=b", "SL2204"},
        {"SCP-3", "launch/patient?x=y", "SL2204"},
        {"SCP-3", "Launch/patient", "SL2206"},
        {"SCP-4", "openid fhirUser profile online_access offline_access", NULL},
        {"SCP-4", "https://scopes.example/a/b", NULL},
        {"SCP-4", "__vendor/x", NULL},
        {"SCP-7", "http://smarthealthit.org/fhir/scopes/patient/Observation.rs", NULL},
        {"SCP-7", "http://smarthealthit.org/fhir/scopes/launch/patient", NULL},
        {"SCP-7", "http://smarthealthit.org/fhir/scopes/patient/Observation.xyz", "SL2202"},
        {"SCP-7", "http://openid.net/specs/openid-connect-core-1_0#openid", NULL},
        {"SCP-1", "launch doctor/*.rs", "SL2207"},
        {"SCP-1", "patients/*.rs", "SL2207"},
        {"SCP-4", "launch openid\tpatient/*.rs  user/*.rs", NULL},
        {"SCP-4", "openid \"x\"", "SL2205"},
        {"SCP-4", "openid a\\b", "SL2205"},
        {"SCP-4", "caf\xc3\xa9", "SL2205"},
        {"SCP-4", "openid patient/*.xyz", "SL2202"},
        {"AZR-5", "", "SL2211"},
        {"AZR-5", "  ", "SL2211"},
        {"AZR-5", NULL, "SL2211"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_err_t err;

        is_end(sl_scope_check(cases[i].scope, p, &err), &err, cases[i].id,
               cases[i].id == NULL ? SL_OK : SL_INVALID,
               apr_psprintf(p, "%s \"%s\" is %s", cases[i].rule,
                            cases[i].scope == NULL ? "" : cases[i].scope,
                            cases[i].id == NULL ? "well formed" : "refused"));
    }
}

static void test_has(void)
{
    ok(sl_scope_has("launch openid", "openid"), "SCP-4 the last token");
    ok(sl_scope_has("openid", "openid"), "SCP-4 the only token");
    ok(sl_scope_has("openid launch", "openid"), "SCP-4 the first token");
    ok(sl_scope_has("a\n openid\t b", "openid"), "SCP-4 any blanks");
    ok(!sl_scope_has("openidx xopenid OPENID", "openid"), "SCP-4 the whole token in its case");
    ok(!sl_scope_has("launch/patient", "launch"), "SCP-3 launch/patient is not launch");
    ok(sl_scope_has("a http://smarthealthit.org/fhir/scopes/launch/patient b", "launch/patient"),
       "SCP-7 written as a URI");
    ok(sl_scope_has("http://openid.net/specs/openid-connect-core-1_0#openid", "openid"),
       "SCP-7 OpenID's scopes, too");
    ok(!sl_scope_has("http://smarthealthit.org/fhir/scopes/launch", "launch/patient") &&
           !sl_scope_has("http://elsewhere.example/fhir/scopes/launch", "launch") &&
           !sl_scope_has("http://smarthealthit.org/fhir/scopes/", "launch"),
       "SCP-7 the whole URI, and no other");
    ok(!sl_scope_has("", "openid") && !sl_scope_has(NULL, "openid"), "SCP-4 not in nothing");
}

static void test_covers(apr_pool_t *p)
{
    static const struct {
        const char *rule;
        const char *granted;
        const char *wanted;
        bool want;
    } cases[] = {
        {"SCP-2", "patient/*.rs", "patient/*.read", true},
        {"SCP-2", "patient/*.read", "patient/*.rs", true},
        {"SCP-2", "patient/*.cud", "patient/*.write", true},
        {"SCP-2", "patient/*.write", "patient/*.cud", true},
        {"SCP-2", "patient/*.*", "patient/*.cruds", true},
        {"SCP-2", "patient/*.cruds", "patient/*.*", true},
        {"SCP-2", "patient/*.read", "patient/*.cruds", false},
        {"SCP-5", "patient/*.rs", "patient/Observation.r", true},
        {"SCP-5", "patient/Observation.r", "patient/*.r", false},
        {"SCP-5", "patient/X.rs patient/X.cud", "patient/X.cruds", true},
        {"SCP-5", "patient/X.cruds", "patient/X.rs", true},
        {"SCP-5", "patient/X.r patient/*.s", "patient/X.rs", true},
        {"SCP-5", "patient/X.r patient/Y.s", "patient/X.rs", false},
        {"SCP-5", "patient/X.rd", "patient/X.d", true},
        {"SCP-5", "user/*.rs", "patient/*.rs", false},
        {"SCP-5", "patient/*.rs", "user/*.rs", false},
        {"SCP-5", "patient/X.rs patient/X.rs", "patient/X.rs", true},
        {"SCP-5", "patient/X.rs", "patient/X.rs?category=a", true},
        {"SCP-5", "patient/X.rs?category=a", "patient/X.rs", false},
        {"SCP-5", "patient/X.rs?category=a", "patient/X.rs?category=a", true},
        {"SCP-5", "patient/X.rs?category=a", "patient/X.rs?category=b", false},
        {"SCP-5", "patient/X.rs?category=a", "patient/X.rs?category=aa", false},
        {"SCP-5", "patient/X.rs?a=1", "patient/X.rs?b=2&a=1", true},
        {"SCP-5", "patient/X.rs?a=1&b=2", "patient/X.rs?b=2&a=1", true},
        {"SCP-5", "patient/X.rs?a=1&b=2", "patient/X.rs?a=1", false},
        {"SCP-5", "patient/*.rs?category=a", "patient/X.rs?category=a", true},
        {"SCP-5", "junk/ patient/X.bad patient/X.rs", "patient/X.rs", true},
        {"SCP-5", "", "patient/X.rs", false},
        {"SCP-5", NULL, "patient/X.rs", false},
        {"SCP-4", "openid fhirUser", "fhirUser", true},
        {"SCP-4", "openid", "fhirUser", false},
        {"SCP-3", "launch/patient", "launch/patient", true},
        {"SCP-3", "launch/patient?role=a", "launch/patient", false},
        {"SCP-1", "patient/X.bad", "patient/X.bad", true},
        {"SCP-7", "http://smarthealthit.org/fhir/scopes/patient/*.rs", "patient/X.r", true},
        {"SCP-7", "patient/*.rs", "http://smarthealthit.org/fhir/scopes/patient/X.read", true},
        {"SCP-7", "http://smarthealthit.org/fhir/scopes/patient/Y.rs", "patient/X.r", false},
        {"SCP-7", "openid", "http://openid.net/specs/openid-connect-core-1_0#openid", true},
        {"SCP-7", "http://elsewhere.example/patient/*.rs", "patient/X.r", false},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        is_int(sl_scope_covers(cases[i].granted, cases[i].wanted, p), cases[i].want,
               apr_psprintf(p, "%s %s %s %s", cases[i].rule,
                            cases[i].granted == NULL ? "nothing" : cases[i].granted,
                            cases[i].want ? "covers" : "does not cover", cases[i].wanted));
    }
}

static void test_missing(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *asked, *granted, *want;
    } cases[] = {
        {"the same in another order", "openid patient/*.rs", "patient/*.rs openid", ""},
        {"v1 asked, v2 granted", "patient/*.read", "patient/*.rs", ""},
        {"v2 asked, v1 granted", "patient/*.cruds", "patient/*.write patient/*.read", ""},
        {"narrowed to one type", "patient/*.rs user/X.r", "patient/X.rs user/X.r", "patient/*.rs"},
        {"nothing granted", "openid patient/*.rs", "", "openid patient/*.rs"},
        {"widened", "patient/X.r", "patient/*.cruds", ""},
        {"launch and offline_access show elsewhere",
         "launch launch/patient offline_access online_access fhirUser", "", "fhirUser"},
        {"nothing asked", NULL, "openid", ""},
        {"SCP-7 granted as URIs", "launch openid patient/*.rs user/X.r",
         "http://smarthealthit.org/fhir/scopes/patient/*.rs "
         "http://openid.net/specs/openid-connect-core-1_0#openid",
         "user/X.r"},
        {"SCP-7 asked as URIs",
         "http://smarthealthit.org/fhir/scopes/launch "
         "http://smarthealthit.org/fhir/scopes/patient/*.rs",
         "patient/*.rs", ""},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        is_str(sl_scope_missing(p, cases[i].asked, cases[i].granted), cases[i].want,
               apr_pstrcat(p, "TRS-3, SCP-5 missing: ", cases[i].name, NULL));
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_grammar(p);
    test_has();
    test_covers(p);
    test_missing(p);
    rule_release(p);
    return tap_done();
}
