/* SPDX-License-Identifier: Apache-2.0 */
/* Design 13 "App cookies": what the app sees of the browser's cookies. */
#include "rule.h"
#include "smart/sl_app_cookie_name.h"

#define M "00a0123456789abc" /* this launch */
#define N "00a0fedcba987654" /* another live launch of this app */
#define D "00a0dddddddddddd" /* a dead one of this app */
#define O "bbbb0123456789ab" /* of another app */
#define OWN "__Host-smart=secret"

static const char *const listed[] = {"lang", "__Host-id", NULL};

static const struct {
    const char *name;
    sl_app_cookie_keep_t keep;
    const char *mark, *header, *want;
} rows[] = {
    /* outside a launch */
    {"no launch: nothing of ours, nothing changes", SL_APP_COOKIE_AUTO, NULL, "PHPSESSID=x;a=1",
     "PHPSESSID=x;a=1"},
    {"no launch: our own never passes", SL_APP_COOKIE_AUTO, NULL, "a=1; " OWN "; b=2", "a=1; b=2"},
    {"no launch: our own alone", SL_APP_COOKIE_AUTO, NULL, OWN, NULL},
    {"no launch: our own in another case", SL_APP_COOKIE_AUTO, NULL, "__HOST-SMART=x; a=1", "a=1"},
    {"no launch: our own, encoded", SL_APP_COOKIE_AUTO, NULL, "%5f_Host-smart=x; a=1", "a=1"},
    {"no launch: our own, repeated", SL_APP_COOKIE_AUTO, NULL, OWN "; a=1; " OWN, "a=1"},
    {"no launch: our own behind a comma", SL_APP_COOKIE_AUTO, NULL, "a=1, " OWN, "a=1"},
    {"no launch: our own before a comma", SL_APP_COOKIE_AUTO, NULL, OWN ", a=1", "a=1"},
    {"no launch: our own without a value", SL_APP_COOKIE_AUTO, NULL, "__Host-smart; a=1", "a=1"},
    {"no launch: marked ones are withheld", SL_APP_COOKIE_AUTO, NULL,
     "PHPSESSID.~" M "=x; a=1; PHPSESSID.~" N "=y", "a=1"},
    {"no launch: companions are withheld", SL_APP_COOKIE_AUTO, NULL, "t=1; t.!" M "=1", "t=1"},
    {"no launch: an app's odd pairs stay", SL_APP_COOKIE_ALL, NULL, "a; =b; c", "a; =b; c"},
    {"no launch: names that only look marked", SL_APP_COOKIE_AUTO, NULL,
     "a.~123=1; .~" M "=2; a.~00A0123456789ABC=3; aa~" M "=4; a.?" M "=5",
     "a.~123=1; .~" M "=2; a.~00A0123456789ABC=3; aa~" M "=4; a.?" M "=5"},
    {"no header", SL_APP_COOKIE_AUTO, NULL, NULL, NULL},
    {"an empty header", SL_APP_COOKIE_AUTO, NULL, "", ""},

    /* in a launch, auto */
    {"auto: the launch's session, under its own name", SL_APP_COOKIE_AUTO, M,
     OWN "; PHPSESSID.~" M "=x", "PHPSESSID=x"},
    {"auto: two launches, one session each", SL_APP_COOKIE_AUTO, M,
     "PHPSESSID.~" N "=theirs; PHPSESSID.~" M "=ours", "PHPSESSID=ours"},
    {"auto: the other launch's turn", SL_APP_COOKIE_AUTO, N,
     "PHPSESSID.~" N "=theirs; PHPSESSID.~" M "=ours", "PHPSESSID=theirs"},
    {"auto: a session from outside stays outside", SL_APP_COOKIE_AUTO, M, "PHPSESSID=x; sid=y",
     NULL},
    {"auto: nor beside the launch's own", SL_APP_COOKIE_AUTO, M, "PHPSESSID=x; PHPSESSID.~" M "=y",
     "PHPSESSID=y"},
    {"auto: nor with a companion", SL_APP_COOKIE_AUTO, M, "PHPSESSID=x; PHPSESSID.!" M "=1", NULL},
    {"auto: a cookie from outside stays outside", SL_APP_COOKIE_AUTO, M, "remember=me", NULL},
    {"auto: set in this launch for scripts", SL_APP_COOKIE_AUTO, M, "theme=dark; theme.!" M "=dark",
     "theme=dark"},
    {"auto: and written over by another launch", SL_APP_COOKIE_AUTO, M,
     "chart=2; chart.!" N "=2; chart.!" M "=1", "chart=1"},
    {"auto: the other launch's turn, for scripts", SL_APP_COOKIE_AUTO, N,
     "chart=2; chart.!" N "=2; chart.!" M "=1", "chart=2"},
    {"auto: and removed by another launch", SL_APP_COOKIE_AUTO, M, "chart.!" M "=1", "chart=1"},
    {"auto: a companion of another app", SL_APP_COOKIE_AUTO, M, "chart.!" O "=1", NULL},
    {"auto: a session's name is no companion's", SL_APP_COOKIE_AUTO, M, "PHPSESSID.!" M "=1", NULL},
    {"auto: our own name is no companion's", SL_APP_COOKIE_AUTO, M, "__host-smart.!" M "=1", NULL},
    {"auto: a companion without =", SL_APP_COOKIE_AUTO, M, "theme.!" M, NULL},
    {"auto: a token that scripts send back, as they read it", SL_APP_COOKIE_AUTO, M,
     "XSRF-TOKEN=2; XSRF-TOKEN.!" N "=2; XSRF-TOKEN.!" M "=1", "XSRF-TOKEN=2"},
    {"auto: such a token of another launch", SL_APP_COOKIE_AUTO, M,
     "csrftoken=2; csrftoken.!" N "=2", NULL},
    {"all: a companion is nobody's", SL_APP_COOKIE_ALL, M, "chart.!" M "=1", NULL},
    {"names: a companion is nobody's", SL_APP_COOKIE_NAMES, M, "chart.!" M "=1", NULL},
    {"auto: set in another launch for scripts", SL_APP_COOKIE_AUTO, M, "theme=dark; theme.!" N "=1",
     NULL},
    {"auto: marked and unmarked, the marked one counts", SL_APP_COOKIE_AUTO, M,
     "a=old; a.!" M "=old; a.~" M "=new", "a=new"},
    {"auto: a companion of a longer name is not its own", SL_APP_COOKIE_AUTO, M, "a=1; aa.!" M "=2",
     "aa=2"},
    {"auto: names differ by case", SL_APP_COOKIE_AUTO, M, "a=1; A.!" M "=2", "A=2"},
    {"auto: a prefix stays in front", SL_APP_COOKIE_AUTO, M, "__Host-id.~" M "=x", "__Host-id=x"},
    {"auto: values stay as they are", SL_APP_COOKIE_AUTO, M, "a.~" M "=\"x=y, z\"; b.~" M "=",
     "a=\"x=y, z\"; b="},
    {"auto: blanks before the =", SL_APP_COOKIE_AUTO, M, "a.~" M " = x", "a = x"},
    {"auto: another app's mark", SL_APP_COOKIE_AUTO, M, "a.~" O "=x", NULL},
    {"auto: pairs without = stay outside", SL_APP_COOKIE_AUTO, M, "a; b.~" M "=x", "b=x"},
    {"auto: a marked name without =", SL_APP_COOKIE_AUTO, M, "a.~" M, "a"},
    {"auto: our own name with a mark", SL_APP_COOKIE_AUTO, M, "__Host-smart.~" M "=x; b.~" M "=y",
     "b=y"},
    {"auto: our own name with a mark, in another case", SL_APP_COOKIE_AUTO, M,
     "__host-SMART.~" M "=x", NULL},
    {"auto: our own name with a mark, behind a comma", SL_APP_COOKIE_AUTO, M,
     "a, __Host-smart.~" M "=x", NULL},
    {"auto: nothing left", SL_APP_COOKIE_AUTO, M, "x=1", NULL},

    /* the other rules */
    {"all: only marked ones", SL_APP_COOKIE_ALL, M, "a=1; b.~" M "=2; c.!" M "=1; c=3", "b=2"},
    {"none: all the app's own, as they are", SL_APP_COOKIE_NONE, M, "PHPSESSID=x; a=1",
     "PHPSESSID=x; a=1"},
    {"none: but never ours", SL_APP_COOKIE_NONE, M, "a=1; " OWN, "a=1"},
    {"names: listed ones only with the mark", SL_APP_COOKIE_NAMES, M, "lang=de; LANG=fr; a=1",
     "a=1"},
    {"names: a listed one of this launch", SL_APP_COOKIE_NAMES, M,
     "lang.~" M "=de; PHPSESSID=x; lang=en", "lang=de; PHPSESSID=x"},
    {"names: a listed one with a prefix", SL_APP_COOKIE_NAMES, M, "__Host-id=1; __Host-id.~" M "=2",
     "__Host-id=2"},
};

