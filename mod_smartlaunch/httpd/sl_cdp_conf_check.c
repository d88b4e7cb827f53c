/* SPDX-License-Identifier: Apache-2.0 */
/* What configtest refuses about projects, and about the two modules together. */
#include "httpd/sl_cdp_conf.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch_cdp);

static const char *check_core(const sl_core_t **out, apr_pool_t *p)
{
    APR_OPTIONAL_FN_TYPE(smartlaunch_core) *core = APR_RETRIEVE_OPTIONAL_FN(smartlaunch_core);

    if (core == NULL) {
        return "mod_smartlaunch_cdp works with mod_smartlaunch; write LoadModule "
               "smartlaunch_module modules/mod_smartlaunch.so as well";
    }
    if (!sl_core_is_ours(core())) {
        return apr_psprintf(p,
                            "mod_smartlaunch_cdp %s was built apart from the mod_smartlaunch that "
                            "is loaded; install both from one build",
                            sl_core_build.version);
    }
    *out = core();
    return NULL;
}

/** The one app of all locations; NULL: there is none, or `several`. */
static const char *only_app(bool *several, const server_rec *s)
{
    const char *app = NULL;

    for (; s != NULL; s = s->next) {
        const apr_array_header_t *places = sl_cdp_conf(s)->places;

        for (int i = 0; i < places->nelts; i++) {
            const char *one = APR_ARRAY_IDX(places, i, sl_cdp_place_t).app;

            *several = *several || (app != NULL && strcmp(app, one) != 0);
            app = one;
        }
    }
    return *several ? NULL : app;
}

static const char *check_app(sl_cdp_project_t *project, const server_rec *s, apr_pool_t *p)
{
    bool several = false;
    const char *app = only_app(&several, s);

    if (project->app != NULL) {
        return NULL;
    }
    if (several) {
        return apr_psprintf(p,
                            "<SmartCDPProject %s>: the locations with SmartCDP belong to several "
                            "apps; say whose project it is: <SmartCDPProject %s app=NAME>",
                            project->name, project->name);
    }
    if (app == NULL) {
        return apr_psprintf(p,
                            "<SmartCDPProject %s>: there is no <Location> with SmartCDP, so that "
                            "nobody can come to it; write SmartCDP on in one",
                            project->name);
    }
    project->app = app;
    return NULL;
}

static const char *check_project(sl_cdp_project_conf_t *conf, const server_rec *s,
                                 const sl_core_t *core, apr_pool_t *p)
{
    sl_cdp_project_t *project = &conf->project;

    if (conf->ehr == NULL) {
        return apr_psprintf(p,
                            "<SmartCDPProject %s> has no SmartCDPSource; write the EHR its "
                            "patients' charts are in",
                            project->name);
    }
    project->ehr = core->ehr(s, conf->ehr);
    if (project->ehr == NULL) {
        return apr_psprintf(p,
                            "SmartCDPSource in <SmartCDPProject %s>: there is no <SmartEHR %s>; "
                            "write the name of one that is configured",
                            project->name, conf->ehr);
    }
    if (!conf->has_delivery) {
        return apr_psprintf(p,
                            "<SmartCDPProject %s> has no SmartCDPDeliver, so that chosen values "
                            "have nowhere to go; write SmartCDPDeliver redcap URL token=file:PATH",
                            project->name);
    }
    if (project->delivery.secret == NULL) {
        bool is_http = project->delivery.protocol == SL_CDP_TO_HTTP;

        return apr_psprintf(p,
                            "SmartCDPDeliver in <SmartCDPProject %s>: write %s=file:PATH as well",
                            project->name, is_http ? "secret" : "token");
    }
    return check_app(project, s, p);
}

static bool has_places(const server_rec *s)
{
    for (; s != NULL; s = s->next) {
        if (sl_cdp_conf(s)->places->nelts > 0) {
            return true;
        }
    }
    return false;
}

static const char *first_wrong(server_rec *s, apr_pool_t *p)
{
    sl_cdp_main_t *main = sl_cdp_conf(s)->main;
    const sl_core_t *core = NULL;
    const char *wrong = check_core(&core, p);
    bool is_used = has_places(s);

    if (wrong != NULL || (!is_used && main->projects->nelts == 0)) {
        return wrong;
    }
    if (main->projects->nelts == 0) {
        return "there is a <Location> with SmartCDP and no project; write a <SmartCDPProject NAME> "
               "section";
    }
    main->core = core;
    for (server_rec *v = s; v != NULL && wrong == NULL; v = v->next) {
        wrong = sl_cdp_conf_check_places(v, p);
    }
    for (int i = 0; i < main->projects->nelts && wrong == NULL; i++) {
        wrong =
            check_project(APR_ARRAY_IDX(main->projects, i, sl_cdp_project_conf_t *), s, core, p);
    }
    if (wrong == NULL) {
        core->use_tokens(s);
    }
    return wrong;
}

int sl_cdp_conf_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const char *wrong = first_wrong(s, pconf);

    (void)plog;
    (void)ptemp;
    if (wrong != NULL) {
        ap_log_error(APLOG_MARK, APLOG_EMERG | APLOG_STARTUP, 0, s, "SL8501: %s", wrong);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}
