/* SPDX-License-Identifier: Apache-2.0 */
/* <redirect>/start: the user is in the app and logs in to the EHR (LCH-4, AZR-4, AZR-13). */
#include "httpd/sl_start_url.h"
#include "flow/sl_begin.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_page.h"
#include "httpd/sl_respond.h"
#include "smart/sl_origin.h"
#include "smart/sl_query.h"
#include "smart/sl_start.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>
#include <string.h>

/** A page of the same app, by the configuration that a request for it would meet (AZR-13). */
static bool is_in_app(const sl_visit_t *visit, const char *path)
{
    const sl_server_t *server = sl_conf_server(visit->r->server);
    request_rec *sub;
    bool is_ours;

    if (strcmp(sl_visit_way_back(visit, path), path) != 0) {
        return false;
    }
    sub = ap_sub_req_lookup_uri(path, visit->r, NULL);
    is_ours = sl_bind_is_smart(sub) &&
              strcmp(sl_conf_app(sl_conf_location(sub)), visit->site->app) == 0 &&
              sl_conf_gateway(server, sub->uri) == NULL;
    ap_destroy_sub_req(sub);
    return is_ours;
}

/** What is asked for, and of which EHR; `ehr` NULL: the user has to say. */
static sl_rc_t read_request(sl_start_t *asked, const sl_ehr_t **ehr, const sl_visit_t *visit,
                            sl_err_t *err)
{
    sl_params_t *params = NULL;
    sl_rc_t rc = sl_visit_params(&params, visit, err);

    if (rc == SL_OK) {
        rc = sl_start_read(asked, params, visit->r->pool, err);
    }
    if (rc == SL_OK) {
        rc = sl_start_ehr(ehr, visit->site->ehrs, asked->ehr, err);
    }
    if (rc == SL_OK && asked->return_to != NULL && !is_in_app(visit, asked->return_to)) {
        rc = sl_err_set(err, SL_INVALID, "SL6330", "\"return\" is no page of this app");
    }
    return rc;
}

/** In words that fit somebody who comes from the app, not from a chart. */
static int refuse(const sl_visit_t *visit, sl_rc_t rc, const sl_err_t *err)
{
    sl_refusal_t refusal;

    sl_visit_record(visit, sl_request_trace(visit->r), "launch", err);
    sl_respond_describe(&refusal, visit->r, rc, err);
    if (rc == SL_INVALID) {
        refusal.title = "This address cannot be used";
        refusal.text[0] = "It does not say where to log in, or it leads back to a page that is "
                          "none of this application's.";
        refusal.text[1] = "Please go back to the application and begin there once more.";
    } else if (rc == SL_DENIED) {
        refusal.title = "Please open it from the patient's chart";
        refusal.text[0] = "The application cannot log in to this health record system by itself.";
        refusal.text[1] = "It can be opened from a chart there.";
    } else if (rc == SL_UNKNOWN_EHR) {
        refusal.text[0] = "The application is not set up for the system that was named.";
    }
    return sl_respond_refusal(visit->r, &refusal);
}

/** Several EHRs, and none was named: links of our own page, which prove where they come from. */
static int choose(const sl_visit_t *visit, const sl_start_t *asked)
{
    apr_pool_t *p = visit->r->pool;
    apr_array_header_t *links = apr_array_make(p, 4, sizeof(sl_page_link_t));
    sl_page_t page;

    for (int i = 0; i < visit->site->ehrs->nelts; i++) {
        const sl_ehr_t *ehr = APR_ARRAY_IDX(visit->site->ehrs, i, const sl_ehr_t *);
        const sl_start_t one = {ehr->name, asked->return_to};

        if (ehr->standalone_scope != NULL) {
            sl_page_link_t *link = apr_array_push(links);

            link->href = sl_start_address(p, visit->site->path, &one);
            link->text = ehr->name;
            link->note = NULL;
        }
    }
    memset(&page, 0, sizeof(page));
    page.status = HTTP_OK;
    page.title = "Which health record system?";
    page.text[0] = "Please choose where you want to log in. Afterwards you come back to the "
                   "application.";
    page.links = links;
    return sl_page_send(visit->r, &page);
}

/** Nothing proves that our own pages lead here: one press of a button does. */
static int ask(const sl_visit_t *visit, const sl_ehr_t *ehr, const sl_start_t *asked)
{
    apr_pool_t *p = visit->r->pool;
    const sl_page_field_t fields[] = {
        {"ehr", ehr->name}, {"return", asked->return_to}, {NULL, NULL}};
    sl_page_form_t form;
    sl_page_t page;

    memset(&form, 0, sizeof(form));
    form.action = apr_pstrcat(p, visit->site->path, "/start", NULL);
    form.fields = fields;
    form.yes = apr_pstrcat(p, "Log in at ", ehr->name, NULL);
    memset(&page, 0, sizeof(page));
    page.status = HTTP_OK;
    page.title = apr_pstrcat(p, "Log in at ", ehr->name, "?", NULL);
    page.text[0] = "The application wants to connect you with the health record system. You log "
                   "in there, and then come back to the application.";
    page.text[1] = "If you did not mean to do that, close this window.";
    page.form = &form;
    page.leaves = true;
    page.ancestors = sl_page_ancestors(visit->r, ehr->name);
    return sl_page_send(visit->r, &page);
}

