/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_right.h"

#include "store/sl_store_sql.h"
#include <string.h>

/* clang-format off */
#define SQL_RIGHTS                                                                                 \
    "SELECT app_user, bool_or(may = 'setup') AS setup, bool_or(may = 'adjudicate') AS adjudicate," \
    " (array_agg(granted_by ORDER BY granted_at DESC, may))[1] AS granted_by, "                    \
    SQL_US("max(granted_at)") " AS granted_at FROM smartlaunch.cdp_right WHERE project = $1::text"

static const sl_stmt_t OF = {
    .name = "sl_cdp_right_of",
    .sql = SQL_RIGHTS " AND app_user = $2::text GROUP BY app_user",
    .params = 2,
    .read_only = true,
};

static const sl_stmt_t LIST = {
    .name = "sl_cdp_right_list",
    .sql = SQL_RIGHTS " GROUP BY app_user ORDER BY app_user COLLATE \"C\"",
    .params = 1,
    .read_only = true,
};

static const sl_stmt_t GIVE = {
    .name = "sl_cdp_right_give",
    .sql = "INSERT INTO smartlaunch.cdp_right (project, app_user, may, granted_by)"
           " VALUES ($1::text, $2::text, $3::text, $4::text) ON CONFLICT DO NOTHING",
    .params = 4,
    .read_only = true, /* given twice is given */
};

static const sl_stmt_t TAKE = {
    .name = "sl_cdp_right_take",
    .sql = "DELETE FROM smartlaunch.cdp_right"
           " WHERE project = $1::text AND app_user = $2::text AND may = $3::text",
    .params = 3,
    .read_only = true, /* gone twice is gone */
};
/* clang-format on */

static void read_right(sl_store_cdp_right_t *out, const sl_rows_t *rows, int i)
{
    out->user = sl_rows_text(rows, i, "app_user");
    out->setup = sl_rows_bool(rows, i, "setup");
    out->adjudicate = sl_rows_bool(rows, i, "adjudicate");
    out->granted_by = sl_rows_text(rows, i, "granted_by");
    out->granted_at = sl_rows_time(rows, i, "granted_at");
}

sl_rc_t sl_store_cdp_right_of(sl_store_cdp_right_t *out, sl_db_t *db, const char *project,
                              const char *user, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project), sl_db_text(user)};
    const sl_db_call_t call = {&OF, params};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK && sl_rows_count(rows) > 0) {
        read_right(out, rows, 0);
    }
    return rc;
}

sl_rc_t sl_store_cdp_right_list(apr_array_header_t **out, sl_db_t *db, const char *project,
                                apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project)};
    const sl_db_call_t call = {&LIST, params};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    *out = apr_array_make(p, 8, sizeof(sl_store_cdp_right_t));
    for (int i = 0; rc == SL_OK && i < sl_rows_count(rows); i++) {
        read_right(apr_array_push(*out), rows, i);
    }
    return rc;
}

sl_rc_t sl_store_cdp_right_set(sl_db_t *db, const sl_store_cdp_right_set_t *set, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(set->project), sl_db_text(set->user),
                                    sl_db_text(set->right), sl_db_text(set->by)};
    const sl_db_call_t call = {set->may ? &GIVE : &TAKE, params};

    return sl_store_do(db, &call, err);
}
