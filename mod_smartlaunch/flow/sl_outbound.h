/* SPDX-License-Identifier: Apache-2.0 */
/** Requests to an EHR: its CA, its proxy, its time-outs and its bound, always. */
#ifndef SL_OUTBOUND_H
#define SL_OUTBOUND_H

#include "flow/sl_runtime.h"
#include "smart/sl_token_request.h"

typedef struct {
    const sl_ehr_t *ehr;
    const char *url;
    apr_size_t max_bytes;
    bool holds_place;   /* whoever asks holds a place in the EHR's gate for it already */
    bool inspect;       /* as in sl_http_request_t */
    const char *accept; /* NULL: application/json */
    const sl_secret_t *authorization; /* whole value of the header; NULL: none */
    apr_interval_time_t timeout;      /* where it is shorter than the EHR's; 0: that one */
} sl_outbound_get_t;

/** GET a JSON document. The rc says whether there was an answer; its status is the caller's. */
SL_MUST_USE sl_rc_t sl_outbound_get(sl_http_reply_t *reply, const sl_runtime_t *rt,
                                    const sl_outbound_get_t *get, apr_pool_t *p, sl_err_t *err);

typedef struct {
    const sl_ehr_t *ehr;
    const char *url;
    const sl_token_call_t *call;
    bool holds_place;            /* as above */
    apr_interval_time_t timeout; /* where it is shorter than the EHR's; 0: that one */
} sl_outbound_post_t;

/** POST to a token endpoint, once (TKR-1, TKR-4). */
SL_MUST_USE sl_rc_t sl_outbound_token(sl_http_reply_t *reply, const sl_runtime_t *rt,
                                      const sl_outbound_post_t *post, apr_pool_t *p, sl_err_t *err);

#endif
