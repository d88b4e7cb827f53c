/* SPDX-License-Identifier: Apache-2.0 */
/** The `error_uri` of an OAuth error (RFC 6749 sections 4.1.2.1 and 5.2): a hint for the log. */
#ifndef SL_ERROR_URI_H
#define SL_ERROR_URI_H

#include <apr_pools.h>

#define SL_ERROR_URI_MAX 160

/**
 * What of it can stand in a log line: http, https or urn, without query and fragment, at most
 * SL_ERROR_URI_MAX bytes of URI characters. NULL: nothing. It is never a link (CBK-4).
 */
const char *sl_error_uri_loggable(apr_pool_t *p, const char *said);

#endif
