/* SPDX-License-Identifier: Apache-2.0 */
/** The strict way to take a URL apart (RFC 3986); what its parts are good for is said elsewhere. */
#ifndef SL_URL_PARTS_H
#define SL_URL_PARTS_H

#include <apr_network_io.h>
#include <apr_pools.h>
#include <stdbool.h>

/** The parts of an absolute http or https URL. */
typedef struct {
    const char *scheme;   /* "http" or "https" */
    const char *host;     /* lower case; an IPv6 address keeps its brackets */
    apr_port_t port;      /* the given one or the scheme's */
    bool is_default_port; /* the scheme's own, written out or not */
    const char *path;     /* as written, "" or beginning with "/" */
    const char *query;    /* without "?"; NULL: none */
    const char *fragment; /* without "#"; NULL: none */
} sl_url_t;

/** Why there are no parts. */
typedef enum {
    SL_URL_FINE,
    SL_URL_ODD_TEXT,     /* too long; backslashes, blanks, control characters, bytes over 0x7e, bad
                            escapes */
    SL_URL_OTHER_SCHEME, /* than http and https */
    SL_URL_ODD_AUTHORITY /* user information, an empty or odd host or port */
} sl_url_fault_t;

/** Take an absolute URL of up to `max` bytes apart. NULL is an odd text. */
sl_url_fault_t sl_url_split(sl_url_t *out, const char *text, apr_size_t max, apr_pool_t *p);

/** Same scheme, host and port? */
bool sl_url_same_origin(const sl_url_t *a, const sl_url_t *b);

#endif
