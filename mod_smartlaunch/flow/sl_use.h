/* SPDX-License-Identifier: Apache-2.0 */
/**
 * When a launch was used last, as this host knows it, and whether it is over by that. Kept in
 * shared memory beside what was read of the launch, so that noting a use neither takes that away
 * nor makes it older; and it counts while PostgreSQL cannot be told.
 */
#ifndef SL_USE_H
#define SL_USE_H

#include "flow/sl_runtime.h"

/** A launch and its limits, by our clock. */
typedef struct {
    const char *launch;
    apr_time_t last_seen_at, expires_at;
} sl_use_t;

/** The last use: what the row says, or what memory knows to be later. */
apr_time_t sl_use_last(const sl_runtime_t *rt, const sl_use_t *use, apr_time_t now);

/** It is used now; remembered for `idle` (SmartSession). */
void sl_use_note(const sl_runtime_t *rt, const char *launch, apr_interval_time_t idle,
                 apr_time_t now);

/** Past its end, or not used for `idle`. */
bool sl_use_is_over(const sl_runtime_t *rt, const sl_use_t *use, apr_interval_time_t idle,
                    apr_time_t now);

#endif
