/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_csp.h"

#define OURS "frame-ancestors 'self' https://ehr.example"

static const struct {
    const char *name, *value, *want;
} rows[] = {
    {"none", NULL, OURS},
    {"empty", "", OURS},
    {"separators only", " ;, ;; ,", OURS},
    {"a policy without", "default-src 'self'", "default-src 'self'; " OURS},
    {"replaced", "default-src 'self'; frame-ancestors 'none'; img-src *",
     "default-src 'self'; img-src *; " OURS},
    {"replaced, alone", "frame-ancestors 'none'", OURS},
    {"replaced without a value", "frame-ancestors; img-src *", "img-src *; " OURS},
    {"replaced in another case", "Frame-Ancestors https://evil.example", OURS},
    {"replaced after a tab", "\tframe-ancestors\t'none'\t;img-src *", "img-src *; " OURS},
    {"given twice", "frame-ancestors 'none'; frame-ancestors *", OURS},
    {"ours already", OURS, OURS},
    {"a name that only begins so", "frame-ancestors-x 'none'", "frame-ancestors-x 'none'; " OURS},
    {"a name that only ends so", "x-frame-ancestors 'none'", "x-frame-ancestors 'none'; " OURS},
    {"two policies", "frame-ancestors 'none', default-src *; frame-ancestors 'self'",
     OURS ", default-src *; " OURS},
    {"two policies, one without", "img-src *,frame-ancestors 'none'", "img-src *; " OURS ", " OURS},
    {"empty policies go", ",, img-src *,,", "img-src *; " OURS},
    {"semicolons without blanks", "a;b;c", "a; b; c; " OURS},
    {"a semicolon at the end", "img-src *;", "img-src *; " OURS},
};

int main(void)
{
    apr_pool_t *p = rule_pool();
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *got = sl_csp_reframe(p, rows[i].value, "'self' https://ehr.example");

        is_str(got, rows[i].want, rows[i].name);
        is_str(sl_csp_reframe(p, got, "'self' https://ehr.example"), got, "and again: no change");
    }
    rule_release(p);
    return tap_done();
}
