/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_bind.h"

#include "smart/sl_origin.h"
#include "smart/sl_query.h"
#include <string.h>

typedef struct {
    const sl_bind_launch_t *at;
    int count;
} launches_t;

static sl_bind_t answer(sl_bind_action_t action, int index, sl_bind_by_t by)
{
    sl_bind_t out = {action, 0, index, -1, by, NULL, NULL};

    return out;
}

static sl_bind_t pass(void)
{
    return answer(SL_BIND_PASS, -1, SL_BIND_BY_NOTHING);
}

static sl_bind_t explain(sl_bind_t out, int status, const char *log_id, const char *reason)
{
    out.status = status;
    out.log_id = log_id;
    out.reason = reason;
    return out;
}

static sl_bind_t names_two(void)
{
    return explain(answer(SL_BIND_REFUSE, -1, SL_BIND_BY_NOTHING), 400, "SL2530",
                   "the request names two launches");
}

static sl_bind_t launch_again(sl_bind_by_t by)
{
    return explain(answer(SL_BIND_REFUSE, -1, by), 401, "SL2531",
                   "the launch that was named is not live in this browser");
}

static sl_bind_t unproven(sl_bind_by_t by)
{
    return explain(answer(SL_BIND_REFUSE, -1, by), 403, "SL2532",
                   "a change in a launch's name without a same-origin proof");
}

static sl_bind_t choose(void)
{
    return explain(answer(SL_BIND_CHOOSER, -1, SL_BIND_BY_NOTHING), 409, "SL2533",
                   "no launch was named and this browser had more than one");
}

static sl_bind_t ask_switch(int index, int from, sl_bind_by_t by)
{
    sl_bind_t out = answer(SL_BIND_SWITCH, index, by);

    out.from = from;
    return explain(out, 409, "SL2534", "a page of one patient leads to a launch of another");
}

