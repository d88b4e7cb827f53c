/* SPDX-License-Identifier: Apache-2.0 */
/** One call of a token endpoint, for a code or for a refresh token (TKR-*, TRS-*). */
#ifndef SL_TOKEN_ENDPOINT_H
#define SL_TOKEN_ENDPOINT_H

#include "flow/sl_outbound.h"
#include "flow/sl_trace.h"
#include "smart/sl_token_response.h"

typedef struct {
    sl_token_response_t tokens;
    apr_time_t at;     /* when the answer had come */
    int status;        /* 0: there was no answer */
    const char *error; /* of a refusal: sl_token_response_error(); else NULL */
} sl_token_reply_t;

/**
 * POST once and read the answer. SL_UPSTREAM, SL_TIMEOUT, SL_BUSY.
 * @param step its name in the flight recorder
 */
SL_MUST_USE sl_rc_t sl_token_endpoint_post(sl_token_reply_t *out, const sl_runtime_t *rt,
                                           const sl_outbound_post_t *post, const char *step,
                                           sl_trace_t *trace, sl_err_t *err);

#endif
