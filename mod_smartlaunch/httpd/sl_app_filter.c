/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_app_filter.h"
#include "httpd/sl_authz.h"
#include "httpd/sl_respond.h"

#include <http_protocol.h>
#include <string.h>
#include <util_filter.h>

static ap_filter_rec_t *app;

typedef struct {
    bool is_done;
    bool swallow; /* the app's answer was replaced */
} state_t;

static apr_status_t replace(ap_filter_t *f, apr_bucket_brigade *bb, const char *body)
{
    conn_rec *c = f->r->connection;

    apr_brigade_cleanup(bb);
    ap_set_content_length(f->r, (apr_off_t)strlen(body));
    APR_BRIGADE_INSERT_TAIL(
        bb, apr_bucket_pool_create(body, strlen(body), f->r->pool, c->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(c->bucket_alloc));
    return ap_pass_brigade(f->next, bb);
}

static apr_status_t filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    state_t *state = f->ctx;
    const char *refused;
    sl_app_login_t login;

    if (state->swallow) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    if (!state->is_done && !sl_request_of(f->r)->is_answered) {
        state->is_done = true;
        refused = sl_authz_explain(f->r);
        if (refused != NULL) {
            state->swallow = true;
            return replace(f, bb, refused);
        }
        memset(&login, 0, sizeof(login));
        sl_app_login(&login, f->r);
        if (login.replaced) {
            state->swallow = true;
            return replace(f, bb, login.body);
        }
        sl_app_headers(f->r, login.is_login);
        if (login.new_browser != NULL) {
            sl_respond_cookie(f->r, login.new_browser);
        }
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void sl_app_filter_register(void)
{
    app = ap_register_output_filter("SMARTLAUNCH_APP", filter, NULL, AP_FTYPE_PROTOCOL - 1);
}

void sl_app_filter_insert(request_rec *r)
{
    if (r->main != NULL || sl_conf_server(r->server)->main->runtime == NULL ||
        sl_request_of(r)->gateway != NULL) { /* answers of an EHR are no app's */
        return;
    }
    for (const ap_filter_t *f = r->output_filters; f != NULL; f = f->next) {
        if (f->r == r && f->frec == app) {
            return;
        }
    }
    ap_add_output_filter_handle(app, apr_pcalloc(r->pool, sizeof(state_t)), r, r->connection);
}
