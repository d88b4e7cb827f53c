/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_conf_dump.h"
#include "base/sl_json.h"
#include "httpd/sl_state_dir.h"
#include "httpd/sl_conf_notify.h"
#include "smart/sl_profile.h"

#include <apr_strings.h>
#include <http_core.h>
#include <stdio.h>
#include <unistd.h>
#include <unixd.h>

static const char *auth_word(sl_client_auth_t auth)
{
    switch (auth) {
    case SL_CLIENT_UNSET:
        return "unset";
    case SL_CLIENT_BASIC:
        return "basic";
    case SL_CLIENT_POST:
        return "post";
    case SL_CLIENT_KEY:
        return "private-key-jwt";
    case SL_CLIENT_NONE:
        return "none";
    }
    return "unset";
}

static const char *aud_word(const sl_ehr_t *ehr)
{
    switch (ehr->aud) {
    case SL_AUD_UNSET:
    case SL_AUD_ISS:
        return "iss";
    case SL_AUD_STRIP_SLASH:
        return "strip-slash";
    case SL_AUD_NONE:
        return "none";
    case SL_AUD_URL:
        return ehr->aud_url;
    }
    return "iss";
}

static const char *link_mode(sl_link_mode_t link)
{
    switch (link) {
    case SL_LINK_UNSET:
    case SL_LINK_APP:
        return "app";
    case SL_LINK_SITE:
        return "site";
    case SL_LINK_SAME_NAME:
        return "same-name";
    case SL_LINK_NO_LINK:
        return "none";
    }
    return "app";
}

static const char *audit_mode(sl_audit_mode_t audit)
{
    switch (audit) {
    case SL_AUDIT_UNSET:
    case SL_AUDIT_ON:
        return "on";
    case SL_AUDIT_REQUIRED:
        return "required";
    case SL_AUDIT_OFF:
        return "off";
    }
    return "on";
}

static const char *guard_mode(sl_guard_mode_t guard)
{
    switch (guard) {
    case SL_GUARD_UNSET:
    case SL_GUARD_ON:
        return "on";
    case SL_GUARD_STRICT:
        return "strict";
    case SL_GUARD_OFF:
        return "off";
    }
    return "on";
}

static sl_json_t *endpoints(const sl_ehr_t *ehr, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "issuer", ehr->ep_issuer);
    sl_json_put_str(out, "authorize", ehr->ep_authorize);
    sl_json_put_str(out, "token", ehr->ep_token);
    sl_json_put_str(out, "jwks", ehr->ep_jwks);
    sl_json_put_str(out, "introspect", ehr->ep_introspect);
    sl_json_put_str(out, "revoke", ehr->ep_revoke);
    return out;
}

static sl_json_t *texts(const apr_array_header_t *list, apr_pool_t *p)
{
    sl_json_t *out = sl_json_array(p);

    for (int i = 0; list != NULL && i < list->nelts; i++) {
        sl_json_push_str(out, APR_ARRAY_IDX(list, i, const char *));
    }
    return out;
}

static sl_json_t *identity(const sl_ehr_t *ehr, apr_pool_t *p)
{
    sl_json_t *out = sl_json_array(p);

    for (int i = 0; ehr->identity != NULL && i < ehr->identity->nelts; i++) {
        const sl_identity_source_t *source = &APR_ARRAY_IDX(ehr->identity, i, sl_identity_source_t);

        sl_json_push_str(out, source->text);
    }
    return out;
}

static sl_json_t *switches(const sl_ehr_t *ehr, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);
    sl_switch_t stands = SL_SWITCH_OFF;
    const char *name;

    for (int i = 0; (name = sl_profile_switch(i, &ehr->quirks, &stands)) != NULL; i++) {
        sl_json_put_bool(out, name, stands == SL_SWITCH_ON);
    }
    return out;
}

