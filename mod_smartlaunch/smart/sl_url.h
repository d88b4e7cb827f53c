/* SPDX-License-Identifier: Apache-2.0 */
/** URLs: strict reading (RFC 3986), comparing, and the few ways in which we make new ones. */
#ifndef SL_URL_H
#define SL_URL_H

#include "base/sl_rc.h"
#include "base/sl_url_parts.h"

#define SL_URL_MAX 2048

/**
 * Take an absolute URL apart. SL_INVALID: other schemes, user information, an empty or odd host or
 * port, backslashes, blanks, control characters, bytes over 0x7e, bad escapes, > SL_URL_MAX bytes.
 */
SL_MUST_USE sl_rc_t sl_url_parse(sl_url_t *out, const char *text, apr_pool_t *p, sl_err_t *err);

/**
 * Do two issuers name the same FHIR base (LCH-2)? Scheme and host in any case, default port
 * written or not, one trailing slash more or less; everything else byte for byte. What does not
 * parse, or has a query or fragment, is the same as nothing.
 */
bool sl_url_same_issuer(const char *a, const char *b, apr_pool_t *tmp);

/** `localhost`, 127.0.0.0/8 or [::1], as sl_url_parse gives a host: this machine. */
bool sl_url_is_loopback(const char *host);

/**
 * May we send requests, or the browser, there? https, no fragment; http only for
 * 127.0.0.0/8, [::1] and localhost, and only when `allow_loopback`. SL_INVALID.
 */
SL_MUST_USE sl_rc_t sl_url_check_endpoint(const char *url, bool allow_loopback, apr_pool_t *tmp,
                                          sl_err_t *err);

/** The same for SmartIssuer: an endpoint without query. */
SL_MUST_USE sl_rc_t sl_url_check_issuer(const char *url, bool allow_loopback, apr_pool_t *tmp,
                                        sl_err_t *err);

/** "https://host[:port]", lower case, default port left out; NULL when `url` does not parse. */
const char *sl_url_origin(apr_pool_t *p, const char *url);

/** `url` with one more parameter, percent-encoded, put before the fragment. */
const char *sl_url_add_param(apr_pool_t *p, const char *url, const char *name, const char *value);

/** `url` with `query` (encoded already) added in the same way. */
const char *sl_url_add_query(apr_pool_t *p, const char *url, const char *query);

/** `base` + "/.well-known/" + `document`, joined by exactly one slash (DIS-1). */
const char *sl_url_well_known(apr_pool_t *p, const char *base, const char *document);

/**
 * Resolve a reference of a discovery document (DIS-3): absolute, path-absolute, or path-relative
 * to `base` + "/". NULL when it cannot be resolved (network-path, dot segments, junk).
 */
const char *sl_url_resolve(apr_pool_t *p, const char *base, const char *reference);

/**
 * Is `path` (path and query as it would stand in a Location) one on our own site (AZR-13)? It
 * begins with one "/", also after one decoding; no "//", "/\", backslash, control character,
 * fragment or dot segments that climb out.
 */
bool sl_url_is_return_path(const char *path, apr_pool_t *tmp);

/** Is `path` (with or without query) `prefix` or below it, at a segment's boundary? */
bool sl_url_is_below(const char *path, const char *prefix);

#endif
