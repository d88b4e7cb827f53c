/* SPDX-License-Identifier: Apache-2.0 */
/* What configtest refuses about locations with SmartCDP. */
#include "httpd/sl_cdp_conf.h"
#include "httpd/sl_conf_require.h"

#include <apr_strings.h>
#include <string.h>

/** Paths below a location at which its own rules hold: not those of a nested one. */
static apr_array_header_t *paths_of(const server_rec *s, const sl_cdp_place_t *place, apr_pool_t *p)
{
    const apr_array_header_t *below = sl_conf_require_below(s, place->path, p);
    apr_array_header_t *out = apr_array_make(p, 4, sizeof(const char *));

    APR_ARRAY_PUSH(out, const char *) = place->path;
    APR_ARRAY_PUSH(out, const char *) = apr_pstrcat(p, place->path, "/x", NULL);
    for (int i = 0; i < below->nelts; i++) {
        const char *path = APR_ARRAY_IDX(below, i, const char *);

        if (sl_cdp_conf_place(s, path) == place) {
            APR_ARRAY_PUSH(out, const char *) = path;
        }
    }
    return out;
}

/**
 * Pages are for people who have logged in. Under AuthType Smart each page asks for a launch or
 * session itself, whatever Require says; elsewhere Require alone makes httpd ask.
 */
static const char *check_page(const sl_cdp_place_t *place, const char *path,
                              const sl_conf_require_t *require, apr_pool_t *p)
{
    bool asks = require->is_there && !require->is_open && require->asks_user && require->has_type;

    if (asks || require->is_smart) {
        return NULL;
    }
    return apr_psprintf(p,
                        "SmartCDP on in <Location %s>: nobody has to log in at %s; write AuthType "
                        "Smart (or another) and Require valid-user",
                        place->path, path);
}

static const char *check_call(const sl_cdp_place_t *place, const char *path,
                              const sl_conf_require_t *require, apr_pool_t *p)
{
    if (require->is_smart) {
        return apr_psprintf(p,
                            "SmartCDP api in <Location %s>: AuthType Smart holds at %s, which is "
                            "for people; write AuthType None there",
                            place->path, path);
    }
    if (!place->has_require || !require->is_there) {
        return apr_psprintf(p,
                            "SmartCDP api in <Location %s> has no Require of its own; write who "
                            "may call it: Require local",
                            place->path);
    }
    if (require->asks_user && !require->has_type) {
        return apr_psprintf(p,
                            "SmartCDP api in <Location %s>: Require asks for a user at %s and no "
                            "AuthType says how callers log in; write Require local, or an AuthType",
                            place->path, path);
    }
    return NULL;
}

static const char *check_require(const server_rec *s, const sl_cdp_place_t *place, bool *is_open,
                                 apr_pool_t *p)
{
    const apr_array_header_t *paths = paths_of(s, place, p);
    const char *wrong = NULL;

    *is_open = false;
    for (int i = 0; i < paths->nelts && wrong == NULL; i++) {
        const char *path = APR_ARRAY_IDX(paths, i, const char *);
        sl_conf_require_t require = sl_conf_require_at(s, path, p);

        *is_open = *is_open || require.is_open;
        wrong = place->side == SL_CDP_PAGES ? check_page(place, path, &require, p)
                                            : check_call(place, path, &require, p);
    }
    return wrong;
}

static const char *check_place(server_rec *s, sl_cdp_place_t *place, apr_pool_t *p)
{
    const sl_core_t *core = sl_cdp_conf(s)->main->core;
    const char *taken = core->is_taken(s, place->path, p);
    const char *wrong;
    bool is_open;

    place->app = core->app_at(s, place->path, p);
    if (taken != NULL) {
        return apr_psprintf(p, "<Location %s> has SmartCDP and %s; give each a path of its own",
                            place->path, taken);
    }
    wrong = check_require(s, place, &is_open, p);
    if (wrong != NULL) {
        return wrong;
    }
    if (place->side == SL_CDP_PAGES) {
        return core->public_url(s) != NULL
                   ? NULL
                   : apr_psprintf(p,
                                  "<Location %s> has SmartCDP on and no SmartPublicURL is set for "
                                  "it; write SmartPublicURL https://HOST, the address the browser "
                                  "sees",
                                  place->path);
    }
    if (!core->take_asks(s, place->path, is_open)) {
        return apr_psprintf(p,
                            "SmartCDP api in <Location %s>: Require lets everybody call it; write "
                            "Require local, or SmartCaller NAME file:PATH",
                            place->path);
    }
    return NULL;
}

static const char *check_twice(const server_rec *s, const sl_cdp_place_t *place, apr_pool_t *p)
{
    if (sl_cdp_conf_place(s, place->path)->side == place->side) {
        return NULL;
    }
    return apr_psprintf(p,
                        "<Location %s> has SmartCDP on and SmartCDP api; give each a path of its "
                        "own",
                        place->path);
}

const char *sl_cdp_conf_check_places(server_rec *s, apr_pool_t *p)
{
    const apr_array_header_t *places = sl_cdp_conf(s)->places;
    const char *wrong = NULL;

    for (int i = 0; i < places->nelts && wrong == NULL; i++) {
        wrong = check_twice(s, &APR_ARRAY_IDX(places, i, sl_cdp_place_t), p);
    }
    for (int i = 0; i < places->nelts && wrong == NULL; i++) {
        sl_cdp_place_t *place = &APR_ARRAY_IDX(places, i, sl_cdp_place_t);

        if (sl_cdp_conf_place(s, place->path) == place) {
            wrong = check_place(s, place, p);
        } else { /* the same section once more */
            place->app = sl_cdp_conf_place(s, place->path)->app;
        }
    }
    return wrong;
}
