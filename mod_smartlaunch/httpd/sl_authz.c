/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_authz.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_page.h"
#include "httpd/sl_pass.h"
#include "httpd/sl_respond.h"
#include "smart/sl_query.h"
#include "smart/sl_scope.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>
#include <mod_core.h>
#include <string.h>

/** The launch is there and its EHR user is not linked yet. */
static int log_in_first(request_rec *r)
{
    sl_refusal_t refusal = {401,
                            "login_required",
                            "Please log in to the application first",
                            {"Your account in the health record system is not joined with one of "
                             "this application yet.",
                             "Open the application's own login page in this window; after that "
                             "you will not be asked again.",
                             NULL},
                            "SL6401",
                            "a pending launch where a linked user is required",
                            0};

    if (!sl_ask_is_safe(&sl_request_of(r)->ask)) {
        refusal.title = "Not saved: please log in to the application first";
        refusal.text[2] = refusal.text[1];
        refusal.text[1] = refusal.text[0];
        refusal.text[0] = "What you just entered was not saved.";
    }
    return sl_respond_refusal(r, &refusal);
}

int sl_authz_check_user(request_rec *r)
{
    const sl_browser_launch_t *launch = sl_pass_launch(r);

    if (!sl_bind_is_smart(r)) {
        return DECLINED;
    }
    if (r->user != NULL && !sl_request_of(r)->wants_launch) {
        return OK;
    }
    if (r->main != NULL) {
        return HTTP_UNAUTHORIZED;
    }
    if (launch != NULL && launch->row.link_state == SL_LINK_PENDING) {
        return log_in_first(r);
    }
    return sl_respond_relaunch(r, "SL6402", "no live launch where one is required");
}

int sl_authz_passed(request_rec *r)
{
    if (r->main == NULL) {
        sl_request_of(r)->is_authorized = true;
    }
    return DECLINED;
}

const char *sl_authz_explain(request_rec *r)
{
    const sl_request_t *request = sl_request_of(r);
    sl_refusal_t refusal = {403,
                            "forbidden",
                            "This launch may not open this page",
                            {"You opened the application from the health record system, and what "
                             "was given to it there is not enough for this page.",
                             "Please go back, or tell your support the reference below.", NULL},
                            "SL6403",
                            "a launch that does not fulfil what Require asks for",
                            0};

    if (r->status != HTTP_FORBIDDEN || request->is_authorized || sl_pass_launch(r) == NULL) {
        return NULL;
    }
    if (!request->is_lacking &&
        ap_response_code_string(r, ap_index_of_response(HTTP_FORBIDDEN)) != NULL) {
        return NULL; /* refused for a reason of somebody else's, who has a text of his own */
    }
    return sl_respond_prepare(r, &refusal);
}

/** The launch is not good enough. A text of our own keeps an ErrorDocument from taking over. */
static authz_status is_lacking(request_rec *r)
{
    if (r->main == NULL) {
        sl_request_of(r)->is_lacking = true;
        ap_custom_response(r, HTTP_FORBIDDEN, "This launch may not open this page.");
    }
    return AUTHZ_DENIED;
}

/** A session that Smart-Login made has a user and no launch: it counts as none here. */
static const sl_browser_launch_t *launch_of(request_rec *r)
{
    const sl_browser_launch_t *launch = sl_pass_launch(r);

    if (launch == NULL || launch->row.kind != SL_KIND_SESSION) {
        return launch;
    }
    sl_request_of(r)->wants_launch = true;
    return NULL;
}

static authz_status need_launch(request_rec *r, const char *line, const void *parsed)
{
    (void)line;
    (void)parsed;
    return launch_of(r) != NULL ? AUTHZ_GRANTED : AUTHZ_DENIED_NO_USER;
}

