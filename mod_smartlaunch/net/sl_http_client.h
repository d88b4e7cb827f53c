/* SPDX-License-Identifier: Apache-2.0 */
/** Inside of the HTTP client, for sl_http.c only: kept handles and growing answers. */
#ifndef SL_HTTP_CLIENT_H
#define SL_HTTP_CLIENT_H

#include "net/sl_http.h"
#include <curl/curl.h>

/** A libcurl handle, kept or new, without any option set. NULL: libcurl has none. */
CURL *sl_http_handle_take(sl_http_t *client);

/** Give it back: its options are forgotten, its connections are kept. */
void sl_http_handle_give(sl_http_t *client, CURL *handle);

/** Bytes of an answer as they come in. Outside of pools, so that what is outgrown is wiped. */
typedef struct {
    char *bytes;
    apr_size_t len, size, max;
} sl_http_buffer_t;

/** False: more than `max`, or no memory. */
bool sl_http_buffer_add(sl_http_buffer_t *buffer, const void *bytes, apr_size_t len);

/** Wipe and free. */
void sl_http_buffer_drop(sl_http_buffer_t *buffer);

#endif
