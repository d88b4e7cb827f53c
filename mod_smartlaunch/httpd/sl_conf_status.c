/* SPDX-License-Identifier: Apache-2.0 */
/* Where SetHandler smart-status stands, and whether somebody is kept out there. */
#include "httpd/sl_conf_check.h"
#include "httpd/sl_conf_require.h"
#include "httpd/sl_status.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <string.h>

static bool is(const ap_directive_t *d, const char *name)
{
    return strcasecmp(d->directive, name) == 0;
}

/** The innermost section of this name around `d`; NULL: none. */
static const ap_directive_t *around(const ap_directive_t *d, const char *name)
{
    for (d = d->parent; d != NULL && !is(d, name);) {
        d = d->parent;
    }
    return d;
}

/** The literal path of the <Location> around it; NULL: it stands elsewhere. */
static const char *path_of(const ap_directive_t *d, apr_pool_t *p)
{
    const ap_directive_t *location = around(d, "<Location");
    const char *args;
    const char *path;

    if (location == NULL || around(d, "<LocationMatch") != NULL) {
        return NULL;
    }
    args = apr_pstrmemdup(p, location->args, strcspn(location->args, ">"));
    path = ap_getword_conf(p, &args);
    return path[0] == '/' && strpbrk(path, "*?[") == NULL ? path : NULL;
}

static bool is_host(const server_rec *s, const ap_directive_t *host)
{
    return host == NULL || (s->is_virtual && host->line_num == (int)s->defn_line_number &&
                            s->defn_name != NULL && strcmp(host->filename, s->defn_name) == 0);
}

static const char *check_place(const server_rec *s, const char *path, apr_pool_t *p)
{
    const sl_server_t *server = sl_conf_server(s);
    sl_conf_require_t require = sl_conf_require_at(s, path, p);

    for (int i = 0; i < server->redirects->nelts; i++) {
        const char *ours = APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t).path;

        if (sl_url_is_below(path, ours)) {
            return apr_psprintf(p,
                                "SetHandler smart-status in <Location %s> is below %s, where every "
                                "path is the Redirect URL's; write another one",
                                path, ours);
        }
    }
    if (sl_conf_gateway(server, path) != NULL) {
        return apr_psprintf(p,
                            "SetHandler smart-status in <Location %s> is below a gateway, where "
                            "every path is the EHR's; write another one",
                            path);
    }
    if (!require.is_there || require.is_open) {
        return apr_psprintf(p,
                            "SetHandler smart-status in <Location %s>: the whole world may look at "
                            "it; write Require ip, Require local or a login there",
                            path);
    }
    return NULL;
}

static const char *check_one(const server_rec *s, const ap_directive_t *d, apr_pool_t *p)
{
    const char *path = path_of(d, p);
    const ap_directive_t *host = around(d, "<VirtualHost");
    const char *wrong = NULL;

    if (path == NULL) {
        return apr_psprintf(p,
                            "SetHandler smart-status in line %d of %s makes a status page of a "
                            "<Location> with a literal path: <Location /smart-status>",
                            d->line_num, d->filename);
    }
    for (; s != NULL && wrong == NULL; s = s->next) {
        if (is_host(s, host)) {
            wrong = check_place(s, path, p);
            APR_ARRAY_PUSH(sl_conf_server(s)->statuses, const char *) = path;
        }
    }
    return wrong;
}

/** Depth of sections is bounded by httpd itself (AP_MAX_INCLUDE_DEPTH and the parser). */
const char *sl_conf_check_status(const server_rec *s, const ap_directive_t *tree, apr_pool_t *p)
{
    const char *wrong = NULL;

    for (const ap_directive_t *d = tree; d != NULL && wrong == NULL; d = d->next) {
        const char *args = d->args;

        if (is(d, "SetHandler") && strcmp(ap_getword_conf(p, &args), SL_STATUS_HANDLER) == 0) {
            wrong = check_one(s, d, p);
        } else if (d->first_child != NULL) {
            wrong = sl_conf_check_status(s, d->first_child, p);
        }
    }
    return wrong;
}
