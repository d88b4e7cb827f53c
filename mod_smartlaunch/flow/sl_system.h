/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The token of backend services (BKS-1 to 5): got with our key and without any user, for
 * SmartSystemScope; one for each EHR and host, in shared memory only, sealed, and found by nothing
 * that a user or a session has.
 */
#ifndef SL_SYSTEM_H
#define SL_SYSTEM_H

#include "flow/sl_grant.h"
#include "flow/sl_trace.h"

/**
 * Fill in the grant's token: one that is good, or a new one. At most one request per host is under
 * way; a failure is believed by everybody for a while that grows from one second to a minute. A
 * token that still is valid is used when getting the next one fails.
 * `trace->holds_place` counts as for sl_discover_endpoints().
 * SL_UPSTREAM, SL_TIMEOUT, SL_BUSY: the EHR, now or a moment ago. SL_FAILED: our own fault.
 */
SL_MUST_USE sl_rc_t sl_system_ready(sl_grant_t *grant, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                                    sl_trace_t *trace, sl_err_t *err);

/**
 * The FHIR server refused the grant's token (401): another, once (BKS-4). SL_UPSTREAM also when it
 * refused one that is the outcome of such a refusal half a minute ago: no loop.
 */
SL_MUST_USE sl_rc_t sl_system_refused(sl_grant_t *grant, const sl_runtime_t *rt,
                                      const sl_ehr_t *ehr, sl_trace_t *trace, sl_err_t *err);

#endif
