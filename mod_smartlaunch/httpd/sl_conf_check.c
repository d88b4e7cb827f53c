/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_conf_check.h"
#include "base/sl_file.h"
#include "httpd/sl_conf_notify.h"
#include "httpd/sl_conf_require.h"
#include "smart/sl_scope_token.h"
#include "smart/sl_url.h"
#include "store/sl_db.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

static const char *check_keyring(sl_main_t *main, apr_pool_t *p)
{
    sl_secret_t *text = NULL;
    sl_keyring_t *ring = NULL;
    sl_err_t err;

    if (main->keyring_path == NULL) {
        return "SmartKeyring is missing; make a key with \"smartlaunchctl keyring new\" and "
               "write SmartKeyring PATH";
    }
    if (sl_file_secret(&text, main->keyring_path, p, &err) != SL_OK) {
        return apr_psprintf(p,
                            "SmartKeyring: %s; a key ring is a file that only its owner may read, "
                            "with lines made by \"smartlaunchctl keyring new\"",
                            err.text);
    }
    if (sl_keyring_parse(&ring, text, p, &err) != SL_OK) {
        return apr_psprintf(p,
                            "SmartKeyring: %s: %s; write lines made by \"smartlaunchctl keyring "
                            "new\"",
                            main->keyring_path, err.text);
    }
    main->ring = ring;
    return NULL;
}

static const char *check_main(sl_main_t *main, apr_pool_t *p)
{
    sl_err_t err;

    if (main->database == NULL) {
        return "SmartDatabase is missing; write the connection string of PostgreSQL: "
               "SmartDatabase \"service=smartlaunch\"";
    }
    if (sl_db_check_conninfo(main->database, p, &err) != SL_OK) {
        return apr_psprintf(p,
                            "SmartDatabase: %s; write a connection string of libpq in quotes: "
                            "SmartDatabase \"host=db.example dbname=smartlaunch\"",
                            err.text);
    }
    if (main->listen != NULL && sl_db_check_conninfo(main->listen, p, &err) != SL_OK) {
        return apr_psprintf(p,
                            "SmartDatabase: listen=: %s; write a connection string of libpq that "
                            "goes past the pooler: \"listen=host=db.example dbname=smartlaunch\"",
                            err.text);
    }
    return check_keyring(main, p);
}

static const char *check_ehrs(const sl_main_t *main, apr_pool_t *p)
{
    for (int i = 0; i < main->ehrs->nelts; i++) {
        sl_ehr_conf_t *conf = APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *);
        const char *wrong = sl_conf_check_ehr(conf, p);

        if (wrong != NULL) {
            return wrong;
        }
        for (int j = 0; j < i; j++) {
            const sl_ehr_t *other = &APR_ARRAY_IDX(main->ehrs, j, sl_ehr_conf_t *)->ehr;

            if (sl_url_same_issuer(conf->ehr.issuer, other->issuer, p)) {
                return apr_psprintf(p,
                                    "<SmartEHR %s> and <SmartEHR %s> have the same SmartIssuer; "
                                    "a launch could not tell them apart, so remove one",
                                    other->name, conf->ehr.name);
            }
        }
    }
    return sl_conf_check_key_names(main, p);
}

static const char *check_serve(const sl_main_t *main, const sl_redirect_conf_t *redirect,
                               apr_pool_t *p)
{
    const apr_array_header_t *serve = redirect->location->serve;

    for (int i = 0; serve != NULL && i < serve->nelts; i++) {
        const char *name = APR_ARRAY_IDX(serve, i, const char *);

        if (sl_conf_ehr(main, name) == NULL) {
            return apr_psprintf(p,
                                "SmartServe in <Location %s>: there is no <SmartEHR %s>; write "
                                "the name of one that is configured",
                                redirect->path, name);
        }
    }
    return NULL;
}

/** SmartLink site: somebody else's login has to hold at <redirect>/link (design section 5.3). */
static const char *check_link(const server_rec *s, const sl_redirect_conf_t *redirect,
                              apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, redirect->path, "/link", NULL);
    sl_conf_require_t require;

    if (redirect->location->link != SL_LINK_SITE) {
        return NULL;
    }
    if (redirect->location->confirm == 0) {
        return apr_psprintf(p,
                            "SmartLink site confirm=off in <Location %s>: whoever has a login of "
                            "this site would be joined with any EHR user unasked; leave out "
                            "confirm=off",
                            redirect->path);
    }
    require = sl_conf_require_at(s, path, p);
    if (require.is_smart) {
        return apr_psprintf(p,
                            "SmartLink site: AuthType Smart holds at %s, and nobody can log in "
                            "there by the launch that waits for it; write <Location %s> with the "
                            "AuthType of another module and Require valid-user",
                            path, path);
    }
    if (!require.is_there || require.is_open || !require.asks_user) {
        return apr_psprintf(p,
                            "SmartLink site: nobody has to log in at %s; write <Location %s> with "
                            "an AuthType (Basic, LDAP, Kerberos, …) and Require valid-user",
                            path, path);
    }
    return NULL;
}

