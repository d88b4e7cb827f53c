/* SPDX-License-Identifier: Apache-2.0 */
/* <SmartEHR> and what stands in it. */
#include "httpd/sl_directives.h"
#include "httpd/sl_gateway_proxy.h"
#include "smart/sl_authorize.h"
#include "smart/sl_identity.h"
#include "smart/sl_profile.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <string.h>

static bool is_ehr_name(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static sl_ehr_conf_t *new_ehr(cmd_parms *cmd, const char *name)
{
    sl_ehr_conf_t *conf = apr_pcalloc(cmd->pool, sizeof(*conf));

    conf->ehr.name = name;
    conf->ehr.connect_timeout = apr_time_from_sec(3);
    conf->ehr.timeout = apr_time_from_sec(10);
    conf->embed = apr_array_make(cmd->pool, 2, sizeof(const char *));
    conf->ehr.embed = conf->embed;
    conf->line = cmd->directive->line_num;
    conf->file = cmd->directive->filename;
    return conf;
}

static const char *read_section(cmd_parms *cmd, sl_main_t *main, sl_ehr_conf_t *conf)
{
    ap_directive_t *here = cmd->directive;
    const char *wrong;

    APR_ARRAY_PUSH(main->ehrs, sl_ehr_conf_t *) = conf;
    main->current = conf;
    wrong = ap_walk_config(here->first_child, cmd, cmd->context);
    main->current = NULL;
    cmd->directive = here;
    conf->base = sl_gateway_proxy_base(&conf->ehr, cmd->pool);
    return wrong != NULL ? wrong : sl_gateway_proxy_define(cmd, conf);
}

const char *sl_section_ehr(cmd_parms *cmd, void *dir, const char *arg)
{
    sl_main_t *main = sl_directive_main(cmd);
    const char *end = strrchr(arg, '>');
    const char *wrong = sl_directive_main_only(cmd);
    char *name;

    (void)dir;
    if (wrong != NULL) {
        return wrong;
    }
    if (end == NULL || end[1] != '\0') {
        return "<SmartEHR NAME> needs its closing bracket";
    }
    name = apr_pstrmemdup(cmd->pool, arg, (apr_size_t)(end - arg));
    apr_collapse_spaces(name, name);
    if (!is_ehr_name(name)) {
        return apr_psprintf(cmd->pool,
                            "<SmartEHR %s>: a name has 1 to 32 of a-z, 0-9 and -: <SmartEHR epic>",
                            name);
    }
    if (sl_conf_ehr(main, name) != NULL) {
        return apr_psprintf(cmd->pool, "<SmartEHR %s> stands here twice; give one another name",
                            name);
    }
    return read_section(cmd, main, new_ehr(cmd, name));
}

sl_ehr_conf_t *sl_directive_ehr(cmd_parms *cmd, const char **wrong)
{
    sl_main_t *main = sl_directive_main(cmd);

    if (main == NULL || main->current == NULL) {
        *wrong = apr_psprintf(cmd->pool, "%s belongs inside <SmartEHR NAME>", cmd->cmd->name);
        return NULL;
    }
    return main->current;
}

const char *sl_ehr_text(cmd_parms *cmd, void *dir, const char *value)
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);

    (void)dir;
    if (conf != NULL && value[0] == '\0') {
        wrong =
            apr_psprintf(cmd->pool, "%s in <SmartEHR %s> is empty", cmd->cmd->name, conf->ehr.name);
    } else if (conf != NULL) {
        char *member = (char *)&conf->ehr + (size_t)cmd->info;

        *(const char **)(void *)member = value;
    }
    return wrong;
}

const char *sl_ehr_profile(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);
    sl_err_t err;

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    if (argc == 0 || !sl_profile_is_known(argv[0])) {
        return apr_psprintf(cmd->pool,
                            "SmartProfile in <SmartEHR %s>: \"%s\" is unknown; write one of %s",
                            conf->ehr.name, argc == 0 ? "" : argv[0], sl_profile_names(cmd->pool));
    }
    conf->ehr.profile = argv[0];
    for (int i = 1; i < argc; i++) {
        if (sl_profile_option(&conf->ehr.quirks, argv[i], cmd->pool, &err) != SL_OK) {
            return apr_psprintf(cmd->pool, "SmartProfile in <SmartEHR %s>: %s", conf->ehr.name,
                                err.text);
        }
    }
    return NULL;
}

