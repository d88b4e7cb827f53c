/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_framing.h"

static const struct {
    const char *origin;
    bool good;
} origins[] = {
    {"https://ehr.example", true},
    {"https://ehr.example:8443", true},
    {"http://ehr.intranet", true},
    {"https://*.ehr.example", true},
    {"https://[::1]:8443", true},
    {"https://127.0.0.1", true},
    {"HTTPS://EHR.example", true},
    {"https://ehr-1.the_example", true},
    {"https://ehr.example/", false},
    {"https://ehr.example/path", false},
    {"ehr.example", false},
    {"*", false},
    {"https://*", false},
    {"https://", false},
    {"https://a b", false},
    {"https://a;script-src", false},
    {"https://a,b", false},
    {"https://a'self'", false},
    {"https://u@a", false},
    {"https://a:", false},
    {"https://a:x", false},
    {"https://a:123456", false},
    {"ftp://a", false},
    {"https://a..b", false},
    {"https://.a", false},
    {"https://a?b", false},
    {"https://a\n", false},
    {"https://[::1", false},
    {"https://[]", false},
    {"'self'", false},
    {"", false},
    {"https://a.*.b", false},
};

static apr_array_header_t *list(apr_pool_t *p, const char *first, const char *second)
{
    apr_array_header_t *out = apr_array_make(p, 2, sizeof(const char *));

    APR_ARRAY_PUSH(out, const char *) = first;
    APR_ARRAY_PUSH(out, const char *) = second;
    return out;
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    apr_array_header_t *epic = list(p, "https://a.example", "https://b.example");
    apr_array_header_t *oracle = list(p, "https://B.example", "https://c.example");
    const apr_array_header_t *both[] = {epic, NULL, oracle};
    const apr_array_header_t *empty[] = {apr_array_make(p, 1, sizeof(const char *))};
    sl_err_t err;
    size_t i;

    is_str(sl_framing_value(p, NULL, 0), "'self'", "SEC-8 nobody but ourselves by default");
    is_str(sl_framing_value(p, empty, 1), "'self'", "SEC-8 an EHR without SmartEmbed");
    is_str(sl_framing_value(p, both, 1), "'self' https://a.example https://b.example",
           "LCH-6 the EHR's origins");
    is_str(sl_framing_value(p, both, 3),
           "'self' https://a.example https://b.example https://c.example",
           "design 13: the union where no EHR is known, each once");
    for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        sl_rc_t rc = sl_framing_check_origin(origins[i].origin, &err);

        is_end(rc, &err, "SL2520", origins[i].good ? SL_OK : SL_INVALID, origins[i].origin);
    }
    rule_release(p);
    return tap_done();
}
