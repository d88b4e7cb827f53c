/* SPDX-License-Identifier: Apache-2.0 */
/** Inside of sl_renew: what the one does who was elected to renew a token on this host. */
#ifndef SL_RENEW_LEAD_H
#define SL_RENEW_LEAD_H

#include "flow/sl_runtime.h"
#include "store/sl_store_token.h"

typedef struct {
    const sl_ehr_t *ehr;
    const char *launch, *key_id;
    apr_int64_t generation; /* the one that is not good enough any more */
    const char *reference;
    bool usable;      /* it still is valid: nobody has to wait, or to be turned away */
    bool refused;     /* the EHR said 401 to it */
    bool holds_place; /* in the EHR's gate */
} sl_renewal_job_t;

/** How long the lease and the election of a renewal last: longer than any call, and what follows.
 */
apr_interval_time_t sl_renew_lead_length(const sl_ehr_t *ehr);

/**
 * Bring home what the journal has, lease the row, refresh, and keep what came. SL_OK: `out` is a
 * newer generation, in our time, and in memory. SL_NONE: another host is at it. SL_EXPIRED: launch
 * again. SL_USED: a renewal was interrupted, the token at hand is the last one. Anything else: for
 * the moment, with err->retry_after.
 */
SL_MUST_USE sl_rc_t sl_renew_lead(sl_token_view_t *out, const sl_runtime_t *rt,
                                  const sl_renewal_job_t *job, apr_pool_t *p, sl_err_t *err);

/** Is this generation the outcome of a renewal that a 401 made necessary half a minute ago? */
bool sl_renew_lead_was_refused(const sl_runtime_t *rt, const char *launch, apr_int64_t generation,
                               apr_pool_t *tmp);

#endif
