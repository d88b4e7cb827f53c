/* SPDX-License-Identifier: Apache-2.0 */
/* Which launch a browser request belongs to: the rules of design 3, 11 and 12, row by row. */
#include "launches.h"
#include "rule.h"

/* A request, written short: kind, method and proof by one letter each. */
typedef struct {
    const char *name;
    const char *launches;
    const char *ask; /* "nGo": kind n f i w p k, method G H P U O, proof o x u ? */
    const char *url, *header, *referer;
    const char *want; /* "pass", "bind A", "303 A", "400", "chooser", "switch B A" */
} row_t;

static const row_t rows[] = {
    /* one launch, the plain way through */
    {"design 3 rule 1: the callback's redirect brings the handle", "A", "nGx", "A", NULL, NULL,
     "bind A"},
    {"design 3 rule 1: reload of a page with the handle", "A", "nGo", "A", NULL, "A", "bind A"},
    {"design 3 rule 1: typed or bookmarked with the handle", "A", "nGu", "A", NULL, NULL, "bind A"},
    {"design 3 rule 1: an old browser's page with the handle", "A", "nG?", "A", NULL, NULL,
     "bind A"},
    {"design 3 rule 1: a form post with the handle", "A", "nPo", "A", NULL, "A", "bind A"},
    {"design 3 rule 1: a script names its launch by Smart-Launch", "A B", "fGo", NULL, "A", NULL,
     "bind A"},
    {"design 3 rule 1: a script's post by Smart-Launch", "A B", "fPo", NULL, "A", NULL, "bind A"},
    {"design 3 rule 1: a script's PUT by Smart-Launch", "A B", "fUo", NULL, "A", NULL, "bind A"},
    {"design 3 rule 1: a WebSocket with the handle", "A B", "wGo", "A", NULL, NULL, "bind A"},
    {"design 3 rule 1: HEAD with the handle", "A", "nHo", "A", NULL, NULL, "bind A"},
    {"design 3 rule 1: an image with the handle", "A B", "iGo", "A", NULL, NULL, "bind A"},
    {"design 3 rule 1: URL and header name the same", "A", "fGo", "A", "A", NULL, "bind A"},
    {"design 3 rule 1: a launch without a patient, named", "0 A", "nGo", "0", NULL, NULL, "bind 0"},
    {"design 11: a pending launch, named", "Ap", "nGx", "Ap", NULL, NULL, "bind Ap"},
    {"design 3 rule 1: an app that maps users itself", "An", "nGx", "An", NULL, NULL, "bind An"},
    {"design 12: the old cookie still opens what is named", "Ao", "fGo", "Ao", NULL, NULL,
     "bind Ao"},

    /* two names */
    {"design 11: URL and Smart-Launch name two", "A B", "fGo", "A", "B", NULL, "400"},
    {"design 11: two names, both unknown", "", "fGo", "x", "y", NULL, "400"},
    {"design 11: two names from a foreign page", "A B", "nGx", "A", "B", NULL, "400"},
    {"design 11: Smart-Launch given twice", "A B", "fGo", NULL, "A, B", NULL, "400"},

    /* a handle that is not live here */
    {"design 11: a handle that has ended", "Ae", "nGo", "Ae", NULL, NULL, "401"},
    {"design 11: ended, while another of the same patient lives", "Ae A", "nGo", "Ae", NULL, NULL,
     "401"},
    {"design 11: an unknown handle, never rule 3", "A", "nGo", "x", NULL, NULL, "401"},
    {"design 11: an empty handle", "A", "nGo", "", NULL, NULL, "401"},
    {"design 11: an unknown handle, by header", "A", "fGo", NULL, "x", NULL, "401"},
    {"design 11: a handle without any launch in the browser", "", "nGx", "A", NULL, NULL, "401"},
    {"design 11: a dead handle in a post", "Ae", "nPo", "Ae", NULL, NULL, "401"},
    {"design 11: a dead handle in the Referer, never rule 3", "A B", "fGo", NULL, NULL, "x", "401"},
    {"design 11: an ended handle in the Referer of a page", "Ae A", "nGo", NULL, NULL, "Ae", "401"},
    {"design 11: an ended handle in the Referer of an image", "Ae A", "iGo", NULL, NULL, "Ae",
     "401"},

    /* foreign requests */
    {"design 12: foreign form post in a launch's name", "A", "nPx", "A", NULL, NULL, "403"},
    {"design 12: foreign script by handle in the URL", "A", "fGx", "A", NULL, NULL, "pass"},
    {"design 12: foreign script by Smart-Launch", "A", "fGx", NULL, "A", NULL, "pass"},
    {"design 12: foreign page navigation by header alone", "A", "nGx", NULL, "A", NULL, "pass"},
    {"design 12: foreign image by handle", "A", "iGx", "A", NULL, NULL, "pass"},
    {"design 12: foreign WebSocket by handle", "A", "wGx", "A", NULL, NULL, "pass"},
    {"design 12: foreign prefetch by handle", "A", "pGx", "A", NULL, NULL, "pass"},
    {"design 12: foreign HEAD by handle", "A", "nHx", "A", NULL, NULL, "pass"},
    {"design 12: foreign DELETE by handle", "A", "fUx", "A", NULL, NULL, "403"},
    {"design 12: foreign preflight by handle", "A", "fOx", "A", NULL, NULL, "pass"},
    {"design 12: foreign post with a dead handle tells nothing", "Ae", "nPx", "Ae", NULL, NULL,
     "403"},
    {"design 12: foreign script with a dead handle tells nothing", "Ae", "fGx", "Ae", NULL, NULL,
     "pass"},
    {"design 12: foreign page without a handle", "A", "nGx", NULL, NULL, NULL, "pass"},
    {"design 12: foreign page without a handle, two patients", "A B", "nGx", NULL, NULL, NULL,
     "pass"},
    {"design 12: foreign post without a handle", "A", "nPx", NULL, NULL, NULL, "pass"},
    {"design 12: foreign, though the Referer is ours (a sandboxed frame)", "A", "nGx", NULL, NULL,
     "A", "pass"},
    {"design 12: foreign post, though the Referer is ours", "A", "nPx", NULL, NULL, "A", "403"},
    {"design 12: post without any proof, named", "A", "nP?", "A", NULL, NULL, "403"},
    {"design 12: post typed by nobody, named", "A", "nPu", "A", NULL, NULL, "403"},
    {"design 12: post without any proof, by Referer", "A", "nP?", NULL, NULL, "A", "403"},
    {"design 12: post without any proof, not named", "A", "nP?", NULL, NULL, NULL, "pass"},
    {"design 12: WebSocket by an unknown origin, not named", "A", "wG?", NULL, NULL, NULL,
     "bind A"},

    /* by Referer */
    {"design 3 rule 2: a link is sent once with the handle", "A B", "nGo", NULL, NULL, "A",
     "303 A"},
    {"design 3 rule 2: an old browser's link", "A B", "nG?", NULL, NULL, "A", "303 A"},
    {"design 3 rule 2: a form post is sent on before the app runs", "A B", "nPo", NULL, NULL, "A",
     "307 A"},
    {"design 3 rule 2: never HEAD", "A B", "nHo", NULL, NULL, "A", "bind A"},
    {"design 3 rule 2: never scripts' requests", "A B", "fGo", NULL, NULL, "A", "bind A"},
    {"design 3 rule 2: never scripts' posts", "A B", "fPo", NULL, NULL, "A", "bind A"},
    {"design 3 rule 2: never images and the like", "A B", "iGo", NULL, NULL, "A", "bind A"},
    {"design 3 rule 2: never prefetches", "A B", "pGo", NULL, NULL, "A", "bind A"},
    {"design 3 rule 2: never workers", "A B", "kGo", NULL, NULL, "A", "bind A"},
    {"design 3 rule 2: never WebSockets", "A B", "wGo", NULL, NULL, "A", "bind A"},
    {"design 3 rule 2: a pending launch keeps its window, too", "Ap", "nGo", NULL, NULL, "Ap",
     "303 Ap"},
    {"design 3 rule 2: the login form of a pending launch", "Ap", "nPo", NULL, NULL, "Ap",
     "307 Ap"},

    /* not named */
    {"design 3 rule 3: one launch", "A", "nGo", NULL, NULL, NULL, "bind A"},
    {"design 3 rule 3: one launch, typed address", "A", "nGu", NULL, NULL, NULL, "bind A"},
    {"design 3 rule 3: one launch without a patient", "0", "nGo", NULL, NULL, NULL, "bind 0"},
    {"design 3 rule 3: all of one patient, the newest live one", "A1 A2", "nGo", NULL, NULL, NULL,
     "bind A2"},
    {"design 3 rule 3: ended ones of the same patient do no harm", "A1 A2e", "fGo", NULL, NULL,
     NULL, "bind A1"},
    {"design 3 rule 3: an image, one patient", "A1 A2", "iGo", NULL, NULL, NULL, "bind A2"},
    {"design 3 rule 3: nothing live", "Ae", "nGo", NULL, NULL, NULL, "pass"},
    {"design 3 rule 3: nothing live of two patients", "Ae Be", "nGo", NULL, NULL, NULL, "pass"},
    {"design 3 rule 3: no launch at all", "", "nGo", NULL, NULL, NULL, "pass"},
    {"CTX-10 two patients: a page gets the chooser", "A B", "nGo", NULL, NULL, NULL, "chooser"},
    {"CTX-10 two patients: a form post gets the chooser", "A B", "nPo", NULL, NULL, NULL,
     "chooser"},
    {"CTX-10 two patients: a fetch gets the chooser", "A B", "fGo", NULL, NULL, NULL, "chooser"},
    {"CTX-10 two patients: a HEAD gets the chooser", "A B", "nHo", NULL, NULL, NULL, "chooser"},
    {"CTX-10 two patients: an image passes without a launch", "A B", "iGo", NULL, NULL, NULL,
     "pass"},
    {"CTX-10 two patients: a WebSocket passes without a launch", "A B", "wGo", NULL, NULL, NULL,
     "pass"},
    {"CTX-10 two patients: a prefetch passes without a launch", "A B", "pGo", NULL, NULL, NULL,
     "pass"},
    {"CTX-10 two patients: a worker passes without a launch", "A B", "kGo", NULL, NULL, NULL,
     "pass"},
    {"CTX-10 the other patient's launch has ended: still the chooser", "Ae B", "nGo", NULL, NULL,
     NULL, "chooser"},
    {"CTX-10 the other patient's launch was another user's", "Aue B", "nGo", NULL, NULL, NULL,
     "chooser"},
    {"design 11: two launches without a patient are not the same", "01 02", "nGo", NULL, NULL, NULL,
     "chooser"},
    {"design 11: a launch without a patient is like no other", "0 A", "nGo", NULL, NULL, NULL,
     "chooser"},
    {"design 11: the same id at another EHR is another patient", "A Ah", "nGo", NULL, NULL, NULL,
     "chooser"},
    {"design 12: an unnamed request never belongs to a pending launch", "Ap", "nGo", NULL, NULL,
     NULL, "pass"},
    {"design 12: nor does an unnamed post", "Ap", "nPo", NULL, NULL, NULL, "pass"},
    {"design 12: the linked one beside a newer pending one", "A Ap", "nGo", NULL, NULL, NULL,
     "bind A"},
    {"design 12: a pending launch of another patient is a doubt", "A Bp", "nGo", NULL, NULL, NULL,
     "chooser"},
    {"design 12: a pending launch, the linked one ended", "Ae Ap", "nGo", NULL, NULL, NULL, "pass"},
    {"design 12: one unnamed request knows one user", "A Au", "nGo", NULL, NULL, NULL, "chooser"},
    {"design 12: one user known and one not", "A Am", "nGo", NULL, NULL, NULL, "chooser"},
    {"design 12: one user not known and one known", "Am A", "nGo", NULL, NULL, NULL, "chooser"},
    {"design 3 rule 3: an app without any users", "Am1 Am2", "nGo", NULL, NULL, NULL, "bind Am2"},
    {"design 12: another user's ended launch of the same patient", "Aue A", "nGo", NULL, NULL, NULL,
     "bind A"},
    {"design 12: the old cookie is no ground for a guess", "Ao", "nGo", NULL, NULL, NULL,
     "chooser"},
    {"design 12: the old cookie and an image", "Ao", "iGo", NULL, NULL, NULL, "pass"},
    {"design 3 rule 3: SmartLink none", "An1 An2", "nGo", NULL, NULL, NULL, "bind An2"},

    /* sessions that Smart-Login made */
    {"design 11: a login without a launch", "0s", "nGo", NULL, NULL, NULL, "bind 0s"},
    {"design 11: two logins of one user are no two patients", "0s1 0s2", "nGo", NULL, NULL, NULL,
     "bind 0s2"},
    {"design 11: a login before a launch does not hide the launch", "0s A", "nGo", NULL, NULL, NULL,
     "bind A"},
    {"design 11: a login after a launch that ended", "Ae 0s", "nGo", NULL, NULL, NULL, "bind 0s"},
    {"design 11: a login that ended", "0se", "nGo", NULL, NULL, NULL, "pass"},
    {"design 11: sessions of two users: nobody guesses", "0s 0su", "nGo", NULL, NULL, NULL, "pass"},
    {"CTX-10 a login does not hide two patients", "A B 0s", "nGo", NULL, NULL, NULL, "chooser"},

    /* windows */
    {"design 12 windows: from B's page to A's", "A B", "nGo", "A", NULL, "B", "switch B A"},
    {"design 12 windows: by post", "A B", "nPo", "A", NULL, "B", "switch B A"},
    {"design 12 windows: prefetched, the page must not be there already", "A B", "pGo", "A", NULL,
     "B", "switch B A"},
    {"design 12 windows: from a page whose launch has ended", "A Be", "nGo", "A", NULL, "Be",
     "switch Be A"},
    {"design 12 windows: to a launch without a patient", "0 B", "nGo", "0", NULL, "B",
     "switch B 0"},
    {"design 12 windows: another launch of the same patient", "A1 A2", "nGo", "A1", NULL, "A2",
     "bind A1"},
    {"design 12 windows: a script that names its launch", "A B", "fGo", NULL, "A", "B", "bind A"},
    {"design 12 windows: an image", "A B", "iGo", "A", NULL, "B", "bind A"},
    {"design 12 windows: HEAD", "A B", "nHo", "A", NULL, "B", "bind A"},
    {"design 12 windows: from a page of nobody we know", "A", "nGo", "A", NULL, "x", "bind A"},
};

