/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_keep.h"

#include "store/sl_store_sql.h"

#define BATCH 1000

static const sl_stmt_t KEEP = {
    .name = "sl_keep",
    .sql = "SELECT smartlaunch.purge(" SQL_FOR(
        "$1") ") AS n,"
              " smartlaunch.access_partition((now() AT TIME ZONE 'UTC')::date),"
              " smartlaunch.access_partition("
              "  (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month')::date)",
    .params = 1,
};

sl_rc_t sl_store_keep(bool *more, sl_db_t *db, apr_interval_time_t steps, apr_pool_t *p,
                      sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_int(steps)};
    const sl_db_call_t call = {&KEEP, params};
    int n;
    sl_rc_t rc = sl_store_count(&n, db, &call, p, err);

    *more = n >= BATCH;
    return rc;
}
