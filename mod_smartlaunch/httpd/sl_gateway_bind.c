/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls the gateway, and in which session (design section 12, "A caller speaks for any user").
 */
#include "httpd/sl_bind_request.h"
#include "httpd/sl_gateway_call.h"

#include <apr_strings.h>

bool sl_gateway_is_browser(const request_rec *r)
{
    return apr_table_get(r->headers_in, "Sec-Fetch-Site") != NULL ||
           apr_table_get(r->headers_in, "Origin") != NULL;
}

/** A page of the app: our cookie, a handle, and the proof that it is our own origin (FHR-10). */
static sl_gateway_no_t bind_browser(sl_gateway_call_t *call)
{
    sl_request_t *request = call->request;
    const sl_browser_launch_t *launch;

    if (request->cookie == NULL) {
        return SL_GATEWAY_RELAUNCH;
    }
    if (!sl_ask_is_own(&request->ask)) {
        return sl_ask_is_safe(&request->ask) ? SL_GATEWAY_RELAUNCH : SL_GATEWAY_FOREIGN;
    }
    if (sl_bind_request(call->r, sl_conf_app(call->location), true) != DECLINED) {
        return SL_GATEWAY_ANSWERED;
    }
    launch = request->launch;
    if (launch == NULL || launch->row.kind == SL_KIND_SESSION ||
        launch->row.link_state == SL_LINK_PENDING) {
        return SL_GATEWAY_RELAUNCH;
    }
    call->session = launch->session;
    /* The address that the app's server side uses is none that a browser can reach. */
    call->gateway = apr_pstrcat(call->r->pool, sl_conf_server(call->r->server)->public_url,
                                call->ask->gateway->path, "/", call->ask->ehr, NULL);
    return SL_GATEWAY_OK;
}

/** Not in a session: for a user, by a caller that proved itself. */
static sl_gateway_no_t bind_caller(sl_gateway_call_t *call)
{
    if (call->caller != NULL && call->ask->user != NULL) {
        return SL_GATEWAY_OK;
    }
    return bind_browser(call);
}

/** Where everybody may call, all but a page's own fetch, which proves its launch by itself. */
static bool needs_caller(const sl_gateway_call_t *call)
{
    const sl_gateway_ask_t *ask = call->ask;

    return ask->secret != NULL ||
           (ask->gateway->is_open && (call->session != NULL || ask->user != NULL));
}

sl_gateway_no_t sl_gateway_bind(sl_gateway_call_t *call, sl_err_t *err)
{
    const sl_gateway_ask_t *ask = call->ask;

    err->id = NULL;
    if (ask->several) {
        return SL_GATEWAY_TWO_SESSIONS;
    }
    call->caller = sl_gateway_ask_caller(call->r, ask);
    if (call->caller == NULL && needs_caller(call)) {
        return SL_GATEWAY_CALLER;
    }
    if (sl_gateway_system_is_asked(call)) {
        return sl_gateway_system_bind(call, err);
    }
    if (call->session == NULL) {
        return bind_caller(call);
    }
    return sl_gateway_is_browser(call->r) ? SL_GATEWAY_BROWSER : SL_GATEWAY_OK;
}