static authz_status need_ehr(request_rec *r, const char *line, const void *parsed)
{
    const sl_browser_launch_t *launch = launch_of(r);

    (void)parsed;
    if (launch == NULL) {
        return AUTHZ_DENIED_NO_USER;
    }
    while (line[0] != '\0') {
        const char *name = ap_getword_conf(r->pool, &line);

        if (launch->row.ehr != NULL && strcmp(name, launch->row.ehr) == 0) {
            return AUTHZ_GRANTED;
        }
    }
    return is_lacking(r);
}

/* Patient and scope are given to linked launches only, so a pending one is told to log in. */
static authz_status need_scope(request_rec *r, const char *line, const void *parsed)
{
    const sl_browser_launch_t *launch = launch_of(r);

    (void)parsed;
    if (launch == NULL || launch->row.link_state == SL_LINK_PENDING) {
        return AUTHZ_DENIED_NO_USER;
    }
    while (line[0] != '\0') {
        const char *scope = ap_getword_conf(r->pool, &line);

        if (launch->row.scope_granted == NULL ||
            !sl_scope_covers(launch->row.scope_granted, scope, r->pool)) {
            return is_lacking(r);
        }
    }
    return AUTHZ_GRANTED;
}

static authz_status need_patient(request_rec *r, const char *line, const void *parsed)
{
    const sl_browser_launch_t *launch = launch_of(r);

    (void)line;
    (void)parsed;
    if (launch == NULL || launch->row.link_state == SL_LINK_PENDING) {
        return AUTHZ_DENIED_NO_USER;
    }
    return launch->row.patient != NULL ? AUTHZ_GRANTED : is_lacking(r);
}

/** How a refused line begins: `what` is the word behind Require. */
static const char *refuse_line(cmd_parms *cmd, const char *what, const char *why)
{
    return apr_psprintf(cmd->pool, "Require %s (AuthType Smart): %s", what, why);
}

static const char *refuse_words(cmd_parms *cmd, const char *what, const char *line)
{
    return line[0] == '\0'
               ? NULL
               : refuse_line(cmd, what,
                             apr_psprintf(cmd->pool,
                                          "there is nothing that \"%s\" could mean; leave it out",
                                          line));
}

static const char *parse_launch(cmd_parms *cmd, const char *line, const void **parsed)
{
    *parsed = NULL;
    return refuse_words(cmd, "smart-launch", line);
}

static const char *parse_patient(cmd_parms *cmd, const char *line, const void **parsed)
{
    *parsed = NULL;
    return refuse_words(cmd, "smart-patient", line);
}

static const char *parse_ehrs(cmd_parms *cmd, const char *line, const void **parsed)
{
    *parsed = NULL;
    return line[0] != '\0' ? NULL
                           : refuse_line(cmd, "smart-ehr", "write the names of EHRs behind it");
}

static const char *parse_scopes(cmd_parms *cmd, const char *line, const void **parsed)
{
    sl_err_t err;

    *parsed = NULL;
    if (line[0] == '\0') {
        return refuse_line(cmd, "smart-scope",
                           "write scopes behind it, like patient/Observation.rs");
    }
    while (line[0] != '\0') {
        const char *scope = ap_getword_conf(cmd->pool, &line);

        if (sl_scope_check(scope, cmd->temp_pool, &err) != SL_OK) {
            return refuse_line(cmd, "smart-scope", err.text);
        }
    }
    return NULL;
}

void sl_authz_register(apr_pool_t *p)
{
    static const authz_provider launch = {need_launch, parse_launch};
    static const authz_provider ehr = {need_ehr, parse_ehrs};
    static const authz_provider scope = {need_scope, parse_scopes};
    static const authz_provider patient = {need_patient, parse_patient};
    static const struct {
        const char *name;
        const authz_provider *provider;
    } providers[] = {{"smart-launch", &launch},
                     {"smart-ehr", &ehr},
                     {"smart-scope", &scope},
                     {"smart-patient", &patient}};

    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        (void)ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, providers[i].name,
                                        AUTHZ_PROVIDER_VERSION, providers[i].provider,
                                        AP_AUTH_INTERNAL_PER_CONF);
    }
}
