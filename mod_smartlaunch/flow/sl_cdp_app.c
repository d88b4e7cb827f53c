/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_redcap.h"
#include "flow/sl_cdp_setup.h"

#include <string.h>

static bool can_tell(const sl_cdp_project_t *project)
{
    switch (project->delivery.protocol) {
    case SL_CDP_TO_REDCAP:
        return true;
    case SL_CDP_TO_HTTP:
        break;
    }
    return false;
}

sl_rc_t sl_cdp_app_dictionary(sl_cdp_dictionary_t *out, const sl_cdp_t *cdp,
                              const sl_cdp_project_t *project, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_redcap_app_t app;
    sl_rc_t rc = SL_NONE;

    if (can_tell(project)) {
        rc = sl_cdp_redcap_open(&app, cdp, project, p, err);
    }
    if (rc == SL_OK) {
        *out = *app.shape.dictionary;
    }
    return rc;
}

static void add_map(apr_array_header_t *fields, apr_array_header_t *events, const sl_cdp_map_t *map)
{
    if (map->field != NULL) {
        sl_cdp_redcap_want(fields, map->field);
        sl_cdp_redcap_want(events, map->event);
    }
    if (map->temporal_field != NULL) {
        sl_cdp_redcap_want(fields, map->temporal_field);
    }
}

sl_rc_t sl_cdp_app_record(apr_array_header_t **out, const sl_cdp_t *cdp,
                          const sl_cdp_project_t *project, const sl_cdp_mapping_t *mapping,
                          const char *record, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *fields = apr_array_make(p, 16, sizeof(const char *));
    apr_array_header_t *events = apr_array_make(p, 4, sizeof(const char *));
    const sl_cdp_redcap_ask_t ask = {record, fields, events};
    sl_cdp_redcap_app_t app;
    sl_rc_t rc;

    if (!can_tell(project)) {
        return SL_NONE;
    }
    add_map(fields, events, &mapping->identifier);
    for (int i = 0; i < mapping->fields->nelts; i++) {
        add_map(fields, events, &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t));
    }
    rc = sl_cdp_redcap_open(&app, cdp, project, p, err);
    return rc == SL_OK ? sl_cdp_redcap_record(out, &app, &ask, p, err) : rc;
}