/** Where they are and what they are called, in their order: the first signs. */
static sl_json_t *keys(const sl_ehr_conf_t *conf, apr_pool_t *p)
{
    sl_json_t *out = sl_json_array(p);

    for (int i = 0; conf->ehr.keys != NULL && i < conf->ehr.keys->nelts; i++) {
        const sl_signer_t *key = APR_ARRAY_IDX(conf->ehr.keys, i, const sl_signer_t *);
        sl_json_t *one = sl_json_object(p);

        sl_json_put_str(one, "path", APR_ARRAY_IDX(conf->key_sources, i, sl_key_source_t).path);
        sl_json_put_str(one, "kid", sl_signer_kid(key));
        sl_json_put_str(one, "alg", sl_signer_alg(key) == SL_ALG_RS384 ? "RS384" : "ES384");
        sl_json_push(out, one);
    }
    return out;
}

static sl_json_t *one_ehr(const sl_ehr_conf_t *conf, apr_pool_t *p)
{
    const sl_ehr_t *ehr = &conf->ehr;
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "name", ehr->name);
    sl_json_put_str(out, "issuer", ehr->issuer);
    sl_json_put_str(out, "profile", ehr->profile != NULL ? ehr->profile : "generic");
    sl_json_put_str(out, "client", ehr->client_id);
    sl_json_put_str(out, "client_auth", auth_word(ehr->auth));
    sl_json_put_str(out, "basic", ehr->basic == SL_BASIC_FORM ? "form" : "raw");
    sl_json_put_str(out, "client_secret", conf->secret_source);
    sl_json_put(out, "key_files", keys(conf, p));
    sl_json_put_str(out, "scope", ehr->scope);
    sl_json_put_str(out, "standalone_scope", ehr->standalone_scope);
    sl_json_put_str(out, "system_scope", ehr->system_scope);
    sl_json_put(out, "endpoints", endpoints(ehr, p));
    sl_json_put(out, "identity", identity(ehr, p));
    sl_json_put_str(out, "aud", aud_word(ehr));
    sl_json_put_bool(out, "pkce", ehr->pkce != SL_SWITCH_OFF);
    sl_json_put(out, "embed", texts(ehr->embed, p));
    sl_json_put_str(out, "ca", ehr->ca_file);
    sl_json_put_str(out, "proxy", ehr->proxy);
    sl_json_put_int(out, "connect_ms", apr_time_as_msec(ehr->connect_timeout));
    sl_json_put_int(out, "timeout_ms", apr_time_as_msec(ehr->timeout));
    sl_json_put_int(out, "max", ehr->max_outbound);
    sl_json_put_bool(out, "insecure_loopback", ehr->insecure_loopback);
    sl_json_put(out, "switches", switches(ehr, p));
    sl_json_put_int(out, "renew_ahead", apr_time_sec(ehr->renew_ahead));
    sl_json_put_int(out, "renew_every", apr_time_sec(ehr->renew_interval));
    sl_json_put_int(out, "token_life", apr_time_sec(ehr->token_life));
    return out;
}

static sl_json_t *one_redirect(const sl_server_t *server, const sl_redirect_conf_t *redirect,
                               apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "path", redirect->path);
    sl_json_put_str(out, "redirect_uri",
                    server->public_url == NULL
                        ? NULL
                        : apr_pstrcat(p, server->public_url, redirect->path, NULL));
    sl_json_put_str(out, "app", sl_conf_app(redirect->location));
    sl_json_put_str(out, "target", redirect->location->target);
    sl_json_put_str(out, "link", link_mode(redirect->location->link));
    sl_json_put_bool(out, "confirm", redirect->location->confirm != 0);
    if (redirect->location->serve != NULL) {
        sl_json_put(out, "serve", texts(redirect->location->serve, p));
    }
    if (redirect->location->notify != NULL) {
        sl_json_put(out, "notify", sl_conf_dump_notify(redirect->location->notify, p));
    }
    return out;
}

