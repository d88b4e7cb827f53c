/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_request.h"
#include "base/sl_siphash.h"
#include "smart/sl_cookie.h"
#include "smart/sl_header_name.h"
#include "smart/sl_origin.h"
#include "smart/sl_query.h"
#include "smart/sl_url.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>
#include <unistd.h>

APLOG_USE_MODULE(smartlaunch);

#define REFERENCE_LEN 10

sl_request_t *sl_request_of(request_rec *r)
{
    request_rec *first = r;
    sl_request_t *request;

    while (first->main != NULL || first->prev != NULL) {
        first = first->main != NULL ? first->main : first->prev;
    }
    request = ap_get_module_config(first->request_config, &smartlaunch_module);
    if (request == NULL) {
        request = apr_pcalloc(first->pool, sizeof(*request));
        ap_set_module_config(first->request_config, &smartlaunch_module, request);
    }
    return request;
}

/** What no other request has: when it came, over which connection of which process. */
static apr_uint64_t name_of(const request_rec *r)
{
    static const unsigned char key[SL_SIPHASH_KEY_LEN] = {0}; /* a name, no secret */
    struct {
        apr_time_t at;
        apr_uint64_t process, connection, place;
    } what;

    memset(&what, 0, sizeof(what));
    what.at = r->request_time;
    what.process = (apr_uint64_t)getpid();
    what.connection = (apr_uint64_t)r->connection->id;
    what.place = (apr_uint64_t)(apr_uintptr_t)r;
    return sl_siphash(key, &what, sizeof(what));
}

/** Letters and digits that nobody mistakes for one another when read out on the phone. */
static const char *new_reference(const request_rec *r)
{
    static const char alphabet[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
    apr_uint64_t name = name_of(r);
    char *text = apr_palloc(r->pool, REFERENCE_LEN + 2);
    char *at = text;

    for (size_t i = 0; i < REFERENCE_LEN; i++) {
        if (i == REFERENCE_LEN / 2) {
            *at++ = '-';
        }
        *at++ = alphabet[name % (sizeof(alphabet) - 1)];
        name /= sizeof(alphabet) - 1;
    }
    *at = '\0';
    return text;
}

const char *sl_request_reference(request_rec *r)
{
    sl_request_t *request = sl_request_of(r);

    if (request->reference == NULL) {
        request->reference = new_reference(r);
    }
    return request->reference;
}

sl_trace_t *sl_request_trace(request_rec *r)
{
    return sl_trace_new(r->pool, sl_request_reference(r));
}

sl_browser_key_t sl_request_browser_key(request_rec *r, const char *app)
{
    const sl_server_t *server = sl_conf_server(r->server);
    sl_browser_key_t key;

    key.cookie = sl_request_of(r)->cookie;
    key.app = app;
    key.idle = sl_conf_idle(server);
    key.max = sl_conf_max(server);
    key.now = r->request_time;
    key.anew = false;
    return key;
}

static const char *header(const request_rec *r, const char *name)
{
    return apr_table_get(r->headers_in, name);
}

static void classify(request_rec *r, sl_request_t *request, const char *public_url)
{
    sl_ask_headers_t headers;

    headers.method = r->method;
    headers.sec_fetch_site = header(r, "Sec-Fetch-Site");
    headers.sec_fetch_mode = header(r, "Sec-Fetch-Mode");
    headers.sec_fetch_dest = header(r, "Sec-Fetch-Dest");
    headers.origin = header(r, "Origin");
    headers.accept = header(r, "Accept");
    headers.requested_with = header(r, "X-Requested-With");
    headers.sec_purpose = header(r, "Sec-Purpose");
    headers.purpose = header(r, "Purpose");
    if (headers.purpose == NULL) {
        headers.purpose = header(r, "X-Moz");
    }
    headers.service_worker = header(r, "Service-Worker");
    headers.upgrade = header(r, "Upgrade");
    headers.content_type = header(r, "Content-Type");
    sl_ask_classify(&request->ask, &headers, public_url != NULL ? public_url : "");
}

/** Take the handle out of everything that shows the query (design section 13, "Phases"). */
static void take_handle(request_rec *r, sl_request_t *request)
{
    sl_query_t query;

    request->uri = r->unparsed_uri;
    sl_query_take(&query, r->args, r->pool);
    if (query.handle == NULL) {
        return;
    }
    request->url_handle = query.handle;
    request->url_several = query.several;
    r->args = (char *)query.rest;
    r->parsed_uri.query = r->args;
    sl_query_take_uri(&query, r->unparsed_uri, r->pool);
    r->unparsed_uri = (char *)query.rest;
    request->uri = query.rest;
    sl_query_take_line(&query, r->the_request, r->pool);
    r->the_request = (char *)query.rest;
}

/** The Redirect URL that the path is, or is under. The longest wins. */
static const sl_redirect_conf_t *claim_of(const sl_server_t *server, const char *uri)
{
    const sl_redirect_conf_t *best = NULL;

    for (int i = 0; i < server->redirects->nelts; i++) {
        const sl_redirect_conf_t *one = &APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t);

        if (sl_url_is_below(uri, one->path) &&
            (best == NULL || strlen(one->path) > strlen(best->path))) {
            best = one;
        }
    }
    return best;
}

