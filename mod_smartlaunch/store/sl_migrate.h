/* SPDX-License-Identifier: Apache-2.0 */
/** Making and upgrading the tables: the files of sql/, in order, by the owner. Blocking; for tools.
 */
#ifndef SL_MIGRATE_H
#define SL_MIGRATE_H

#include "base/sl_rc.h"
#include <apr_pools.h>
#include <apr_tables.h>

typedef struct {
    int version;
    const char *file; /* "001_tables.sql" */
} sl_migration_t;

/**
 * The migrations in a directory (array of sl_migration_t). SL_NONE: it cannot be read or has none;
 * SL_INVALID: a number is missing or given twice.
 */
SL_MUST_USE sl_rc_t sl_migrate_list(apr_array_header_t **out, const char *dir, apr_pool_t *p,
                                    sl_err_t *err);

/** Version of the tables; 0 when there are none. SL_UNAVAILABLE, SL_FAILED. */
SL_MUST_USE sl_rc_t sl_migrate_version(int *version, const char *conninfo, apr_pool_t *p,
                                       sl_err_t *err);

typedef struct {
    const char *conninfo; /* the owner's */
    const char *dir;
    bool install; /* true: there must be no tables yet; false: there must be some */
} sl_migrate_job_t;

/**
 * Run what is missing in one transaction; of two who try at once, one waits and finds it done.
 * @param done array of sl_migration_t: what was run; empty when nothing was missing
 * @return SL_CONFLICT: tables are there (install) but old; SL_NONE: none are there (upgrade);
 * SL_FAILED: a migration did not run, nothing has changed
 */
SL_MUST_USE sl_rc_t sl_migrate_run(apr_array_header_t **done, const sl_migrate_job_t *job,
                                   apr_pool_t *p, sl_err_t *err);

#endif