static sl_json_t *one_gateway(const sl_gateway_conf_t *gateway, apr_pool_t *p)
{
    const sl_location_conf_t *location = gateway->location;
    const char *const *params = sl_conf_session_params(location);
    sl_json_t *out = sl_json_object(p);
    sl_json_t *list = sl_json_array(p);

    sl_json_put_str(out, "path", gateway->path);
    sl_json_put_str(out, "app", sl_conf_app(location));
    sl_json_put_bool(out, "is_open", gateway->is_open);
    sl_json_put_bool(out, "system", sl_conf_may_be_system(location));
    sl_json_put_bool(out, "writes", sl_conf_may_write(location));
    sl_json_put_str(out, "guard", guard_mode(sl_conf_guard(location)));
    sl_json_put_int(out, "replay", sl_conf_replay(location));
    for (int i = 0; params[i] != NULL; i++) {
        sl_json_push_str(list, params[i]);
    }
    sl_json_put(out, "session_params", list);
    list = sl_json_array(p);
    for (int i = 0; location->callers != NULL && i < location->callers->nelts; i++) {
        sl_json_push_str(list, APR_ARRAY_IDX(location->callers, i, sl_caller_t).name);
    }
    sl_json_put(out, "callers", list);
    return out;
}

static sl_json_t *gateways(const sl_server_t *server, apr_pool_t *p)
{
    sl_json_t *out = sl_json_array(p);

    for (int i = 0; i < server->gateways->nelts; i++) {
        const sl_gateway_conf_t *gateway = &APR_ARRAY_IDX(server->gateways, i, sl_gateway_conf_t);

        if (gateway->location->gateway == 1) {
            sl_json_push(out, one_gateway(gateway, p));
        }
    }
    return out;
}

static sl_json_t *one_server(const server_rec *s, apr_pool_t *p)
{
    const sl_server_t *server = sl_conf_server(s);
    sl_json_t *out = sl_json_object(p);
    sl_json_t *redirects = sl_json_array(p);

    sl_json_put_str(out, "name", s->server_hostname);
    sl_json_put_int(out, "port", s->port);
    sl_json_put_str(out, "public_url", server->public_url);
    sl_json_put_str(out, "gateway_url", server->gateway_url);
    sl_json_put_str(out, "cookie", sl_conf_cookie(server));
    sl_json_put_str(out, "cookie_mode", sl_conf_is_toplevel(server) ? "toplevel" : "embedded");
    sl_json_put_int(out, "idle", apr_time_sec(sl_conf_idle(server)));
    sl_json_put_int(out, "max", apr_time_sec(sl_conf_max(server)));
    for (int i = 0; i < server->redirects->nelts; i++) {
        sl_json_push(
            redirects,
            one_redirect(server, &APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t), p));
    }
    sl_json_put(out, "redirects", redirects);
    sl_json_put(out, "gateways", gateways(server, p));
    return out;
}

void sl_conf_dump(apr_pool_t *pconf, server_rec *s)
{
    const sl_main_t *main = sl_conf_server(s)->main;
    sl_json_t *out = sl_json_object(pconf);
    sl_json_t *list = sl_json_array(pconf);

    if (!ap_exists_config_define("DUMP_SMARTLAUNCH")) {
        return;
    }
    sl_json_put_str(out, "database", main->database);
    sl_json_put_str(out, "listen", main->listen);
    sl_json_put_bool(out, "prepare", main->prepare);
    sl_json_put_str(out, "keyring", main->keyring_path);
    sl_json_put_str(out, "state_dir", sl_state_dir_path(main));
    sl_json_put_int(out, "user", geteuid() == 0 ? ap_unixd_config.user_id : geteuid());
    sl_json_put_int(out, "cache", (int64_t)main->cache_size);
    sl_json_put_int(out, "offline", apr_time_sec(main->offline));
    sl_json_put_str(out, "audit", audit_mode(main->audit));
    sl_json_put_int(out, "keep_access", apr_time_sec(main->keep_access));
    for (int i = 0; i < main->ehrs->nelts; i++) {
        sl_json_push(list, one_ehr(APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *), pconf));
    }
    sl_json_put(out, "ehrs", list);
    list = sl_json_array(pconf);
    for (const server_rec *v = s; v != NULL; v = v->next) {
        sl_json_push(list, one_server(v, pconf));
    }
    sl_json_put(out, "servers", list);
    if (main->more != NULL) {
        sl_json_put(out, "more", main->more);
    }
    (void)puts(sl_json_text(pconf, out));
}
