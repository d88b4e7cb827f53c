/* SPDX-License-Identifier: Apache-2.0 */
/** Values held for a decision. */
#ifndef SL_STORE_CDP_HOLD_H
#define SL_STORE_CDP_HOLD_H

#include "store/sl_store_cdp_record.h"

typedef struct {
    int added, settled, known;
} sl_store_cdp_held_t;

typedef struct {
    const char *key_id; /* what sealed them */
    const char *json;   /* [{"mapping", "instance", "taken", "day", "unit", "print", "sealed",
                           "settled", "origin"} …] */
    const char *seen;   /* {"origins": [{"print", "gone"} …],
                            "wants": [{"mapping", "instance", "opens", "closes"} …]} */
} sl_store_cdp_items_t;

/** Hold what one page gave, in one transaction. SL_EXPIRED: the claim is not ours any more. */
SL_MUST_USE sl_rc_t sl_store_cdp_hold(sl_store_cdp_held_t *out, sl_db_t *db,
                                      const sl_store_cdp_lease_t *lease,
                                      const sl_store_cdp_items_t *items, sl_err_t *err);

/** Claims whose time is up wait in the queue again. */
SL_MUST_USE sl_rc_t sl_store_cdp_unclaim(sl_db_t *db, const char *project, sl_err_t *err);

typedef struct {
    const char *project;
    apr_interval_time_t keep;
} sl_store_cdp_keep_t;
/** Delete new values that were held for longer than that, a batch of them. @param n how many */
SL_MUST_USE sl_rc_t sl_store_cdp_keep(int *n, sl_db_t *db, const sl_store_cdp_keep_t *keep,
                                      apr_pool_t *p, sl_err_t *err);

#endif
