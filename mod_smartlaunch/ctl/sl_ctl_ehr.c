/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_ehr.h"
#include "base/sl_exec.h"
#include "base/sl_file.h"
#include "base/sl_text.h"
#include "smart/sl_authorize.h"
#include "smart/sl_profile.h"

#include <apr_strings.h>
#include <string.h>

static int64_t number(const sl_json_t *from, const char *name)
{
    return json_object_get_int64(sl_json_get(from, name));
}

static bool truth(const sl_json_t *from, const char *name)
{
    return json_object_get_boolean(sl_json_get(from, name));
}

static sl_client_auth_t auth_of(const char *word)
{
    static const struct {
        const char *word;
        sl_client_auth_t auth;
    } words[] = {{"basic", SL_CLIENT_BASIC},
                 {"post", SL_CLIENT_POST},
                 {"private-key-jwt", SL_CLIENT_KEY},
                 {"none", SL_CLIENT_NONE}};

    for (size_t i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i].word) == 0) {
            return words[i].auth;
        }
    }
    return SL_CLIENT_UNSET;
}

static void read_endpoints(sl_ehr_t *ehr, const sl_json_t *from)
{
    ehr->ep_issuer = sl_json_str(from, "issuer");
    ehr->ep_authorize = sl_json_str(from, "authorize");
    ehr->ep_token = sl_json_str(from, "token");
    ehr->ep_jwks = sl_json_str(from, "jwks");
    ehr->ep_introspect = sl_json_str(from, "introspect");
    ehr->ep_revoke = sl_json_str(from, "revoke");
}

/** The options of SmartProfile, which httpd has completed. */
static sl_rc_t read_switches(sl_quirks_t *quirks, sl_json_t *from, apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    if (from == NULL) {
        return SL_OK;
    }
    json_object_object_foreach(from, name, value)
    {
        if (rc == SL_OK) {
            rc = sl_profile_option(
                quirks, apr_pstrcat(p, name, json_object_get_boolean(value) ? "=on" : "=off", NULL),
                p, err);
        }
    }
    return rc;
}

static void read_outbound(sl_ehr_t *ehr, const sl_json_t *from)
{
    ehr->ca_file = sl_json_str(from, "ca");
    ehr->proxy = sl_json_str(from, "proxy");
    ehr->connect_timeout = apr_time_from_msec(number(from, "connect_ms"));
    ehr->timeout = apr_time_from_msec(number(from, "timeout_ms"));
    ehr->insecure_loopback = truth(from, "insecure_loopback");
}

static sl_rc_t read_ehr(sl_ehr_t *ehr, const sl_json_t *from, apr_pool_t *p, sl_err_t *err)
{
    const char *basic = sl_json_str(from, "basic");
    const char *aud = sl_json_str(from, "aud");
    sl_rc_t rc;

    ehr->name = sl_json_str(from, "name");
    ehr->issuer = sl_json_str(from, "issuer");
    ehr->profile = sl_json_str(from, "profile");
    ehr->client_id = sl_json_str(from, "client");
    ehr->scope = sl_json_str(from, "scope");
    if (ehr->name == NULL || ehr->issuer == NULL || ehr->client_id == NULL) {
        return sl_err_set(err, SL_FAILED, "SL7031",
                          "httpd's mod_smartlaunch is of another version than smartlaunchctl");
    }
    ehr->standalone_scope = sl_json_str(from, "standalone_scope");
    ehr->system_scope = sl_json_str(from, "system_scope");
    ehr->auth = auth_of(sl_json_str(from, "client_auth"));
    ehr->basic = basic != NULL && strcmp(basic, "form") == 0 ? SL_BASIC_FORM : SL_BASIC_RAW;
    ehr->pkce = truth(from, "pkce") ? SL_SWITCH_ON : SL_SWITCH_OFF;
    ehr->renew_ahead = apr_time_from_sec(number(from, "renew_ahead"));
    ehr->renew_interval = apr_time_from_sec(number(from, "renew_every"));
    ehr->token_life = apr_time_from_sec(number(from, "token_life"));
    read_endpoints(ehr, sl_json_get(from, "endpoints"));
    if (aud == NULL || !sl_authorize_take_aud(ehr, aud)) {
        ehr->aud = SL_AUD_ISS;
    }
    read_outbound(ehr, from);
    rc = read_switches(&ehr->quirks, sl_json_get(from, "switches"), p, err);
    return rc == SL_OK ? sl_profile_complete(ehr, p, err) : rc;
}

