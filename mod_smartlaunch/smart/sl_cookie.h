/* SPDX-License-Identifier: Apache-2.0 */
/** Our own cookie, which names the browser and nothing else, and a walk over a Cookie header. */
#ifndef SL_COOKIE_H
#define SL_COOKIE_H

#include "base/sl_rc.h"
#include <apr_pools.h>
#include <stdbool.h>

/** One name=value of a Cookie header; points into it. */
typedef struct {
    const char *text; /* the whole of it, without spaces around */
    apr_size_t len;
    apr_size_t name_len; /* the name begins at text */
    const char *value;   /* NULL: there is no `=` */
    apr_size_t value_len;
} sl_cookie_pair_t;

/**
 * The next pair. `*rest` is the header at first and moves on. A comma before a cookie named `own`
 * parts, too: httpd joins repeated Cookie headers with commas. @return false: no more
 */
bool sl_cookie_next(sl_cookie_pair_t *out, const char **rest, const char *own);

/** The name is exactly this one. */
bool sl_cookie_is_named(const sl_cookie_pair_t *pair, const char *name);

/** The name is this one in some spelling: other case, percent-encoded. */
bool sl_cookie_is_spelled(const sl_cookie_pair_t *pair, const char *name);

/** A legal cookie name (an RFC 9110 token): what SmartCookie and SmartAppCookies take. */
bool sl_cookie_is_name(const char *name);

/**
 * The value of our cookie. SL_NONE: not there; SL_INVALID: there with different values, so that
 * nobody can say which is ours: treat as none.
 * @param header NULL: no Cookie header
 */
SL_MUST_USE sl_rc_t sl_cookie_find(const char **value, const char *header, const char *name,
                                   apr_pool_t *p, sl_err_t *err);

/**
 * Set-Cookie value: `name=value; Path=/; Secure; HttpOnly` and, embedded, `SameSite=None;
 * Partitioned`, else `SameSite=Lax`. No lifetime: it ends with the browser (LCH-6).
 */
const char *sl_cookie_set(apr_pool_t *p, const char *name, const char *value, bool embedded);

/** Set-Cookie value that removes it. */
const char *sl_cookie_clear(apr_pool_t *p, const char *name, bool embedded);

#endif
