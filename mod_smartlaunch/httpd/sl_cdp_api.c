/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_api.h"

#include "httpd/sl_cdp_frame.h"
#include "httpd/sl_cdp_pages.h"

#include <http_protocol.h>
#include <string.h>

#define LOG_ENTRIES 1000

int sl_cdp_api_log(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    apr_array_header_t *events;
    sl_json_t *json = sl_json_object(r->pool);
    sl_json_t *entries = sl_json_array(r->pool);
    sl_err_t err = {0};
    sl_rc_t rc =
        sl_cdp_log(&events, visit->cdp, visit->project->name, record, LOG_ENTRIES, r->pool, &err);

    if (rc != SL_OK) {
        return sl_cdp_api_fail(r, visit, rc, &err);
    }
    for (int i = 0; i < events->nelts; i++) {
        const sl_cdp_event_t *event = &APR_ARRAY_IDX(events, i, sl_cdp_event_t);
        sl_json_t *entry = sl_json_object(r->pool);

        sl_cdp_api_put_time(entry, "at", event->at, r->pool);
        sl_json_put_str(entry, "user", event->user);
        sl_json_put_str(entry, "what", event->what);
        sl_json_put_str(entry, "event", event->event);
        sl_json_put_int(entry, "instance", event->instance);
        sl_json_put_str(entry, "field", event->field);
        sl_json_put_str(entry, "source", event->source);
        sl_cdp_api_put_when(entry, "taken_at", event->when, r->pool);
        sl_json_put_str(entry, "detail", event->detail);
        sl_json_push(entries, entry);
    }
    sl_json_put(json, "entries", entries);
    return sl_cdp_api_answer(r, visit, json);
}

int sl_cdp_api_count(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    sl_json_t *json = sl_json_object(r->pool);
    sl_cdp_record_t known = {0};
    sl_err_t err = {0};
    sl_rc_t rc =
        sl_cdp_hold_record(&known, visit->cdp, visit->project->name, record, r->pool, &err);

    if (rc != SL_OK && rc != SL_NONE) {
        return sl_cdp_api_fail(r, visit, rc, &err);
    }
    sl_json_put_int(json, "new", known.fresh);
    sl_cdp_api_put_time(json, "fetched_at", known.fetched_at, r->pool);
    sl_json_put_str(json, "state", sl_cdp_api_state(known.state));
    /* for a form of the app itself that looks for a patient */
    if (visit->rights.adjudicate && sl_params_count(sl_cdp_pages_query(r), "form") > 0) {
        sl_json_put_str(json, "token", sl_cdp_frame_token(visit, "find", r->pool));
    }
    return sl_cdp_api_answer(r, visit, json);
}

typedef struct {
    const char *name;
    int method;
    const char *allow;
    int (*handle)(request_rec *r, const sl_cdp_visit_t *visit, const char *record);
} route_t;

static const route_t routes[] = {
    {"fetch", M_POST, "POST", sl_cdp_api_fetch},
    {"count", M_GET, "GET, HEAD", sl_cdp_api_count},
    {"items", M_GET, "GET, HEAD", sl_cdp_api_items},
    {"adjudicate", M_POST, "POST", sl_cdp_api_adjudicate},
    {"log", M_GET, "GET, HEAD", sl_cdp_api_log},
};

static const route_t *find_route(const char *name)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(routes[i].name, name) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

/** …/records/<record>/<name> */
static int handle_record(request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_cdp_api_error_t no_right = {
        403,
        "forbidden",
        "You may not see or decide about values of this project.",
        "SL8552",
        "a request about a record from a user without the right to adjudicate",
        0,
        NULL};
    const char *record = sl_cdp_visit_record(visit, 1);
    const route_t *route = find_route(visit->segments[2]);

    if (record == NULL || route == NULL) {
        return sl_cdp_visit_not_found(visit, r);
    }
    if (r->method_number != route->method) {
        return sl_cdp_visit_not_allowed(visit, r, route->allow);
    }
    if (!visit->rights.adjudicate) {
        return sl_cdp_api_refuse(r, visit, &no_right);
    }
    return route->handle(r, visit, record);
}

int sl_cdp_api_handle(request_rec *r, const sl_cdp_visit_t *visit)
{
    if (visit->has_slash) {
        return sl_cdp_visit_not_found(visit, r);
    }
    if (visit->depth == 1 && strcmp(visit->segments[0], "mapping") == 0) {
        return sl_cdp_api_mapping(r, visit);
    }
    if (visit->depth == 3 && strcmp(visit->segments[0], "records") == 0) {
        return handle_record(r, visit);
    }
    return sl_cdp_visit_not_found(visit, r);
}
