/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What has to be done without a request: hear of changes on other hosts, bring home what the
 * journal holds, tell EHRs of revoked tokens, and, one per cluster, renew tokens ahead and keep the
 * audit's months.
 */
#ifndef SL_CARETAKER_H
#define SL_CARETAKER_H

#include "flow/sl_runtime.h"

typedef struct sl_caretaker sl_caretaker_t;

typedef struct {
    const char *listen;              /* conninfo for LISTEN; NULL: nobody listens (polling only) */
    apr_interval_time_t keep_steps;  /* SmartKeep */
    apr_interval_time_t keep_access; /* 0: for ever */
    bool renews;                     /* there is a gateway that uses tokens */
} sl_caretaker_options_t;

/** One per host; used by one thread at a time. Ends with the pool. */
sl_caretaker_t *sl_caretaker_new(apr_pool_t *p, const sl_runtime_t *rt,
                                 const sl_caretaker_options_t *options);

/**
 * One turn: waits for hints at most `wait`, then does what is due. Call it again and again. It
 * returns soon after `*stop` became non-zero.
 */
void sl_caretaker_turn(sl_caretaker_t *caretaker, apr_interval_time_t wait,
                       const volatile apr_uint32_t *stop, apr_pool_t *tmp);

/** Step down, for the next host to take over at once. */
void sl_caretaker_leave(sl_caretaker_t *caretaker);

#endif