static int begin(const sl_visit_t *visit, const sl_ehr_t *ehr, const sl_start_t *asked)
{
    sl_trace_t *trace = sl_request_trace(visit->r);
    sl_begun_t begun = {0};
    sl_begin_t request = {0};
    sl_err_t err;
    sl_rc_t rc = sl_bind_starter(&request.app_user, visit->r, visit->site->app, &err);

    request.site = visit->site;
    request.ehr = ehr;
    request.return_to = asked->return_to;
    request.browser = visit->request->cookie;
    request.network = sl_visit_network(visit);
    request.now = visit->r->request_time;
    if (rc == SL_OK) {
        rc = sl_begin_standalone(&begun, visit->rt, &request, trace, &err);
    }
    if (rc == SL_OK) {
        return sl_visit_depart(visit, &begun);
    }
    sl_start_offer(visit, ehr->name, asked->return_to);
    return sl_visit_refuse(visit, trace, "launch", rc, &err);
}

int sl_start_url(const sl_visit_t *visit)
{
    const sl_ask_t *how = &visit->request->ask;
    const sl_ehr_t *ehr = NULL;
    sl_start_t asked;
    sl_err_t err;
    sl_rc_t rc;

    if ((visit->r->method_number != M_GET && visit->r->method_number != M_POST) ||
        visit->r->header_only) {
        return sl_visit_not_allowed(visit, "GET, POST");
    }
    rc = read_request(&asked, &ehr, visit, &err);
    if (rc != SL_OK) {
        return refuse(visit, rc, &err);
    }
    if (ehr == NULL) {
        return choose(visit, &asked);
    }
    return how->kind == SL_ASK_NAVIGATION && sl_ask_is_own(how) ? begin(visit, ehr, &asked)
                                                                : ask(visit, ehr, &asked);
}

void sl_start_offer(const sl_visit_t *visit, const char *ehr, const char *return_to)
{
    const sl_start_t start = {ehr, return_to};

    visit->request->relaunch = sl_start_address(visit->r->pool, visit->site->redirect_uri, &start);
}

/** The launch that the request names, else the newest that is no mere session; NULL: none. */
static const sl_browser_launch_t *launch_of(const sl_request_t *request, const char *referer_handle)
{
    const char *handle = request->url_handle != NULL      ? request->url_handle
                         : request->header_handle != NULL ? request->header_handle
                                                          : referer_handle;

    for (int i = 0; i < request->view.count; i++) {
        const sl_browser_launch_t *launch = &request->view.launches[i];

        if (handle == NULL ? launch->row.kind != SL_KIND_SESSION
                           : launch->handle != NULL && strcmp(launch->handle, handle) == 0) {
            return launch;
        }
    }
    return NULL;
}

/** The page that the user is on: asked for now, or the one this was asked from. NULL: not known. */
static const char *page_of(const sl_request_t *request, const char *public_url, apr_pool_t *p)
{
    bool is_page = request->claim == NULL && request->ask.kind == SL_ASK_NAVIGATION &&
                   request->ask.method == SL_METHOD_GET;
    const char *path = is_page ? request->uri : sl_origin_rest(public_url, request->referer);
    sl_query_t query;

    if (path == NULL) {
        return NULL;
    }
    sl_query_take_uri(&query, apr_pstrndup(p, path, strcspn(path, "#")), p);
    return sl_url_is_return_path(query.rest, p) ? query.rest : NULL;
}

void sl_start_offer_again(request_rec *r)
{
    const sl_server_t *server = sl_conf_server(r->server);
    sl_request_t *request = sl_request_of(r);
    const sl_browser_launch_t *launch;
    const sl_redirect_conf_t *redirect;
    const sl_ehr_t *ehr = NULL;
    sl_bind_request_t named;
    sl_start_t start;

    if (server->public_url == NULL || request->view.count == 0) {
        return;
    }
    sl_bind_referer(&named, server->public_url, request->referer, r->pool);
    launch = launch_of(request, named.referer_handle);
    if (launch == NULL || launch->row.kind != SL_KIND_STANDALONE) {
        return;
    }
    redirect = sl_conf_redirect(server, launch->row.app, launch->row.redirect_path);
    if (redirect == NULL || redirect->site == NULL ||
        sl_start_ehr(&ehr, redirect->site->ehrs, launch->row.ehr, NULL) != SL_OK) {
        return;
    }
    start.ehr = launch->row.ehr;
    start.return_to = page_of(request, server->public_url, r->pool);
    request->relaunch = sl_start_address(r->pool, redirect->site->redirect_uri, &start);
}
