/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_conf.h"
#include "smart/sl_url.h"

#include <string.h>

const sl_cdp_server_t *sl_cdp_conf(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &smartlaunch_cdp_module);
}

void *sl_cdp_conf_create(apr_pool_t *p, server_rec *s)
{
    sl_cdp_server_t *server = apr_pcalloc(p, sizeof(*server));

    if (!s->is_virtual) {
        server->main = apr_pcalloc(p, sizeof(*server->main));
        server->main->projects = apr_array_make(p, 2, sizeof(sl_cdp_project_conf_t *));
    }
    server->places = apr_array_make(p, 2, sizeof(sl_cdp_place_t));
    return server;
}

void *sl_cdp_conf_merge(apr_pool_t *p, void *base, void *add)
{
    const sl_cdp_server_t *b = base;
    const sl_cdp_server_t *v = add;
    sl_cdp_server_t *out = apr_pcalloc(p, sizeof(*out));

    out->main = b->main;
    out->places = apr_array_append(p, v->places, b->places);
    return out;
}

const sl_cdp_place_t *sl_cdp_conf_place(const server_rec *s, const char *uri)
{
    const apr_array_header_t *places = sl_cdp_conf(s)->places;
    const sl_cdp_place_t *best = NULL;

    for (int i = 0; i < places->nelts; i++) {
        const sl_cdp_place_t *one = &APR_ARRAY_IDX(places, i, sl_cdp_place_t);

        if (sl_url_is_below(uri, one->path) &&
            (best == NULL || strlen(one->path) > strlen(best->path))) {
            best = one;
        }
    }
    return best;
}
