/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_directives.h"

#include <http_core.h>
#include <http_main.h>
#include <stddef.h>

sl_server_t *sl_directive_server(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &smartlaunch_module);
}

sl_main_t *sl_directive_main(cmd_parms *cmd)
{
    const sl_server_t *server = sl_directive_server(cmd);

    if (server->main == NULL) {
        server = ap_get_module_config(ap_server_conf->module_config, &smartlaunch_module);
    }
    return server->main;
}

#define EHR_TEXT(directive, member, help)                                                          \
    AP_INIT_TAKE1(directive, sl_ehr_text, (void *)offsetof(sl_ehr_t, member), RSRC_CONF, help)
#define HERE (RSRC_CONF)
#define THERE (ACCESS_CONF)

const command_rec sl_directives[] = {
    AP_INIT_TAKE_ARGV("SmartDatabase", sl_server_database, NULL, HERE,
                      "PostgreSQL: a libpq connection string or URI [prepare=on|off] "
                      "[\"listen=CONNINFO\"]"),
    AP_INIT_TAKE1("SmartKeyring", sl_server_keyring, NULL, HERE,
                  "file with the keys that seal tokens at rest"),
    AP_INIT_TAKE1("SmartPublicURL", sl_server_public_url, NULL, HERE,
                  "scheme, host and port the browser sees"),
    AP_INIT_TAKE1("SmartGatewayURL", sl_server_gateway_url, NULL, HERE,
                  "where the app's server side reaches the gateway"),
    AP_INIT_TAKE1("SmartStateDir", sl_server_state_dir, NULL, HERE,
                  "local journal of renewals that PostgreSQL could not take"),
    AP_INIT_TAKE1("SmartCache", sl_server_cache, NULL, HERE, "size of the shared memory"),
    AP_INIT_TAKE_ARGV("SmartSession", sl_server_session, NULL, HERE, "idle=TIME max=TIME"),
    AP_INIT_TAKE12("SmartCookie", sl_server_cookie, NULL, HERE, "NAME [embedded|toplevel]"),
    AP_INIT_TAKE1("SmartOffline", sl_server_offline, NULL, HERE,
                  "how long shared memory is believed while PostgreSQL is away"),
    AP_INIT_TAKE_ARGV("SmartKeep", sl_server_keep, NULL, HERE,
                      "steps=TIME access=TIME: how long flight-recorder and access rows are kept"),
    AP_INIT_TAKE1("SmartAudit", sl_server_audit, NULL, HERE,
                  "required|on|off: a row for every FHIR call"),

    AP_INIT_RAW_ARGS("<SmartEHR", sl_section_ehr, NULL, HERE, "one EHR: <SmartEHR NAME>"),
    EHR_TEXT("SmartIssuer", issuer, "FHIR base URL = iss of a launch"),
    AP_INIT_TAKE_ARGV("SmartProfile", sl_ehr_profile, NULL, HERE,
                      "NAME [SWITCH=on|off…]: vendor defaults"),
    EHR_TEXT("SmartClient", client_id, "our client id at this EHR"),
    AP_INIT_TAKE_ARGV("SmartClientAuth", sl_ehr_client_auth, NULL, HERE,
                      "basic|post|private-key-jwt|none [raw|form]"),
    AP_INIT_TAKE1("SmartClientSecret", sl_ehr_client_secret, NULL, HERE,
                  "file:PATH or exec:COMMAND"),
    AP_INIT_TAKE_ARGV(
        "SmartClientKey", sl_ehr_client_key, NULL, HERE,
        "PATH [kid=…] [alg=RS384|ES384]: a private key of ours; twice for a rollover"),
    EHR_TEXT("SmartScope", scope, "scopes of the EHR launch"),
    EHR_TEXT("SmartStandaloneScope", standalone_scope, "scopes of the standalone launch"),
    EHR_TEXT("SmartSystemScope", system_scope, "scopes of backend services"),
    AP_INIT_TAKE2("SmartEndpoint", sl_ehr_endpoint, NULL, HERE,
                  "issuer|authorize|token|jwks|introspect|revoke URL"),
    AP_INIT_TAKE_ARGV("SmartIdentity", sl_ehr_identity, NULL, HERE,
                      "id_token:CLAIM, token:MEMBER or fhirUser, first hit wins"),
    AP_INIT_TAKE1("SmartAud", sl_ehr_aud, NULL, HERE, "iss|strip-slash|none|URL"),
    AP_INIT_TAKE1("SmartPKCE", sl_ehr_pkce, NULL, HERE, "always|off"),
    AP_INIT_ITERATE("SmartEmbed", sl_ehr_embed, NULL, HERE, "origins that may show us in a frame"),
    AP_INIT_TAKE_ARGV("SmartOutbound", sl_ehr_outbound, NULL, HERE,
                      "[ca=PATH] [proxy=URL] [connect=TIME] [timeout=TIME] [max=N] "
                      "[insecure-loopback]"),
    AP_INIT_TAKE_ARGV("SmartRenew", sl_ehr_renew, NULL, HERE,
                      "[ahead=TIME] [every=TIME|off] [life=TIME]: when a token is renewed"),

    AP_INIT_TAKE1("SmartTarget", sl_location_target, NULL, THERE,
                  "makes this location the Redirect URL; where a finished launch goes"),
    AP_INIT_TAKE1("SmartApp", sl_location_app, NULL, THERE, "the app this location belongs to"),
    AP_INIT_TAKE_ARGV("SmartLink", sl_location_link, NULL, THERE,
                      "app|site|same-name [REGEX]|none [confirm=on|off]"),
    AP_INIT_FLAG("SmartLogin", sl_location_login, NULL, THERE,
                 "answers from here may carry Smart-Login and Smart-Logout"),
    AP_INIT_ITERATE("SmartServe", sl_location_serve, NULL, THERE, "the EHRs of this Redirect URL"),
    AP_INIT_TAKE_ARGV("SmartNotify", sl_location_notify, NULL, THERE,
                      "URL [secret=file:…] [token=file:…] [ca=PATH] [source=ID,NAME] "
                      "[destination=ID,NAME] [allow=ORIGIN…] [html=on]: tell the app by a POST"),
    AP_INIT_TAKE_ARGV("SmartAppCookies", sl_location_cookies, NULL, THERE,
                      "auto|all|none|NAME…: cookies of the app that are kept apart by launch"),
    AP_INIT_TAKE1("SmartPassAs", sl_location_pass, NULL, THERE, "env|headers|both"),
    AP_INIT_TAKE1("SmartUserHeader", sl_location_user_header, NULL, THERE,
                  "the app user also in this request header"),

    AP_INIT_FLAG("SmartGateway", sl_location_gateway, NULL, THERE,
                 "this location forwards FHIR requests with the stored token"),
    AP_INIT_TAKE_ARGV("SmartSessionParam", sl_location_session_param, NULL, THERE,
                      "query parameters that carry a session id"),
    AP_INIT_FLAG("SmartSystem", sl_location_system, NULL, THERE,
                 "callers may ask for the system token with Smart-System: on"),
    AP_INIT_FLAG("SmartWrites", sl_location_writes, NULL, THERE,
                 "let POST, PUT, PATCH and DELETE through"),
    AP_INIT_TAKE1("SmartReplay", sl_location_replay, NULL, THERE,
                  "request bodies up to this size can be sent again after a renewal"),
    AP_INIT_TAKE2("SmartCaller", sl_location_caller, NULL, THERE,
                  "NAME file:PATH: a caller that may say Smart-User and Smart-System"),
    AP_INIT_TAKE1("SmartPatientGuard", sl_location_guard, NULL, THERE, "on|strict|off"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL},
};
