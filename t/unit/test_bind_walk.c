/* SPDX-License-Identifier: Apache-2.0 */
/* CTX-10 as a clinician meets it: windows of several patients in one browser, an app that knows
 * nothing of launches, and the real chain of rules: URL, Referer, Sec-Fetch headers, redirects.
 * First the recipe by which EHR vendors test it, then long random walks. */
#include "rule.h"
#include "smart/sl_bind.h"
#include "smart/sl_location.h"
#include "smart/sl_query.h"
#include <stdio.h>

#define SITE "https://app.example"
#define MAX_WINDOWS 6

/* A browser that sends what Chromium sends, and the module's end of it. */
typedef struct {
    char url[256];  /* what the address bar would show; "" before the first page */
    int owner;      /* index of the launch whose page it shows; -1: none */
    char handle[8]; /* of the launch it was opened for */
} window_t;

typedef struct {
    window_t windows[MAX_WINDOWS];
    sl_bind_launch_t launches[MAX_WINDOWS];
    char handles[MAX_WINDOWS][8];
    int count;
    apr_pool_t *p;
} browser_t;

typedef enum { AS_PAGE, AS_FORM, AS_FETCH, AS_POST_FETCH, AS_IMAGE, AS_FONT_OF_STYLE } manner_t;

static const sl_ask_headers_t *headers_of(manner_t manner, bool same_origin)
{
    static sl_ask_headers_t headers;
    static const char *const methods[] = {"GET", "POST", "GET", "POST", "GET", "GET"};
    static const char *const modes[] = {"navigate", "navigate", "cors", "cors", "no-cors", "cors"};
    static const char *const dests[] = {"iframe", "iframe", "empty", "empty", "image", "font"};

    memset(&headers, 0, sizeof(headers));
    headers.method = methods[manner];
    headers.sec_fetch_mode = modes[manner];
    headers.sec_fetch_dest = dests[manner];
    headers.sec_fetch_site = same_origin ? "same-origin" : "cross-site";
    return &headers;
}

/* One request as the module sees it. @param referer NULL: none */
static sl_bind_t ask(browser_t *browser, manner_t manner, const char *url, const char *referer,
                     bool same_origin)
{
    sl_bind_request_t request = {.stay = false};
    sl_query_t taken;

    sl_ask_classify(&request.ask, headers_of(manner, same_origin), SITE);
    sl_query_take_uri(&taken, url, browser->p);
    request.url_handle = taken.handle;
    request.url_several = taken.several;
    sl_bind_referer(&request, SITE, referer, browser->p);
    return sl_bind_decide(&request, browser->launches, browser->count);
}

/* A page in this window, with the one redirect that may come first. */
static sl_bind_t navigate(browser_t *browser, window_t *window, manner_t manner, const char *path,
                          const char *referer)
{
    const char *url = path;
    sl_bind_t got = ask(browser, manner, url, referer, true);

    if (got.action == SL_BIND_GO) {
        url = sl_location_again(browser->p, SITE, path, browser->launches[got.index].handle);
        got = ask(browser, manner, url, referer, true);
        url += strlen(SITE);
    }
    if (got.action == SL_BIND_BIND || got.action == SL_BIND_PASS) {
        snprintf(window->url, sizeof(window->url), SITE "%s", url);
        window->owner = got.index;
    }
    return got;
}

/* A launch that finishes in a new window: the callback's redirect, from another site. */
static void launch(browser_t *browser, const char *handle, const char *patient)
{
    window_t *window = &browser->windows[browser->count];
    sl_bind_launch_t *added = &browser->launches[browser->count];
    char path[64];
    sl_bind_t got;

    snprintf(browser->handles[browser->count], sizeof(browser->handles[0]), "%s", handle);
    added->handle = browser->handles[browser->count];
    added->ehr = "epic";
    added->patient = patient;
    added->user = "alice";
    added->live = true;
    added->authorized_at = 1000 + browser->count;
    browser->count++;
    snprintf(path, sizeof(path), "/app/?smart_launch=%s", handle);
    got = ask(browser, AS_PAGE, path, NULL, false);
    snprintf(window->url, sizeof(window->url), SITE "%s", path);
    snprintf(window->handle, sizeof(window->handle), "%s", handle);
    window->owner = got.action == SL_BIND_BIND ? got.index : -1;
}

