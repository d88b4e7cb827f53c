/* SPDX-License-Identifier: Apache-2.0 */
/** One refresh token against new tokens, once, and what the answer says besides (RFR-1 to 9). */
#ifndef SL_REFRESH_H
#define SL_REFRESH_H

#include "flow/sl_runtime.h"
#include "flow/sl_trace.h"
#include "smart/sl_token_response.h"
#include "store/sl_store_token.h"

typedef struct {
    const sl_ehr_t *ehr;
    const sl_token_view_t *view; /* the row as it was leased */
    const sl_secret_t *refresh;
    bool holds_place; /* as in sl_outbound_post_t */
} sl_refresh_t;

typedef struct {
    sl_token_response_t tokens;
    apr_time_t at;         /* when they came, by our clock */
    const char *encounter; /* NULL: unchanged */
    const char *context;   /* JSON members that replace the launch's; NULL: unchanged */
} sl_refreshed_t;

/**
 * SL_EXPIRED: the EHR refused for good (RFR-6). SL_DENIED: the answer speaks of another patient or
 * user, or of whom cannot be read (RFR-8, RFR-9). SL_UPSTREAM, SL_TIMEOUT, SL_BUSY: trouble for the
 * moment, with err->retry_after where the EHR said.
 */
SL_MUST_USE sl_rc_t sl_refresh_token(sl_refreshed_t *out, const sl_runtime_t *rt,
                                     const sl_refresh_t *refresh, sl_trace_t *trace, sl_err_t *err);

#endif
