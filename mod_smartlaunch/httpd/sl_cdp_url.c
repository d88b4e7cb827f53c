/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_url.h"
#include "base/sl_text.h"
#include "httpd/sl_cdp_conf.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

#define OURS "smartlaunch-cdp:"

static const sl_core_refusal_t no_runtime = {
    .status = 503,
    .error = "unavailable",
    .title = "A part of this server is not available",
    .text = "Please wait a minute, and try again.",
    .log_id = "SL8511",
    .detail = "the child has no runtime, or the database not the tables; see its start",
    .retry_after = 10,
};
static const sl_core_refusal_t not_allowed = {
    .status = 405,
    .error = "method_not_allowed",
    .title = "This address cannot be used that way",
    .log_id = "SL8512",
    .detail = "a method that the address does not take",
};
static const sl_core_refusal_t not_found = {
    .status = 404,
    .error = "not_found",
    .title = "There is nothing here",
    .text = "Please go back to the list of projects.",
    .log_id = "SL8513",
    .detail = "an address that is none of the Clinical Data Pull's",
};
static const sl_core_refusal_t foreign = {
    .status = 403,
    .error = "foreign_request",
    .title = "This request came from another site",
    .text = "It was refused and changed nothing.",
    .log_id = "SL8514",
    .detail = "an unsafe request without same-origin proof",
};
static const sl_core_refusal_t log_in = {
    .status = 401,
    .error = "login_required",
    .title = "Please log in to the application first",
    .text = "Who you are has to be known before data of patients can be shown. After that, come "
            "back to this page.",
    .log_id = "SL8515",
    .detail = "nobody's name stands for this request",
};
static const sl_core_refusal_t no_right = {
    .status = 403,
    .error = "forbidden",
    .title = "You have no access to this project",
    .text = "There is no project of this name, or you have no right in it. Whoever set the project "
            "up can give you one.",
    .log_id = "SL8516",
    .detail = "a project that is not there, or in which the user has no right",
};

int sl_cdp_url_translate(request_rec *r)
{
    if (r->main != NULL || r->prev != NULL || r->uri == NULL ||
        sl_cdp_conf_place(r->server, r->uri) == NULL) {
        return DECLINED;
    }
    r->filename = apr_pstrcat(r->pool, OURS, r->uri, NULL);
    r->handler = "smart-cdp"; /* so that no FallbackResource takes it */
    return OK;
}

static bool is_ours(const request_rec *r)
{
    return r->filename != NULL && strncmp(r->filename, OURS, sizeof(OURS) - 1) == 0;
}

int sl_cdp_url_map(request_rec *r)
{
    return is_ours(r) ? OK : DECLINED;
}

int sl_cdp_visit_not_allowed(const sl_cdp_visit_t *visit, request_rec *r, const char *allow)
{
    apr_table_setn(r->err_headers_out, "Allow", allow);
    return visit->core->refuse(r, &not_allowed);
}

int sl_cdp_visit_not_found(const sl_cdp_visit_t *visit, request_rec *r)
{
    return visit->core->refuse(r, &not_found);
}

/** What follows the location's path: the project's name, and segments. False: too many, or an empty
 * one. */
static bool read_path(sl_cdp_visit_t *visit, const char **name, request_rec *r)
{
    char *rest = apr_pstrdup(r->pool, r->uri + strlen(visit->base));
    apr_size_t len = strlen(rest);

    *name = NULL;
    visit->has_slash = len > 0 && rest[len - 1] == '/';
    if (visit->has_slash) {
        rest[len - 1] = '\0';
    }
    for (char *at = rest; at[0] == '/';) {
        char *segment = at + 1;

        at = segment + strcspn(segment, "/");
        if (at == segment || visit->depth == SL_CDP_SEGMENTS) {
            return false;
        }
        if (*name == NULL) {
            *name = apr_pstrmemdup(r->pool, segment, (apr_size_t)(at - segment));
        } else {
            visit->segments[visit->depth++] =
                apr_pstrmemdup(r->pool, segment, (apr_size_t)(at - segment));
        }
    }
    return true;
}

static void set_actor(sl_cdp_visit_t *visit, request_rec *r)
{
    visit->actor.user = visit->who.user;
    visit->actor.launch = visit->who.launch;
    visit->actor.session = visit->who.session;
    visit->actor.patient = visit->who.patient;
    visit->actor.reference = visit->core->reference(r);
    visit->handle = visit->who.handle;
}

