/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The life of a token (RFR-*; design section 7, "Tokens"): one refresh per token over all threads,
 * processes and hosts, and a rotated refresh token is never lost.
 *
 *   lease the row ─▶ refresh at the EHR ─▶ journal (fsync) ─▶ store ─▶ shared memory ─▶ journal
 * entry (no transaction is open, no connection held)                        goes
 */
#ifndef SL_RENEW_H
#define SL_RENEW_H

#include "flow/sl_grant.h"
#include "flow/sl_trace.h"

/** How long a caller waits for somebody else's renewal. */
#define SL_RENEW_PATIENCE apr_time_from_sec(10)

/**
 * Make the grant usable: renewed ahead of its end, or when it has ended. A token that still is
 * valid is used when the renewal fails for the moment.
 * The caller holds a place in the EHR's gate, as while it forwards the call.
 * SL_EXPIRED: launch again: 401. SL_FAILED: the row was tampered with, or its key is gone. SL_BUSY,
 * SL_UPSTREAM, SL_UNAVAILABLE: 503 + Retry-After (err->retry_after); SL_TIMEOUT: 504.
 */
SL_MUST_USE sl_rc_t sl_renew_ready(sl_grant_t *grant, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                                   sl_trace_t *trace, apr_pool_t *p, sl_err_t *err);

/**
 * The EHR refused this generation (401): renew, once. SL_EXPIRED also when it refused a generation
 * that is the outcome of such a renewal half a minute ago: no loop (RFR-5).
 */
SL_MUST_USE sl_rc_t sl_renew_refused(sl_grant_t *grant, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                                     sl_trace_t *trace, apr_pool_t *p, sl_err_t *err);

/**
 * Renew a row of PostgreSQL now, whatever is left of its life; for the administrator. Where
 * somebody else is at it, theirs counts. SL_USED: an earlier renewal was interrupted, and the row
 * stays as it is. SL_NONE: no such EHR. Else as sl_renew_ready.
 */
SL_MUST_USE sl_rc_t sl_renew_now(sl_token_view_t *out, const sl_runtime_t *rt,
                                 const sl_token_view_t *row, const char *reference, apr_pool_t *p,
                                 sl_err_t *err);

/** Store what the journal of this host holds. `left`: records that have to wait. */
SL_MUST_USE sl_rc_t sl_renew_replay(int *left, const sl_runtime_t *rt, apr_pool_t *p,
                                    sl_err_t *err);

/**
 * Renew what is about to lapse, for the watchdog: at most `limit` of each EHR. An EHR in trouble is
 * left alone for this time; SL_UNAVAILABLE, SL_BUSY: PostgreSQL.
 */
SL_MUST_USE sl_rc_t sl_renew_due(int *renewed, const sl_runtime_t *rt, int limit, apr_pool_t *p,
                                 sl_err_t *err);

#endif
