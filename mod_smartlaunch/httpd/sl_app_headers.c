/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of the app's answers: its cookies, redirects, framing, caching. */
#include "httpd/sl_app_filter.h"
#include "httpd/sl_page.h"
#include "httpd/sl_pass.h"
#include "smart/sl_csp.h"
#include "smart/sl_location.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

static int collect(void *data, const char *key, const char *value)
{
    (void)key;
    APR_ARRAY_PUSH((apr_array_header_t *)data, const char *) = value;
    return 1;
}

/** Values of a header in one table, in order. */
static apr_array_header_t *values_of(request_rec *r, apr_table_t *table, const char *name)
{
    apr_array_header_t *values = apr_array_make(r->pool, 4, sizeof(const char *));

    apr_table_do(collect, values, table, name, NULL);
    return values;
}

/** The launch finished as a page of its own, not in a frame. */
static bool is_embedded(request_rec *r, const sl_browser_launch_t *launch)
{
    return !sl_conf_is_toplevel(sl_conf_server(r->server)) && !launch->toplevel;
}

static void rewrite_cookies(request_rec *r, apr_table_t *table,
                            const sl_app_cookie_answer_t *answer)
{
    apr_array_header_t *values;

    if (apr_table_get(table, "Set-Cookie") == NULL) {
        return;
    }
    values = values_of(r, table, "Set-Cookie");
    apr_table_unset(table, "Set-Cookie");
    for (int i = 0; i < values->nelts; i++) {
        sl_app_cookie_set_t set;

        sl_app_cookie_to_browser(&set, answer, APR_ARRAY_IDX(values, i, const char *), r->pool);
        for (int j = 0; j < set.count; j++) {
            apr_table_add(table, "Set-Cookie", set.set[j]);
        }
        if (set.log_id != NULL) {
            ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "%s: a cookie of the app was dropped",
                          set.log_id);
        }
    }
}

static void set_cookies(request_rec *r)
{
    static const sl_app_cookie_rule_t by_default = {SL_APP_COOKIE_AUTO, NULL};
    const sl_request_t *request = sl_request_of(r);
    const sl_location_conf_t *location = sl_conf_location(r);
    const sl_browser_launch_t *launch = sl_pass_launch(r);
    bool is_framed = !sl_conf_is_toplevel(sl_conf_server(r->server));
    sl_app_cookie_answer_t answer;

    answer.rule = location->cookies != NULL ? location->cookies : &by_default;
    answer.own = sl_conf_cookie(sl_conf_server(r->server));
    answer.mark = sl_pass_mark(r);
    answer.sent = request->cookies;
    answer.path = location->path;
    answer.embedded = launch != NULL && is_embedded(r, launch);
    answer.now = r->request_time;
    answer.expires_at = launch != NULL ? launch->row.expires_at : 0;
    rewrite_cookies(r, r->headers_out, &answer);
    rewrite_cookies(r, r->err_headers_out, &answer);
    for (int i = 0; request->dead_cookies != NULL && i < request->dead_cookies->nelts; i++) {
        apr_table_add(r->err_headers_out, "Set-Cookie",
                      sl_app_cookie_delete(r->pool,
                                           APR_ARRAY_IDX(request->dead_cookies, i, const char *),
                                           location->path, is_framed));
    }
}

static void carry_location(request_rec *r, apr_table_t *table)
{
    const sl_server_t *server = sl_conf_server(r->server);
    const char *location = apr_table_get(table, "Location");
    sl_location_t rule;
    const char **own;
    const char *carried;

    if (location == NULL || r->status < 300 || r->status > 399) {
        return;
    }
    own = apr_pcalloc(r->pool, sizeof(*own) * ((size_t)server->redirects->nelts + 1));
    for (int i = 0; i < server->redirects->nelts; i++) {
        own[i] = APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t).path;
    }
    rule.public_url = server->public_url;
    rule.path = r->uri;
    rule.own_paths = own;
    rule.handle = sl_request_of(r)->launch->handle;
    carried = sl_location_carry(r->pool, &rule, location);
    if (carried != location) {
        apr_table_setn(table, "Location", carried);
    }
}

