/* SPDX-License-Identifier: Apache-2.0 */
/** What a check wants to know of an exchange besides its answer, for sl_http.c only. */
#ifndef SL_HTTP_INSPECT_H
#define SL_HTTP_INSPECT_H

#include "net/sl_http_client.h"

/** A new connection, whose certificates are kept. False: libcurl refuses. */
bool sl_http_inspect_set(CURL *handle);

/** Is this header line the Date? Then `out` is set; one that cannot be read is 0. */
void sl_http_inspect_date(apr_time_t *out, const char *line, apr_size_t len);

/** When the first certificate of the chain that was shown ends; 0: none was. */
apr_time_t sl_http_inspect_ends(CURL *handle);

#endif
