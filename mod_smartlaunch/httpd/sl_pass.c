/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_pass.h"
#include "httpd/sl_bind_request.h"
#include "smart/sl_app_cookie.h"
#include "smart/sl_header_name.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/** What we may set: as a variable, and as a header. */
typedef enum {
    USER,
    SESSION,
    LAUNCH,
    SESSION_BASE_URL,
    EHR,
    EHR_USER,
    FHIR_USER,
    PATIENT,
    ENCOUNTER,
    SCOPE,
    INTENT,
    NEED_PATIENT_BANNER,
    STYLE_URL,
    TENANT,
    FHIR_CONTEXT,
    EXPIRES,
    LINK
} item_t;

static const struct {
    const char *variable, *header;
} names[] = {
#define NAME(item, header) [item] = {"SMART_" #item, "Smart-" header}
    NAME(USER, "User"),
    NAME(SESSION, "Session"),
    NAME(LAUNCH, "Launch"),
    NAME(SESSION_BASE_URL, "Session-Base-Url"),
    NAME(EHR, "Ehr"),
    NAME(EHR_USER, "Ehr-User"),
    NAME(FHIR_USER, "Fhir-User"),
    NAME(PATIENT, "Patient"),
    NAME(ENCOUNTER, "Encounter"),
    NAME(SCOPE, "Scope"),
    NAME(INTENT, "Intent"),
    NAME(NEED_PATIENT_BANNER, "Need-Patient-Banner"),
    NAME(STYLE_URL, "Style-Url"),
    NAME(TENANT, "Tenant"),
    NAME(FHIR_CONTEXT, "Fhir-Context"),
    NAME(EXPIRES, "Expires"),
    NAME(LINK, "Link"),
#undef NAME
};

/** Where the values go. In a table that has none of our names, nothing is looked for first. */
typedef struct {
    request_rec *r;
    bool env, headers;
    bool is_env_clean, are_headers_clean;
} sink_t;

static bool has_none_of_ours(const apr_table_t *table)
{
    const apr_array_header_t *all = apr_table_elts(table);

    for (int i = 0; i < all->nelts; i++) {
        if (sl_header_is_ours(APR_ARRAY_IDX(all, i, apr_table_entry_t).key)) {
            return false;
        }
    }
    return true;
}

static void put(apr_table_t *table, bool is_clean, const char *name, const char *value)
{
    if (is_clean) {
        apr_table_addn(table, name, value);
    } else {
        apr_table_setn(table, name, value);
    }
}

static void give(const sink_t *sink, item_t item, const char *value)
{
    if (value == NULL || value[0] == '\0') {
        return;
    }
    if (sink->env) {
        put(sink->r->subprocess_env, sink->is_env_clean, names[item].variable, value);
    }
    if (sink->headers) {
        put(sink->r->headers_in, sink->are_headers_clean, names[item].header, value);
    }
}

/** A variable that tells of a launch, in its own name or as CGI makes it of a header. */
static bool is_telling(const sl_main_t *main, const char *name, const char *value, const char *user)
{
    if (strncmp(name, "HTTP_", 5) == 0) {
        name += 5;
        return sl_header_is_ours(name) || strcmp(name, "COOKIE") == 0 ||
               sl_request_is_user_header(main, name);
    }
    if (strcmp(name, "REMOTE_USER") == 0) {
        return user != NULL && strcmp(value, user) == 0;
    }
    if (strcmp(name, "AUTH_TYPE") == 0) {
        return strcmp(value, "Smart") == 0;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i].variable) == 0) {
            return true;
        }
    }
    return false;
}

/**
 * A handler that ran before (the page that includes this one, or whose error this is) has made
 * variables of all headers; httpd passes them on, with REDIRECT_ in front after each redirect.
 */
static void take_variables(request_rec *r, const char *user)
{
    const sl_main_t *main = sl_conf_server(r->server)->main;
    const apr_array_header_t *all = apr_table_elts(r->subprocess_env);
    apr_array_header_t *telling = apr_array_make(r->pool, 16, sizeof(const char *));

    for (int i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
        const char *name = entry->key;

        while (name != NULL && strncmp(name, "REDIRECT_", 9) == 0) {
            name += 9;
        }
        if (name != NULL && is_telling(main, name, entry->val, user)) {
            APR_ARRAY_PUSH(telling, const char *) = entry->key;
        }
    }
    for (int i = 0; i < telling->nelts; i++) {
        apr_table_unset(r->subprocess_env, APR_ARRAY_IDX(telling, i, const char *));
    }
}

