/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How the children fare, for the status page: each leaves its own figures in shared memory every
 * few seconds, and adds what it has done to totals that outlive it. Nothing of it is on the way of
 * a request.
 */
#ifndef SL_PULSE_H
#define SL_PULSE_H

#include "flow/sl_runtime.h"
#include <sys/types.h>

#define SL_PULSE_EVERY apr_time_from_sec(1)
#define SL_PULSE_LASTS apr_time_from_sec(10)

/** What all children have done since the memory was zeroed. */
typedef struct {
    int64_t audit_written, audit_journalled, audit_lost;
    int64_t db_statements, db_connects, db_refused;
} sl_pulse_totals_t;

/** What they have just now, summed up. */
typedef struct {
    int children; /* that have told */
    int db_open, db_busy;
    int db_away; /* how many children cannot reach PostgreSQL */
    int64_t audit_waiting;
    sl_pulse_totals_t totals;
} sl_pulse_sum_t;

/** One child's. */
typedef struct sl_pulse sl_pulse_t;

/** Bytes of shared memory for the totals, zeroed: sl_runtime_t.totals. */
apr_size_t sl_pulse_size(void);

/**
 * Begin to tell. When `p` ends it is told for the last time: by a cleanup before its children's,
 * and after those that were registered later, as an audit's that is opened after this.
 * @param rt need not be complete yet
 */
sl_pulse_t *sl_pulse_new(const sl_runtime_t *rt, apr_pool_t *p);

/** Tell, at most once in SL_PULSE_EVERY. One thread of a child does this. */
void sl_pulse_beat(sl_pulse_t *pulse);

/** Sum up what these processes told. */
void sl_pulse_gather(sl_pulse_sum_t *out, const sl_runtime_t *rt, const apr_array_header_t *pids,
                     apr_pool_t *p);

#endif
