/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Is a URL of our own origin? The origin is SmartPublicURL's, never a request header's. Nothing
 * here allocates. What a browser would read otherwise than we do (userinfo, backslashes, control
 * characters, "https:host") is never ours.
 */
#ifndef SL_ORIGIN_H
#define SL_ORIGIN_H

#include <stdbool.h>

/**
 * What follows scheme and authority of an absolute URL of the origin of `public_url`: "" or a text
 * that begins with `/`, `?` or `#` and points into `url`. NULL: of another origin, not absolute,
 * or odd. Scheme and host are compared without case, default ports are known.
 * @param public_url scheme://host[:port], a slash at the end is allowed
 */
const char *sl_origin_rest(const char *public_url, const char *url);

/** The value of an Origin header is our origin. NULL, "null" and lists are not. */
bool sl_origin_is(const char *public_url, const char *origin);

/**
 * A browser sees the URL that we see: no control characters (it would leave them out), no space at
 * either end, no backslash before `?` or `#` (it would take it for a slash).
 */
bool sl_origin_is_plain(const char *url);

#endif
