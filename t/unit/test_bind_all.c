/* SPDX-License-Identifier: Apache-2.0 */
/* Every combination of request and launches, against what must hold for all of them (CTX-10). The
 * properties are written from the sentences of the design, not from the code. */
#include "launches.h"
#include "tap.h"

/* One decision, looked at by every property. */
typedef struct {
    sl_bind_request_t request;
    const launches_t *launches;
    sl_bind_t got;
} case_t;

static bool is_safe(const case_t *c)
{
    return c->request.ask.method != SL_METHOD_POST && c->request.ask.method != SL_METHOD_UNSAFE;
}

static bool is_foreign(const case_t *c)
{
    return c->request.ask.proof == SL_ORIGIN_FOREIGN;
}

static bool is_proven(const case_t *c)
{
    return is_safe(c) ? !is_foreign(c) : c->request.ask.proof == SL_ORIGIN_OWN;
}

static bool is_page_get(const case_t *c)
{
    return c->request.ask.kind == SL_ASK_NAVIGATION && c->request.ask.method == SL_METHOD_GET;
}

/* The launch that the request gets, or is sent to: NULL when none. */
static const sl_bind_launch_t *given(const case_t *c)
{
    return c->got.index >= 0 ? &c->launches->at[c->got.index] : NULL;
}

static const char *named(const case_t *c)
{
    return c->request.url_handle      ? c->request.url_handle
           : c->request.header_handle ? c->request.header_handle
                                      : c->request.referer_handle;
}

static bool names_two(const case_t *c)
{
    return c->request.url_handle != NULL && c->request.header_handle != NULL &&
           strcmp(c->request.url_handle, c->request.header_handle) != 0;
}

static bool is_of(const sl_bind_launch_t *launch, const char *ehr, const char *patient)
{
    return launch->ehr != NULL && launch->patient != NULL && strcmp(launch->ehr, ehr) == 0 &&
           strcmp(launch->patient, patient) == 0;
}

/* All launches, live or ended, are of one patient, or there is only one. Sessions are none. */
static bool all_of_one_patient(const launches_t *launches)
{
    const sl_bind_launch_t *first = NULL;
    int i;

    for (i = 0; i < launches->count; i++) {
        const sl_bind_launch_t *launch = &launches->at[i];

        if (launch->session) {
            continue;
        }
        if (first == NULL) {
            first = launch;
        } else if (first->patient == NULL || !is_of(launch, first->ehr, first->patient)) {
            return false;
        }
    }
    return true;
}