static void is_patient(browser_t *browser, sl_bind_t got, const char *patient, const char *name)
{
    is_str(got.action == SL_BIND_BIND ? browser->launches[got.index].patient : NULL, patient, name);
}

/* The Referer of what a page asks for: its own address. */
static sl_bind_t click(browser_t *browser, window_t *window, const char *path)
{
    char referer[256];

    snprintf(referer, sizeof(referer), "%s", window->url);
    return navigate(browser, window, AS_PAGE, path, referer);
}

static sl_bind_t reload(browser_t *browser, window_t *window)
{
    char path[256];

    snprintf(path, sizeof(path), "%s", window->url + strlen(SITE));
    return navigate(browser, window, AS_PAGE, path, NULL);
}

static void check_recipe(apr_pool_t *p)
{
    browser_t browser = {.p = p};
    window_t *a = &browser.windows[0], *b = &browser.windows[1];
    static const char *const own[] = {"/smart", NULL};
    sl_location_t carry = {SITE, "/app/save.php", own, "HA"};
    sl_bind_t got;

    launch(&browser, "HA", "p-a");
    is_int(a->owner, 0, "CTX-10 recipe: launch A shows A");
    launch(&browser, "HB", "p-b");
    is_int(b->owner, 1, "CTX-10 recipe: launch B in a second window shows B");
    is_patient(&browser, reload(&browser, a), "p-a", "CTX-10 recipe: reload A: still A");
    is_patient(&browser, click(&browser, a, "/app/record.php?id=1"), "p-a",
               "CTX-10 recipe: click on in A: still A");
    is_str(a->url, SITE "/app/record.php?id=1&smart_launch=HA",
           "CTX-10 recipe: the page has its handle by a redirect");
    is_patient(&browser, click(&browser, a, "/app/form.php"), "p-a", "CTX-10 recipe: and again");
    is_patient(&browser, navigate(&browser, a, AS_FORM, "/app/save.php", a->url), "p-a",
               "CTX-10 recipe: a form post of A is saved for A");
    got = navigate(&browser, a, AS_PAGE,
                   sl_location_carry(p, &carry, "/app/record.php?id=1&saved=1"), a->url);
    is_patient(&browser, got, "p-a", "CTX-10 recipe: the app's redirect after it: A");
    is_patient(&browser, ask(&browser, AS_FETCH, "/app/data.php", a->url, true), "p-a",
               "CTX-10 recipe: a fetch of A's page: A");
    is_patient(&browser, ask(&browser, AS_IMAGE, "/app/chart.png", a->url, true), "p-a",
               "CTX-10 recipe: an image of A's page: A");
    got = ask(&browser, AS_FONT_OF_STYLE, "/app/f.woff", SITE "/app/style.css", true);
    is_int(got.action, SL_BIND_PASS, "CTX-10 recipe: a font of a style: no launch");
    is_patient(&browser, reload(&browser, b), "p-b", "CTX-10 recipe: reload B: still B");
    is_patient(&browser, click(&browser, b, "/app/record.php?id=2"), "p-b",
               "CTX-10 recipe: click on in B: still B");
    is_patient(&browser, reload(&browser, a), "p-a", "CTX-10 recipe: reload A once more: A");
    got = ask(&browser, AS_PAGE, "/app/", NULL, true);
    is_int(got.action, SL_BIND_CHOOSER, "CTX-10 recipe: the bare address: nobody guesses");
    browser.launches[1].live = false;
    got = ask(&browser, AS_PAGE, "/app/", NULL, true);
    is_int(got.action, SL_BIND_CHOOSER, "CTX-10 recipe: B has ended: still nobody guesses");
    is_int(reload(&browser, b).status, 401, "CTX-10 recipe: B has ended: its page says so");
    is_patient(&browser, reload(&browser, a), "p-a", "CTX-10 recipe: A goes on");
}

