/* SPDX-License-Identifier: Apache-2.0 */
/** RFC 7662: what an EHR says of a token it gave (SEC-11). */
#ifndef SL_INTROSPECT_H
#define SL_INTROSPECT_H

#include "flow/sl_runtime.h"
#include "flow/sl_trace.h"
#include "smart/sl_introspection.h"
#include "smart/sl_token_response.h"

/**
 * Ask about an access token, once, for a few seconds at most. SL_NONE: the EHR has no introspection
 * endpoint. SL_UPSTREAM, SL_TIMEOUT, SL_BUSY: nothing is known.
 */
SL_MUST_USE sl_rc_t sl_introspect_token(sl_introspection_t *out, const sl_runtime_t *rt,
                                        const sl_ehr_t *ehr, const sl_secret_t *access,
                                        sl_trace_t *trace, sl_err_t *err);

/**
 * A token response that does not say how long its token lives or which scopes it has: fill in what
 * the EHR says when it is asked. Where it cannot be asked, nothing changes.
 * SL_UPSTREAM: it says that the token it just gave is not active.
 */
SL_MUST_USE sl_rc_t sl_introspect_fill(sl_token_response_t *tokens, const sl_runtime_t *rt,
                                       const sl_ehr_t *ehr, sl_trace_t *trace, sl_err_t *err);

#endif
