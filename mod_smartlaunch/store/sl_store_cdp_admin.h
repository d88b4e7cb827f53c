/* SPDX-License-Identifier: Apache-2.0 */
/** The Clinical Data Pull as an administrator sees it: numbers, nothing of a patient. */
#ifndef SL_STORE_CDP_ADMIN_H
#define SL_STORE_CDP_ADMIN_H

#include "store/sl_db.h"

/** Of which projects. */
typedef struct {
    const char *configured; /* JSON array as httpd's dump has it: name, app, ehr, deliver.protocol,
                               refetch_every, refetch_inactive; NULL: not known */
    const char *project;    /* this one only; NULL: all */
    const char *keys;       /* names of the ring's keys, a blank between; NULL: not known */
    int limit;
} sl_store_cdp_of_t;

/**
 * Those that are configured and those that are stored, by name: project, configured (null: not
 * known), app, ehr, deliver, fields (null: no mapping), revision, updated_at, updated_by, setup,
 * adjudicate (users with the right), records, new_values, waiting (deliveries). For members of
 * smartlaunch_dba as well as for the module.
 */
SL_MUST_USE sl_rc_t sl_store_cdp_admin_projects(sl_rows_t **out, sl_db_t *db,
                                                const sl_store_cdp_of_t *of, apr_pool_t *p,
                                                sl_err_t *err);

/**
 * What goes on, for the module's own role: project, records, due (queued, or to be refetched by
 * now), fetching, put_off (queued, and not yet to be tried again), relaunch (nobody's token is
 * good), failed (by its last fetch), last_fetch, new_values, waiting (deliveries), oldest_waiting,
 * tries (the most of one that waits), refused (and not saved anew since), unreadable (sealed by a
 * key that is not among `keys`; null: not known). Times in microseconds.
 */
SL_MUST_USE sl_rc_t sl_store_cdp_admin_status(sl_rows_t **out, sl_db_t *db,
                                              const sl_store_cdp_of_t *of, apr_pool_t *p,
                                              sl_err_t *err);

#endif