static bool reframe(request_rec *r, apr_table_t *table, const char *name, const char *ancestors)
{
    apr_array_header_t *values;

    if (apr_table_get(table, name) == NULL) {
        return false;
    }
    values = values_of(r, table, name);
    apr_table_unset(table, name);
    for (int i = 0; i < values->nelts; i++) {
        apr_table_add(table, name,
                      sl_csp_reframe(r->pool, APR_ARRAY_IDX(values, i, const char *), ancestors));
    }
    return true;
}

static void frame(request_rec *r, const sl_browser_launch_t *launch)
{
    static const char name[] = "Content-Security-Policy";
    const char *ancestors = sl_page_ancestors(r, launch->row.ehr);
    bool in_out = reframe(r, r->headers_out, name, ancestors);
    bool in_err = reframe(r, r->err_headers_out, name, ancestors);

    if (!in_out && !in_err) {
        apr_table_setn(r->headers_out, name, sl_csp_reframe(r->pool, NULL, ancestors));
    }
    apr_table_unset(r->headers_out, "X-Frame-Options");
    apr_table_unset(r->err_headers_out, "X-Frame-Options");
}

/** A file that httpd itself serves: its handler is the default one. */
static bool is_file(const request_rec *r)
{
    return r->finfo.filetype == APR_REG && r->proxyreq == PROXYREQ_NONE &&
           (r->handler == NULL || strcmp(r->handler, "default-handler") == 0 ||
            (r->content_type != NULL && strcmp(r->handler, r->content_type) == 0));
}

static const char never[] = "private, no-store";

static const char *cache_control(request_rec *r, bool has_cookie)
{
    const char *said = apr_table_get(r->err_headers_out, "Cache-Control");
    bool marked;

    if (said == NULL) {
        said = apr_table_get(r->headers_out, "Cache-Control");
    }
    if (has_cookie) {
        return never;
    }
    marked = said != NULL &&
             (ap_find_token(r->pool, said, "public") || ap_find_token(r->pool, said, "immutable"));
    if (!marked && !is_file(r)) {
        return never;
    }
    if (said == NULL) {
        return "private";
    }
    return apr_pstrcat(r->pool, "private", marked && strcasecmp(said, "public") == 0 ? "" : ", ",
                       strcasecmp(said, "public") == 0 ? "" : said, NULL);
}

/** `public` and `private` in one header contradict: the first goes. */
static const char *without_public(apr_pool_t *p, const char *value)
{
    const char *out = "";
    char *rest = apr_pstrdup(p, value);
    char *last = NULL;

    for (char *word = apr_strtok(rest, ",", &last); word != NULL;
         word = apr_strtok(NULL, ",", &last)) {
        word += strspn(word, " \t");
        if (strcasecmp(word, "public") != 0) {
            out = apr_pstrcat(p, out, out[0] != '\0' ? ", " : "", word, NULL);
        }
    }
    return out;
}

static void set_caching(request_rec *r)
{
    bool has_cookie = apr_table_get(r->headers_out, "Set-Cookie") != NULL ||
                      apr_table_get(r->err_headers_out, "Set-Cookie") != NULL;
    const char *value = cache_control(r, has_cookie);

    if (value != never) {
        value = without_public(r->pool, value);
    }
    apr_table_unset(r->err_headers_out, "Cache-Control");
    apr_table_setn(r->headers_out, "Cache-Control", value);
    if (strstr(value, "no-store") != NULL) {
        apr_table_unset(r->headers_out, "Expires");
        apr_table_unset(r->err_headers_out, "Expires");
    }
}

void sl_app_headers(request_rec *r, bool is_login)
{
    const sl_browser_launch_t *launch = sl_pass_launch(r);

    set_cookies(r);
    if (launch == NULL) {
        if (is_login) {
            apr_table_setn(r->headers_out, "Cache-Control", never);
        }
        return;
    }
    carry_location(r, r->headers_out);
    carry_location(r, r->err_headers_out);
    frame(r, launch);
    apr_table_unset(r->err_headers_out, "Referrer-Policy");
    apr_table_setn(r->headers_out, "Referrer-Policy", "same-origin");
    set_caching(r);
    if (is_login) {
        apr_table_setn(r->headers_out, "Cache-Control", never);
    }
}
