/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_bind_request.h"
#include "httpd/sl_choose.h"
#include "httpd/sl_pass.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"
#include "smart/sl_location.h"
#include "smart/sl_start.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

bool sl_bind_is_smart(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type != NULL && strcasecmp(type, "Smart") == 0;
}

sl_rc_t sl_bind_view(request_rec *r, const char *app, bool anew, sl_err_t *err)
{
    sl_request_t *request = sl_request_of(r);
    const sl_runtime_t *rt = sl_conf_server(r->server)->main->runtime;
    sl_browser_key_t key;

    if (request->view.launches != NULL || request->cookie == NULL) {
        return SL_OK;
    }
    key = sl_request_browser_key(r, app);
    key.anew = anew;
    return sl_browser_load(&request->view, rt, &key, r->pool, err);
}

static sl_bind_link_t link_of(const sl_launch_t *row)
{
    switch (row->link_state) {
    case SL_LINK_NONE:
        return SL_BIND_UNLINKED;
    case SL_LINK_PENDING:
        return SL_BIND_PENDING;
    case SL_LINK_LINKED:
        return SL_BIND_LINKED;
    }
    return SL_BIND_PENDING;
}

/** What the rule needs to know of the browser's launches. Held ones have not taken effect. */
static sl_bind_launch_t *facts_of(request_rec *r, const sl_browser_view_t *view)
{
    sl_bind_launch_t *facts = apr_pcalloc(r->pool, sizeof(*facts) * ((size_t)view->count + 1));

    for (int i = 0; i < view->count; i++) {
        const sl_browser_launch_t *launch = &view->launches[i];
        const sl_launch_t *row = &launch->row;
        bool counts = row->state != SL_LAUNCH_HELD && launch->handle != NULL;

        facts[i].handle = counts ? launch->handle : "";
        facts[i].ehr = row->ehr;
        facts[i].patient = row->patient;
        facts[i].session = row->kind == SL_KIND_SESSION;
        facts[i].user =
            row->link_state == SL_LINK_NONE && !facts[i].session ? row->ehr_user : row->app_user;
        facts[i].link = link_of(row);
        facts[i].live = counts && launch->live;
        facts[i].old_cookie = row->old_cookie;
        facts[i].authorized_at = row->authorized_at;
    }
    return facts;
}

static const char *again_with(request_rec *r, const sl_browser_launch_t *launch)
{
    return sl_location_again(r->pool, sl_conf_server(r->server)->public_url, sl_request_of(r)->uri,
                             launch->handle);
}

static void describe(sl_refusal_t *refusal, const sl_bind_t *decision)
{
    memset(refusal, 0, sizeof(*refusal));
    refusal->status = decision->status;
    refusal->log_id = decision->log_id;
    refusal->detail = decision->reason;
}

/** The launch that the request names left this browser by a ticket. */
static bool is_elsewhere(request_rec *r)
{
    const sl_request_t *request = sl_request_of(r);
    sl_bind_request_t named;
    const char *handle;

    sl_bind_referer(&named, sl_conf_server(r->server)->public_url, request->referer, r->pool);
    handle = request->url_handle != NULL      ? request->url_handle
             : request->header_handle != NULL ? request->header_handle
                                              : named.referer_handle;
    for (int i = 0; handle != NULL && i < request->view.count; i++) {
        const sl_browser_launch_t *launch = &request->view.launches[i];

        if (launch->row.stand_in_for != NULL && sl_secret_text_eq(launch->handle, handle)) {
            return true;
        }
    }
    return false;
}

static int refuse(request_rec *r, const sl_bind_t *decision)
{
    sl_refusal_t refusal;

    if (decision->status == HTTP_UNAUTHORIZED) {
        sl_request_of(r)->is_elsewhere = is_elsewhere(r);
        return sl_respond_relaunch(r, decision->log_id, decision->reason);
    }
    describe(&refusal, decision);
    if (decision->status == HTTP_FORBIDDEN) {
        refusal.error = "foreign_request";
        refusal.title = "This request came from another site";
        refusal.text[0] = "It was refused and changed nothing.";
    } else {
        refusal.error = "invalid_request";
        refusal.title = "This address belongs to two windows";
        refusal.text[0] = "Nobody can tell which patient it belongs to, so nothing was done.";
    }
    refusal.text[1] = "Please go back to the patient's chart and open the application there once "
                      "more.";
    return sl_respond_refusal(r, &refusal);
}

static void drop_conditions(request_rec *r)
{
    static const char *const names[] = {"If-None-Match", "If-Modified-Since", "If-Match",
                                        "If-Unmodified-Since", "If-Range"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        apr_table_unset(r->headers_in, names[i]);
    }
}