static sl_app_cookie_request_t request_of(const sl_app_cookie_rule_t *rule, const char *mark,
                                          const char *const *live)
{
    sl_app_cookie_request_t out = {rule, "__Host-smart", "00a0", mark, live, 0};

    return out;
}

static void check_rows(apr_pool_t *p)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sl_app_cookie_rule_t rule = {rows[i].keep, listed};
        sl_app_cookie_request_t request = request_of(&rule, rows[i].mark, NULL);
        const char *got = sl_app_cookie_from_browser(&request, rows[i].header, NULL, p);

        is_str(got, rows[i].want, rows[i].name);
        ok(got == rows[i].header || got == NULL || strcmp(got, rows[i].header) != 0,
           "%s: nothing copied for nothing", rows[i].name);
    }
}

static void check_dead(apr_pool_t *p)
{
    static const char *const live[] = {M, N, NULL}, *const none[] = {NULL};
    sl_app_cookie_rule_t rule = {SL_APP_COOKIE_AUTO, NULL};
    sl_app_cookie_request_t request = request_of(&rule, M, live);
    apr_array_header_t *dead;
    const char *header = "a.~" M "=1; a.~" N "=2; a.~" D "=3; b.!" D "=1; a.~" O "=4; c=5; " OWN;

    is_str(sl_app_cookie_from_browser(&request, header, &dead, p), "a=1", "dead ones do not pass");
    is_int(dead != NULL ? dead->nelts : 0, 2, "design 13: marks of dead launches are found");
    if (dead != NULL) {
        is_str(APR_ARRAY_IDX(dead, 0, const char *), "a.~" D, "a dead cookie");
        is_str(APR_ARRAY_IDX(dead, 1, const char *), "b.!" D, "a dead companion");
    }
    request.live = NULL;
    (void)sl_app_cookie_from_browser(&request, header, &dead, p);
    ok(dead == NULL, "nobody knows what lives: nothing is dead");
    request = request_of(&rule, NULL, none);
    (void)sl_app_cookie_from_browser(&request, header, &dead, p);
    is_int(dead != NULL ? dead->nelts : 0, 4, "nothing lives: all of this app are dead");
    (void)sl_app_cookie_from_browser(&request, "c=5", &dead, p);
    ok(dead == NULL, "no marked ones: nothing is dead");
    (void)sl_app_cookie_from_browser(&request, NULL, &dead, p);
    ok(dead == NULL, "no header: nothing is dead");
    request.mark = M;
    (void)sl_app_cookie_from_browser(&request, "a.~" M "=1", &dead, p);
    ok(dead == NULL, "the request's own launch is not dead");
    is_str(sl_app_cookie_delete(p, "a.~" D, "/app", true),
           "a.~" D "=; Path=/app; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned",
           "deleted in a frame");
    is_str(sl_app_cookie_delete(p, "__Host-a.~" D, "/app", false),
           "__Host-a.~" D "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
           "deleted with a prefix, as a page");
}

