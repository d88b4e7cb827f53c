/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_issuer_param.h"

#define TOKEN "https://a.example/token"

int main(void)
{
    static const struct {
        const char *name;
        sl_issuer_param_t expected;
        const char *received;
        const char *id; /* NULL: accepted */
    } cases[] = {
        {"CBK-7 the same issuer",
         {"https://a.example", true, TOKEN, true},
         "https://a.example",
         NULL},
        {"CBK-7 the same, not advertised",
         {"https://a.example", false, TOKEN, true},
         "https://a.example",
         NULL},
        {"CBK-7 missing, not advertised", {"https://a.example", false, TOKEN, true}, NULL, NULL},
        {"CBK-7 missing, nothing known", {NULL, false, TOKEN, true}, NULL, NULL},
        {"CBK-7 missing though advertised",
         {"https://a.example", true, TOKEN, true},
         NULL,
         "SL2031"},
        {"CBK-7 advertised, issuer unknown, missing", {NULL, true, TOKEN, true}, NULL, "SL2031"},
        {"SEC-1 another issuer",
         {"https://a.example", true, TOKEN, true},
         "https://b.example",
         "SL2033"},
        {"SEC-1 another issuer, not advertised",
         {"https://a.example", false, TOKEN, true},
         "https://b.example",
         "SL2033"},
        {"CBK-7 plain comparison: a slash more",
         {"https://a.example", true, TOKEN, true},
         "https://a.example/",
         "SL2033"},
        {"CBK-7 plain comparison: another case",
         {"https://a.example", true, TOKEN, true},
         "https://A.example",
         "SL2033"},
        {"CBK-7 empty", {"https://a.example", true, TOKEN, true}, "", "SL2033"},
        {"CBK-7 sent, promised by nobody, of an issuer not known: discarded",
         {NULL, false, TOKEN, false},
         "https://b.example",
         NULL},
        {"SEC-1 of an issuer not known, where several EHRs answer: the host that gets the code",
         {NULL, false, TOKEN, true},
         "https://A.example:443/as",
         NULL},
        {"SEC-1 and no other host", {NULL, false, TOKEN, true}, "https://b.example", "SL2034"},
        {"SEC-1 nor port", {NULL, false, TOKEN, true}, "https://a.example:444", "SL2034"},
        {"SEC-1 nor a name that only begins so",
         {NULL, false, TOKEN, true},
         "https://a.example.evil.example",
         "SL2034"},
        {"SEC-1 nor anything that is no URL", {NULL, false, TOKEN, true}, "a.example", "SL2034"},
    };
    apr_pool_t *p = rule_pool();

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_err_t err;

        is_end(sl_issuer_param_check(&cases[i].expected, cases[i].received, p, &err), &err,
               cases[i].id, cases[i].id == NULL ? SL_OK : SL_DENIED, cases[i].name);
    }
    rule_release(p);
    return tap_done();
}
