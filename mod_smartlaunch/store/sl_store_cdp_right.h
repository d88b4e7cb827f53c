/* SPDX-License-Identifier: Apache-2.0 */
/** Rows of cdp_right. */
#ifndef SL_STORE_CDP_RIGHT_H
#define SL_STORE_CDP_RIGHT_H

#include "store/sl_db.h"
#include <apr_tables.h>

typedef struct {
    const char *user;
    bool setup, adjudicate;
    const char *granted_by; /* of the newest */
    apr_time_t granted_at;
} sl_store_cdp_right_t;

/** The rights of one user; both false: none. */
SL_MUST_USE sl_rc_t sl_store_cdp_right_of(sl_store_cdp_right_t *out, sl_db_t *db,
                                          const char *project, const char *user, apr_pool_t *p,
                                          sl_err_t *err);

/** Of sl_store_cdp_right_t, by name. */
SL_MUST_USE sl_rc_t sl_store_cdp_right_list(apr_array_header_t **out, sl_db_t *db,
                                            const char *project, apr_pool_t *p, sl_err_t *err);

typedef struct {
    const char *project, *user;
    const char *right; /* "setup", "adjudicate" */
    bool may;
    const char *by;
} sl_store_cdp_right_set_t;
/** Give it (who has it keeps it as it was given) or take it. */
SL_MUST_USE sl_rc_t sl_store_cdp_right_set(sl_db_t *db, const sl_store_cdp_right_set_t *set,
                                           sl_err_t *err);

#endif
