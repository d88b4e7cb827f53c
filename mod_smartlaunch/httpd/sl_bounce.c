/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer that the EHR's page POSTs to us from another site comes without a SameSite=Lax cookie
 * (SmartCookie … toplevel); a navigation by GET brings it along. So the browser is sent once from
 * the POST to the same address by GET. Nothing is claimed before that.
 */
#include "base/sl_keyring.h"
#include "base/sl_text.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"

#include <apr_strings.h>

/** The request line has a method, a version and the host's own limits beside the URL. */
#define BESIDE_URL 64

static const char *query_of(const sl_params_t *params, apr_pool_t *p)
{
    static const char *const names[] = {"code",     "state", "iss", "error", "error_description",
                                        "error_uri"};
    const char *query = "";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = sl_params_one(params, names[i]);

        if (value != NULL) {
            query = apr_pstrcat(p, query, query[0] == '\0' ? "?" : "&", names[i], "=",
                                sl_text_percent(p, value), NULL);
        }
    }
    return query;
}

int sl_bounce_url(const sl_visit_t *visit, const sl_redirect_t *answer, const sl_params_t *params)
{
    request_rec *r = visit->r;
    const char *path;

    if (r->method_number != M_POST || visit->request->cookie != NULL ||
        answer->kind == SL_REDIRECT_LAUNCH || !sl_conf_is_toplevel(sl_conf_server(r->server)) ||
        !sl_id_is_ours(visit->rt->ring, SL_ID_STATE, answer->state)) {
        return DECLINED;
    }
    path = apr_pstrcat(r->pool, visit->site->path, query_of(params, r->pool), NULL);
    if (strlen(path) + BESIDE_URL > (size_t)r->server->limit_req_line) {
        return DECLINED;
    }
    return sl_respond_redirect(r, HTTP_SEE_OTHER,
                               apr_pstrcat(r->pool, visit->site->public_url, path, NULL),
                               "no-referrer");
}