static sl_bind_t go(int index, int status)
{
    return explain(answer(SL_BIND_GO, index, SL_BIND_BY_REFERER), status, "SL2535",
                   "sent to the same address with its launch");
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool has_patient(const sl_bind_launch_t *launch)
{
    return launch->ehr != NULL && launch->patient != NULL && launch->patient[0] != '\0';
}

bool sl_bind_same_patient(const sl_bind_launch_t *a, const sl_bind_launch_t *b)
{
    if (a == b) {
        return true;
    }
    return has_patient(a) && has_patient(b) && strcmp(a->ehr, b->ehr) == 0 &&
           strcmp(a->patient, b->patient) == 0;
}

static int find(launches_t launches, const char *handle)
{
    int i;

    for (i = 0; i < launches.count; i++) {
        const char *known = launches.at[i].handle;

        if (known != NULL && known[0] != '\0' && strcmp(known, handle) == 0) {
            return i;
        }
    }
    return -1;
}

static int find_live(launches_t launches, const char *handle)
{
    int i = find(launches, handle);

    return i >= 0 && launches.at[i].live ? i : -1;
}

/* Two handles in the URL, two in the header (httpd joins repeats with a comma), or one in each. */
static bool is_two(const sl_bind_request_t *request)
{
    const char *header = request->header_handle;

    return request->url_several || (header != NULL && strchr(header, ',') != NULL) ||
           (header != NULL && request->url_handle != NULL &&
            strcmp(header, request->url_handle) != 0);
}

static bool is_foreign(const sl_bind_request_t *request)
{
    return request->ask.proof == SL_ORIGIN_FOREIGN;
}

/* Every unsafe method needs the same-origin proof; a safe one only must not be foreign. */
static bool is_unproven(const sl_bind_request_t *request)
{
    return !sl_ask_is_safe(&request->ask) && !sl_ask_is_own(&request->ask);
}

static bool is_outsider(const sl_bind_request_t *request)
{
    return is_foreign(request) || is_unproven(request);
}

/* The one request from elsewhere that belongs to a launch: how the EHR's window gets to the app. */
static bool is_arrival(const sl_bind_request_t *request)
{
    return request->ask.kind == SL_ASK_NAVIGATION && request->ask.method == SL_METHOD_GET &&
           request->url_handle != NULL;
}

/* A page, now or in a moment, that would take the place of the one it was asked from. */
static bool is_page(const sl_bind_request_t *request)
{
    return (request->ask.kind == SL_ASK_NAVIGATION || request->ask.kind == SL_ASK_PREFETCH) &&
           request->ask.method != SL_METHOD_HEAD && !request->stay;
}

/* Design 12 "Windows": the launch whose page this comes from, when that is another patient's. */
static int switches_from(const sl_bind_request_t *request, launches_t launches, int index)
{
    int from;

    if (request->referer_handle == NULL || !is_page(request)) {
        return -1;
    }
    from = find(launches, request->referer_handle);
    if (from < 0 || sl_bind_same_patient(&launches.at[from], &launches.at[index])) {
        return -1;
    }
    return from;
}

/* Rule 1: named in the URL or by Smart-Launch. */
static sl_bind_t decide_named(const sl_bind_request_t *request, launches_t launches)
{
    sl_bind_by_t by = request->url_handle != NULL ? SL_BIND_BY_URL : SL_BIND_BY_HEADER;
    int index, from;

    if (is_outsider(request) && !is_arrival(request)) {
        return is_unproven(request) ? unproven(by) : pass();
    }
    index =
        find_live(launches, by == SL_BIND_BY_URL ? request->url_handle : request->header_handle);
    if (index < 0) {
        return launch_again(by);
    }
    from = switches_from(request, launches, index);
    return from >= 0 ? ask_switch(index, from, by) : answer(SL_BIND_BIND, index, by);
}

/* Rule 2: named by the page it comes from. */
static sl_bind_t decide_by_referer(const sl_bind_request_t *request, launches_t launches)
{
    int index;

    if (is_outsider(request)) {
        return is_unproven(request) ? unproven(SL_BIND_BY_REFERER) : pass();
    }
    if (request->referer_several) {
        return names_two();
    }
    index = find_live(launches, request->referer_handle);
    if (index < 0) {
        return launch_again(SL_BIND_BY_REFERER);
    }
    if (request->ask.kind == SL_ASK_NAVIGATION && !request->stay) {
        if (request->ask.method == SL_METHOD_GET) {
            return go(index, 303);
        }
        if (request->ask.method == SL_METHOD_POST) {
            return go(index, 307);
        }
    }
    return answer(SL_BIND_BIND, index, SL_BIND_BY_REFERER);
}

/* What this browser has, as far as a request counts that names nothing. */
typedef struct {
    int first;    /* any launch, the one others are compared with */
    int newest;   /* the newest live launch that is not pending */
    int session;  /* the newest live session */
    bool live;    /* there is a live launch, pending or not */
    bool doubt;   /* more than one patient or user: nobody guesses */
    bool strange; /* sessions of two users */
} survey_t;

static bool is_newer(launches_t launches, int i, int than)
{
    return than < 0 || launches.at[i].authorized_at > launches.at[than].authorized_at;
}

static void survey_session(survey_t *out, launches_t launches, int i)
{
    if (!launches.at[i].live) {
        return;
    }
    if (out->session >= 0 && !is_same_text(launches.at[i].user, launches.at[out->session].user)) {
        out->strange = true;
    }
    if (is_newer(launches, i, out->session)) {
        out->session = i;
    }
}

static void survey_launch(survey_t *out, launches_t launches, int i)
{
    const sl_bind_launch_t *launch = &launches.at[i];

    if (out->first < 0) {
        out->first = i;
    }
    /* The cookie's old value does not open all the browser had, so it cannot tell "all are of one
     * patient". */
    if (launch->old_cookie || !sl_bind_same_patient(&launches.at[out->first], launch)) {
        out->doubt = true;
    }
    if (!launch->live) {
        return;
    }
    out->live = true;
    if (launch->link == SL_BIND_PENDING) {
        return;
    }
    if (out->newest >= 0 && !is_same_text(launch->user, launches.at[out->newest].user)) {
        out->doubt = true;
    }
    if (is_newer(launches, i, out->newest)) {
        out->newest = i;
    }
}

static survey_t survey(launches_t launches)
{
    survey_t out = {-1, -1, -1, false, false, false};
    int i;

    for (i = 0; i < launches.count; i++) {
        if (launches.at[i].session) {
            survey_session(&out, launches, i);
        } else {
            survey_launch(&out, launches, i);
        }
    }
    return out;
}

/* Rule 3: not named at all. */
static sl_bind_t decide_unnamed(const sl_bind_request_t *request, launches_t launches)
{
    survey_t has;

    if (is_outsider(request)) {
        return pass();
    }
    has = survey(launches);
    if (has.live && (has.doubt || request->more)) {
        return request->ask.kind == SL_ASK_NAVIGATION || request->ask.kind == SL_ASK_FETCH
                   ? choose()
                   : pass();
    }
    if (has.newest >= 0) {
        return answer(SL_BIND_BIND, has.newest, SL_BIND_BY_BROWSER);
    }
    /* No launch that it could belong to: a login without a launch, where there is one. */
    return has.session >= 0 && !has.strange ? answer(SL_BIND_BIND, has.session, SL_BIND_BY_BROWSER)
                                            : pass();
}

void sl_bind_referer(sl_bind_request_t *request, const char *public_url, const char *referer,
                     apr_pool_t *p)
{
    const char *rest = sl_origin_rest(public_url, referer);
    sl_query_t found;

    request->referer_handle = NULL;
    request->referer_several = false;
    if (rest != NULL) {
        sl_query_find(&found, rest, p);
        request->referer_handle = found.handle;
        request->referer_several = found.several;
    }
}

bool sl_bind_needs_launches(const sl_bind_request_t *request, bool has_cookie)
{
    return has_cookie && !is_two(request) && (!is_outsider(request) || is_arrival(request));
}

sl_bind_t sl_bind_decide(const sl_bind_request_t *request, const sl_bind_launch_t *launches,
                         int count)
{
    launches_t all = {launches, count};

    if (is_two(request)) {
        return names_two();
    }
    if (request->url_handle != NULL || request->header_handle != NULL) {
        return decide_named(request, all);
    }
    if (request->referer_handle != NULL) {
        return decide_by_referer(request, all);
    }
    return decide_unnamed(request, all);
}