static sl_ask_t ask_of(const char *letters)
{
    static const char kinds[] = "nfiwpk", methods[] = "GHPOU", proofs[] = "oxu?";
    sl_ask_t ask = {(sl_ask_kind_t)(strchr(kinds, letters[0]) - kinds), SL_ASK_HTML,
                    (sl_ask_proof_t)(strchr(proofs, letters[2]) - proofs),
                    (sl_ask_method_t)(strchr(methods, letters[1]) - methods)};

    return ask;
}

static sl_bind_request_t request_of(const row_t *row)
{
    sl_bind_request_t out = {
        .url_handle = row->url, .header_handle = row->header, .referer_handle = row->referer};

    out.ask = ask_of(row->ask);
    return out;
}

static const char *handle_of(const launches_t *launches, int index)
{
    return index >= 0 && index < launches->count ? launches->at[index].handle : "?";
}

/* What was decided, as the table writes it. */
static const char *describe(const launches_t *launches, sl_bind_t got)
{
    static char text[64];

    switch (got.action) {
    case SL_BIND_PASS:
        return "pass";
    case SL_BIND_CHOOSER:
        return got.status == 409 ? "chooser" : "?";
    case SL_BIND_BIND:
        snprintf(text, sizeof(text), "bind %s", handle_of(launches, got.index));
        break;
    case SL_BIND_GO:
        snprintf(text, sizeof(text), "%d %s", got.status, handle_of(launches, got.index));
        break;
    case SL_BIND_REFUSE:
        snprintf(text, sizeof(text), "%d", got.status);
        break;
    case SL_BIND_SWITCH:
        snprintf(text, sizeof(text), "switch %s %s", handle_of(launches, got.from),
                 handle_of(launches, got.index));
        break;
    }
    return text;
}