/** C1: who may do nothing in a project is not told whether there is one. DECLINED: he may. */
static int enter_project(sl_cdp_visit_t *visit, const sl_cdp_project_t *project, request_rec *r)
{
    sl_err_t err = {0};
    sl_rc_t rc;

    if (project == NULL) {
        return visit->core->refuse(r, &no_right);
    }
    rc = sl_cdp_right_of(&visit->rights, visit->cdp, project, &visit->actor, r->pool, &err);
    if (rc != SL_OK) {
        return visit->core->error(r, rc, &err);
    }
    if (!visit->rights.setup && !visit->rights.adjudicate) {
        return visit->core->refuse(r, &no_right);
    }
    visit->project = project;
    return DECLINED;
}

static const sl_cdp_project_t *find(const sl_cdp_visit_t *visit, const char *name)
{
    const sl_cdp_project_t *project = name != NULL ? sl_cdp_project(visit->cdp, name) : NULL;

    return project != NULL && strcmp(project->app, visit->app) == 0 ? project : NULL;
}

static bool is_method_of_pages(const request_rec *r)
{
    return r->method_number == M_GET || r->method_number == M_POST; /* HEAD is a GET */
}

static int serve_page(sl_cdp_visit_t *visit, const char *name, request_rec *r)
{
    int answer;

    if (!is_method_of_pages(r)) {
        return sl_cdp_visit_not_allowed(visit, r, "GET, HEAD, POST");
    }
    visit->core->who(&visit->who, r);
    set_actor(visit, r);
    if (visit->who.user == NULL || visit->who.is_pending) {
        return visit->core->refuse(r, &log_in);
    }
    if (visit->is_unsafe && !visit->core->is_same_origin(r)) {
        return visit->core->refuse(r, &foreign);
    }
    answer = name != NULL ? enter_project(visit, find(visit, name), r) : DECLINED;
    return answer == DECLINED ? sl_cdp_pages_handle(r, visit) : answer;
}

static int serve_call(sl_cdp_visit_t *visit, const char *name, request_rec *r)
{
    const sl_cdp_project_t *project = find(visit, name);
    int answer = visit->core->who_calls(&visit->who, r);

    if (answer != DECLINED) {
        return answer;
    }
    set_actor(visit, r);
    if (visit->who.user == NULL) {
        return visit->core->refuse(r, &log_in);
    }
    if (name == NULL) {
        return sl_cdp_visit_not_found(visit, r);
    }
    answer = enter_project(visit, project, r);
    return answer == DECLINED ? sl_cdp_api_handle(r, visit) : answer;
}

int sl_cdp_url_handle(request_rec *r)
{
    const sl_cdp_place_t *place = is_ours(r) ? sl_cdp_conf_place(r->server, r->uri) : NULL;
    const sl_cdp_main_t *main = sl_cdp_conf(r->server)->main;
    sl_cdp_visit_t visit;
    const char *name;

    if (place == NULL) {
        return DECLINED;
    }
    memset(&visit, 0, sizeof(visit));
    visit.core = main->core;
    visit.cdp = main->cdp;
    visit.base = place->path;
    visit.app = main->core->app(r); /* a <Location> inside may be of another app */
    visit.is_unsafe = r->method_number != M_GET;
    if (visit.cdp == NULL || !visit.core->has_tables(r->server, r->pool)) {
        return visit.core->refuse(r, &no_runtime);
    }
    if (!read_path(&visit, &name, r)) {
        return sl_cdp_visit_not_found(&visit, r);
    }
    return place->side == SL_CDP_PAGES ? serve_page(&visit, name, r) : serve_call(&visit, name, r);
}

const char *sl_cdp_visit_record(const sl_cdp_visit_t *visit, int i)
{
    return i < visit->depth && sl_cdp_is_record(visit->segments[i]) ? visit->segments[i] : NULL;
}

const char *sl_cdp_visit_href(const sl_cdp_visit_t *visit, apr_pool_t *p, const char *query,
                              const char *const *segments)
{
    const char *href = visit->base;
    const char *sign = "?";

    for (; segments != NULL && *segments != NULL; segments++) {
        href = apr_pstrcat(p, href, "/", sl_text_percent(p, *segments), NULL);
    }
    if (href == visit->base) {
        href = apr_pstrcat(p, href, "/", NULL);
    }
    if (visit->handle != NULL) {
        href = apr_pstrcat(p, href, "?smart_launch=", visit->handle, NULL);
        sign = "&";
    }
    return query != NULL ? apr_pstrcat(p, href, sign, query, NULL) : href;
}
