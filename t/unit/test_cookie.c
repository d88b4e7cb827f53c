/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_cookie.h"

#define OURS "__Host-smart"

static const struct {
    const char *name, *header;
    sl_rc_t rc;
    const char *value;
} rows[] = {
    {"alone", OURS "=v", SL_OK, "v"},
    {"among others", "a=1; " OURS "=v; b=2", SL_OK, "v"},
    {"without blanks", "a=1;" OURS "=v;b=2", SL_OK, "v"},
    {"blanks all around", " \t a = 1 ;  " OURS " = v \t; b=2 ", SL_OK, "v"},
    {"an = in the value", OURS "=v=w==", SL_OK, "v=w=="},
    {"twice the same", OURS "=v; " OURS "=v", SL_OK, "v"},
    {"twice, different", OURS "=v; " OURS "=w", SL_INVALID, NULL},
    {"twice, one longer", OURS "=v; " OURS "=vv", SL_INVALID, NULL},
    {"twice, one empty", OURS "=; " OURS "=v", SL_INVALID, NULL},
    {"two Cookie headers joined by httpd", "a=1, " OURS "=v", SL_OK, "v"},
    {"two Cookie headers, ours first", OURS "=v, b=2", SL_OK, "v"},
    {"two Cookie headers, both ours", OURS "=v, " OURS "=w", SL_INVALID, NULL},
    {"a comma in another value", "a=1,2; " OURS "=v", SL_OK, "v"},
    {"empty", OURS "=", SL_OK, ""},
    {"without =", OURS "; a=1", SL_NONE, NULL},
    {"not there", "a=1; b=2", SL_NONE, NULL},
    {"a longer name", OURS "x=v", SL_NONE, NULL},
    {"a shorter name", "__Host-smar=v", SL_NONE, NULL},
    {"another case is another cookie", "__host-SMART=v", SL_NONE, NULL},
    {"in another's value", "a=" OURS "=v", SL_NONE, NULL},
    {"no header", NULL, SL_NONE, NULL},
    {"an empty header", "", SL_NONE, NULL},
    {"only separators", ";; ; ,", SL_NONE, NULL},
};

static const struct {
    const char *name;
    bool legal;
} names[] = {
    {"__Host-smart", true}, {"a", true},          {"a.b~c!d", true}, {"", false},
    {"a b", false},         {"a=b", false},       {"a;b", false},    {"a,b", false},
    {"a\"b", false},        {"a\xc3\xa4", false}, {"a\r\nb", false}, {"(a)", false},
};

static const struct {
    const char *text;
    bool spelled;
} spellings[] = {
    {OURS "=v", true},
    {"__HOST-SMART=v", true},
    {"__host-smart=v", true},
    {"%5F_Host-smart=v", true},
    {"__Host%2dsmart=v", true},
    {"__Host%2Dsmar%54=v", true},
    {"__Host-smart", true},
    {"__Host-smart =v", true},
    {"__Host-smart1=v", false},
    {"__Host_smart=v", false},
    {"__Host-smart%=v", false},
    {"__Host%2=v", false},
    {"__Host-smart%zz=v", false},
    {"__Host-sm%rt=v", false},
    {"=v", false},
};

int main(void)
{
    apr_pool_t *p = rule_pool();
    const char *value;
    sl_err_t err;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sl_rc_t rc = sl_cookie_find(&value, rows[i].header, OURS, p, &err);

        is_end(rc, &err, rows[i].rc == SL_NONE ? "SL2502" : "SL2501", rows[i].rc, rows[i].name);
        is_str(value, rows[i].value, rows[i].name);
    }
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ok(sl_cookie_is_name(names[i].name) == names[i].legal, "a cookie's name, row %d", (int)i);
    }
    ok(!sl_cookie_is_name(NULL), "no name is no name");
    for (i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        const char *rest = spellings[i].text;
        sl_cookie_pair_t pair;

        ok(sl_cookie_next(&pair, &rest, NULL) &&
               sl_cookie_is_spelled(&pair, OURS) == spellings[i].spelled,
           "design 13: spelled %s", spellings[i].text);
    }
    is_str(sl_cookie_set(p, OURS, "v", true),
           OURS "=v; Path=/; Secure; HttpOnly; SameSite=None; Partitioned", "LCH-6 in a frame");
    is_str(sl_cookie_set(p, OURS, "v", false), OURS "=v; Path=/; Secure; HttpOnly; SameSite=Lax",
           "LCH-6 as a page");
    is_str(sl_cookie_clear(p, OURS, true),
           OURS "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None; Partitioned",
           "SEC-9 cleared in a frame");
    is_str(sl_cookie_clear(p, OURS, false),
           OURS "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax", "SEC-9 cleared as a page");
    rule_release(p);
    return tap_done();
}