static void check_row(const row_t *row)
{
    launches_t launches;
    sl_bind_request_t request = request_of(row);
    sl_bind_t got;

    launches_read(&launches, row->launches);
    got = sl_bind_decide(&request, launches.at, launches.count);
    is_str(describe(&launches, got), row->want, row->name);
}

/* Every refusal says why, nothing else does; and `by` tells how it was named. */
static void check_words(void)
{
    size_t i;
    int unsaid = 0, odd = 0;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        launches_t launches;
        sl_bind_request_t request = request_of(&rows[i]);
        sl_bind_t got;
        bool silent;

        launches_read(&launches, rows[i].launches);
        got = sl_bind_decide(&request, launches.at, launches.count);
        silent = got.action == SL_BIND_PASS || got.action == SL_BIND_BIND;
        unsaid += silent != (got.log_id == NULL) || silent != (got.reason == NULL) ||
                  silent != (got.status == 0);
        if (got.action == SL_BIND_BIND) {
            sl_bind_by_t by = rows[i].url       ? SL_BIND_BY_URL
                              : rows[i].header  ? SL_BIND_BY_HEADER
                              : rows[i].referer ? SL_BIND_BY_REFERER
                                                : SL_BIND_BY_BROWSER;

            odd += got.by != by;
        }
    }
    is_int(unsaid, 0, "refusals, and only they, have a status, a log id and a reason");
    is_int(odd, 0, "the decision tells how the launch was named");
}

