/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The launch handle in URLs: `smart_launch=<handle>`, taken out before the app sees the query,
 * put in where the browser is sent on (design 3 "Which launch a browser request belongs to").
 * Everything else of the text stays as it is, byte for byte.
 */
#ifndef SL_QUERY_H
#define SL_QUERY_H

#include <apr_pools.h>
#include <stdbool.h>

#define SL_QUERY_NAME "smart_launch"

/** What was found and what is left. */
typedef struct {
    const char *handle; /* decoded (raw where it cannot be); "" when empty; NULL: none */
    bool several;       /* given with different values: names two, refuse it */
    const char *rest;   /* the text without it; the very pointer given when there was none */
} sl_query_t;

/**
 * From a query string (r->args): `a=1&smart_launch=X&b=2` leaves `a=1&b=2`. Percent-encoded
 * spellings of the name count; all of them go. `rest` is NULL when nothing is left, or when
 * `query` is NULL. No allocation when there is none.
 */
void sl_query_take(sl_query_t *out, const char *query, apr_pool_t *p);

/** From a URI or path with query (r->unparsed_uri); a `?` with nothing behind it goes, too. */
void sl_query_take_uri(sl_query_t *out, const char *uri, apr_pool_t *p);

/** From a request line (r->the_request): `GET /x?smart_launch=X HTTP/1.1` → `GET /x HTTP/1.1`. */
void sl_query_take_line(sl_query_t *out, const char *line, apr_pool_t *p);

/** Only look: the handle in a URL. `rest` is `url`. */
void sl_query_find(sl_query_t *out, const char *url, apr_pool_t *p);

/** `url` with this handle, before any `#`, in place of any it had. */
const char *sl_query_put(apr_pool_t *p, const char *url, const char *handle);

#endif
