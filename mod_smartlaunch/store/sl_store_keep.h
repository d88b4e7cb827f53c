/* SPDX-License-Identifier: Apache-2.0 */
/** Housekeeping: what SmartKeep asks for, and next month's partition of the access log. */
#ifndef SL_STORE_KEEP_H
#define SL_STORE_KEEP_H

#include "store/sl_db.h"

/**
 * One batch. Launches past their end are marked ended, abandoned and failed ones and steps older
 * than `steps` (at least a day) go, this and next month get their partition of fhir_access.
 * @param more there may be more to do: call again
 */
SL_MUST_USE sl_rc_t sl_store_keep(bool *more, sl_db_t *db, apr_interval_time_t steps, apr_pool_t *p,
                                  sl_err_t *err);

#endif