static sl_bind_t decide(const char *line, const char *ask, sl_bind_request_t request)
{
    launches_t launches;

    launches_read(&launches, line);
    request.ask = ask_of(ask);
    return sl_bind_decide(&request, launches.at, launches.count);
}

static void check_flags(void)
{
    sl_bind_request_t url_two = {.url_handle = "A", .url_several = true};
    sl_bind_request_t page_two = {.referer_handle = "A", .referer_several = true};
    sl_bind_request_t more = {.more = true};
    sl_bind_request_t more_named = {.url_handle = "A", .more = true};
    sl_bind_request_t stay = {.referer_handle = "A", .stay = true};
    sl_bind_request_t stay_url = {.url_handle = "A", .referer_handle = "B", .stay = true};

    is_int(decide("A B", "nGo", url_two).status, 400, "design 11: the URL names two");
    is_int(decide("A B", "nGo", page_two).status, 400, "design 11: the Referer names two");
    is_int(decide("A B", "nGx", page_two).action, SL_BIND_PASS, "design 12: foreign all the same");
    is_int(decide("A", "nGo", more).action, SL_BIND_CHOOSER,
           "CTX-10 more launches than were looked up: nobody guesses");
    is_int(decide("A", "iGo", more).action, SL_BIND_PASS, "CTX-10 nor for an image");
    is_int(decide("Ae", "nGo", more).action, SL_BIND_PASS, "nothing live among the newest: pass");
    is_int(decide("A", "nGo", more_named).action, SL_BIND_BIND, "named all the same");
    is_int(decide("A B", "nGo", stay).action, SL_BIND_BIND, "own URLs are not sent on: GET");
    is_int(decide("A B", "nPo", stay).action, SL_BIND_BIND, "own URLs are not sent on: POST");
    is_int(decide("A B", "nPo", stay_url).action, SL_BIND_BIND,
           "own URLs are no page to switch to");
}

