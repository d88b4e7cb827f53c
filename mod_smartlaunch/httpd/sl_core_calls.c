/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_core_calls.h"
#include "flow/sl_grant.h"
#include "httpd/sl_gateway_call.h"

#include <string.h>

static sl_gateway_no_t no(sl_gateway_no_t what, sl_err_t *err, const char *id, const char *text)
{
    (void)sl_err_set(err, SL_DENIED, id, "%s", text);
    return what;
}

/** Whatever says of itself that it is a browser, or has our cookie: this is for servers. */
static bool is_browser(request_rec *r)
{
    return sl_gateway_is_browser(r) || sl_request_of(r)->cookie != NULL;
}

static sl_gateway_no_t check_ask(const sl_gateway_ask_t *ask, request_rec *r, sl_err_t *err)
{
    if (ask->several) {
        return no(SL_GATEWAY_TWO_SESSIONS, err, "SL5851", "a call with two different session ids");
    }
    if (ask->system != NULL) {
        return no(SL_GATEWAY_SYSTEM, err, "SL5852", "a call that nobody's name stands for");
    }
    if (is_browser(r)) {
        return no(SL_GATEWAY_BROWSER, err, "SL5853", "a call for servers that a browser made");
    }
    return SL_GATEWAY_OK;
}

static sl_gateway_no_t of_session(sl_core_who_t *out, request_rec *r, sl_err_t *err)
{
    const sl_gateway_ask_t *ask = sl_request_of(r)->second;
    const sl_grant_ask_t wanted = {
        .app = out->app, .session = ask->session, .idle = ask->asks->idle, .now = r->request_time};
    sl_grant_t grant;
    sl_rc_t rc =
        sl_grant_find(&grant, sl_conf_server(r->server)->main->runtime, &wanted, r->pool, err);

    if (rc != SL_OK) {
        return sl_gateway_no(rc);
    }
    out->user = grant.app_user;
    out->launch = grant.launch;
    out->session = ask->session;
    out->ehr = grant.ehr;
    out->patient = grant.patient;
    return SL_GATEWAY_OK;
}

static sl_gateway_no_t identify(sl_core_who_t *out, request_rec *r, sl_err_t *err)
{
    const sl_gateway_ask_t *ask = sl_request_of(r)->second;
    sl_gateway_no_t wrong;

    if (ask == NULL || sl_conf_server(r->server)->main->runtime == NULL) {
        return no(SL_GATEWAY_OWN_FAULT, err, "SL5854", "the child has no runtime; see its start");
    }
    wrong = check_ask(ask, r, err);
    if (wrong != SL_GATEWAY_OK) {
        return wrong;
    }
    out->is_caller = sl_gateway_ask_caller(r, ask) != NULL;
    if (!out->is_caller && (ask->secret != NULL || ask->asks->is_open)) {
        return no(SL_GATEWAY_CALLER, err, "SL5855", "a call without the proof of a SmartCaller");
    }
    if (ask->session != NULL) {
        return of_session(out, r, err);
    }
    if (!out->is_caller || ask->user == NULL || ask->user[0] == '\0') {
        return no(SL_GATEWAY_RELAUNCH, err, "SL5856", "a call without a live session");
    }
    out->user = ask->user;
    out->patient = ask->patient;
    return SL_GATEWAY_OK;
}

int sl_core_who_calls(sl_core_who_t *out, request_rec *r)
{
    sl_gateway_no_t wrong;
    sl_err_t err = {0};

    memset(out, 0, sizeof(*out));
    out->app = sl_conf_app(sl_conf_location(r));
    wrong = identify(out, r, &err);
    if (wrong == SL_GATEWAY_OK) {
        return DECLINED;
    }
    (void)sl_gateway_refuse_request(r, wrong, &err);
    return DONE;
}
