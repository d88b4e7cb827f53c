/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_hold.h"

#include "store/sl_store_sql.h"

/* clang-format off */
static const sl_stmt_t HOLD = {
    .name = "sl_cdp_hold",
    .sql = "SELECT ours, added, had, known FROM smartlaunch.cdp_hold($1::text, $2::text,"
           " $3::bigint, $4::text, $5::jsonb, $6::jsonb)",
    .params = 6,
};

static const sl_stmt_t UNCLAIM = {
    .name = "sl_cdp_unclaim",
    .sql = "UPDATE smartlaunch.cdp_record SET state = 'queued', lease = NULL, lease_until = NULL,"
           " lease_by = NULL, once_more = false"
           " WHERE (project, record) IN (SELECT project, record FROM smartlaunch.cdp_record"
           "  WHERE project = $1::text AND state = 'fetching' AND lease_until < now()"
           "  FOR UPDATE SKIP LOCKED)",
    .params = 1,
    .read_only = true, /* what was done is not found again */
};

static const sl_stmt_t KEEP = {
    .name = "sl_cdp_keep",
    .sql = "WITH gone AS ("
           " UPDATE smartlaunch.cdp_value SET state = 'lapsed', value_sealed = NULL,"
           "  decided_at = now(), decided_by = 'SYSTEM'"
           " WHERE id IN (SELECT id FROM smartlaunch.cdp_value"
           "  WHERE project = $1::text AND state = 'new' AND held_at < now() - " SQL_FOR("$2")
           "  ORDER BY held_at LIMIT 1000 FOR UPDATE SKIP LOCKED) RETURNING project, record),"
           "noted AS ("
           " INSERT INTO smartlaunch.cdp_log (project, record, app_user, what, detail)"
           " SELECT DISTINCT project, record, 'SYSTEM', 'purged', 'nobody decided in time'"
           " FROM gone)"
           "SELECT count(*) AS n FROM gone",
    .params = 2,
    .read_only = true, /* what is gone is not found again */
};
/* clang-format on */

sl_rc_t sl_store_cdp_hold(sl_store_cdp_held_t *out, sl_db_t *db, const sl_store_cdp_lease_t *lease,
                          const sl_store_cdp_items_t *items, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(lease->project), sl_db_text(lease->record),
                                    sl_db_int(lease->lease),    sl_db_text(items->key_id),
                                    sl_db_text(items->json),    sl_db_text(items->seen)};
    const sl_db_call_t call = {&HOLD, params};
    sl_rows_t *rows = NULL;
    apr_pool_t *p;
    sl_rc_t rc;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL8001", "out of memory");
    }
    rc = sl_db_run(&rows, db, &call, p, err);
    if (rc == SL_OK && !sl_rows_bool(rows, 0, "ours")) {
        rc = sl_err_set(err, SL_EXPIRED, "SL8007", "another fetch has taken this record over");
    }
    if (rc == SL_OK) {
        out->added = (int)sl_rows_int(rows, 0, "added", 0);
        out->settled = (int)sl_rows_int(rows, 0, "had", 0);
        out->known = (int)sl_rows_int(rows, 0, "known", 0);
    }
    apr_pool_destroy(p);
    return rc;
}

sl_rc_t sl_store_cdp_unclaim(sl_db_t *db, const char *project, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project)};
    const sl_db_call_t call = {&UNCLAIM, params};

    return sl_store_do(db, &call, err);
}

sl_rc_t sl_store_cdp_keep(int *n, sl_db_t *db, const sl_store_cdp_keep_t *keep, apr_pool_t *p,
                          sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(keep->project), sl_db_int(keep->keep)};
    const sl_db_call_t call = {&KEEP, params};

    return sl_store_count(n, db, &call, p, err);
}
