/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages under a Redirect URL have in common. */
#include "base/sl_text.h"
#include "flow/sl_allowance.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_child.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

/** Refused requests of one network that the flight recorder takes. */
#define RECORDED_A_MINUTE 600

#define MAX_FORM 65536

int sl_visit_not_allowed(const sl_visit_t *visit, const char *allow)
{
    sl_refusal_t refusal = {405,
                            "method_not_allowed",
                            "This address cannot be used that way",
                            {"Please go back to the patient's chart and open the application "
                             "there once more.",
                             NULL},
                            "SL6001",
                            "a method that the address does not take",
                            0};
    const char *body = sl_respond_prepare(visit->r, &refusal);

    apr_table_setn(visit->r->err_headers_out, "Allow", allow);
    return sl_respond_body(visit->r, body);
}

sl_rc_t sl_visit_form(const sl_visit_t *visit, const char **body, apr_size_t *len, sl_err_t *err)
{
    request_rec *r = visit->r;
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    char *text = apr_palloc(r->pool, MAX_FORM + 1);
    long got = 0;
    bool more;

    *body = "";
    *len = 0;
    if (type == NULL || strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0) {
        return sl_err_set(err, SL_INVALID, "SL6002", "a POST whose body is no form");
    }
    if (ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK) != OK) {
        return sl_err_set(err, SL_INVALID, "SL6003", "a POST whose body cannot be read");
    }
    more = ap_should_client_block(r) != 0; /* asked once: it is false after the first read */
    while (more && *len <= MAX_FORM) {
        got = ap_get_client_block(r, text + *len, MAX_FORM + 1 - *len);
        more = got > 0;
        *len += more ? (apr_size_t)got : 0;
    }
    if (got < 0 || *len > MAX_FORM) {
        return sl_err_set(err, SL_INVALID, "SL6004", "a form that is cut off or too long");
    }
    text[*len] = '\0';
    *body = text;
    return SL_OK;
}

const sl_browser_launch_t *sl_visit_launch(const sl_visit_t *visit, int *answer)
{
    *answer = sl_bind_request(visit->r, visit->site->app, true);
    if (*answer != DECLINED) {
        return NULL;
    }
    if (visit->request->launch == NULL) {
        *answer = sl_respond_relaunch(visit->r, "SL6005", "no live launch for this address");
    }
    return visit->request->launch;
}

sl_rc_t sl_visit_params(sl_params_t **out, const sl_visit_t *visit, sl_err_t *err)
{
    apr_pool_t *p = visit->r->pool;
    const char *query = visit->request->query;
    const char *body = NULL;
    apr_size_t len = 0;
    sl_params_t *form = NULL;
    sl_rc_t rc = sl_params_parse(out, query, query != NULL ? strlen(query) : 0, p, err);

    if (rc != SL_OK || visit->r->method_number != M_POST) {
        return rc;
    }
    rc = sl_visit_form(visit, &body, &len, err);
    if (rc == SL_OK) {
        rc = sl_params_parse(&form, body, len, p, err);
    }
    return rc == SL_OK ? sl_params_merge(out, *out, form, p, err) : rc;
}

const char *sl_visit_network(const sl_visit_t *visit)
{
    const request_rec *r = visit->r;
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    const apr_sockaddr_t *from = r->useragent_addr;
    const unsigned char *ip = from != NULL ? from->ipaddr_ptr : NULL;

    if (ip == NULL || (from->ipaddr_len != 4 && from->ipaddr_len != 16)) {
        return NULL;
    }
    if (from->ipaddr_len == 16 && memcmp(ip, mapped, sizeof(mapped)) != 0) {
        return sl_text_hex(visit->r->pool, ip, 8);
    }
    return sl_text_hex(visit->r->pool, from->ipaddr_len == 16 ? ip + sizeof(mapped) : ip, 3);
}

static bool ends_with(const sl_trace_t *trace, const sl_err_t *err)
{
    const apr_array_header_t *steps = trace->steps;

    return steps->nelts > 0 &&
           strcmp(APR_ARRAY_IDX(steps, steps->nelts - 1, sl_step_t).outcome, err->id) == 0;
}

/** Junk costs a row; who sends it by the thousand gets his page and the log line only. */
static bool may_be_recorded(const sl_visit_t *visit)
{
    const char *network = sl_visit_network(visit);

    return sl_allowance_take(visit->rt, network != NULL ? network : "-", RECORDED_A_MINUTE,
                             visit->r->request_time);
}

void sl_visit_record(const sl_visit_t *visit, sl_trace_t *trace, const char *step,
                     const sl_err_t *err)
{
    sl_err_t lost;

    if (!ends_with(trace, err)) {
        sl_trace_failed(trace, step, 0, 0, err);
    }
    if (may_be_recorded(visit) &&
        sl_store_steps_add(visit->rt->db, NULL, trace->steps, visit->r->pool, &lost) != SL_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, visit->r, "%s: %s", lost.id, lost.text);
    }
}

int sl_visit_refuse(const sl_visit_t *visit, sl_trace_t *trace, const char *step, sl_rc_t rc,
                    const sl_err_t *err)
{
    sl_visit_record(visit, trace, step, err);
    return sl_respond_error(visit->r, rc, err);
}

int sl_visit_depart(const sl_visit_t *visit, const sl_begun_t *begun)
{
    sl_child_look_at_database(visit->r->server, visit->r->pool);
    if (begun->new_browser != NULL) {
        sl_respond_cookie(visit->r, begun->new_browser);
    }
    return sl_respond_redirect(visit->r, HTTP_MOVED_TEMPORARILY, begun->location, "no-referrer");
}

bool sl_visit_is_toplevel(const sl_visit_t *visit)
{
    const char *dest = apr_table_get(visit->r->headers_in, "Sec-Fetch-Dest");

    return dest != NULL && strcmp(dest, "document") == 0;
}

const char *sl_visit_way_back(const sl_visit_t *visit, const char *return_to)
{
    const sl_server_t *server = sl_conf_server(visit->r->server);

    if (return_to == NULL || !sl_url_is_return_path(return_to, visit->r->pool)) {
        return visit->site->target;
    }
    for (int i = 0; i < server->redirects->nelts; i++) {
        if (sl_url_is_below(return_to,
                            APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t).path)) {
            return visit->site->target;
        }
    }
    return return_to;
}