/** A launch has to be able to begin, and to end elsewhere than it began. */
static const char *check_way(const server_rec *s, const sl_redirect_conf_t *redirect, apr_pool_t *p)
{
    const sl_server_t *server = sl_conf_server(s);
    const sl_conf_require_t require = sl_conf_require_at(s, redirect->path, p);
    const char *target = redirect->location->target;

    if (require.is_smart && require.needs_user) {
        return apr_psprintf(p,
                            "<Location %s> has SmartTarget and lies under AuthType Smart, whose "
                            "Require asks for the launch that is to begin there; write AuthType "
                            "None and Require all granted in it, and the section itself behind "
                            "the one with AuthType Smart",
                            redirect->path);
    }
    for (int i = 0; target != NULL && i < server->redirects->nelts; i++) {
        const char *path = APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t).path;

        if (sl_url_is_below(apr_pstrmemdup(p, target, strcspn(target, "?")), path)) {
            return apr_psprintf(p,
                                "SmartTarget %s in <Location %s> is a Redirect URL itself; write "
                                "a page of the app: SmartTarget /app/",
                                target, redirect->path);
        }
    }
    return NULL;
}

static const char *check_server(const server_rec *s, apr_pool_t *p)
{
    const sl_server_t *server = sl_conf_server(s);

    if (server->redirects->nelts > 0 && server->public_url == NULL) {
        return apr_psprintf(p,
                            "<Location %s> has SmartTarget and no SmartPublicURL is set for it; "
                            "write SmartPublicURL https://HOST, the address the browser sees",
                            APR_ARRAY_IDX(server->redirects, 0, sl_redirect_conf_t).path);
    }
    if (server->redirects->nelts > 0 && server->main->ehrs->nelts == 0) {
        return apr_psprintf(p,
                            "<Location %s> has SmartTarget and there is no EHR to launch from; "
                            "write a <SmartEHR NAME> section",
                            APR_ARRAY_IDX(server->redirects, 0, sl_redirect_conf_t).path);
    }
    if (sl_conf_idle(server) > sl_conf_max(server)) {
        return "SmartSession: idle is longer than max; write SmartSession idle=30m max=12h";
    }
    for (int i = 0; i < server->redirects->nelts; i++) {
        const sl_redirect_conf_t *redirect =
            &APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t);
        const char *wrong = check_serve(server->main, redirect, p);

        if (wrong == NULL) {
            wrong = check_link(s, redirect, p);
        }
        if (wrong == NULL) {
            wrong = check_way(s, redirect, p);
        }
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

static const char *first_wrong(server_rec *s, apr_pool_t *p)
{
    sl_main_t *main = sl_conf_server(s)->main;
    const char *wrong = NULL;
    bool is_used = main->ehrs->nelts > 0;

    for (const server_rec *v = s; v != NULL && wrong == NULL; v = v->next) {
        is_used = is_used || sl_conf_server(v)->redirects->nelts > 0;
        sl_conf_resolve_locations(v, p);
        wrong = check_server(v, p);
        if (wrong == NULL) {
            wrong = sl_conf_check_gateways(v, p);
        }
    }
    if (wrong == NULL && (is_used || sl_conf_has_gateway(s))) {
        wrong = check_main(main, p);
    }
    if (wrong == NULL) {
        wrong = check_ehrs(main, p);
    }
    if (wrong == NULL) {
        wrong = sl_conf_check_notify(s, p);
    }
    if (wrong == NULL && sl_conf_has_gateway(s)) {
        wrong = sl_conf_check_proxy(main, p);
    }
    if (wrong == NULL) {
        wrong = sl_conf_check_status(s, ap_conftree, p);
    }
    return wrong != NULL ? wrong : sl_conf_check_tree(ap_conftree, p);
}

/** BKS-2: some EHR may want it so, but a backend service has neither a user nor a patient. */
static void warn_of_scopes(const sl_ehr_t *ehr, const server_rec *s, apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, ehr->system_scope);
    sl_scope_token_t scope;

    for (char *one = apr_strtok(rest, " ", &rest); one != NULL;
         one = apr_strtok(NULL, " ", &rest)) {
        if (sl_scope_token_parse(&scope, one, p, NULL) != SL_OK ||
            (scope.kind == SL_SCOPE_RESOURCE && strcmp(scope.level, "system") != 0)) {
            ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, s,
                         "SL5002: SmartSystemScope in <SmartEHR %s> asks for %s, and a backend "
                         "service has no user and no patient; write system/ in front",
                         ehr->name, one);
        }
    }
}

int sl_conf_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const sl_main_t *main = sl_conf_server(s)->main;
    const char *wrong = first_wrong(s, pconf);

    (void)plog;
    if (wrong != NULL) {
        ap_log_error(APLOG_MARK, APLOG_EMERG | APLOG_STARTUP, 0, s, "SL5001: %s", wrong);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (int i = 0; i < main->ehrs->nelts; i++) {
        const sl_ehr_t *ehr = &APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *)->ehr;

        if (ehr->system_scope != NULL) {
            warn_of_scopes(ehr, s, ptemp);
        }
    }
    return OK;
}