static void take_away(request_rec *r, const char *user)
{
    const sl_main_t *main = sl_conf_server(r->server)->main;

    take_variables(r, user);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        apr_table_unset(r->headers_in, names[i].header);
    }
    for (int i = 0; i < main->user_headers->nelts; i++) {
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(main->user_headers, i, const char *));
    }
}

const char *sl_pass_link_word(sl_link_state_t state)
{
    switch (state) {
    case SL_LINK_NONE:
        return "none";
    case SL_LINK_PENDING:
        return "pending";
    case SL_LINK_LINKED:
        return "linked";
    }
    return "none";
}

/** Seconds since 1970 at which this session ends if nothing more is asked. */
static const char *expires(request_rec *r)
{
    return apr_psprintf(r->pool, "%" APR_TIME_T_FMT, apr_time_sec(sl_request_of(r)->ends_at));
}

static void give_context(const sink_t *sink, const sl_browser_launch_t *launch)
{
    give(sink, INTENT, launch->intent);
    give(sink, NEED_PATIENT_BANNER, launch->banner != NULL ? launch->banner : "unknown");
    give(sink, STYLE_URL, launch->style_url);
    give(sink, TENANT, launch->tenant);
    give(sink, FHIR_CONTEXT, launch->fhir_context);
}

static void give_session(const sink_t *sink, const sl_browser_launch_t *launch)
{
    request_rec *r = sink->r;
    const sl_launch_t *row = &launch->row;
    const char *gateway = sl_conf_server(r->server)->gateway_url;

    give(sink, USER, row->app_user);
    give(sink, SESSION, row->ehr != NULL ? launch->session : NULL);
    if (gateway != NULL && row->ehr != NULL) {
        give(sink, SESSION_BASE_URL, apr_pstrcat(r->pool, gateway, "/", row->ehr, NULL));
    }
    give(sink, FHIR_USER, row->fhir_user);
    give(sink, PATIENT, row->patient);
    give(sink, ENCOUNTER, row->encounter);
    give(sink, SCOPE, row->scope_granted);
    give(sink, EXPIRES, expires(r));
    if (row->ehr != NULL) {
        give_context(sink, launch);
    }
}

/** The user as httpd knows it: REMOTE_USER, `Require user`, %u. */
static void give_user(const sink_t *sink, const sl_location_conf_t *location,
                      const sl_launch_t *row)
{
    sink->r->user = apr_pstrdup(sink->r->pool, row->app_user);
    sink->r->ap_auth_type = apr_pstrdup(sink->r->pool, "Smart");
    if (location->user_header != NULL && location->user_header[0] != '\0') {
        apr_table_setn(sink->r->headers_in, location->user_header, row->app_user);
    }
}

/** A pending launch says that it is there, and nothing of the patient (design section 11). */
static void give_launch(request_rec *r, const sl_browser_launch_t *launch)
{
    const sl_location_conf_t *location = sl_conf_location(r);
    const sl_launch_t *row = &launch->row;
    sink_t sink;

    sink.r = r;
    sink.env = location->pass != SL_PASS_HEADERS;
    sink.headers = location->pass != SL_PASS_ENV;
    sink.is_env_clean = has_none_of_ours(r->subprocess_env);
    sink.are_headers_clean = has_none_of_ours(r->headers_in);
    give(&sink, LINK, sl_pass_link_word(row->link_state));
    give(&sink, LAUNCH, launch->handle);
    give(&sink, EHR, row->ehr);
    give(&sink, EHR_USER, row->ehr_user);
    if (row->link_state == SL_LINK_PENDING) {
        return;
    }
    give_session(&sink, launch);
    if (row->app_user != NULL) {
        give_user(&sink, location, row);
    }
}

const char *sl_pass_mark(request_rec *r)
{
    const sl_browser_launch_t *launch = sl_pass_launch(r);

    return launch != NULL ? launch->mark : NULL;
}

/** Which of two live launches was used last. */
static int by_use(const void *a, const void *b)
{
    apr_time_t one = (*(const sl_browser_launch_t *const *)a)->row.last_seen_at;
    apr_time_t other = (*(const sl_browser_launch_t *const *)b)->row.last_seen_at;

    return one > other ? -1 : one < other;
}

/**
 * Marks of all live launches, the one used last first; NULL: nobody looked. Where the browser had
 * more than were looked up, no request can name one of the others: their cookies are dead, too.
 */
