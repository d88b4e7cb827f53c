/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_respond.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

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

static int dispatch(const sl_visit_t *visit, const char *below)
{
    static const struct {
        const char *path;
        int (*answer)(const sl_visit_t *visit);
    } pages[] = {{"", sl_launch_url},
                 {"/session", sl_session_url},
                 {"/logout", sl_logout_url},
                 {"/confirm", sl_confirm_url},
                 {"/jwks.json", sl_jwks_url},
                 {"/link", sl_link_url}};
    sl_err_t err;

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strcmp(below, pages[i].path) == 0) {
            return pages[i].answer(visit);
        }
    }
    return sl_respond_error(
        visit->r,
        sl_err_set(&err, SL_NONE, "SL6006", "an address under the Redirect URL that is not used"),
        &err);
}

int sl_redirect_url_handle(request_rec *r)
{
    sl_request_t *request = sl_request_of(r);
    const sl_redirect_conf_t *claim = request->claim;
    sl_visit_t visit;
    sl_err_t err;

    if (claim == NULL || r->main != NULL || r->prev != NULL) {
        return DECLINED;
    }
    visit.r = r;
    visit.request = request;
    visit.rt = sl_conf_server(r->server)->main->runtime;
    visit.site = claim->site;
    visit.location = claim->location;
    if (visit.rt == NULL || visit.site == NULL) {
        sl_respond_error(
            r, sl_err_set(&err, SL_FAILED, "SL6007", "the child has no runtime; see its start"),
            &err);
        return OK;
    }
    (void)dispatch(&visit, r->uri + strlen(claim->path));
    return OK;
}
