/* SPDX-License-Identifier: Apache-2.0 */
/* Which screen an address is, and the list of projects. */
#include "httpd/sl_cdp_pages.h"
#include "httpd/sl_cdp_api.h"

#include "httpd/sl_cdp_setup_page.h"

#include <http_protocol.h>
#include <string.h>

typedef int (*screen_t)(request_rec *r, const sl_cdp_visit_t *visit, const char *record);

typedef struct {
    const char *name; /* NULL: the record itself */
    screen_t get, post;
    bool is_for_all; /* whoever has any right in the project */
} route_t;

static const route_t routes[] = {
    {NULL, sl_cdp_pages_sheet, sl_cdp_pages_decide, false},
    {"fetch", NULL, sl_cdp_pages_fetch, false},
    {"log", sl_cdp_pages_log, NULL, false},
    {"count", sl_cdp_api_count, NULL, true},
};

static const route_t *find_route(const sl_cdp_visit_t *visit)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (visit->depth == 1 ? routes[i].name == NULL
                              : visit->depth == 2 && routes[i].name != NULL &&
                                    strcmp(routes[i].name, visit->segments[1]) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

static int refuse_right(request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_core_refusal_t refusal = {
        .status = HTTP_FORBIDDEN,
        .error = "forbidden",
        .title = "You may not see the values of this project",
        .text = "That needs the right to adjudicate. Whoever set the project up can give it to "
                "you.",
        .log_id = "SL8571",
        .detail = "a screen with values, for a user without the right to adjudicate",
    };

    return visit->core->refuse(r, &refusal);
}

static int show_record(request_rec *r, const sl_cdp_visit_t *visit)
{
    const char *record = sl_cdp_visit_record(visit, 0);
    bool may_have_slash = visit->depth == 1 && !visit->is_unsafe; /* typed by hand */
    const route_t *route = visit->has_slash && !may_have_slash ? NULL : find_route(visit);
    screen_t screen;

    if (record == NULL || route == NULL) {
        return sl_cdp_visit_not_found(visit, r);
    }
    screen = visit->is_unsafe ? route->post : route->get;
    if (screen == NULL) {
        return sl_cdp_visit_not_allowed(visit, r, route->get != NULL ? "GET, HEAD" : "POST");
    }
    if (!visit->rights.adjudicate && !route->is_for_all) {
        return refuse_right(r, visit);
    }
    return screen(r, visit, record);
}

static int show_find(request_rec *r, const sl_cdp_visit_t *visit)
{
    if (visit->depth > 1 || visit->has_slash) {
        return sl_cdp_visit_not_found(visit, r);
    }
    if (!visit->is_unsafe) {
        return sl_cdp_visit_not_allowed(visit, r, "POST");
    }
    return visit->rights.adjudicate ? sl_cdp_pages_find(r, visit) : refuse_right(r, visit);
}

static void put_project(sl_cdp_html_t *html, const sl_cdp_visit_t *visit, const char *name,
                        const sl_cdp_rights_t *rights)
{
    const char *const parts[] = {name, "", NULL};

    sl_cdp_html_put(html, "<li><a href=\"%s\">%s</a><small>%s</small></li>",
                    sl_cdp_visit_href(visit, html->p, NULL, parts), name,
                    rights->setup && rights->adjudicate
                        ? "You may set it up, and decide about values."
                    : rights->setup ? "You may set it up."
                                    : "You may decide about values.");
}

static int show_projects(request_rec *r, const sl_cdp_visit_t *visit)
{
    const sl_cdp_frame_t frame = {.title = "Your projects"};
    sl_cdp_html_t *html = sl_cdp_html_new(r->pool);
    int count = 0;

    sl_cdp_html_put(html, "<ul>");
    for (int i = 0; i < visit->cdp->projects->nelts; i++) {
        const sl_cdp_project_t *project =
            APR_ARRAY_IDX(visit->cdp->projects, i, const sl_cdp_project_t *);
        sl_cdp_rights_t rights = {false, false};
        sl_err_t err = {0};
        sl_rc_t rc = SL_OK;

        if (strcmp(project->app, visit->app) == 0) {
            rc = sl_cdp_right_of(&rights, visit->cdp, project, &visit->actor, r->pool, &err);
        }
        if (rc != SL_OK) {
            return visit->core->error(r, rc, &err);
        }
        if (rights.setup || rights.adjudicate) {
            put_project(html, visit, project->name, &rights);
            count++;
        }
    }
    sl_cdp_html_put(html, "</ul>");
    if (count == 0) {
        html = sl_cdp_html_new(r->pool);
        sl_cdp_html_put(html, "<p>There is no project in which you have a right yet. Whoever set "
                              "a project up can give you one.</p>");
    }
    return sl_cdp_frame_send(r, visit, &frame, html);
}

int sl_cdp_pages_handle(request_rec *r, const sl_cdp_visit_t *visit)
{
    bool is_project = visit->project != NULL;

    if (is_project && visit->depth > 0) {
        if (strcmp(visit->segments[0], "setup") == 0) {
            return sl_cdp_setup_page(r, visit);
        }
        return strcmp(visit->segments[0], "find") == 0 ? show_find(r, visit)
                                                       : show_record(r, visit);
    }
    if (visit->is_unsafe) {
        return sl_cdp_visit_not_allowed(visit, r, "GET, HEAD");
    }
    return is_project ? sl_cdp_pages_project(r, visit) : show_projects(r, visit);
}
