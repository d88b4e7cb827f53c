/* SPDX-License-Identifier: Apache-2.0 */
/** Which CA certificates this system trusts, for those who verify without libcurl. */
#ifndef SL_HTTP_CA_H
#define SL_HTTP_CA_H

#include <apr_pools.h>

/**
 * The PEM file that libcurl verifies with where nothing else is said, else OpenSSL's, else the one
 * of a well-known place. NULL: this system has none. Before or after fork, no network.
 */
const char *sl_http_ca_file(apr_pool_t *p);

#endif