const char *sl_ehr_client_auth(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    static const struct {
        const char *word;
        sl_client_auth_t auth;
    } words[] = {{"basic", SL_CLIENT_BASIC}, {"post", SL_CLIENT_POST},
                 {"private-key-jwt", SL_CLIENT_KEY}, {"none", SL_CLIENT_NONE}};
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);
    const char *form = argc > 1 ? argv[1] : NULL;

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    for (size_t i = 0; argc > 0 && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(argv[0], words[i].word) == 0) {
            conf->ehr.auth = words[i].auth;
        }
    }
    if (conf->ehr.auth == SL_CLIENT_UNSET || argc > 2 ||
        (form != NULL && strcmp(form, "raw") != 0 && strcmp(form, "form") != 0)) {
        return apr_psprintf(cmd->pool,
                            "SmartClientAuth in <SmartEHR %s>: write basic, post, private-key-jwt "
                            "or none, and after basic raw or form",
                            conf->ehr.name);
    }
    if (form != NULL) {
        conf->ehr.basic = strcmp(form, "form") == 0 ? SL_BASIC_FORM : SL_BASIC_RAW;
    }
    return NULL;
}

const char *sl_ehr_client_secret(cmd_parms *cmd, void *dir, const char *source)
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    if (strncmp(source, "file:", 5) == 0 && source[5] != '\0') {
        conf->secret_source =
            apr_pstrcat(cmd->pool, "file:", ap_server_root_relative(cmd->pool, source + 5), NULL);
        return NULL;
    }
    if (strncmp(source, "exec:/", 6) == 0) {
        conf->secret_source = source;
        return NULL;
    }
    return apr_psprintf(cmd->pool,
                        "SmartClientSecret in <SmartEHR %s>: the secret itself does not belong "
                        "here; write file:PATH or exec:/ABSOLUTE/COMMAND",
                        conf->ehr.name);
}

const char *sl_ehr_endpoint(cmd_parms *cmd, void *dir, const char *which, const char *url)
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);
    const char **member = NULL;

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    if (strcmp(which, "issuer") == 0) {
        member = &conf->ehr.ep_issuer;
    } else if (strcmp(which, "authorize") == 0) {
        member = &conf->ehr.ep_authorize;
    } else if (strcmp(which, "token") == 0) {
        member = &conf->ehr.ep_token;
    } else if (strcmp(which, "jwks") == 0) {
        member = &conf->ehr.ep_jwks;
    } else if (strcmp(which, "introspect") == 0) {
        member = &conf->ehr.ep_introspect;
    } else if (strcmp(which, "revoke") == 0) {
        member = &conf->ehr.ep_revoke;
    } else {
        return apr_psprintf(cmd->pool,
                            "SmartEndpoint in <SmartEHR %s>: \"%s\" is no endpoint; write "
                            "issuer, authorize, token, jwks, introspect or revoke",
                            conf->ehr.name, which);
    }
    *member = url;
    return NULL;
}

const char *sl_ehr_identity(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);
    apr_array_header_t *sources;

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    sources = apr_array_make(cmd->pool, argc, sizeof(sl_identity_source_t));
    for (int i = 0; i < argc; i++) {
        sl_err_t err;

        if (sl_identity_source(apr_array_push(sources), argv[i], cmd->pool, &err) != SL_OK) {
            return apr_psprintf(cmd->pool, "SmartIdentity in <SmartEHR %s>: %s", conf->ehr.name,
                                err.text);
        }
    }
    if (argc == 0) {
        return apr_psprintf(cmd->pool, "SmartIdentity in <SmartEHR %s> names no source",
                            conf->ehr.name);
    }
    conf->ehr.identity = sources;
    return NULL;
}

const char *sl_ehr_aud(cmd_parms *cmd, void *dir, const char *value)
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    if (!sl_authorize_take_aud(&conf->ehr, value)) {
        wrong = apr_psprintf(cmd->pool,
                             "SmartAud in <SmartEHR %s>: write iss, strip-slash, none or an "
                             "https URL",
                             conf->ehr.name);
    }
    return wrong;
}

