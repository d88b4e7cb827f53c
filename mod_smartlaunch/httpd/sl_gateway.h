/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The gateway: FHIR requests go to the EHR through mod_proxy with the stored token attached
 * (design sections 3, 7, 11, 12).
 */
#ifndef SL_GATEWAY_H
#define SL_GATEWAY_H

#include "httpd/sl_conf.h"

/** Hook: below a gateway's path the request is mod_proxy's, whatever else claims it. */
int sl_gateway_translate(request_rec *r);

/** Hook: before mod_proxy's handler: token, guard, body; one more try after a 401. */
int sl_gateway_handle(request_rec *r);

/** Hooks: answers of the EHR on their way out, and errors of ours and of httpd as FHIR has them. */
void sl_gateway_filters(request_rec *r);
void sl_gateway_error_filters(request_rec *r);

/** Hook: one audit row per call, whatever became of it. */
int sl_gateway_log(request_rec *r);

/** Filters, and mod_proxy's hook in which the bearer is attached. */
void sl_gateway_register(apr_pool_t *p);

#endif
