/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_file.h"
#include "httpd/sl_conf_check.h"
#include "smart/sl_profile.h"
#include "smart/sl_scope.h"
#include "smart/sl_token_request.h"
#include "smart/sl_url.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <string.h>

static const char *check_required(const sl_ehr_conf_t *conf, apr_pool_t *p)
{
    const sl_ehr_t *ehr = &conf->ehr;

    if (ehr->issuer == NULL) {
        return apr_psprintf(p,
                            "<SmartEHR %s> has no SmartIssuer; write the EHR's FHIR base URL: "
                            "SmartIssuer https://fhir.hospital.example/R4",
                            ehr->name);
    }
    if (ehr->client_id == NULL) {
        return apr_psprintf(p,
                            "<SmartEHR %s> has no SmartClient; write the client id the EHR gave "
                            "you: SmartClient ID",
                            ehr->name);
    }
    if (ehr->scope == NULL && ehr->system_scope == NULL) {
        return apr_psprintf(p,
                            "<SmartEHR %s> has no SmartScope; write what the launch asks for: "
                            "SmartScope \"launch openid fhirUser patient/*.rs\"",
                            ehr->name);
    }
    return NULL;
}

static const char *check_issuer(const sl_ehr_t *ehr, apr_pool_t *p)
{
    sl_err_t err;

    if (sl_url_check_issuer(ehr->issuer, ehr->insecure_loopback, p, &err) != SL_OK) {
        return apr_psprintf(p,
                            "SmartIssuer in <SmartEHR %s>: \"%s\" will not do (%s); write the "
                            "FHIR base URL with https://",
                            ehr->name, ehr->issuer, err.text);
    }
    return NULL;
}

static const char *check_endpoints(const sl_ehr_t *ehr, apr_pool_t *p)
{
    const struct {
        const char *name;
        const char *url;
    } endpoints[] = {{"authorize", ehr->ep_authorize},
                     {"token", ehr->ep_token},
                     {"jwks", ehr->ep_jwks},
                     {"introspect", ehr->ep_introspect},
                     {"revoke", ehr->ep_revoke}};

    bool has_launches = ehr->scope != NULL || ehr->standalone_scope != NULL;

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        sl_err_t err;

        if (endpoints[i].url != NULL &&
            sl_url_check_endpoint(endpoints[i].url, ehr->insecure_loopback, p, &err) != SL_OK) {
            return apr_psprintf(p,
                                "SmartEndpoint %s in <SmartEHR %s>: \"%s\" will not do (%s); "
                                "write the URL with https://",
                                endpoints[i].name, ehr->name, endpoints[i].url, err.text);
        }
    }
    if (ehr->ep_authorize == NULL ? ehr->ep_token != NULL && has_launches : ehr->ep_token == NULL) {
        return apr_psprintf(p,
                            "<SmartEHR %s> stores one of the endpoints authorize and token; "
                            "write SmartEndpoint for both, or for neither",
                            ehr->name);
    }
    return NULL;
}

static const char *check_auth(sl_ehr_conf_t *conf, apr_pool_t *p)
{
    sl_ehr_t *ehr = &conf->ehr;

    if (ehr->auth == SL_CLIENT_UNSET && conf->secret_source != NULL) {
        ehr->auth = SL_CLIENT_BASIC; /* a key beside it waits for its day, published already */
    } else if (ehr->auth == SL_CLIENT_UNSET && conf->key_sources != NULL) {
        ehr->auth = SL_CLIENT_KEY;
    }
    switch (ehr->auth) {
    case SL_CLIENT_UNSET:
        return apr_psprintf(p,
                            "<SmartEHR %s> does not say how we authenticate; write "
                            "SmartClientSecret file:PATH or SmartClientKey PATH, or "
                            "SmartClientAuth none for a public client",
                            ehr->name);
    case SL_CLIENT_NONE:
        if (conf->secret_source != NULL || conf->key_sources != NULL) {
            return apr_psprintf(
                p,
                "<SmartEHR %s> is a public client (SmartClientAuth none) and has "
                "a %s; remove one of the two",
                ehr->name, conf->secret_source != NULL ? "SmartClientSecret" : "SmartClientKey");
        }
        return NULL;
    case SL_CLIENT_KEY:
        if (conf->key_sources == NULL) {
            return apr_psprintf(p,
                                "<SmartEHR %s> authenticates with a key (SmartClientAuth "
                                "private-key-jwt) and has none; write SmartClientKey PATH",
                                ehr->name);
        }
        return NULL;
    case SL_CLIENT_BASIC:
    case SL_CLIENT_POST:
        break;
    }
    if (conf->secret_source == NULL) {
        return apr_psprintf(p,
                            "<SmartEHR %s> authenticates with a secret and has none; write "
                            "SmartClientSecret file:PATH",
                            ehr->name);
    }
    return NULL;
}

