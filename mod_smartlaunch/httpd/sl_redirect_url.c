/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_respond.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

static int dispatch(const sl_visit_t *visit, const char *below)
{
    static const struct {
        const char *path;
        int (*answer)(const sl_visit_t *visit);
    } pages[] = {{"", sl_launch_url},
                 {"/session", sl_session_url},
                 {"/logout", sl_logout_url},
                 {"/confirm", sl_confirm_url},
                 {"/window", sl_window_url},
                 {"/jwks.json", sl_jwks_url},
                 {"/link", sl_link_url},
                 {"/start", sl_start_url}};
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
