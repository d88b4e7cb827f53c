/* SPDX-License-Identifier: Apache-2.0 */
/** One watchdog per cluster, by a leased row; works through any pooler. */
#ifndef SL_STORE_WATCH_H
#define SL_STORE_WATCH_H

#include "store/sl_db.h"

/**
 * Is `by` the one, until now + `length`? Takes over a lease that ran out, renews its own.
 * @param leads false: somebody else is
 */
SL_MUST_USE sl_rc_t sl_store_watch_lead(bool *leads, sl_db_t *db, const char *by,
                                        apr_interval_time_t length, apr_pool_t *p, sl_err_t *err);

/** Step down, so that the next need not wait. */
void sl_store_watch_leave(sl_db_t *db, const char *by);

#endif