/** exec: an absolute path, root's own, that nobody else can change (design section 12, "Keys"). */
static const char *check_exec(const sl_ehr_t *ehr, const char *command, apr_pool_t *p)
{
    apr_finfo_t info;
    char *path = apr_pstrndup(p, command, strcspn(command, " \t"));

    if (apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_PROT | APR_FINFO_USER, p) != APR_SUCCESS ||
        info.filetype != APR_REG || info.user != 0 ||
        (info.protection & (APR_FPROT_GWRITE | APR_FPROT_WWRITE)) != 0) {
        return apr_psprintf(p,
                            "SmartClientSecret in <SmartEHR %s>: %s must be a program that root "
                            "owns and nobody else may change (chown root, chmod 755)",
                            ehr->name, path);
    }
    return NULL;
}

static const char *check_secret(sl_ehr_conf_t *conf, apr_pool_t *p)
{
    sl_secret_t *secret = NULL;
    sl_err_t err;

    if (conf->secret_source == NULL) {
        return NULL;
    }
    if (strncmp(conf->secret_source, "exec:", 5) == 0) {
        return check_exec(&conf->ehr, conf->secret_source + 5, p);
    }
    if (sl_file_secret_line(&secret, conf->secret_source + 5, p, &err) != SL_OK) {
        return apr_psprintf(p,
                            "SmartClientSecret in <SmartEHR %s>: %s; write file:PATH of a file "
                            "that only its owner may read, with the secret in its first line",
                            conf->ehr.name, err.text);
    }
    conf->ehr.client_secret = secret;
    return NULL;
}

/** The grammar (SCP-1 to SCP-4) of each scope directive that is there. */
static const char *check_scope_words(const sl_ehr_t *ehr, apr_pool_t *p)
{
    const struct {
        const char *directive, *scope;
    } all[] = {{"SmartScope", ehr->scope},
               {"SmartStandaloneScope", ehr->standalone_scope},
               {"SmartSystemScope", ehr->system_scope}};
    sl_err_t err;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].scope != NULL && sl_scope_check(all[i].scope, p, &err) != SL_OK) {
            return apr_psprintf(p, "%s in <SmartEHR %s>: %s", all[i].directive, ehr->name,
                                err.text);
        }
    }
    return NULL;
}

static const char *check_scopes(const sl_ehr_t *ehr, apr_pool_t *p)
{
    const char *wrong = check_scope_words(ehr, p);

    if (wrong != NULL) {
        return wrong;
    }
    if (ehr->standalone_scope != NULL && sl_scope_has(ehr->standalone_scope, "launch")) {
        return apr_psprintf(p,
                            "SmartStandaloneScope in <SmartEHR %s> has \"launch\", which only an "
                            "EHR launch may ask for; write launch/patient where the EHR should "
                            "let the user pick one, or leave it out",
                            ehr->name);
    }
    /* BKS-1: nobody logs in, so a key is what stands for us. */
    if (ehr->system_scope != NULL && ehr->auth != SL_CLIENT_KEY) {
        return apr_psprintf(p,
                            "<SmartEHR %s> has a SmartSystemScope, which takes a key; write "
                            "SmartClientAuth private-key-jwt and SmartClientKey PATH",
                            ehr->name);
    }
    return NULL;
}

static const char *check_files(const sl_ehr_t *ehr, apr_pool_t *p)
{
    apr_finfo_t info;

    if (ehr->ca_file != NULL && apr_stat(&info, ehr->ca_file, APR_FINFO_TYPE, p) != APR_SUCCESS) {
        return apr_psprintf(p,
                            "SmartOutbound in <SmartEHR %s>: there is no file %s; write ca=PATH "
                            "of a PEM file with the CA certificates",
                            ehr->name, ehr->ca_file);
    }
    return NULL;
}

const char *sl_conf_check_ehr(sl_ehr_conf_t *conf, apr_pool_t *p)
{
    const char *wrong = check_required(conf, p);
    sl_err_t err;

    if (wrong == NULL) {
        wrong = check_issuer(&conf->ehr, p);
    }
    if (wrong == NULL) {
        wrong = check_endpoints(&conf->ehr, p);
    }
    if (wrong == NULL) {
        wrong = check_auth(conf, p);
    }
    if (wrong == NULL) {
        wrong = check_secret(conf, p);
    }
    if (wrong == NULL) {
        wrong = sl_conf_check_keys(conf, p);
    }
    if (wrong == NULL) {
        wrong = check_scopes(&conf->ehr, p);
    }
    if (wrong == NULL) {
        wrong = check_files(&conf->ehr, p);
    }
    if (wrong == NULL && (sl_profile_complete(&conf->ehr, p, &err) != SL_OK ||
                          sl_token_request_check(&conf->ehr, NULL, &err) != SL_OK)) {
        wrong = apr_psprintf(p, "<SmartEHR %s>: %s", conf->ehr.name, err.text);
    }
    return wrong;
}
