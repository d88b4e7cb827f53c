/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_issuer_param.h"

int main(void)
{
    static const struct {
        const char *name;
        sl_issuer_param_t expected;
        const char *received;
        const char *id; /* NULL: accepted */
    } cases[] = {
        {"CBK-7 the same issuer", {"https://a.example", true}, "https://a.example", NULL},
        {"CBK-7 the same, not advertised", {"https://a.example", false}, "https://a.example", NULL},
        {"CBK-7 missing, not advertised", {"https://a.example", false}, NULL, NULL},
        {"CBK-7 missing, nothing known", {NULL, false}, NULL, NULL},
        {"CBK-7 missing though advertised", {"https://a.example", true}, NULL, "SL2031"},
        {"CBK-7 advertised, issuer unknown, missing", {NULL, true}, NULL, "SL2031"},
        {"SEC-1 another issuer", {"https://a.example", true}, "https://b.example", "SL2033"},
        {"SEC-1 another issuer, not advertised",
         {"https://a.example", false},
         "https://b.example",
         "SL2033"},
        {"CBK-7 plain comparison: a slash more",
         {"https://a.example", true},
         "https://a.example/",
         "SL2033"},
        {"CBK-7 plain comparison: another case",
         {"https://a.example", true},
         "https://A.example",
         "SL2033"},
        {"CBK-7 empty", {"https://a.example", true}, "", "SL2033"},
        {"CBK-7 sent, promised by nobody, of an issuer not known: discarded",
         {NULL, false},
         "https://a.example",
         NULL},
    };
    apr_pool_t *p = rule_pool();

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_err_t err;

        is_end(sl_issuer_param_check(&cases[i].expected, cases[i].received, &err), &err,
               cases[i].id, cases[i].id == NULL ? SL_OK : SL_DENIED, cases[i].name);
    }
    rule_release(p);
    return tap_done();
}