static sl_rc_t read_secret(sl_ctl_ehr_t *ehr, apr_pool_t *p, sl_err_t *err)
{
    sl_secret_t *secret = NULL;
    const char *source = ehr->secret_source;
    sl_rc_t rc = SL_OK;

    if (source == NULL) {
        return SL_OK;
    }
    if (sl_text_has_prefix(source, "exec:")) {
        rc = sl_exec_secret(&secret, source + 5, p, err);
    } else if (sl_text_has_prefix(source, "file:")) {
        rc = sl_file_secret_line(&secret, source + 5, p, err);
    }
    ehr->ehr.client_secret = secret;
    return rc;
}

/** One SmartClientKey as the dump has it: where it is and what it was given. */
static sl_rc_t read_key(apr_array_header_t *keys, const sl_json_t *from, apr_pool_t *p,
                        sl_err_t *err)
{
    const char *path = sl_json_str(from, "path");
    const char *alg = sl_json_str(from, "alg");
    sl_secret_t *text = NULL;
    sl_signer_t *signer = NULL;
    sl_rc_t rc = sl_file_secret(&text, path != NULL ? path : "", p, err);

    if (rc == SL_OK) {
        rc = sl_signer_parse(&signer, text, sl_json_str(from, "kid"),
                             alg != NULL ? sl_alg_of(alg) : SL_ALG_NONE, p, err);
    }
    if (rc == SL_OK) {
        APR_ARRAY_PUSH(keys, const sl_signer_t *) = signer;
    }
    return rc;
}

static sl_rc_t read_keys(sl_ehr_t *ehr, const sl_json_t *from, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *keys = apr_array_make(p, 2, sizeof(const sl_signer_t *));
    sl_rc_t rc = SL_OK;

    if (!json_object_is_type(from, json_type_array)) {
        return SL_OK;
    }
    for (size_t i = 0; rc == SL_OK && i < json_object_array_length(from); i++) {
        rc = read_key(keys, json_object_array_get_idx(from, i), p, err);
    }
    ehr->keys = keys->nelts > 0 ? keys : NULL;
    return rc;
}

sl_rc_t sl_ctl_ehrs(apr_array_header_t **out, const sl_json_t *dump, apr_pool_t *p, sl_err_t *err)
{
    const sl_json_t *list = sl_json_get(dump, "ehrs");
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

    *out = apr_array_make(p, (int)count + 1, sizeof(sl_ctl_ehr_t *));
    for (size_t i = 0; i < count; i++) {
        const sl_json_t *from = json_object_array_get_idx(list, i);
        sl_ctl_ehr_t *one = apr_pcalloc(p, sizeof(*one));
        sl_rc_t rc = read_ehr(&one->ehr, from, p, err);

        if (rc != SL_OK) {
            return rc;
        }
        one->secret_source = sl_json_str(from, "client_secret");
        rc = read_secret(one, p, &one->secret_err);
        if (rc == SL_OK) {
            rc = read_keys(&one->ehr, sl_json_get(from, "key_files"), p, &one->secret_err);
        }
        one->secret_err.rc = rc;
        APR_ARRAY_PUSH(*out, sl_ctl_ehr_t *) = one;
    }
    return SL_OK;
}

const sl_ctl_ehr_t *sl_ctl_ehr_find(const apr_array_header_t *ehrs, const char *name)
{
    for (int i = 0; i < ehrs->nelts; i++) {
        const sl_ctl_ehr_t *one = APR_ARRAY_IDX(ehrs, i, const sl_ctl_ehr_t *);

        if (strcmp(one->ehr.name, name) == 0) {
            return one;
        }
    }
    return NULL;
}
