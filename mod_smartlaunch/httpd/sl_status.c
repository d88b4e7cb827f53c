/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_status.h"
#include "httpd/sl_respond.h"
#include "smart/sl_url.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <scoreboard.h>
#include <string.h>

const char *sl_status_alg(sl_alg_t alg)
{
    switch (alg) {
    case SL_ALG_RS256:
        return "RS256";
    case SL_ALG_RS384:
        return "RS384";
    case SL_ALG_ES256:
        return "ES256";
    case SL_ALG_ES384:
        return "ES384";
    case SL_ALG_NONE:
        break;
    }
    return "none";
}

const char *sl_status_time(apr_pool_t *p, apr_time_t at)
{
    apr_time_exp_t t;

    if (at == 0) {
        return NULL;
    }
    (void)apr_time_exp_gmt(&t, at);
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

/** Was it there when configtest looked at the tree? */
static bool is_checked(request_rec *r)
{
    const apr_array_header_t *statuses = sl_conf_server(r->server)->statuses;

    for (int i = 0; i < statuses->nelts; i++) {
        if (sl_url_is_below(r->uri, APR_ARRAY_IDX(statuses, i, const char *))) {
            return true;
        }
    }
    return false;
}

static apr_array_header_t *children(apr_pool_t *p)
{
    apr_array_header_t *pids = apr_array_make(p, 16, sizeof(pid_t));
    int limit = 0;

    (void)ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &limit);
    for (int i = 0; i < limit; i++) {
        const process_score *child = ap_get_scoreboard_process(i);

        if (child != NULL && child->pid > 0) {
            APR_ARRAY_PUSH(pids, pid_t) = child->pid;
        }
    }
    return pids;
}

static int send_text(request_rec *r, const char *type, const char *body)
{
    sl_respond_headers(r, HTTP_OK);
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    ap_set_content_type(r, type);
    return sl_respond_body(r, body);
}

static int answer(request_rec *r, const sl_status_t *status)
{
    const char *query = r->args != NULL ? r->args : "";

    if (query[0] == '\0') {
        return sl_status_page(r, status);
    }
    if (strcmp(query, "format=json") == 0) {
        return send_text(r, "application/json", sl_status_json(status));
    }
    if (strcmp(query, "format=prometheus") == 0) {
        return send_text(r, "text/plain; version=0.0.4; charset=utf-8", sl_status_metrics(status));
    }
    return HTTP_NOT_FOUND;
}

int sl_status_handle(request_rec *r)
{
    const sl_runtime_t *rt;
    sl_survey_t survey;
    sl_status_t status = {&survey, NULL, 0, r->pool};

    if (r->handler == NULL || strcmp(r->handler, SL_STATUS_HANDLER) != 0) {
        return DECLINED;
    }
    if (!is_checked(r)) {
        return HTTP_NOT_FOUND;
    }
    r->allowed |= (AP_METHOD_BIT << M_GET);
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    rt = sl_conf_server(r->server)->main->runtime;
    if (rt == NULL) {
        return HTTP_SERVICE_UNAVAILABLE;
    }
    status.rt = rt;
    status.since = ap_scoreboard_image != NULL ? ap_scoreboard_image->global->restart_time : 0;
    sl_survey_take(&survey, rt, children(r->pool), r->pool);
    return answer(r, &status);
}
