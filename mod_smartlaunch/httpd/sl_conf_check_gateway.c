/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused about gateways, and which of them are open to everybody. */
#include "httpd/sl_conf_check.h"
#include "httpd/sl_conf_require.h"
#include "smart/sl_url.h"

#include <apr_strings.h>

static const char *check_needs(const sl_server_t *server, const sl_gateway_conf_t *gateway,
                               apr_pool_t *p)
{
    if (server->gateway_url == NULL) {
        return apr_psprintf(p,
                            "<Location %s> is a gateway (SmartGateway on) and no SmartGatewayURL "
                            "is set for it; write the address at which the app's server side "
                            "reaches it: SmartGatewayURL http://127.0.0.1:8081%s",
                            gateway->path, gateway->path);
    }
    if (server->main->ehrs->nelts == 0) {
        return apr_psprintf(p,
                            "<Location %s> is a gateway (SmartGateway on) and there is no EHR "
                            "behind it; write a <SmartEHR NAME> section",
                            gateway->path);
    }
    for (int i = 0; i < server->redirects->nelts; i++) {
        const char *redirect = APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t).path;

        if (sl_url_is_below(redirect, gateway->path) || sl_url_is_below(gateway->path, redirect)) {
            return apr_psprintf(p,
                                "<Location %s> is a gateway (SmartGateway on) and <Location %s> a "
                                "Redirect URL (SmartTarget); give each a path of its own",
                                gateway->path, redirect);
        }
    }
    return NULL;
}

/** Paths that calls have, so that sections further down or with patterns are seen, too. */
static apr_array_header_t *calls_of(const server_rec *s, const sl_gateway_conf_t *gateway,
                                    apr_pool_t *p)
{
    const sl_main_t *main = sl_conf_server(s)->main;
    apr_array_header_t *calls = sl_conf_require_below(s, gateway->path, p);

    APR_ARRAY_PUSH(calls, const char *) = gateway->path;
    for (int i = 0; i < main->ehrs->nelts; i++) {
        const char *ehr = APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *)->ehr.name;

        APR_ARRAY_PUSH(calls, const char *) = apr_pstrcat(p, gateway->path, "/", ehr, NULL);
        APR_ARRAY_PUSH(calls, const char *) =
            apr_pstrcat(p, gateway->path, "/", ehr, "/Patient/1", NULL);
    }
    return calls;
}

static const char *check_call(sl_gateway_conf_t *gateway, const char *call,
                              const sl_conf_require_t *require, apr_pool_t *p)
{
    if (!require->is_there) {
        return apr_psprintf(p,
                            "<Location %s> is a gateway (SmartGateway on) and has no Require; "
                            "write who may call it: Require local",
                            gateway->path);
    }
    if (require->is_smart) {
        return apr_psprintf(p,
                            "<Location %s> is a gateway (SmartGateway on) under AuthType Smart, "
                            "which is for the app's pages; write AuthType None in it",
                            gateway->path);
    }
    gateway->is_open = gateway->is_open || require->is_open;
    if (require->is_open && gateway->location->callers == NULL) {
        return apr_psprintf(p,
                            "<Location %s> is a gateway (SmartGateway on) and Require lets "
                            "everybody call %s; write Require local, or SmartCaller NAME "
                            "file:PATH",
                            gateway->path, call);
    }
    return NULL;
}

static const char *check_require(const server_rec *s, sl_gateway_conf_t *gateway, apr_pool_t *p)
{
    const apr_array_header_t *calls = calls_of(s, gateway, p);
    const char *wrong = NULL;

    gateway->is_open = false;
    for (int i = 0; i < calls->nelts && wrong == NULL; i++) {
        const char *call = APR_ARRAY_IDX(calls, i, const char *);
        sl_conf_require_t require = sl_conf_require_at(s, call, p);

        wrong = check_call(gateway, call, &require, p);
    }
    return wrong;
}

static bool has_system_scope(const sl_main_t *main)
{
    for (int i = 0; i < main->ehrs->nelts; i++) {
        if (APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *)->ehr.system_scope != NULL) {
            return true;
        }
    }
    return false;
}

/** What nobody could ever ask for is a mistake (BKS-5). */
static const char *check_system(const sl_server_t *server, const sl_gateway_conf_t *gateway,
                                apr_pool_t *p)
{
    if (!sl_conf_may_be_system(gateway->location)) {
        return NULL;
    }
    if (gateway->location->callers == NULL) {
        return apr_psprintf(p,
                            "<Location %s> has SmartSystem on and nobody who may ask; write "
                            "SmartCaller NAME file:PATH",
                            gateway->path);
    }
    if (!has_system_scope(server->main)) {
        return apr_psprintf(p,
                            "<Location %s> has SmartSystem on and no EHR has a SmartSystemScope; "
                            "write SmartSystemScope \"system/*.rs\" in its <SmartEHR>",
                            gateway->path);
    }
    return NULL;
}

const char *sl_conf_check_gateways(const server_rec *s, apr_pool_t *p)
{
    const sl_server_t *server = sl_conf_server(s);
    const char *wrong = NULL;

    for (int i = 0; i < server->gateways->nelts && wrong == NULL; i++) {
        sl_gateway_conf_t *gateway = &APR_ARRAY_IDX(server->gateways, i, sl_gateway_conf_t);

        if (gateway->location->gateway != 1) {
            continue;
        }
        wrong = check_needs(server, gateway, p);
        if (wrong == NULL) {
            wrong = check_require(s, gateway, p);
        }
        if (wrong == NULL) {
            wrong = check_system(server, gateway, p);
        }
    }
    return wrong;
}