const char *sl_ehr_pkce(cmd_parms *cmd, void *dir, const char *value)
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    if (strcmp(value, "always") != 0 && strcmp(value, "off") != 0) {
        return apr_psprintf(cmd->pool, "SmartPKCE in <SmartEHR %s>: write always or off",
                            conf->ehr.name);
    }
    conf->ehr.pkce = strcmp(value, "always") == 0 ? SL_SWITCH_ON : SL_SWITCH_OFF;
    return NULL;
}

const char *sl_ehr_embed(cmd_parms *cmd, void *dir, const char *origin)
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);
    const char *clean;

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    clean = sl_url_origin(cmd->pool, origin);
    if (clean == NULL || strcmp(clean, origin) != 0 || strncmp(origin, "https://", 8) != 0) {
        return apr_psprintf(cmd->pool,
                            "SmartEmbed in <SmartEHR %s>: \"%s\" is no origin; write "
                            "https://HOST or https://HOST:PORT, nothing after it",
                            conf->ehr.name, origin);
    }
    APR_ARRAY_PUSH(conf->embed, const char *) = origin;
    return NULL;
}

static const char *outbound_option(cmd_parms *cmd, sl_ehr_t *ehr, const char *word)
{
    const char *value;

    if (strcmp(word, "insecure-loopback") == 0) {
        ehr->insecure_loopback = true;
    } else if ((value = sl_directive_option(word, "ca")) != NULL) {
        ehr->ca_file = ap_server_root_relative(cmd->pool, value);
    } else if ((value = sl_directive_option(word, "proxy")) != NULL) {
        ehr->proxy = value;
    } else if ((value = sl_directive_option(word, "connect")) != NULL) {
        return sl_directive_time(cmd, value, &ehr->connect_timeout);
    } else if ((value = sl_directive_option(word, "timeout")) != NULL) {
        return sl_directive_time(cmd, value, &ehr->timeout);
    } else if ((value = sl_directive_option(word, "max")) != NULL && atoi(value) > 0) {
        ehr->max_outbound = atoi(value);
    } else {
        return apr_psprintf(cmd->pool,
                            "SmartOutbound in <SmartEHR %s>: \"%s\" is not understood; write "
                            "ca=PATH, proxy=URL, connect=TIME, timeout=TIME, max=NUMBER or "
                            "insecure-loopback",
                            ehr->name, word);
    }
    return NULL;
}

const char *sl_ehr_outbound(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);

    (void)dir;
    for (int i = 0; conf != NULL && i < argc && wrong == NULL; i++) {
        wrong = outbound_option(cmd, &conf->ehr, argv[i]);
    }
    return wrong;
}

static const char *renew_option(cmd_parms *cmd, sl_ehr_t *ehr, const char *word)
{
    const char *value;

    if ((value = sl_directive_option(word, "ahead")) != NULL) {
        return sl_directive_time(cmd, value, &ehr->renew_ahead);
    }
    if ((value = sl_directive_option(word, "every")) != NULL) {
        if (strcmp(value, "off") == 0) {
            ehr->renew_interval = 1; /* 0 would be the profile's */
            return NULL;
        }
        return sl_directive_time(cmd, value, &ehr->renew_interval);
    }
    if ((value = sl_directive_option(word, "life")) != NULL) {
        return sl_directive_time(cmd, value, &ehr->token_life);
    }
    return apr_psprintf(cmd->pool,
                        "SmartRenew in <SmartEHR %s>: \"%s\" is not understood; write "
                        "ahead=TIME, every=TIME (or every=off) or life=TIME",
                        ehr->name, word);
}

const char *sl_ehr_renew(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);

    (void)dir;
    if (conf != NULL && argc == 0) {
        return apr_psprintf(cmd->pool, "SmartRenew in <SmartEHR %s> says nothing; write ahead=60s",
                            conf->ehr.name);
    }
    for (int i = 0; conf != NULL && i < argc && wrong == NULL; i++) {
        wrong = renew_option(cmd, &conf->ehr, argv[i]);
    }
    return wrong;
}
