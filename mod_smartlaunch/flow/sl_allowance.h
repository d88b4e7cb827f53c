/* SPDX-License-Identifier: Apache-2.0 */
/** So many a minute and no more, counted over all children in shared memory. */
#ifndef SL_ALLOWANCE_H
#define SL_ALLOWANCE_H

#include "flow/sl_runtime.h"

/**
 * May `who` do it once more in the minute of `now`? Counting is not exact under races, and starts
 * anew where shared memory needed the room: it bounds, it does not bill.
 */
bool sl_allowance_take(const sl_runtime_t *rt, const char *who, int per_minute, apr_time_t now);

#endif
