/* SPDX-License-Identifier: Apache-2.0 */
/** Does the database have the tables this module was built for? */
#ifndef SL_SCHEMA_H
#define SL_SCHEMA_H

#include "store/sl_db.h"

#define SL_SCHEMA_VERSION 6

/**
 * @return SL_OK; SL_UNAVAILABLE or SL_BUSY: it cannot be asked now; SL_FAILED: it has no or
 * other tables, `err` says what to run
 */
SL_MUST_USE sl_rc_t sl_schema_check(sl_db_t *db, apr_pool_t *p, sl_err_t *err);

#endif
