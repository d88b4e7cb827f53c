/* SPDX-License-Identifier: Apache-2.0 */
/* The projects of httpd's configuration, made from its dump as the flows take them. */
#include "base/sl_file.h"
#include "base/sl_text.h"
#include "ctl/sl_ctl_cdp.h"
#include "ctl/sl_ctl_ehr.h"

#include <string.h>

const sl_json_t *sl_ctl_cdp_dumped(const sl_json_t *dump)
{
    return sl_json_get(sl_json_get(sl_json_get(dump, "more"), "cdp"), "projects");
}

static apr_interval_time_t seconds(const sl_json_t *from, const char *name)
{
    return apr_time_from_sec(json_object_get_int64(sl_json_get(from, name)));
}

static bool is_word(const sl_json_t *from, const char *name, const char *word)
{
    const char *text = sl_json_str(from, name);

    return text != NULL && strcmp(text, word) == 0;
}

static void read_delivery(sl_ctl_cdp_project_t *one, const sl_json_t *from, apr_pool_t *p)
{
    sl_cdp_delivery_t *delivery = &one->project.delivery;
    sl_secret_t *secret = NULL;

    delivery->protocol = is_word(from, "protocol", "http") ? SL_CDP_TO_HTTP : SL_CDP_TO_REDCAP;
    delivery->url = sl_json_str(from, "url");
    delivery->ca_file = sl_json_str(from, "ca");
    delivery->insecure_loopback = delivery->url != NULL && strncmp(delivery->url, "http:", 5) == 0;
    one->secret_source = sl_json_str(from, "secret");
    if (one->secret_source != NULL && sl_text_has_prefix(one->secret_source, "file:")) {
        one->secret_err.rc =
            sl_file_secret_line(&secret, one->secret_source + 5, p, &one->secret_err);
    }
    delivery->secret = secret;
}

static sl_rc_t read_project(sl_ctl_cdp_project_t *one, const sl_json_t *from,
                            const apr_array_header_t *ehrs, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_project_t *project = &one->project;
    const char *name = sl_json_str(from, "ehr");
    const sl_ctl_ehr_t *ehr = name != NULL ? sl_ctl_ehr_find(ehrs, name) : NULL;

    project->name = sl_json_str(from, "name");
    project->app = sl_json_str(from, "app");
    read_delivery(one, sl_json_get(from, "deliver"), p);
    if (ehr == NULL || project->name == NULL || project->delivery.url == NULL) {
        return sl_err_set(err, SL_FAILED, "SL7061",
                          "httpd's mod_smartlaunch_cdp is of another version than smartlaunchctl");
    }
    project->ehr = &ehr->ehr;
    project->mrn_system = sl_json_str(from, "mrn_system");
    project->every = seconds(from, "refetch_every");
    project->inactive = seconds(from, "refetch_inactive");
    project->instant = is_word(from, "adjudication", "instant");
    project->access_url = sl_json_str(from, "access");
    project->keep = seconds(from, "keep");
    return SL_OK;
}

sl_rc_t sl_ctl_cdp_projects(apr_array_header_t **out, const sl_json_t *dump,
                            const apr_array_header_t *ehrs, apr_pool_t *p, sl_err_t *err)
{
    const sl_json_t *list = sl_ctl_cdp_dumped(dump);
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    sl_rc_t rc = SL_OK;

    *out = apr_array_make(p, (int)count + 1, sizeof(sl_ctl_cdp_project_t *));
    for (size_t i = 0; rc == SL_OK && i < count; i++) {
        sl_ctl_cdp_project_t *one = apr_pcalloc(p, sizeof(*one));

        rc = read_project(one, json_object_array_get_idx(list, i), ehrs, p, err);
        APR_ARRAY_PUSH(*out, sl_ctl_cdp_project_t *) = one;
    }
    return rc;
}

static sl_rc_t no_project(const char *name, sl_err_t *err)
{
    return sl_err_set(err, SL_NONE, "SL7062", "httpd's configuration has no <SmartCDPProject %s>",
                      name);
}

sl_rc_t sl_ctl_cdp_find(const sl_ctl_cdp_project_t **out, sl_ctl_t *ctl, const char *name,
                        sl_err_t *err)
{
    apr_array_header_t *projects = NULL;
    apr_array_header_t *ehrs = NULL;
    sl_json_t *dump = NULL;
    sl_rc_t rc = sl_ctl_configuration(&dump, ctl, err);

    *out = NULL;
    if (rc == SL_OK) {
        rc = sl_ctl_ehrs(&ehrs, dump, ctl->p, err);
    }
    if (rc == SL_OK) {
        rc = sl_ctl_cdp_projects(&projects, dump, ehrs, ctl->p, err);
    }
    for (int i = 0; rc == SL_OK && i < projects->nelts; i++) {
        const sl_ctl_cdp_project_t *one = APR_ARRAY_IDX(projects, i, const sl_ctl_cdp_project_t *);

        if (strcmp(one->project.name, name) == 0) {
            *out = one;
        }
    }
    return rc == SL_OK && *out == NULL ? no_project(name, err) : rc;
}

/** Is it configured? Its secrets need not be read for that. */
static bool is_configured(const sl_json_t *dump, const char *name)
{
    const sl_json_t *list = sl_ctl_cdp_dumped(dump);
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

    for (size_t i = 0; i < count; i++) {
        if (is_word(json_object_array_get_idx(list, i), "name", name)) {
            return true;
        }
    }
    return false;
}

sl_rc_t sl_ctl_cdp_open(sl_cdp_t *out, sl_ctl_t *ctl, const char *name, sl_err_t *err)
{
    sl_runtime_t *rt = apr_pcalloc(ctl->p, sizeof(*rt));
    sl_json_t *dump = NULL;
    sl_rc_t rc = SL_OK;

    memset(out, 0, sizeof(*out));
    out->rt = rt;
    if (ctl->db == NULL) {
        rc = sl_ctl_configuration(&dump, ctl, err);
    }
    if (rc == SL_OK && dump != NULL && name != NULL && !is_configured(dump, name)) {
        rc = no_project(name, err);
    }
    return rc == SL_OK ? sl_ctl_open(&rt->db, ctl, err) : rc;
}
