/* SPDX-License-Identifier: Apache-2.0 */
/** Redirects keep the launch: the handle in Location (design 3, rule 2). */
#ifndef SL_LOCATION_H
#define SL_LOCATION_H

#include <apr_pools.h>

typedef struct {
    const char *public_url; /* SmartPublicURL */
    const char *path;       /* of the request that is answered: r->uri, for relative values */
    const char *const
        *own_paths; /* our redirect URLs, NULL-terminated; what is below is ours, too */
    const char *handle;
} sl_location_t;

/**
 * The app's Location with the handle, where it stays with the app: absolute of our origin, or
 * relative. Before `#`, never a second one, never on our own URLs; foreign or odd values stay.
 * @return the very pointer given when nothing changes
 */
const char *sl_location_carry(apr_pool_t *p, const sl_location_t *rule, const char *location);

/**
 * Where a page is sent once to get its handle: public_url + `uri` with the handle, absolute, so
 * that `//host/…` as a path leads nowhere else. NULL when `uri` does not begin with `/` or holds
 * what no URL does.
 * @param uri path and query as the browser sent them
 */
const char *sl_location_again(apr_pool_t *p, const char *public_url, const char *uri,
                              const char *handle);

#endif
