/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_conf.h"
#include "smart/sl_url.h"

#include <string.h>

static sl_main_t *new_main(apr_pool_t *p)
{
    sl_main_t *main = apr_pcalloc(p, sizeof(*main));

    main->prepare = true;
    main->cache_size = SL_DEFAULT_CACHE;
    main->offline = SL_DEFAULT_OFFLINE;
    main->keep_steps = SL_DEFAULT_KEEP;
    main->ehrs = apr_array_make(p, 4, sizeof(sl_ehr_conf_t *));
    main->user_headers = apr_array_make(p, 2, sizeof(const char *));
    main->notifies = apr_array_make(p, 2, sizeof(const sl_notify_conf_t *));
    return main;
}

void *sl_conf_create_server(apr_pool_t *p, server_rec *s)
{
    sl_server_t *server = apr_pcalloc(p, sizeof(*server));

    server->main = s->is_virtual ? NULL : new_main(p);
    server->cookie_toplevel = SL_UNSET;
    server->idle = SL_UNSET;
    server->max = SL_UNSET;
    server->redirects = apr_array_make(p, 2, sizeof(sl_redirect_conf_t));
    server->gateways = apr_array_make(p, 2, sizeof(sl_gateway_conf_t));
    server->asks = apr_array_make(p, 1, sizeof(sl_asks_conf_t));
    server->statuses = apr_array_make(p, 1, sizeof(const char *));
    return server;
}

#define INHERIT(member, unset) out->member = (v->member != (unset)) ? v->member : b->member

void *sl_conf_merge_server(apr_pool_t *p, void *base, void *add)
{
    const sl_server_t *b = base;
    const sl_server_t *v = add;
    sl_server_t *out = apr_pcalloc(p, sizeof(*out));

    out->main = b->main;
    INHERIT(public_url, NULL);
    INHERIT(gateway_url, NULL);
    INHERIT(cookie_name, NULL);
    INHERIT(cookie_toplevel, SL_UNSET);
    INHERIT(idle, SL_UNSET);
    INHERIT(max, SL_UNSET);
    out->redirects = apr_array_append(p, v->redirects, b->redirects);
    out->gateways = apr_array_append(p, v->gateways, b->gateways);
    out->asks = apr_array_make(p, 1, sizeof(sl_asks_conf_t));
    out->statuses = apr_array_make(p, 1, sizeof(const char *));
    return out;
}

void *sl_conf_create_location(apr_pool_t *p, char *path)
{
    sl_location_conf_t *location = apr_pcalloc(p, sizeof(*location));

    (void)path;
    location->confirm = SL_UNSET;
    location->login = SL_UNSET;
    location->gateway = SL_UNSET;
    location->system = SL_UNSET;
    location->writes = SL_UNSET;
    location->replay = SL_UNSET;
    return location;
}

void *sl_conf_merge_location(apr_pool_t *p, void *base, void *add)
{
    const sl_location_conf_t *b = base;
    const sl_location_conf_t *v = add;
    sl_location_conf_t *out = apr_pcalloc(p, sizeof(*out));

    out->path = b->path != NULL ? b->path : v->path;
    INHERIT(target, NULL);
    INHERIT(redirect_path, NULL);
    INHERIT(app, NULL);
    INHERIT(link, SL_LINK_UNSET);
    out->name_regex = (v->link != SL_LINK_UNSET) ? v->name_regex : b->name_regex;
    INHERIT(confirm, SL_UNSET);
    INHERIT(login, SL_UNSET);
    INHERIT(serve, NULL);
    INHERIT(notify, NULL);
    INHERIT(cookies, NULL);
    INHERIT(pass, SL_PASS_UNSET);
    INHERIT(user_header, NULL);
    INHERIT(gateway, SL_UNSET);
    INHERIT(session_params, NULL);
    INHERIT(system, SL_UNSET);
    INHERIT(writes, SL_UNSET);
    INHERIT(replay, SL_UNSET);
    INHERIT(callers, NULL);
    INHERIT(guard, SL_GUARD_UNSET);
    return out;
}

const sl_server_t *sl_conf_server(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &smartlaunch_module);
}

const sl_location_conf_t *sl_conf_location(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &smartlaunch_module);
}

const char *sl_conf_app(const sl_location_conf_t *location)
{
    return location->app != NULL ? location->app : SL_DEFAULT_APP;
}