static void check_many_dead(apr_pool_t *p)
{
    static const char *const none[] = {NULL};
    sl_app_cookie_rule_t rule = {SL_APP_COOKIE_AUTO, NULL};
    sl_app_cookie_request_t request = request_of(&rule, NULL, none);
    apr_array_header_t *dead;
    char header[1024] = "";
    int i;

    for (i = 0; i < 12; i++) {
        snprintf(header + strlen(header), sizeof(header) - strlen(header), "c%d.~" D "=x; ", i);
    }
    (void)sl_app_cookie_from_browser(&request, header, &dead, p);
    is_int(dead != NULL ? dead->nelts : 0, 8, "at most eight are deleted by one answer");
}

/* A header that httpd would soon refuse: what was not used for longest has no room. */
static void check_room(apr_pool_t *p)
{
    static const char *const live[] = {N, M, D, NULL};
    sl_app_cookie_rule_t rule = {SL_APP_COOKIE_AUTO, NULL};
    sl_app_cookie_request_t request = request_of(&rule, M, live);
    const char *header = "a.~" D "=3; a.~" N "=2; a.~" M "=1; b.!" D "=4; c=5; a.~" O "=6";
    apr_array_header_t *dead;

    request.most = strlen(header);
    (void)sl_app_cookie_from_browser(&request, header, &dead, p);
    ok(dead == NULL, "just enough room: all stay");
    request.most = strlen(header) - 1;
    (void)sl_app_cookie_from_browser(&request, header, &dead, p);
    is_int(dead != NULL ? dead->nelts : 0, 2, "too little: the launch used first goes, all of it");
    if (dead != NULL) {
        is_str(APR_ARRAY_IDX(dead, 0, const char *), "a.~" D, "its cookie");
        is_str(APR_ARRAY_IDX(dead, 1, const char *), "b.!" D, "and its companion");
    }
    request.most = 1;
    is_str(sl_app_cookie_from_browser(&request, header, &dead, p), "a=1", "the app sees its own");
    is_int(dead != NULL ? dead->nelts : 0, 3,
           "no room at all: the request's own stay, and others'");
    request.live = NULL;
    (void)sl_app_cookie_from_browser(&request, header, &dead, p);
    ok(dead == NULL, "nobody knows what lives: all stay");
}

