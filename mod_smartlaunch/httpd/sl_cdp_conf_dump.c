/* SPDX-License-Identifier: Apache-2.0 */
/* What `smartlaunchctl` reads: sources of secrets, never secrets. */
#include "httpd/sl_cdp_conf.h"

#include <http_core.h>

static sl_json_t *delivery_of(const sl_cdp_project_conf_t *conf, apr_pool_t *p)
{
    const sl_cdp_delivery_t *delivery = &conf->project.delivery;
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "protocol", delivery->protocol == SL_CDP_TO_HTTP ? "http" : "redcap");
    sl_json_put_str(out, "url", delivery->url);
    sl_json_put_str(out, "secret", conf->secret_source);
    sl_json_put_str(out, "ca", delivery->ca_file);
    return out;
}

static sl_json_t *one_project(const sl_cdp_project_conf_t *conf, apr_pool_t *p)
{
    const sl_cdp_project_t *project = &conf->project;
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "name", project->name);
    sl_json_put_str(out, "app", project->app);
    sl_json_put_str(out, "ehr", project->ehr->name);
    sl_json_put_str(out, "mrn_system", project->mrn_system);
    sl_json_put(out, "deliver", delivery_of(conf, p));
    sl_json_put_int(out, "refetch_every", apr_time_sec(project->every));
    sl_json_put_int(out, "refetch_inactive", apr_time_sec(project->inactive));
    sl_json_put_str(out, "adjudication", project->instant ? "instant" : "manual");
    sl_json_put_str(out, "access", project->access_url);
    sl_json_put_int(out, "keep", apr_time_sec(project->keep));
    return out;
}

static void add_places(sl_json_t *list, const server_rec *s, apr_pool_t *p)
{
    const apr_array_header_t *places = sl_cdp_conf(s)->places;

    for (int i = 0; i < places->nelts; i++) {
        const sl_cdp_place_t *place = &APR_ARRAY_IDX(places, i, sl_cdp_place_t);
        sl_json_t *one = sl_json_object(p);

        sl_json_put_str(one, "server", s->server_hostname);
        sl_json_put_int(one, "port", s->port);
        sl_json_put_str(one, "path", place->path);
        sl_json_put_str(one, "side", place->side == SL_CDP_PAGES ? "on" : "api");
        sl_json_put_str(one, "app", place->app);
        sl_json_push(list, one);
    }
}

void sl_cdp_conf_dump(apr_pool_t *pconf, server_rec *s)
{
    const sl_cdp_main_t *main = sl_cdp_conf(s)->main;
    sl_json_t *out, *projects, *places;

    if (main->core == NULL || !ap_exists_config_define("DUMP_SMARTLAUNCH")) {
        return;
    }
    out = sl_json_object(pconf);
    projects = sl_json_array(pconf);
    places = sl_json_array(pconf);
    for (int i = 0; i < main->projects->nelts; i++) {
        sl_json_push(projects,
                     one_project(APR_ARRAY_IDX(main->projects, i, sl_cdp_project_conf_t *), pconf));
    }
    for (const server_rec *v = s; v != NULL; v = v->next) {
        add_places(places, v, pconf);
    }
    sl_json_put(out, "projects", projects);
    sl_json_put(out, "places", places);
    main->core->dump(s, "cdp", out);
}