const char *sl_conf_cookie(const sl_server_t *server)
{
    return server->cookie_name != NULL ? server->cookie_name : SL_DEFAULT_COOKIE;
}

bool sl_conf_is_toplevel(const sl_server_t *server)
{
    return server->cookie_toplevel == 1;
}

apr_interval_time_t sl_conf_idle(const sl_server_t *server)
{
    return server->idle != SL_UNSET ? server->idle : SL_DEFAULT_IDLE;
}

apr_interval_time_t sl_conf_max(const sl_server_t *server)
{
    return server->max != SL_UNSET ? server->max : SL_DEFAULT_MAX;
}

const sl_gateway_conf_t *sl_conf_gateway(const sl_server_t *server, const char *uri)
{
    const sl_gateway_conf_t *best = NULL;

    for (int i = 0; i < server->gateways->nelts; i++) {
        const sl_gateway_conf_t *one = &APR_ARRAY_IDX(server->gateways, i, sl_gateway_conf_t);

        if (sl_url_is_below(uri, one->path) &&
            (best == NULL || strlen(one->path) > strlen(best->path))) {
            best = one;
        }
    }
    return best != NULL && best->location->gateway == 1 ? best : NULL;
}

bool sl_conf_has_gateway(const server_rec *main_server)
{
    for (const server_rec *s = main_server; s != NULL; s = s->next) {
        const apr_array_header_t *gateways = sl_conf_server(s)->gateways;

        for (int i = 0; i < gateways->nelts; i++) {
            if (APR_ARRAY_IDX(gateways, i, sl_gateway_conf_t).location->gateway == 1) {
                return true;
            }
        }
    }
    return false;
}

bool sl_conf_uses_tokens(const server_rec *main_server)
{
    return sl_conf_server(main_server)->main->wants_tokens || sl_conf_has_gateway(main_server);
}

const sl_asks_conf_t *sl_conf_asks(const server_rec *s, const char *uri)
{
    const apr_array_header_t *all = sl_conf_server(s)->asks;
    const sl_asks_conf_t *best = NULL;

    for (int i = 0; i < all->nelts; i++) {
        const sl_asks_conf_t *one = &APR_ARRAY_IDX(all, i, sl_asks_conf_t);

        if (sl_url_is_below(uri, one->path) &&
            (best == NULL || strlen(one->path) > strlen(best->path))) {
            best = one;
        }
    }
    return best;
}

const char *const *sl_conf_session_params(const sl_location_conf_t *location)
{
    static const char *const usual[] = {SL_DEFAULT_SESSION_PARAM, NULL};

    return location->session_params != NULL ? location->session_params : usual;
}

bool sl_conf_may_be_system(const sl_location_conf_t *location)
{
    return location->system == 1;
}

bool sl_conf_may_write(const sl_location_conf_t *location)
{
    return location->writes == 1;
}

apr_off_t sl_conf_replay(const sl_location_conf_t *location)
{
    return location->replay != SL_UNSET ? location->replay : SL_DEFAULT_REPLAY;
}

sl_guard_mode_t sl_conf_guard(const sl_location_conf_t *location)
{
    return location->guard != SL_GUARD_UNSET ? location->guard : SL_GUARD_ON;
}

const sl_ehr_conf_t *sl_conf_ehr_section(const sl_main_t *main, const char *name)
{
    for (int i = 0; i < main->ehrs->nelts; i++) {
        const sl_ehr_conf_t *conf = APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *);

        if (strcmp(conf->ehr.name, name) == 0) {
            return conf;
        }
    }
    return NULL;
}

const sl_ehr_t *sl_conf_ehr(const sl_main_t *main, const char *name)
{
    const sl_ehr_conf_t *conf = sl_conf_ehr_section(main, name);

    return conf != NULL ? &conf->ehr : NULL;
}

const sl_redirect_conf_t *sl_conf_redirect(const sl_server_t *server, const char *app,
                                           const char *path)
{
    for (int i = 0; i < server->redirects->nelts; i++) {
        const sl_redirect_conf_t *redirect =
            &APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t);

        if (strcmp(sl_conf_app(redirect->location), app) == 0 &&
            (path == NULL || strcmp(redirect->path, path) == 0)) {
            return redirect;
        }
    }
    return NULL;
}
