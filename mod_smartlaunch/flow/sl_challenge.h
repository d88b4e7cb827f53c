/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Is a destination of sign-on messages who it says it is (X11)? It has to echo a fresh random
 * challenge before it is told anything.
 */
#ifndef SL_CHALLENGE_H
#define SL_CHALLENGE_H

#include "flow/sl_runtime.h"

/** A request to a destination: its CA, its verification-token as a header, no redirects. */
void sl_challenge_prepare(sl_http_request_t *request, const sl_destination_t *to);

/**
 * Ask now: by POST, and by GET where that is not echoed. SL_UPSTREAM: neither was; SL_TIMEOUT.
 * @param to with a token
 */
SL_MUST_USE sl_rc_t sl_challenge_ask(const sl_destination_t *to, sl_http_t *http,
                                     sl_http_gate_t *gate, apr_pool_t *p, sl_err_t *err);

/**
 * The same, at most once a day, and after a failure at most every 30 seconds: all children share
 * what came of it. A destination without a token is not asked.
 */
SL_MUST_USE sl_rc_t sl_challenge_settle(const sl_runtime_t *rt, const sl_destination_t *to,
                                        apr_pool_t *p, sl_err_t *err);

#endif
