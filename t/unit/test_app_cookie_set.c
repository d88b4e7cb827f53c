/* SPDX-License-Identifier: Apache-2.0 */
/* Design 13 "App cookies": what becomes of the app's Set-Cookie. */
#include "rule.h"
#include "smart/sl_app_cookie.h"
#include <apr_strings.h>

#define M "00a0123456789abc"
#define FRAME "; Secure; SameSite=None; Partitioned"
#define PAGE "; Secure; SameSite=Lax"

typedef enum { OUT, IN_FRAME, IN_PAGE } where_t; /* outside a launch, or in one */

static const char *const listed[] = {"lang", NULL};

typedef struct {
    const char *name;
    sl_app_cookie_keep_t keep;
    where_t where;
    const char *sent; /* the browser's Cookie header */
    const char *value;
    const char *want[SL_APP_COOKIE_MAX_SET + 1];
    const char *log_id;
} row_t;

/* The clock stands at 2024-01-01 00:00:00 GMT; the launch lives for an hour. */
static const row_t rows[] = {
    /* outside a launch */
    {"no launch: as it is",
     SL_APP_COOKIE_AUTO,
     OUT,
     NULL,
     "PHPSESSID=x; path=/; HttpOnly",
     {"PHPSESSID=x; path=/; HttpOnly"},
     NULL},
    {"no launch: odd names as they are",
     SL_APP_COOKIE_AUTO,
     OUT,
     NULL,
     "a b; path=/",
     {"a b; path=/"},
     NULL},
    {"no launch: never our own",
     SL_APP_COOKIE_AUTO,
     OUT,
     NULL,
     "__Host-smart=x; Path=/; Secure",
     {NULL},
     "SL2510"},

    /* kept */
    {"auto: HttpOnly, in a frame",
     SL_APP_COOKIE_AUTO,
     IN_FRAME,
     NULL,
     "id=x; HttpOnly",
     {"id.~" M "=x; Path=/app; HttpOnly" FRAME},
     NULL},
    {"auto: HttpOnly, as a page",
     SL_APP_COOKIE_AUTO,
     IN_PAGE,
     NULL,
     "id=x; HttpOnly",
     {"id.~" M "=x; Path=/app; HttpOnly" PAGE},
     NULL},
    {"auto: a session's name without HttpOnly",
     SL_APP_COOKIE_AUTO,
     IN_FRAME,
     NULL,
     "PHPSESSID=x; path=/",
     {"PHPSESSID.~" M "=x; Path=/app" FRAME},
     NULL},
    {"kept: no Domain, no path but the location's",
     SL_APP_COOKIE_ALL,
     IN_FRAME,
     NULL,
     "a=x; Domain=.example; Path=/app/deep",
     {"a.~" M "=x; Path=/app" FRAME},
     NULL},
    {"kept: its own SameSite, Secure, Partitioned are ours to say",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; SameSite=Strict; Secure; Partitioned",
     {"a.~" M "=x; Path=/app" PAGE},
     NULL},
    {"kept: other attributes stay",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; Priority=High;;  odd ",
     {"a.~" M "=x; Path=/app; Priority=High; odd" PAGE},
     NULL},
    {"kept: a prefix stays in front and keeps Path=/",
     SL_APP_COOKIE_ALL,
     IN_FRAME,
     NULL,
     "__Host-id=x; Path=/; Secure",
     {"__Host-id.~" M "=x; Path=/" FRAME},
     NULL},
    {"kept: the other prefix",
     SL_APP_COOKIE_ALL,
     IN_FRAME,
     NULL,
     "__Secure-id=x; Secure",
     {"__Secure-id.~" M "=x; Path=/app" FRAME},
     NULL},
    {"kept: values stay as they are",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=\"x=y, z\"",
     {"a.~" M "=\"x=y, z\"; Path=/app" PAGE},
     NULL},
    {"kept: an empty value",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=",
     {"a.~" M "=; Path=/app" PAGE},
     NULL},
    {"kept: blanks",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     " a = x ;HTTPONLY",
     {"a.~" M "=x; Path=/app; HTTPONLY" PAGE},
     NULL},

    /* lifetime */
    {"lifetime: shorter than the launch",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; Max-Age=60",
     {"a.~" M "=x; Path=/app; Max-Age=60" PAGE},
     NULL},
    {"lifetime: at most the launch's",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; Max-Age=31536000",
     {"a.~" M "=x; Path=/app; Max-Age=3600" PAGE},
     NULL},
    {"lifetime: a number no clock holds",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; Max-Age=99999999999999999999999",
     {"a.~" M "=x; Path=/app; Max-Age=3600" PAGE},
     NULL},
    {"lifetime: by Expires",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; Expires=Wed, 01 Jan 2025 00:00:00 GMT",
     {"a.~" M "=x; Path=/app; Max-Age=3600" PAGE},
     NULL},
    {"lifetime: by Expires as PHP wrote it",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; expires=Mon, 01-Jan-2024 00:01:00 GMT",
     {"a.~" M "=x; Path=/app; Max-Age=60" PAGE},
     NULL},
    {"lifetime: Max-Age goes before Expires",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
     {"a.~" M "=x; Path=/app; Max-Age=60" PAGE},
     NULL},
    {"lifetime: the last one counts",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; Max-Age=60; Max-Age=30",
     {"a.~" M "=x; Path=/app; Max-Age=30" PAGE},
     NULL},
    {"lifetime: what is no number does not count",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=x; Max-Age=1h; Max-Age; Expires=soon; Expires",
     {"a.~" M "=x; Path=/app" PAGE},
     NULL},
    {"lifetime: removed by Expires",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT",
     {"a.~" M "=deleted; Path=/app; Max-Age=0" PAGE},
     NULL},
    {"lifetime: removed by Max-Age",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a=; Max-Age=-1",
     {"a.~" M "=; Path=/app; Max-Age=0" PAGE},
     NULL},

    /* for scripts */
    {"auto: for scripts, in a frame",
     SL_APP_COOKIE_AUTO,
     IN_FRAME,
     "",
     "theme=dark; Path=/",
     {"theme=dark; Path=/" FRAME, "theme.!" M "=dark; Path=/app; HttpOnly" FRAME},
     NULL},
    {"auto: for scripts, as a page",
     SL_APP_COOKIE_AUTO,
     IN_PAGE,
     "",
     "theme=dark; Path=/",
     {"theme=dark; Path=/", "theme.!" M "=dark; Path=/app; HttpOnly" PAGE},
     NULL},
    {"auto: for scripts, and we cannot tell what the browser has",
     SL_APP_COOKIE_AUTO,
     IN_PAGE,
     NULL,
     "theme=dark",
     {"theme=dark", "theme.!" M "=dark; Path=/app; HttpOnly" PAGE},
     NULL},
    {"auto: the companion has the newest value",
     SL_APP_COOKIE_AUTO,
     IN_PAGE,
     "theme.!" M "=light",
     "theme=dark",
     {"theme=dark", "theme.!" M "=dark; Path=/app; HttpOnly" PAGE},
     NULL},
    {"auto: and lives as long as the cookie, at most as the launch",
     SL_APP_COOKIE_AUTO,
     IN_PAGE,
     "",
     "theme=dark; Max-Age=7200",
     {"theme=dark; Max-Age=7200", "theme.!" M "=dark; Path=/app; Max-Age=3600; HttpOnly" PAGE},
     NULL},
    {"auto: what was HttpOnly becomes one for scripts",
     SL_APP_COOKIE_AUTO,
     IN_PAGE,
     "id.~" M "=x",
     "id=y",
     {"id=y", "id.~" M "=; Path=/app; Max-Age=0; HttpOnly" PAGE,
      "id.!" M "=y; Path=/app; HttpOnly" PAGE},
     NULL},
    {"auto: removed without HttpOnly, though set with it",
     SL_APP_COOKIE_AUTO,
     IN_PAGE,
     "id.~" M "=x",
     "id=; Max-Age=0",
     {"id=; Max-Age=0", "id.~" M "=; Path=/app; Max-Age=0; HttpOnly" PAGE},
     NULL},
    {"auto: removed for scripts",
     SL_APP_COOKIE_AUTO,
     IN_FRAME,
     "theme=dark; theme.!" M "=1",
     "theme=; Max-Age=0",
     {"theme=; Max-Age=0" FRAME, "theme.!" M "=; Path=/app; Max-Age=0; HttpOnly" FRAME},
     NULL},
    {"auto: removed, and we cannot tell what the browser has",
     SL_APP_COOKIE_AUTO,
     IN_PAGE,
     NULL,
     "id=; Max-Age=0",
     {"id=; Max-Age=0", "id.~" M "=; Path=/app; Max-Age=0; HttpOnly" PAGE,
      "id.!" M "=; Path=/app; Max-Age=0; HttpOnly" PAGE},
     NULL},
    {"auto: a prefix for scripts",
     SL_APP_COOKIE_AUTO,
     IN_FRAME,
     "",
     "__Host-t=1; Path=/; Secure",
     {"__Host-t=1; Path=/" FRAME, "__Host-t.!" M "=1; Path=/; HttpOnly" FRAME},
     NULL},

    /* the other rules */
    {"none: as the app sends it, but for a frame",
     SL_APP_COOKIE_NONE,
     IN_FRAME,
     NULL,
     "PHPSESSID=x; Domain=app.example; HttpOnly; SameSite=Lax",
     {"PHPSESSID=x; Domain=app.example; HttpOnly" FRAME},
     NULL},
    {"none: as a page, untouched",
     SL_APP_COOKIE_NONE,
     IN_PAGE,
     NULL,
     "PHPSESSID=x;HttpOnly",
     {"PHPSESSID=x;HttpOnly"},
     NULL},
    {"names: listed",
     SL_APP_COOKIE_NAMES,
     IN_PAGE,
     NULL,
     "Lang=de",
     {"Lang.~" M "=de; Path=/app" PAGE},
     NULL},
    {"names: not listed",
     SL_APP_COOKIE_NAMES,
     IN_FRAME,
     NULL,
     "PHPSESSID=x; HttpOnly",
     {"PHPSESSID=x; HttpOnly" FRAME},
     NULL},

    /* dropped */
    {"never our own",
     SL_APP_COOKIE_NONE,
     IN_PAGE,
     NULL,
     "__Host-smart=x; Path=/; Secure",
     {NULL},
     "SL2510"},
    {"never our own, in another case",
     SL_APP_COOKIE_NONE,
     IN_PAGE,
     NULL,
     "__host-Smart=x",
     {NULL},
     "SL2510"},
    {"never our own as a value without a name",
     SL_APP_COOKIE_NONE,
     IN_PAGE,
     NULL,
     "=__Host-smart=x",
     {NULL},
     "SL2510"},
    {"never a marked name", SL_APP_COOKIE_NONE, IN_PAGE, NULL, "a.~" M "=x", {NULL}, "SL2511"},
    {"never a companion's name", SL_APP_COOKIE_NONE, OUT, NULL, "a.!" M "=x", {NULL}, "SL2511"},
    {"no name in a launch", SL_APP_COOKIE_ALL, IN_PAGE, NULL, "=x", {NULL}, "SL2512"},
    {"no = in a launch", SL_APP_COOKIE_ALL, IN_PAGE, NULL, "x", {NULL}, "SL2512"},
    {"nothing in a launch", SL_APP_COOKIE_ALL, IN_PAGE, NULL, "", {NULL}, "SL2512"},
    {"a blank in the name in a launch",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a b=x",
     {NULL},
     "SL2512"},
    {"a comma in the name in a launch",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a,b=x",
     {NULL},
     "SL2512"},
    {"bytes no name has in a launch",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a\xc3\xa4=x",
     {NULL},
     "SL2512"},
    {"a tilde in the name",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a~=x",
     {"a~.~" M "=x; Path=/app" PAGE},
     NULL},
    {"a PHP array's name is kept",
     SL_APP_COOKIE_ALL,
     IN_PAGE,
     NULL,
     "a[1]=x",
     {"a[1].~" M "=x; Path=/app" PAGE},
     NULL},
};

