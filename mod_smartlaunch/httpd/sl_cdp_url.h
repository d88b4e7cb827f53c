/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The addresses of the Clinical Data Pull: whose they are, who asks, and for which project. What
 * comes to a page or to the API has been let in already: the user is known and has a right to the
 * project (C1), and what changes anything came from our own origin (pages) or from a server (API).
 */
#ifndef SL_CDP_URL_H
#define SL_CDP_URL_H

#include "flow/sl_cdp.h"
#include "flow/sl_cdp_right.h"
#include "httpd/sl_core.h"

#define SL_CDP_SEGMENTS 4

typedef struct {
    const sl_core_t *core;
    const sl_cdp_t *cdp;
    sl_core_who_t who;
    sl_cdp_actor_t actor; /* actor.user is never NULL */

    const char *base;   /* path of the <Location>, without a slash at its end: "/cdp" */
    const char *app;    /* SmartApp of this very address: whose users their names are */
    const char *handle; /* for links and forms of a launch: smart_launch=…; NULL: none */

    /** Pages: NULL only for the list of projects (`<base>/`). API: never NULL. */
    const sl_cdp_project_t *project;
    sl_cdp_rights_t rights; /* in this project: one of them at least */

    /** What follows the project's name, decoded: "/3/fetch" → "3", "fetch". More of them, or an
     * empty one between slashes, has been answered with 404. */
    const char *segments[SL_CDP_SEGMENTS];
    int depth;
    bool has_slash; /* the path ends with a slash */

    bool is_unsafe; /* not GET or HEAD */
} sl_cdp_visit_t;

/** Hook: below a <Location> with SmartCDP the request is ours, whatever else claims it. */
int sl_cdp_url_translate(request_rec *r);

/** Hook: no <Directory> and no .htaccess for what is no file. */
int sl_cdp_url_map(request_rec *r);

/** Hook: the handler. */
int sl_cdp_url_handle(request_rec *r);

/**
 * The request's body as text with a NUL behind it, `max` bytes at most (SL_INVALID: longer, cut
 * off, or of another media type; err->text is a plain sentence).
 * @param type media type without parameters: "application/json"; NULL: any
 */
SL_MUST_USE sl_rc_t sl_cdp_visit_body(const char **body, apr_size_t *len, request_rec *r,
                                      const char *type, apr_size_t max, sl_err_t *err);

/**
 * The record that segments[i] names; NULL: it cannot be the name of one (sl_cdp_is_record), the
 * answer is 404.
 */
const char *sl_cdp_visit_record(const sl_cdp_visit_t *visit, int i);

/**
 * An address below the location, with smart_launch=<handle> where there is one: segments are
 * encoded, the last one NULL. `query` is appended as it is; NULL: none.
 */
const char *sl_cdp_visit_href(const sl_cdp_visit_t *visit, apr_pool_t *p, const char *query,
                              const char *const *segments);

/** A method that this address does not take. @return DONE */
int sl_cdp_visit_not_allowed(const sl_cdp_visit_t *visit, request_rec *r, const char *allow);

/** 404, the same for everything that is not here. @return DONE */
int sl_cdp_visit_not_found(const sl_cdp_visit_t *visit, request_rec *r);

/* The two sides; each answers and returns DONE. */
int sl_cdp_pages_handle(request_rec *r, const sl_cdp_visit_t *visit);
int sl_cdp_api_handle(request_rec *r, const sl_cdp_visit_t *visit);

#endif
