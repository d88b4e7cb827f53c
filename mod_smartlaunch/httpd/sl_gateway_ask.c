/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_gateway_ask.h"
#include "smart/sl_session_param.h"

#include <apr_strings.h>
#include <string.h>

/**
 * The path as httpd will have it in a moment, or one that is a gateway's where httpd's may turn out
 * not to be: a session id that is taken away for nothing harms nobody.
 */
static const char *plain_path(const request_rec *r)
{
    char *path;

    if (strchr(r->uri, '%') == NULL && strstr(r->uri, "//") == NULL &&
        strstr(r->uri, "/.") == NULL) {
        return r->uri;
    }
    path = apr_pstrdup(r->pool, r->uri);
    (void)ap_normalize_path(path, AP_NORMALIZE_DECODE_UNRESERVED | AP_NORMALIZE_MERGE_SLASHES);
    (void)ap_unescape_url(path);
    return path;
}

static void place(sl_gateway_ask_t *ask, const char *uri, apr_pool_t *p)
{
    const char *rest = uri + strlen(ask->gateway->path);
    size_t len;

    rest += rest[0] == '/' ? 1 : 0;
    len = strcspn(rest, "/");
    ask->ehr = apr_pstrmemdup(p, rest, len);
    ask->path = apr_pstrdup(p, rest + len);
}

static void add_session(sl_gateway_ask_t *ask, const char *session)
{
    if (session == NULL) {
        return;
    }
    if (ask->session != NULL && strcmp(ask->session, session) != 0) {
        ask->several = true;
    }
    ask->session = session;
}

static void read_headers(const request_rec *r, sl_gateway_ask_t *ask)
{
    const char *session = apr_table_get(r->headers_in, "Smart-Session");

    ask->user = apr_table_get(r->headers_in, "Smart-User");
    ask->patient = apr_table_get(r->headers_in, "Smart-Patient");
    ask->secret = apr_table_get(r->headers_in, "Smart-Caller");
    ask->system = apr_table_get(r->headers_in, "Smart-System");
    if (session != NULL && strchr(session, ',') != NULL) { /* sent twice; an id has no comma */
        ask->several = true;
    }
    add_session(ask, session);
}

/** No log and no status page is to show a session id (design section 12, "Session ids"). */
static void take_params(request_rec *r, sl_gateway_ask_t *ask)
{
    const char *const *names = sl_conf_session_params(ask->gateway->location);
    const char *referer = apr_table_get(r->headers_in, "Referer");
    sl_session_param_t param;

    if (referer != NULL) {
        sl_session_param_take_uri(&param, referer, names, r->pool);
        apr_table_setn(r->headers_in, "Referer", param.rest != NULL ? param.rest : "");
    }
    sl_session_param_take(&param, r->args, names, r->pool);
    ask->several = ask->several || param.several;
    add_session(ask, param.session);
    if (param.rest == r->args) {
        return;
    }
    r->args = (char *)param.rest;
    r->parsed_uri.query = r->args;
    sl_session_param_take_uri(&param, r->unparsed_uri, names, r->pool);
    r->unparsed_uri = (char *)param.rest;
    sl_session_param_take_line(&param, r->the_request, names, r->pool);
    r->the_request = (char *)param.rest;
}

sl_gateway_ask_t *sl_gateway_ask_take(request_rec *r, const sl_server_t *server)
{
    const sl_gateway_conf_t *gateway = NULL;
    sl_gateway_ask_t *ask;
    const char *path = NULL;

    if (server->gateways->nelts > 0 && r->uri != NULL) {
        path = plain_path(r);
        gateway = sl_conf_gateway(server, path);
    }
    if (gateway == NULL) {
        return NULL;
    }
    ask = apr_pcalloc(r->pool, sizeof(*ask));
    ask->gateway = gateway;
    place(ask, path, r->pool);
    read_headers(r, ask);
    take_params(r, ask);
    return ask;
}

sl_gateway_ask_t *sl_gateway_ask_second(const request_rec *r)
{
    const sl_asks_conf_t *asks = NULL;
    sl_gateway_ask_t *ask;

    if (sl_conf_server(r->server)->asks->nelts > 0 && r->uri != NULL) {
        asks = sl_conf_asks(r->server, plain_path(r));
    }
    if (asks == NULL) {
        return NULL;
    }
    ask = apr_pcalloc(r->pool, sizeof(*ask));
    ask->asks = asks;
    read_headers(r, ask);
    return ask;
}

bool sl_gateway_ask_settle(const request_rec *r, sl_gateway_ask_t *ask)
{
    const sl_gateway_conf_t *gateway = sl_conf_gateway(sl_conf_server(r->server), r->uri);

    if (gateway == NULL) {
        return false;
    }
    ask->gateway = gateway;
    place(ask, r->uri, r->pool);
    return true;
}

static const char *by_secret(const apr_array_header_t *callers, const char *sent, apr_pool_t *p)
{
    const sl_secret_t *secret = sl_secret_str(p, sent);

    for (int i = 0; i < callers->nelts; i++) {
        const sl_caller_t *caller = &APR_ARRAY_IDX(callers, i, sl_caller_t);

        if (sl_secret_eq(caller->secret, secret)) {
            return caller->name;
        }
    }
    return NULL;
}

static const char *by_name(const apr_array_header_t *callers, const char *user)
{
    for (int i = 0; i < callers->nelts; i++) {
        const sl_caller_t *caller = &APR_ARRAY_IDX(callers, i, sl_caller_t);

        if (strcmp(caller->name, user) == 0) {
            return caller->name;
        }
    }
    return NULL;
}

/** A user who is there by AuthType Smart is an app user, not a caller. */
const char *sl_gateway_ask_caller(const request_rec *r, const sl_gateway_ask_t *ask)
{
    const apr_array_header_t *callers = sl_conf_location(r)->callers;

    if (callers == NULL) {
        return NULL;
    }
    if (ask->secret != NULL) {
        return by_secret(callers, ask->secret, r->pool);
    }
    if (r->user == NULL || r->ap_auth_type == NULL || strcasecmp(r->ap_auth_type, "Smart") == 0) {
        return NULL;
    }
    return by_name(callers, r->user);
}
