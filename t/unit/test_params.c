/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_params.h"
#include <apr_strings.h>

#define TEXT(literal) literal, sizeof(literal) - 1

static void test_values(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *text;
        const char *want; /* value of "a"; NULL: none, or not one */
        int count;
    } cases[] = {
        {"LCH-3 a plain value", "a=1&b=2", "1", 1},
        {"LCH-3 plus is a blank and %2B a plus", "a=x+y%2Bz", "x y+z", 1},
        {"LCH-3 + / = % & come through", "a=%2B%2F%3D%25%26", "+/=%&", 1},
        {"LCH-3 an equals sign in the value stays", "a=b=c==", "b=c==", 1},
        {"LCH-3 UTF-8 comes through", "a=%C3%A9%E2%82%AC", "\xc3\xa9\xe2\x82\xac", 1},
        {"LCH-1 an empty value is a value", "a=", "", 1},
        {"LCH-1 a name without value has an empty one", "a", "", 1},
        {"LCH-1 twice is not once", "a=1&a=1", NULL, 2},
        {"LCH-1 twice in other spellings is not once", "a=1&%61=2", NULL, 2},
        {"LCH-1 not there", "b=1", NULL, 0},
        {"LCH-1 names are compared in their case", "A=1", NULL, 0},
        {"empty pairs are skipped", "&&a=1&&", "1", 1},
        {"no text at all", "", NULL, 0},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_params_t *params = NULL;
        sl_err_t err;
        sl_rc_t rc = sl_params_parse(&params, cases[i].text, strlen(cases[i].text), p, &err);

        if (!is_end(rc, &err, NULL, SL_OK, cases[i].name)) {
            continue;
        }
        is_str(sl_params_one(params, "a"), cases[i].want, cases[i].name);
        is_int(sl_params_count(params, "a"), cases[i].count, cases[i].name);
    }
}

static void test_refusals(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *text;
        apr_size_t len;
    } cases[] = {
        {"a half escape is refused", TEXT("a=%4")},
        {"an escape of other letters is refused", TEXT("a=%zz")},
        {"a bad escape in a name is refused", TEXT("%a=1")},
        {"TRS-4 an encoded NUL is refused", TEXT("a=x%00y")},
        {"TRS-4 a NUL byte is refused", TEXT("a=x\0y")},
        {"TRS-4 invalid UTF-8 is refused", TEXT("a=%ff%fe")},
        {"TRS-4 an overlong slash is refused", TEXT("a=%c0%af")},
        {"TRS-4 a surrogate is refused", TEXT("a=%ed%a0%80")},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_params_t *params;
        sl_err_t err;

        is_end(sl_params_parse(&params, cases[i].text, cases[i].len, p, &err), &err, "SL2003",
               SL_INVALID, cases[i].name);
    }
}

static void test_bounds(apr_pool_t *p)
{
    char *text = apr_pcalloc(p, SL_PARAMS_MAX_BYTES + 2);
    sl_params_t *params;
    sl_params_t *more;
    sl_params_t *both;
    sl_err_t err;

    memset(text, 'x', SL_PARAMS_MAX_BYTES + 1);
    memcpy(text, "a=", 2);
    is_end(sl_params_parse(&params, text, SL_PARAMS_MAX_BYTES, p, &err), &err, NULL, SL_OK,
           "CBK-11 64 KiB of parameters are read");
    is_int((intmax_t)strlen(sl_params_one(params, "a")), SL_PARAMS_MAX_BYTES - 2,
           "CBK-11 and nothing of them is lost");
    is_end(sl_params_parse(&params, text, SL_PARAMS_MAX_BYTES + 1, p, &err), &err, "SL2001",
           SL_INVALID, "CBK-8 one byte more is refused");
    for (int i = 0; i <= SL_PARAMS_MAX_PAIRS; i++) {
        memcpy(text + 2 * i, "b&", 2);
    }
    is_end(sl_params_parse(&params, text, 2 * SL_PARAMS_MAX_PAIRS, p, &err), &err, NULL, SL_OK,
           "64 parameters are read");
    is_end(sl_params_parse(&more, text, 2 * SL_PARAMS_MAX_PAIRS + 2, p, &err), &err, "SL2002",
           SL_INVALID, "65 parameters are refused");
    is_end(sl_params_parse(&more, "b=1", 3, p, &err), &err, NULL, SL_OK, "one parameter is read");
    is_end(sl_params_merge(&both, params, more, p, &err), &err, "SL2004", SL_INVALID,
           "64 in the query and one in the body are refused");
    is_end(sl_params_parse(&params, NULL, 0, p, &err), &err, NULL, SL_OK, "no query is none");
    is_end(sl_params_merge(&both, more, more, p, &err), &err, NULL, SL_OK,
           "query and body are merged");
    is_int(sl_params_count(both, "b"), 2, "LCH-1 query and body together count twice");
    is_str(sl_params_one(both, "b"), NULL, "LCH-1 and that is not once");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_values(p);
    test_refusals(p);
    test_bounds(p);
    rule_release(p);
    return tap_done();
}
