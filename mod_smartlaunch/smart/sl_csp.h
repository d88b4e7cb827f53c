/* SPDX-License-Identifier: Apache-2.0 */
/** Content-Security-Policy of the app's answers: who may show us in a frame is ours to say. */
#ifndef SL_CSP_H
#define SL_CSP_H

#include <apr_pools.h>

/**
 * The header value with `frame-ancestors <ancestors>` in every policy in place of the app's own
 * (policies only intersect; design 13 "Framing"). Several headers: one call each.
 * @param value one header's value, policies joined by commas; NULL or empty: none
 * @param ancestors sl_framing_value
 */
const char *sl_csp_reframe(apr_pool_t *p, const char *value, const char *ancestors);

#endif