/** Codes and launches are for us alone: not for logs, not for server-status (SEC-5). */
static void take_query(request_rec *r, sl_request_t *request)
{
    size_t path_end;

    request->claim = r->uri != NULL ? claim_of(sl_conf_server(r->server), r->uri) : NULL;
    if (request->claim == NULL) {
        return;
    }
    request->query = r->args;
    r->args = NULL;
    r->parsed_uri.query = NULL;
    r->unparsed_uri = apr_pstrndup(r->pool, r->unparsed_uri, strcspn(r->unparsed_uri, "?"));
    path_end = strcspn(r->the_request, "?");
    if (r->the_request[path_end] == '?') { /* HTTP/0.9 has nothing behind it */
        const char *version = strrchr(r->the_request + path_end, ' ');

        r->the_request =
            apr_pstrcat(r->pool, apr_pstrndup(r->pool, r->the_request, path_end), version, NULL);
    }
}

/** A page of ours: below a Redirect URL, and of our origin, which takes longer to tell. */
static bool is_own_page(const sl_server_t *server, const char *url)
{
    const char *host = strstr(url, "://");

    if (host == NULL || claim_of(server, host + 3 + strcspn(host + 3, "/?#")) == NULL) {
        return false;
    }
    return sl_origin_rest(server->public_url, url) != NULL;
}

/** The Referer's handle is for us; every log gets the URL without it, and of ours no query. */
static void take_referer(request_rec *r, sl_request_t *request)
{
    sl_query_t query;

    request->referer = apr_table_get(r->headers_in, "Referer");
    if (request->referer == NULL) {
        return;
    }
    if (is_own_page(sl_conf_server(r->server), request->referer)) {
        apr_table_setn(r->headers_in, "Referer",
                       apr_pstrndup(r->pool, request->referer, strcspn(request->referer, "?")));
        return;
    }
    sl_query_take_uri(&query, request->referer, r->pool);
    if (query.handle != NULL) {
        apr_table_setn(r->headers_in, "Referer", query.rest);
    }
}

bool sl_request_is_user_header(const sl_main_t *main, const char *name)
{
    for (int i = 0; i < main->user_headers->nelts; i++) {
        if (sl_header_same_cgi(name, APR_ARRAY_IDX(main->user_headers, i, const char *))) {
            return true;
        }
    }
    return false;
}

/** Remove every inbound header of ours, in every spelling (SEC-3). */
static void strip_headers(request_rec *r, sl_request_t *request, const sl_main_t *main)
{
    const apr_array_header_t *all = apr_table_elts(r->headers_in);
    apr_array_header_t *ours = NULL;

    for (int i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(all, i, apr_table_entry_t);

        if (entry->key != NULL &&
            (sl_header_is_ours(entry->key) || sl_request_is_user_header(main, entry->key))) {
            if (ours == NULL) {
                ours = apr_array_make(r->pool, 4, sizeof(const char *));
            }
            APR_ARRAY_PUSH(ours, const char *) = entry->key;
        }
    }
    request->header_handle = header(r, "Smart-Launch");
    for (int i = 0; ours != NULL && i < ours->nelts; i++) {
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(ours, i, const char *));
    }
}