/* A small generator of our own, so that a walk can be walked again. */
static unsigned next_random(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 10) % below;
}

typedef struct {
    long steps, bound, chosen, passed, wrong, lost;
} tally_t;

/* A request may get its own window's patient, or none; never another's. */
static void judge(browser_t *browser, const window_t *window, sl_bind_t got, tally_t *tally)
{
    const char *own = browser->launches[window - browser->windows].patient;

    tally->steps++;
    tally->chosen += got.action == SL_BIND_CHOOSER;
    tally->passed += got.action == SL_BIND_PASS;
    if (got.action != SL_BIND_BIND) {
        return;
    }
    tally->bound++;
    if (browser->launches[got.index].patient != own) {
        tally->wrong++;
        diag("window of %s got launch %s", window->handle, browser->launches[got.index].handle);
    }
}

static void step(browser_t *browser, unsigned *seed, tally_t *tally)
{
    static const char *const paths[] = {"/app/", "/app/a.php?x=1", "/app/b.php#top", "/app/c"};
    window_t *window = &browser->windows[next_random(seed, (unsigned)browser->count)];
    const char *path = paths[next_random(seed, 4)];
    char home[64];

    switch (next_random(seed, 9)) {
    case 0:
        judge(browser, window, reload(browser, window), tally);
        break;
    case 1:
        judge(browser, window, navigate(browser, window, AS_FORM, path, window->url), tally);
        break;
    case 2:
        judge(browser, window, ask(browser, AS_FETCH, path, window->url, true), tally);
        break;
    case 3:
        judge(browser, window, ask(browser, AS_POST_FETCH, path, window->url, true), tally);
        break;
    case 4:
        judge(browser, window, ask(browser, AS_IMAGE, path, window->url, true), tally);
        break;
    case 5: /* what a style or a frame without Referer asks for */
        judge(browser, window, ask(browser, AS_FONT_OF_STYLE, path, SITE "/app/s.css", true),
              tally);
        break;
    case 6: /* the app drops its query by script: the chain is broken */
        snprintf(window->url, sizeof(window->url), SITE "/app/spa");
        judge(browser, window, ask(browser, AS_FETCH, path, window->url, true), tally);
        break;
    case 7: /* the chooser's or the EHR's link brings the window back */
        snprintf(home, sizeof(home), "/app/?smart_launch=%s", window->handle);
        judge(browser, window, navigate(browser, window, AS_PAGE, home, NULL), tally);
        break;
    default:
        judge(browser, window, click(browser, window, path), tally);
        break;
    }
}

static void walk(apr_pool_t *p, unsigned seed, tally_t *tally)
{
    static const char *const handles[] = {"H0", "H1", "H2", "H3", "H4", "H5"};
    static const char *const patients[] = {"p-a", "p-b", "p-c"};
    browser_t browser = {.p = p};
    int windows = 2 + (int)next_random(&seed, MAX_WINDOWS - 1), i;

    for (i = 0; i < windows; i++) {
        /* the first two are of two patients; relaunches of the same one come, too */
        launch(&browser, handles[i], patients[i < 2 ? i : (int)next_random(&seed, 3)]);
        tally->lost += browser.windows[i].owner != i;
        step(&browser, &seed, tally);
    }
    for (i = 0; i < 60; i++) {
        step(&browser, &seed, tally);
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool(), *each;
    tally_t tally = {0, 0, 0, 0, 0, 0};
    unsigned seed;

    check_recipe(p);
    for (seed = 1; seed <= 2000; seed++) {
        apr_pool_create(&each, p);
        walk(each, seed, &tally);
        apr_pool_destroy(each);
    }
    diag("%ld requests: %ld with a launch, %ld choosers, %ld without", tally.steps, tally.bound,
         tally.chosen, tally.passed);
    ok(tally.steps > 100000 && tally.bound > tally.steps / 2,
       "CTX-10 the walks go through the app");
    is_int(tally.wrong, 0, "CTX-10 no request of a window ever gets another window's patient");
    is_int(tally.lost, 0, "CTX-10 every launch arrives in its own window");
    rule_release(p);
    return tap_done();
}
