/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SmartSessionParam: session ids in the query or in the form body of a search. They are taken out
 * before anybody else sees them; `access_token` goes too (FHR-3). Everything else of the text stays
 * as it is, byte for byte.
 */
#ifndef SL_SESSION_PARAM_H
#define SL_SESSION_PARAM_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>

typedef struct {
    const char *session; /* decoded (raw where it cannot be); "" when empty; NULL: none */
    bool several;        /* two different ones: 400 */
    bool had_token;      /* an access_token was in it */
    const char *rest;    /* the text without them; the very pointer given when nothing was there */
} sl_session_param_t;

/**
 * From a query string or a form body. Percent-encoded spellings of a name count.
 * @param names of const char *, NULL-terminated; there may be none
 * A body with a NUL byte in it is the caller's to refuse: it would end the text here.
 * @param out->rest NULL when `text` is NULL or nothing is left
 */
void sl_session_param_take(sl_session_param_t *out, const char *text, const char *const *names,
                           apr_pool_t *p);

/** From a URI or path with query; a `?` with nothing behind it goes, too. */
void sl_session_param_take_uri(sl_session_param_t *out, const char *uri, const char *const *names,
                               apr_pool_t *p);

/** From a request line. */
void sl_session_param_take_line(sl_session_param_t *out, const char *line, const char *const *names,
                                apr_pool_t *p);

#endif