static void clean_connection(request_rec *r, const sl_main_t *main)
{
    const char *value = header(r, "Connection");
    apr_array_header_t *extra;
    const char *clean;

    if (value == NULL) {
        return;
    }
    extra = apr_array_copy(r->pool, main->user_headers);
    APR_ARRAY_PUSH(extra, const char *) = NULL;
    clean = sl_header_clean_connection(r->pool, value, (const char *const *)(void *)extra->elts);
    if (clean == NULL) {
        apr_table_unset(r->headers_in, "Connection");
    } else if (clean != value) {
        apr_table_setn(r->headers_in, "Connection", clean);
    }
}

static void take_cookie(request_rec *r, sl_request_t *request, const sl_server_t *server)
{
    const sl_runtime_t *rt = server->main->runtime;
    const char *value = NULL;
    sl_err_t err;
    sl_rc_t rc;

    request->cookies = header(r, "Cookie");
    if (request->cookies == NULL || rt == NULL) {
        return;
    }
    rc = sl_cookie_find(&value, request->cookies, sl_conf_cookie(server), r->pool, &err);
    if (rc == SL_INVALID) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "%s: %s", err.id, err.text);
    }
    if (rc != SL_OK) {
        return;
    }
    if (sl_id_is_ours(rt->ring, SL_ID_BROWSER, value)) {
        request->cookie = value;
    }
}

/** Handles, codes and launches leave whatever shows the URL or the page before. */
static void take_names(request_rec *r, sl_request_t *request)
{
    for (request_rec *one = r; one != NULL; one = one->prev) {
        sl_gateway_ask_t *gateway = sl_gateway_ask_take(one, sl_conf_server(r->server));

        request->gateway = gateway != NULL ? gateway : request->gateway;
        request->second = gateway == NULL ? sl_gateway_ask_second(one) : NULL;
        take_handle(one, request);
        take_query(one, request);
        r->the_request = one->the_request; /* all tell what the first was asked */
    }
    take_referer(r, request);
}

static bool has_gateway(const server_rec *s)
{
    while (s != NULL && sl_conf_server(s)->gateways->nelts == 0) {
        s = s->next;
    }
    return s != NULL;
}

void sl_request_hush(request_rec *r, conn_rec *c)
{
    const struct ap_logconf *log = r->log != NULL ? r->log : c->log;
    struct ap_logconf *hushed;
    sl_request_t *request;

    if (!APLOG_R_MODULE_IS_LEVEL(r, core_module.module_index, APLOG_TRACE5) ||
        !has_gateway(ap_server_conf)) {
        return;
    }
    request = sl_request_of(r);
    request->is_hushed = true;
    request->log = r->log;
    hushed = ap_new_log_config(r->pool, log != NULL ? log : &r->server->log);
    ap_set_module_loglevel(r->pool, hushed, core_module.module_index, APLOG_TRACE4);
    r->log = hushed;
}

static void unhush(request_rec *r, sl_request_t *request)
{
    if (request->is_hushed) {
        r->log = request->log;
        request->is_hushed = false;
    }
}

int sl_request_read(request_rec *r)
{
    const sl_server_t *server = sl_conf_server(r->server);
    sl_request_t *request;

    request = sl_request_of(r);
    if (r->main != NULL || request->is_read) {
        return DECLINED;
    }
    request->is_read = true;
    unhush(r, request);
    if (server->main->ring != NULL) { /* without configuration no handle is ours */
        take_names(r, request);
    }
    strip_headers(r, request, server->main);
    clean_connection(r, server->main);
    classify(r, request, server->public_url);
    if (request->second != NULL) { /* programs call there, whatever they say they accept */
        request->ask.wants = SL_ASK_JSON;
    }
    take_cookie(r, request, server);
    return DECLINED;
}

/** Before mod_rewrite, mod_proxy and mod_alias: nothing else may have these paths. */
int sl_request_translate(request_rec *r)
{
    sl_request_t *request = sl_request_of(r);

    if (r->main != NULL || r->prev != NULL) {
        return DECLINED;
    }
    request->claim = claim_of(sl_conf_server(r->server), r->uri);
    if (request->claim == NULL) {
        return DECLINED;
    }
    r->filename = apr_pstrcat(r->pool, "smartlaunch:", r->uri, NULL);
    r->handler = "smart-launch"; /* so that no FallbackResource takes it */
    return OK;
}

/** No <Directory> and no .htaccess for what is no file. */
int sl_request_map(request_rec *r)
{
    return r->filename != NULL && strncmp(r->filename, "smartlaunch:", 12) == 0 ? OK : DECLINED;
}