/* More cookies of one launch than are looked at: those beyond are withheld. */
static void check_many(apr_pool_t *p)
{
    sl_app_cookie_rule_t rule = {SL_APP_COOKIE_AUTO, NULL};
    sl_app_cookie_request_t request = request_of(&rule, M, NULL);
    char header[4096] = "";
    const char *got;
    int i;

    for (i = 0; i < 80; i++) {
        snprintf(header + strlen(header), sizeof(header) - strlen(header), "c%d.!" M "=%d; ", i, i);
    }
    got = sl_app_cookie_from_browser(&request, header, NULL, p);
    ok(got != NULL && strncmp(got, "c0=0; c1=1; ", 12) == 0, "the first of many companions count");
    ok(got != NULL && strcmp(got + strlen(got) - 8, "; c63=63") == 0, "at most 64 of them");
}

static void check_marks(void)
{
    char tag[SL_APP_COOKIE_TAG_CHARS + 1], other[SL_APP_COOKIE_TAG_CHARS + 1];
    char a[SL_APP_COOKIE_MARK_CHARS + 1], b[SL_APP_COOKIE_MARK_CHARS + 1];
    char c[SL_APP_COOKIE_MARK_CHARS + 1], name[64];

    sl_app_cookie_tag(tag, "app");
    sl_app_cookie_tag(other, "second");
    sl_app_cookie_mark(a, tag, "handle-1");
    sl_app_cookie_mark(b, tag, "handle-2");
    sl_app_cookie_mark(c, other, "handle-1");
    is_str(tag, "a172", "a tag is the beginning of a digest");
    is_int((intmax_t)strlen(a), SL_APP_COOKIE_MARK_CHARS, "a mark's length");
    ok(strncmp(a, tag, 4) == 0 && strncmp(b, tag, 4) == 0, "a mark begins with the app's tag");
    ok(strcmp(a, b) != 0, "launches have marks of their own");
    ok(strcmp(a, c) != 0, "apps have marks of their own");
    ok(strstr(a, "handle") == NULL, "a mark tells nothing of the handle");
    snprintf(name, sizeof(name), "sid.~%s", a);
    is_int(sl_app_cookie_suffix(name, strlen(name)), SL_APP_COOKIE_MARKED, "a mark is known again");
    ok(sl_app_cookie_has_mark(name, strlen(name), a), "and whose it is");
    ok(!sl_app_cookie_has_mark(name, strlen(name), b), "and whose not");
    ok(sl_app_cookie_has_tag(name, strlen(name), tag), "and which app's");
    ok(!sl_app_cookie_has_tag(name, strlen(name), other), "and which app's not");
}

static void check_session_names(void)
{
    static const struct {
        const char *name;
        bool session;
    } names[] = {
        {"PHPSESSID", true},
        {"phpsessid", true},
        {"JSESSIONID", true},
        {"JSESSIONIDSSO", true},
        {"connect.sid", true},
        {"ASP.NET_SessionId", true},
        {"ASPSESSIONIDABCD", true},
        {"sessionid", true},
        {"laravel_session", true},
        {"_myapp_session", true},
        {"__Host-sid", true},
        {"__Secure-PHPSESSID", true},
        {"remember_token", true},
        {"survey", true},
        {"wordpress_logged_in_x", true},
        {".AspNetCore.Cookies", true},
        {"myapp_sid", true},
        {"MoodleSession", true},
        {"theme", false},
        {"csrftoken", false},
        {"XSRF-TOKEN", false},
        {"lang", false},
        {"session_started_at", false},
        {"side", false},
        {"surveys", false},
        {"__Host-theme", false},
        {"", false},
        {"__Host-", false},
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ok(sl_app_cookie_is_session_name(names[i].name, strlen(names[i].name)) == names[i].session,
           "a session's name: '%s' %s", names[i].name, names[i].session ? "is" : "is none");
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    check_rows(p);
    check_dead(p);
    check_many_dead(p);
    check_room(p);
    check_many(p);
    check_marks();
    check_session_names();
    rule_release(p);
    return tap_done();
}
