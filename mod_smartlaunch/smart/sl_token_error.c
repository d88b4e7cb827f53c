/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_token_error.h"

#include "base/sl_json.h"
#include "smart/sl_error_uri.h"
#include <string.h>

/* RFC 6749 section 5.2, and what else token endpoints are seen to answer */
static const char *const errors[] = {
    "invalid_request",        "invalid_client",          "invalid_grant",  "unauthorized_client",
    "unsupported_grant_type", "invalid_scope",           "invalid_target", "access_denied",
    "server_error",           "temporarily_unavailable", "slow_down",
};

static const char *error_of(const sl_json_t *doc)
{
    const char *said = sl_json_str(doc, "error");

    if (said == NULL) {
        return sl_json_get(doc, "error") == NULL ? "none" : "other";
    }
    for (apr_size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(said, errors[i]) == 0) {
            return errors[i];
        }
    }
    return "other";
}

/* What a body that is no JSON object is. */
static const char *kind_of(const char *body, apr_size_t len)
{
    apr_size_t at = 0;

    while (at < len && strchr(" \t\r\n", body[at]) != NULL) {
        at++;
    }
    if (at == len) {
        return "nothing";
    }
    return body[at] == '<' ? "a web page" : body[at] == '{' ? "broken JSON" : "text";
}

void sl_token_error_read(sl_token_error_t *out, const char *body, apr_size_t len, apr_pool_t *p)
{
    const char *type;
    sl_json_t *doc;

    out->code = "none";
    out->uri = NULL;
    if (body == NULL || len > SL_TOKEN_ERROR_MAX_BYTES ||
        sl_json_parse(&doc, body, len, p, NULL) != SL_OK) {
        out->body = body == NULL ? "nothing" : kind_of(body, len);
        return;
    }
    type = sl_json_str(doc, "resourceType");
    out->code = error_of(doc);
    out->uri = sl_error_uri_loggable(p, sl_json_str(doc, "error_uri"));
    out->body = type != NULL && strcmp(type, "OperationOutcome") == 0 ? "an OperationOutcome"
                : strcmp(out->code, "none") == 0                      ? "JSON without an error"
                                                                      : "an OAuth error";
}

static const char *unknown_client(const sl_token_asked_t *asked)
{
    switch (asked->ehr->auth) {
    case SL_CLIENT_BASIC:
    case SL_CLIENT_POST:
        return asked->is_renewal && asked->ehr->quirks.client_id_in_body != SL_SWITCH_ON
                   ? "the secret was changed there, or it wants client_id in the body "
                     "(SmartProfile NAME client-id-in-body=on)"
                   : "SmartClient or SmartClientSecret is not what is registered, or a new "
                     "registration has not reached this server yet (hours to days)";
    case SL_CLIENT_KEY:
        return "our public key is not known there (jwks.json not registered or not reachable, or "
               "not there yet), or the clocks differ";
    case SL_CLIENT_NONE:
    case SL_CLIENT_UNSET:
        break;
    }
    return "it wants this client to authenticate (SmartClientSecret or SmartClientKey)";
}

static const char *no_grant(const sl_token_asked_t *asked)
{
    return asked->is_renewal
               ? "the refresh token has ended there, or was used before"
               : "the code was used, was too old, or is another redirect URI's; some EHRs say so "
                 "of a scope that they do not support";
}

/* Where the body has no OAuth error. */
static const char *no_error(const sl_token_error_t *error, const sl_token_asked_t *asked)
{
    if (asked->status >= 300 && asked->status <= 399) {
        return "it redirects, which is never followed; is the token endpoint the right one?";
    }
    if (asked->status == 404) {
        return "is the token endpoint the right one?";
    }
    return strcmp(error->body, "a web page") == 0 ? "a proxy, firewall or login page in between"
                                                  : NULL;
}

const char *sl_token_error_hint(const sl_token_error_t *error, const sl_token_asked_t *asked)
{
    static const struct {
        const char *code, *hint;
    } hints[] = {
        {"unauthorized_client", "the app is known there, but not allowed this kind of grant; see "
                                "its registration"},
        {"unsupported_grant_type", "the EHR, or the app's registration, does not allow this kind "
                                   "of grant"},
        {"invalid_scope", "something in SmartScope is not in the app's registration"},
        {"invalid_target", "it does not take our aud; see SmartAud"},
        {"access_denied", "the app or this user is not allowed there"},
    };

    if (strcmp(error->code, "invalid_client") == 0) {
        return unknown_client(asked);
    }
    if (strcmp(error->code, "invalid_grant") == 0) {
        return no_grant(asked);
    }
    for (apr_size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (strcmp(error->code, hints[i].code) == 0) {
            return hints[i].hint;
        }
    }
    return strcmp(error->code, "none") == 0 ? no_error(error, asked) : NULL;
}