static const char *const *live_marks(request_rec *r)
{
    const sl_request_t *request = sl_request_of(r);
    const sl_browser_launch_t **live;
    const char **marks;
    size_t count = 0;

    if (request->view.launches == NULL) {
        return NULL;
    }
    live = apr_pcalloc(r->pool, sizeof(*live) * ((size_t)request->view.count + 1));
    marks = apr_pcalloc(r->pool, sizeof(*marks) * ((size_t)request->view.count + 1));
    for (int i = 0; i < request->view.count; i++) {
        if (request->view.launches[i].live) {
            live[count++] = &request->view.launches[i];
        }
    }
    qsort(live, count, sizeof(*live), by_use);
    for (size_t i = 0; i < count; i++) {
        marks[i] = live[i]->mark;
    }
    return marks;
}

/** Three quarters of what httpd takes leave room for what the next answers set. */
static apr_size_t most_cookies(const request_rec *r)
{
    int limit = r->server->limit_req_fieldsize;

    return limit > 0 ? (apr_size_t)(limit - limit / 4) : 0;
}

/** The Cookie header as the app may see it: never ours, never another launch's. */
static void sort_cookies(request_rec *r, const sl_browser_launch_t *launch)
{
    static const sl_app_cookie_rule_t by_default = {SL_APP_COOKIE_AUTO, NULL};
    const sl_location_conf_t *location = sl_conf_location(r);
    sl_request_t *request = sl_request_of(r);
    bool is_first = r->main == NULL && r->prev == NULL;
    char tag[SL_APP_COOKIE_TAG_CHARS + 1] = "";
    sl_app_cookie_request_t rule;
    const char *header;

    if (request->cookies == NULL) {
        return;
    }
    if (launch != NULL && launch->mark != NULL) { /* it begins with the tag: no digest needed */
        apr_cpystrn(tag, launch->mark, sizeof(tag));
    } else if (strpbrk(request->cookies, "~!") != NULL) { /* no mark without one */
        sl_app_cookie_tag(tag, sl_conf_app(location));
    }
    rule.rule = location->cookies != NULL ? location->cookies : &by_default;
    rule.own = sl_conf_cookie(sl_conf_server(r->server));
    rule.tag = tag;
    rule.mark = launch != NULL ? launch->mark : NULL;
    rule.live = strpbrk(request->cookies, "~!") != NULL ? live_marks(r) : NULL;
    rule.most = most_cookies(r);
    header = sl_app_cookie_from_browser(&rule, request->cookies,
                                        is_first ? &request->dead_cookies : NULL, r->pool);
    if (header == NULL) {
        apr_table_unset(r->headers_in, "Cookie");
    } else if (!is_first || header != request->cookies) {
        apr_table_setn(r->headers_in, "Cookie", header);
    }
}

const sl_browser_launch_t *sl_pass_launch(request_rec *r)
{
    const sl_browser_launch_t *launch = sl_request_of(r)->launch;

    return launch != NULL && sl_bind_is_smart(r) &&
                   strcmp(sl_conf_app(sl_conf_location(r)), launch->row.app) == 0
               ? launch
               : NULL;
}

/** Nobody may have the context here: what another location was given goes. */
static void take_back(request_rec *r, const sl_browser_launch_t *launch)
{
    take_away(r, launch->row.app_user);
    if (r->user != NULL && launch->row.app_user != NULL &&
        strcmp(r->user, launch->row.app_user) == 0) {
        r->user = NULL;
        r->ap_auth_type = NULL;
    }
}

void sl_pass_context(request_rec *r)
{
    const sl_browser_launch_t *launch = sl_request_of(r)->launch;
    const sl_browser_launch_t *here = sl_pass_launch(r);

    if (r->main != NULL) { /* a subrequest has the very table of its main one */
        r->headers_in = apr_table_copy(r->pool, r->headers_in);
    }
    if (launch != NULL && (r->main != NULL || r->prev != NULL)) {
        take_back(r, launch);
    }
    sort_cookies(r, here);
    if (here != NULL) {
        give_launch(r, here);
    }
}

void sl_pass_check(request_rec *r)
{
    const sl_request_t *request = sl_request_of(r);

    if (request->launch != NULL && request->claim == NULL && sl_pass_launch(r) == NULL) {
        take_back(r, request->launch);
        sort_cookies(r, NULL);
    }
}