static void check_row(const row_t *row, apr_pool_t *p)
{
    apr_time_t now = apr_time_from_sec(1704067200);
    sl_app_cookie_rule_t rule = {row->keep, listed};
    sl_app_cookie_answer_t answer = {.rule = &rule,
                                     .own = "__Host-smart",
                                     .mark = row->where == OUT ? NULL : M,
                                     .sent = row->sent,
                                     .path = "/app",
                                     .embedded = row->where == IN_FRAME,
                                     .now = now,
                                     .expires_at = now + apr_time_from_sec(3600)};
    sl_app_cookie_set_t got;
    int i;

    sl_app_cookie_to_browser(&got, &answer, row->value, p);
    for (i = 0; i < got.count; i++) {
        is_str(got.set[i], row->want[i], row->name);
    }
    ok(row->want[got.count] == NULL, "%s: %d in all", row->name, got.count);
    is_str(got.log_id, row->log_id, row->name);
}

static void check_edges(apr_pool_t *p)
{
    static const struct {
        const char *path, *want;
    } paths[] = {{NULL, "/"},   {"/app", "/app"},    {"app", "/"},
                 {"/a;b", "/"}, {"/a\r\nX: y", "/"}, {"/a b", "/a b"}};
    sl_app_cookie_rule_t rule = {SL_APP_COOKIE_ALL, NULL};
    sl_app_cookie_answer_t answer = {.rule = &rule, .own = "__Host-smart", .mark = M, .now = 1000};
    sl_app_cookie_set_t got;
    const char *value = "a=1; Max-Age=60";
    size_t i;

    sl_app_cookie_to_browser(&got, &answer, value, p);
    is_str(got.set[0], "a.~" M "=1; Path=/; Max-Age=0" PAGE, "a launch that is over: gone at once");
    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        answer.path = paths[i].path;
        sl_app_cookie_to_browser(&got, &answer, "a=1", p);
        is_str(got.set[0], apr_pstrcat(p, "a.~" M "=1; Path=", paths[i].want, PAGE, NULL),
               "the location's path");
    }
    answer.mark = NULL;
    sl_app_cookie_to_browser(&got, &answer, value, p);
    ok(got.count == 1 && got.set[0] == value, "no launch: the very same, nothing copied");
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row(&rows[i], p);
    }
    check_edges(p);
    rule_release(p);
    return tap_done();
}