static void check_referer(apr_pool_t *p)
{
    static const struct {
        const char *name, *referer, *handle;
        bool several;
    } cases[] = {
        {"no Referer", NULL, NULL, false},
        {"ours, with a handle", "https://app.example/x?a=1&smart_launch=H1", "H1", false},
        {"ours, without", "https://app.example/x?a=1", NULL, false},
        {"ours, other case and port written", "HTTPS://App.Example:443/?smart_launch=H1", "H1",
         false},
        {"foreign", "https://evil.example/?smart_launch=H1", NULL, false},
        {"another scheme", "http://app.example/?smart_launch=H1", NULL, false},
        {"another port", "https://app.example:8443/?smart_launch=H1", NULL, false},
        {"our name in front of another", "https://app.example.evil/?smart_launch=H1", NULL, false},
        {"our name as a user", "https://app.example@evil/?smart_launch=H1", NULL, false},
        {"a path alone", "/x?smart_launch=H1", NULL, false},
        {"two", "https://app.example/?smart_launch=H1&smart_launch=H2", "H1", true},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sl_bind_request_t request = {.referer_handle = "old", .referer_several = true};

        sl_bind_referer(&request, "https://app.example", cases[i].referer, p);
        ok((cases[i].handle == NULL) == (request.referer_handle == NULL) &&
               (cases[i].handle == NULL || !strcmp(cases[i].handle, request.referer_handle)) &&
               request.referer_several == cases[i].several,
           "design 3 rule 2: Referer %s", cases[i].name);
    }
}

/* A launch that cannot be named: its handle's key is gone. */
static void check_nameless(void)
{
    sl_bind_launch_t launches[] = {launch_of("A"), launch_of("B")};
    sl_bind_request_t request = {.url_handle = "", .header_handle = NULL};

    request.ask = ask_of("nGo");
    launches[0].handle = "";
    launches[1].handle = NULL;
    is_int(sl_bind_decide(&request, launches, 2).status, 401, "an empty handle names nothing");
}

static void check_same_patient(void)
{
    sl_bind_launch_t a = launch_of("A1"), a2 = launch_of("A2"), b = launch_of("B");
    sl_bind_launch_t none = launch_of("01"), none2 = launch_of("02"), other = launch_of("Ah");
    sl_bind_launch_t empty = launch_of("A"), empty2 = launch_of("A");

    empty.patient = empty2.patient = "";
    ok(sl_bind_same_patient(&a, &a2), "the same patient: EHR and id");
    ok(!sl_bind_same_patient(&a, &b), "not the same: another id");
    ok(!sl_bind_same_patient(&a, &other), "not the same: another EHR");
    ok(!sl_bind_same_patient(&none, &none2), "not the same: neither has one");
    ok(!sl_bind_same_patient(&empty, &empty2), "not the same: both empty");
    ok(sl_bind_same_patient(&none, &none), "the same launch is of the same patient");
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row(&rows[i]);
    }
    check_words();
    check_flags();
    check_referer(p);
    check_nameless();
    check_same_patient();
    rule_release(p);
    return tap_done();
}