static bool has_live(const launches_t *launches, const char *handle)
{
    int i;

    for (i = 0; i < launches->count; i++) {
        if (launches->at[i].live && strcmp(launches->at[i].handle, handle) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_live_launch(const launches_t *launches)
{
    int i;

    for (i = 0; i < launches->count; i++) {
        if (launches->at[i].live && !launches->at[i].session) {
            return true;
        }
    }
    return false;
}

/* The properties; each is true where it holds or says nothing. */

static bool never_guesses(const case_t *c)
{
    return named(c) != NULL || given(c) == NULL || given(c)->session ||
           (all_of_one_patient(c->launches) && !c->request.more);
}

static bool gives_what_was_named(const case_t *c)
{
    return named(c) == NULL || given(c) == NULL || strcmp(given(c)->handle, named(c)) == 0;
}

static bool gives_only_live(const case_t *c)
{
    return given(c) == NULL || given(c)->live;
}

static bool never_pending_unnamed(const case_t *c)
{
    return named(c) != NULL || given(c) == NULL || given(c)->link != SL_BIND_PENDING;
}

static bool never_old_cookie_unnamed(const case_t *c)
{
    return named(c) != NULL || given(c) == NULL || given(c)->session || !given(c)->old_cookie;
}

static bool foreign_only_by_url_page(const case_t *c)
{
    return !is_foreign(c) || given(c) == NULL || (is_page_get(c) && c->request.url_handle != NULL);
}

static bool no_change_without_proof(const case_t *c)
{
    return is_safe(c) || is_proven(c) || given(c) == NULL;
}

static bool unproven_change_named_is_403(const case_t *c)
{
    return is_safe(c) || is_proven(c) || named(c) == NULL || names_two(c) ||
           (c->got.action == SL_BIND_REFUSE && c->got.status == 403);
}

static bool two_names_are_400(const case_t *c)
{
    return names_two(c) == (c->got.action == SL_BIND_REFUSE && c->got.status == 400);
}

static bool dead_name_is_401(const case_t *c)
{
    return named(c) == NULL || names_two(c) || !is_proven(c) || has_live(c->launches, named(c)) ||
           (c->got.action == SL_BIND_REFUSE && c->got.status == 401);
}

static bool goes_only_by_referer(const case_t *c)
{
    if (c->got.action != SL_BIND_GO) {
        return true;
    }
    return c->request.ask.kind == SL_ASK_NAVIGATION && c->request.url_handle == NULL &&
           c->request.header_handle == NULL &&
           ((c->got.status == 303 && c->request.ask.method == SL_METHOD_GET) ||
            (c->got.status == 307 && c->request.ask.method == SL_METHOD_POST));
}

static bool page_never_changes_patient_unasked(const case_t *c)
{
    int i;

    if (c->got.action != SL_BIND_BIND || c->request.ask.kind != SL_ASK_NAVIGATION ||
        c->request.ask.method == SL_METHOD_HEAD || c->request.referer_handle == NULL) {
        return true;
    }
    for (i = 0; i < c->launches->count; i++) {
        const sl_bind_launch_t *from = &c->launches->at[i];

        if (strcmp(from->handle, c->request.referer_handle) == 0 && from != given(c)) {
            return given(c)->patient != NULL && is_of(from, given(c)->ehr, given(c)->patient);
        }
    }
    return true;
}

static bool chooser_is_for_pages_and_fetches(const case_t *c)
{
    return c->got.action != SL_BIND_CHOOSER ||
           ((c->request.ask.kind == SL_ASK_NAVIGATION || c->request.ask.kind == SL_ASK_FETCH) &&
            named(c) == NULL && has_live_launch(c->launches));
}

static bool two_patients_get_chooser(const case_t *c)
{
    return named(c) != NULL || !is_proven(c) || all_of_one_patient(c->launches) ||
           !has_live_launch(c->launches) ||
           (c->request.ask.kind != SL_ASK_NAVIGATION && c->request.ask.kind != SL_ASK_FETCH) ||
           c->got.action == SL_BIND_CHOOSER;
}

static bool needs_no_launches_when_told(const case_t *c)
{
    sl_bind_t without;

    if (sl_bind_needs_launches(&c->request, true)) {
        return true;
    }
    without = sl_bind_decide(&c->request, NULL, 0);
    return c->got.action == without.action && c->got.status == without.status;
}

static bool needs_no_launches_without_cookie(const case_t *c)
{
    return !sl_bind_needs_launches(&c->request, false);
}

static bool order_does_not_count(const case_t *c)
{
    launches_t turned = *c->launches;
    sl_bind_t got;
    int i;

    for (i = 0; i < turned.count; i++) {
        turned.at[i] = c->launches->at[turned.count - 1 - i];
    }
    got = sl_bind_decide(&c->request, turned.at, turned.count);
    return got.action == c->got.action && got.status == c->got.status &&
           (got.index < 0 ? -1 : turned.count - 1 - got.index) == c->got.index;
}

static struct {
    const char *name;
    bool (*holds)(const case_t *c);
    unsigned long failed;
} properties[] = {
    {"CTX-10 not named: a launch only when all of them are of one patient", never_guesses, 0},
    {"CTX-10 named: that launch or none", gives_what_was_named, 0},
    {"design 11: only a live launch is given", gives_only_live, 0},
    {"design 12: a request without a handle never belongs to a pending launch",
     never_pending_unnamed, 0},
    {"design 12: the old cookie is no ground for a guess", never_old_cookie_unnamed, 0},
    {"design 12: foreign: only a GET page with the handle in the URL", foreign_only_by_url_page, 0},
    {"design 12: no change without a same-origin proof", no_change_without_proof, 0},
    {"design 12: a change in a launch's name without proof is 403", unproven_change_named_is_403,
     0},
    {"design 11: two names are 400, and nothing else is", two_names_are_400, 0},
    {"design 11: a handle that is not live is 401", dead_name_is_401, 0},
    {"design 3 rule 2: sent on are GET pages by 303, POST pages by 307, by Referer only",
     goes_only_by_referer, 0},
    {"design 12 windows: a page never changes the patient unasked",
     page_never_changes_patient_unasked, 0},
    {"design 3 rule 3: the chooser is for pages and fetches that name nothing",
     chooser_is_for_pages_and_fetches, 0},
    {"design 3 rule 3: two patients, a live launch: the chooser", two_patients_get_chooser, 0},
    {"no look-up where it cannot change the decision", needs_no_launches_when_told, 0},
    {"no look-up without our cookie", needs_no_launches_without_cookie, 0},
    {"the order of the launches does not count", order_does_not_count, 0},
};

#define PROPERTIES (sizeof(properties) / sizeof(properties[0]))

static unsigned long cases, given_unnamed;

static void check(const case_t *c)
{
    size_t i;

    cases++;
    given_unnamed += named(c) == NULL && given(c) != NULL;
    for (i = 0; i < PROPERTIES; i++) {
        if (properties[i].holds(c)) {
            continue;
        }
        if (properties[i].failed++ == 0) {
            diag("%s: kind %d method %d proof %d url %s header %s referer %s of %d launches",
                 properties[i].name, (int)c->request.ask.kind, (int)c->request.ask.method,
                 (int)c->request.ask.proof, c->request.url_handle ? c->request.url_handle : "-",
                 c->request.header_handle ? c->request.header_handle : "-",
                 c->request.referer_handle ? c->request.referer_handle : "-", c->launches->count);
        }
    }
}

static void check_names(sl_ask_t ask, const launches_t *launches, bool more)
{
    const char *first = launches->count > 0 ? launches->at[0].handle : "none";
    const char *last = launches->count > 1 ? launches->at[launches->count - 1].handle : "none";
    const char *const urls[] = {NULL, first, last, "unknown"};
    const char *const headers[] = {NULL, first, "unknown"};
    int url, header, referer;

    for (url = 0; url < 4; url++) {
        for (header = 0; header < 3; header++) {
            for (referer = 0; referer < 4; referer++) {
                case_t c = {.launches = launches};

                c.request.ask = ask;
                c.request.more = more;
                c.request.url_handle = urls[url];
                c.request.header_handle = headers[header];
                c.request.referer_handle = urls[referer];
                c.got = sl_bind_decide(&c.request, launches->at, launches->count);
                check(&c);
            }
        }
    }
}

static void check_asks(const launches_t *launches)
{
    int kind, method, proof;

    for (kind = SL_ASK_NAVIGATION; kind <= SL_ASK_WORKER; kind++) {
        for (method = SL_METHOD_GET; method <= SL_METHOD_UNSAFE; method++) {
            for (proof = SL_ORIGIN_OWN; proof <= SL_ORIGIN_UNKNOWN; proof++) {
                sl_ask_t ask = {(sl_ask_kind_t)kind, SL_ASK_HTML, (sl_ask_proof_t)proof,
                                (sl_ask_method_t)method};

                check_names(ask, launches, false);
                if (launches->count == 2) {
                    check_names(ask, launches, true);
                }
            }
        }
    }
}

/* Every kind of launch; three at once only of those that make the difference. */
static const char *const words[] = {"A",  "B",  "0",  "Ap", "Bp",  "Ae",  "Be", "0s", "Ao",
                                    "An", "Au", "Ah", "0e", "0se", "0su", "Bo", "0p"};

#define WORDS (sizeof(words) / sizeof(words[0]))
#define FOR_THREE 9

static void check_three(size_t a, size_t b, size_t c)
{
    const size_t chosen[] = {a, b, c};
    char line[64];
    launches_t launches;
    int used = 0, i;

    for (i = 0; i < 3; i++) {
        if (chosen[i] < WORDS) {
            used += snprintf(line + used, sizeof(line) - (size_t)used, "%s%d ", words[chosen[i]],
                             i + 1);
        }
    }
    line[used] = '\0';
    launches_read(&launches, line);
    check_asks(&launches);
}

int main(void)
{
    size_t a, b, c, i;

    check_three(WORDS, WORDS, WORDS);
    for (a = 0; a < WORDS; a++) {
        check_three(a, WORDS, WORDS);
        for (b = 0; b < WORDS; b++) {
            check_three(a, b, WORDS);
        }
    }
    for (a = 0; a < FOR_THREE; a++) {
        for (b = 0; b < FOR_THREE; b++) {
            for (c = 0; c < FOR_THREE; c++) {
                check_three(a, b, c);
            }
        }
    }
    diag("%lu combinations, of which %lu were given a launch that they did not name", cases,
         given_unnamed);
    ok(cases > 1000000 && given_unnamed > 1000, "the combinations are there");
    for (i = 0; i < PROPERTIES; i++) {
        is_int((intmax_t)properties[i].failed, 0, properties[i].name);
    }
    return tap_done();
}
