/* SPDX-License-Identifier: Apache-2.0 */
/* What a second module of ours gets of this one. */
#include "httpd/sl_core.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_child.h"
#include "httpd/sl_conf_check.h"
#include "httpd/sl_core_calls.h"
#include "httpd/sl_page.h"
#include "httpd/sl_pass.h"
#include "httpd/sl_respond.h"
#include "smart/sl_start.h"
#include "smart/sl_url.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

static void use_tokens(server_rec *main_server)
{
    sl_conf_server(main_server)->main->wants_tokens = true;
}

static bool take_asks(server_rec *s, const char *path, bool is_open)
{
    apr_array_header_t *all = sl_conf_server(s)->asks;
    const sl_location_conf_t *location = sl_conf_location_at(s, path, all->pool);
    sl_asks_conf_t *asks = apr_array_push(all);

    asks->path = path;
    asks->is_open = is_open;
    asks->app = location != NULL ? sl_conf_app(location) : SL_DEFAULT_APP;
    return !is_open || (location != NULL && location->callers != NULL);
}

static bool overlaps(const char *a, const char *b)
{
    return sl_url_is_below(a, b) || sl_url_is_below(b, a);
}

static const char *is_taken(server_rec *s, const char *path, apr_pool_t *p)
{
    const sl_server_t *server = sl_conf_server(s);

    for (int i = 0; i < server->redirects->nelts; i++) {
        const char *other = APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t).path;

        if (overlaps(path, other)) {
            return apr_psprintf(p, "<Location %s> is a Redirect URL (SmartTarget)", other);
        }
    }
    for (int i = 0; i < server->gateways->nelts; i++) {
        const sl_gateway_conf_t *gateway = &APR_ARRAY_IDX(server->gateways, i, sl_gateway_conf_t);

        if (gateway->location->gateway == 1 && overlaps(path, gateway->path)) {
            return apr_psprintf(p, "<Location %s> is a gateway (SmartGateway on)", gateway->path);
        }
    }
    return NULL;
}

static void dump(server_rec *main_server, const char *name, sl_json_t *part)
{
    sl_main_t *main = sl_conf_server(main_server)->main;

    if (main->more == NULL) {
        main->more = sl_json_object(main_server->process->pconf);
    }
    sl_json_put(main->more, name, part);
}

static const sl_ehr_t *ehr_of(const server_rec *s, const char *name)
{
    return sl_conf_ehr(sl_conf_server(s)->main, name);
}

static const char *app_of(const request_rec *r)
{
    return sl_conf_app(sl_conf_location(r));
}

static const char *app_at(server_rec *s, const char *path, apr_pool_t *p)
{
    const sl_location_conf_t *location = sl_conf_location_at(s, path, p);

    return location != NULL ? sl_conf_app(location) : SL_DEFAULT_APP;
}

static const char *public_url(const server_rec *s)
{
    return sl_conf_server(s)->public_url;
}

/** The first Redirect URL of the location's app that serves this EHR to standalone launches. */
static const char *start_url(request_rec *r, const char *ehr, const char *return_to)
{
    const sl_server_t *server = sl_conf_server(r->server);
    const sl_start_t start = {ehr, sl_bind_is_smart(r) ? return_to : NULL};

    for (int i = 0; i < server->redirects->nelts; i++) {
        const sl_site_t *site = APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t).site;
        const sl_ehr_t *found = NULL;

        if (site != NULL && strcmp(site->app, app_of(r)) == 0 &&
            sl_start_ehr(&found, site->ehrs, ehr, NULL) == SL_OK) {
            return sl_start_address(r->pool, site->redirect_uri, &start);
        }
    }
    return NULL;
}

static const char *home(const request_rec *r)
{
    const sl_server_t *server = sl_conf_server(r->server);

    for (int i = 0; i < server->redirects->nelts; i++) {
        const sl_site_t *site = APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t).site;

        if (site != NULL && site->target != NULL && strcmp(site->app, app_of(r)) == 0) {
            return site->target;
        }
    }
    return NULL;
}

static const sl_runtime_t *runtime(const server_rec *s)
{
    return sl_conf_server(s)->main->runtime;
}

static bool has_tables(server_rec *s, apr_pool_t *p)
{
    sl_child_look_at_database(s, p);
    return apr_atomic_read32(&sl_conf_server(s)->main->has_seen_database) != 0;
}

/** A session that Smart-Login made has a user and neither a token nor a chart. */
static void who_is_launched(sl_core_who_t *out, const sl_browser_launch_t *launch)
{
    const sl_launch_t *row = &launch->row;
    bool has_token = row->kind != SL_KIND_SESSION && row->link_state != SL_LINK_PENDING;

    out->user = row->link_state != SL_LINK_PENDING ? row->app_user : NULL;
    out->launch = row->id;
    out->handle = launch->handle;
    out->session = has_token ? launch->session : NULL;
    out->ehr = row->ehr;
    out->patient = has_token ? row->patient : NULL;
    out->is_pending = row->link_state == SL_LINK_PENDING;
}

static void who(sl_core_who_t *out, request_rec *r)
{
    const sl_browser_launch_t *launch = sl_pass_launch(r);

    memset(out, 0, sizeof(*out));
    out->app = app_of(r);
    if (launch != NULL) {
        who_is_launched(out, launch);
    } else if (!sl_bind_is_smart(r)) {
        out->user = r->user;
    }
}

static bool is_same_origin(request_rec *r)
{
    return sl_ask_is_own(&sl_request_of(r)->ask);
}

static bool wants_json(request_rec *r)
{
    return sl_request_of(r)->ask.wants != SL_ASK_HTML;
}

static int refuse(request_rec *r, const sl_core_refusal_t *refusal)
{
    sl_refusal_t ours = {.status = refusal->status,
                         .error = refusal->error,
                         .title = refusal->title,
                         .text = {refusal->text},
                         .log_id = refusal->log_id,
                         .detail = refusal->detail,
                         .retry_after = refusal->retry_after};

    return sl_respond_refusal(r, &ours);
}

static int body(request_rec *r, int status, const char *content_type, const char *text)
{
    sl_respond_headers(r, status);
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    ap_set_content_type(r, content_type);
    return sl_respond_body(r, text);
}

static int redirect(request_rec *r, int status, const char *location)
{
    return sl_respond_redirect(r, status, location, "same-origin");
}

/** The one that APR_RETRIEVE_OPTIONAL_FN finds. */
static const sl_core_t *smartlaunch_core(void)
{
    static const sl_core_t core = {.version = SL_CORE_VERSION,
                                   .size = sizeof(sl_core_t),
                                   .build = &sl_core_build,
                                   .use_tokens = use_tokens,
                                   .take_asks = take_asks,
                                   .is_taken = is_taken,
                                   .dump = dump,
                                   .ehr = ehr_of,
                                   .app = app_of,
                                   .app_at = app_at,
                                   .public_url = public_url,
                                   .start_url = start_url,
                                   .home = home,
                                   .runtime = runtime,
                                   .has_tables = has_tables,
                                   .reference = sl_request_reference,
                                   .who = who,
                                   .who_calls = sl_core_who_calls,
                                   .is_same_origin = is_same_origin,
                                   .wants_json = wants_json,
                                   .refuse = refuse,
                                   .error = sl_respond_error,
                                   .body = body,
                                   .redirect = redirect,
                                   .ancestors = sl_page_ancestors};

    return &core;
}

void sl_core_register(void)
{
    APR_REGISTER_OPTIONAL_FN(smartlaunch_core);
}
