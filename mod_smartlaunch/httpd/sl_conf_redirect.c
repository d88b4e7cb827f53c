/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for a Redirect URL or a gateway: its own section and all others that cover its path.
 */
#include "httpd/sl_conf_check.h"

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <http_core.h>
#include <string.h>

/** A literal path, as httpd compares it: whole segments. */
static bool covers(const char *section, const char *path)
{
    size_t len = strlen(section);

    return strncmp(section, path, len) == 0 &&
           (len == 0 || section[len - 1] == '/' || path[len] == '/' || path[len] == '\0');
}

static bool holds_for(const core_dir_config *section, const char *path)
{
    if (section->r != NULL) {
        return ap_regexec(section->r, path, 0, NULL, 0) == 0;
    }
    if (section->d_is_fnmatch) {
        return apr_fnmatch(section->d, path, APR_FNM_PATHNAME) == APR_SUCCESS;
    }
    return covers(section->d, path);
}

/** The same walk over <Location> sections that httpd makes for a request of this path. */
const sl_location_conf_t *sl_conf_location_at(const server_rec *s, const char *path, apr_pool_t *p)
{
    const core_server_config *core = ap_get_core_module_config(s->module_config);
    void *merged = ap_get_module_config(s->lookup_defaults, &smartlaunch_module);

    for (int i = 0; i < core->sec_url->nelts; i++) {
        ap_conf_vector_t *section = APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *);
        void *ours = ap_get_module_config(section, &smartlaunch_module);

        if (ours != NULL && holds_for(ap_get_core_module_config(section), path)) {
            merged = merged != NULL ? sl_conf_merge_location(p, merged, ours) : ours;
        }
    }
    return merged;
}

/** The authority of SmartGatewayURL, the path that is called, a slash. The EHR's name follows. */
static const char *links_of(const sl_server_t *server, const sl_gateway_conf_t *gateway,
                            apr_pool_t *p)
{
    const char *url = server->gateway_url;
    const char *host = url != NULL ? strstr(url, "://") : NULL;
    const char *authority = ""; /* configtest asks for it */

    if (host != NULL) {
        authority = apr_pstrmemdup(p, url, (size_t)(host + 3 - url) + strcspn(host + 3, "/"));
    }
    return apr_pstrcat(p, authority, gateway->path, "/", NULL);
}

void sl_conf_resolve_locations(const server_rec *s, apr_pool_t *p)
{
    const sl_server_t *server = sl_conf_server(s);

    for (int i = 0; i < server->redirects->nelts; i++) {
        sl_redirect_conf_t *redirect = &APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t);

        redirect->location = sl_conf_location_at(s, redirect->path, p);
    }
    for (int i = 0; i < server->gateways->nelts; i++) {
        sl_gateway_conf_t *gateway = &APR_ARRAY_IDX(server->gateways, i, sl_gateway_conf_t);

        gateway->location = sl_conf_location_at(s, gateway->path, p);
        gateway->links = links_of(server, gateway, p);
    }
}