static int belong(request_rec *r, const sl_bind_t *decision)
{
    sl_request_t *request = sl_request_of(r);
    const sl_runtime_t *rt = sl_conf_server(r->server)->main->runtime;
    const sl_browser_launch_t *launch = &request->view.launches[decision->index];
    const sl_browser_key_t key = sl_request_browser_key(r, launch->row.app);
    apr_time_t used = launch->row.last_seen_at;

    request->launch = launch;
    if (decision->by == SL_BIND_BY_REFERER) {
        drop_conditions(r);
    }
    /* A page that asks on by itself is nobody at work: the gateway does not count as use. */
    if (!launch->row.old_cookie && request->gateway == NULL) {
        used = sl_browser_touch(rt, &key, launch);
    }
    request->ends_at = sl_browser_ends(&key, launch, used);
    return DECLINED;
}

static int act(request_rec *r, const sl_bind_t *decision)
{
    const char *location;

    switch (decision->action) {
    case SL_BIND_PASS:
        return DECLINED;
    case SL_BIND_BIND:
        return belong(r, decision);
    case SL_BIND_GO:
        location = again_with(r, &sl_request_of(r)->view.launches[decision->index]);
        if (location == NULL) {
            return HTTP_BAD_REQUEST;
        }
        return sl_respond_redirect(r, decision->status, location, "same-origin");
    case SL_BIND_REFUSE:
        return refuse(r, decision);
    case SL_BIND_CHOOSER:
        return sl_choose_patient(r, decision);
    case SL_BIND_SWITCH:
        return sl_choose_switch(r, decision);
    }
    return HTTP_INTERNAL_SERVER_ERROR;
}

static void read_request(sl_bind_request_t *asked, request_rec *r, bool stay)
{
    const sl_request_t *request = sl_request_of(r);

    memset(asked, 0, sizeof(*asked));
    asked->ask = request->ask;
    asked->url_handle = request->url_handle;
    asked->url_several = request->url_several;
    asked->header_handle = request->header_handle;
    asked->stay = stay;
    sl_bind_referer(asked, sl_conf_server(r->server)->public_url, request->referer, r->pool);
}

sl_rc_t sl_bind_starter(const char **user, request_rec *r, const char *app, sl_err_t *err)
{
    const sl_request_t *request = sl_request_of(r);
    sl_bind_request_t asked;
    sl_rc_t rc = sl_bind_view(r, app, false, err);

    if (rc == SL_OK) {
        read_request(&asked, r, true);
        *user = sl_start_user(&asked, facts_of(r, &request->view), request->view.count);
    }
    return rc;
}

int sl_bind_request(request_rec *r, const char *app, bool stay)
{
    sl_request_t *request = sl_request_of(r);
    sl_bind_request_t asked;
    sl_bind_t decision;
    sl_err_t err;
    sl_rc_t rc = SL_OK;

    read_request(&asked, r, stay);
    if (sl_bind_needs_launches(&asked, request->cookie != NULL)) {
        rc = sl_bind_view(r, app, false, &err);
    }
    if (rc != SL_OK) {
        return sl_respond_error(r, rc, &err);
    }
    asked.more = request->view.more;
    decision = sl_bind_decide(&asked, facts_of(r, &request->view), request->view.count);
    return act(r, &decision);
}

/** A page of a launch that is not linked: there may be something to ask first. */
static bool may_be_asked(const sl_request_t *request)
{
    return request->launch != NULL && request->launch->row.link_state == SL_LINK_PENDING &&
           request->ask.kind == SL_ASK_NAVIGATION && request->ask.method == SL_METHOD_GET;
}

/** The app named a user and nobody has confirmed yet, or httpd itself has to log her in. */
static int go_ask(request_rec *r)
{
    const sl_browser_launch_t *launch = sl_request_of(r)->launch;
    const char *location = launch->row.login_user != NULL ? sl_confirm_location(r, launch)
                                                          : sl_link_location(r, launch);

    return location == NULL ? DECLINED
                            : sl_respond_redirect(r, HTTP_SEE_OTHER, location, "same-origin");
}

int sl_bind_hook(request_rec *r)
{
    sl_request_t *request = sl_request_of(r);
    const sl_server_t *server = sl_conf_server(r->server);
    bool is_first = r->main == NULL && r->prev == NULL;
    int answer = DECLINED;

    if ((request->claim != NULL && is_first) || server->main->runtime == NULL) {
        return DECLINED;
    }
    if (is_first && r->method_number != M_TRACE && sl_bind_is_smart(r) &&
        server->public_url != NULL) { /* TRACE would tell the session id */
        answer = sl_bind_request(r, sl_conf_app(sl_conf_location(r)), false);
        if (answer == DECLINED && may_be_asked(request)) {
            answer = go_ask(r);
        }
    }
    if (answer == DECLINED) {
        sl_pass_context(r);
    }
    return answer;
}
