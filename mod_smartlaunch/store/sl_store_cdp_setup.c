/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_setup.h"

#include "store/sl_store_sql.h"

/* clang-format off */
static const sl_stmt_t LOAD = {
    .name = "sl_cdp_setup_load",
    .sql = "SELECT jsonb_build_object('revision', p.revision, 'ehr', p.ehr,"
           " 'day_offset', p.day_offset, 'direction', p.direction, 'convert_gmt', p.convert_gmt,"
           " 'adjudication', p.adjudication, 'preview', coalesce((SELECT"
           "  jsonb_agg(w.source ORDER BY w.position) FROM smartlaunch.cdp_preview w"
           "  WHERE w.project = p.project), '[]'), 'fields', coalesce((SELECT"
           "  jsonb_agg(to_jsonb(m) ORDER BY m.position, m.id) FROM smartlaunch.cdp_mapping m"
           "  WHERE m.project = p.project AND m.removed_at IS NULL), '[]'))::text AS setup"
           " FROM smartlaunch.cdp_project p WHERE p.project = $1::text AND p.revision > 0",
    .params = 1,
    .read_only = true,
};

static const sl_stmt_t SAVE = {
    .name = "sl_cdp_setup_save",
    .sql = "SELECT smartlaunch.cdp_save($1::text, $2::text, $3::bigint, $4::jsonb) AS n",
    .params = 4,
};

static const sl_stmt_t LAST = {
    .name = "sl_cdp_setup_last",
    .sql = "SELECT p.updated_by, " SQL_US("p.updated_at") " AS updated_at"
           " FROM smartlaunch.cdp_project p WHERE p.project = $1::text AND p.revision > 0",
    .params = 1,
    .read_only = true,
};
/* clang-format on */

sl_rc_t sl_store_cdp_setup_last(const char **by, apr_time_t *at, sl_db_t *db, const char *project,
                                apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project)};
    const sl_db_call_t call = {&LAST, params};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK || sl_rows_count(rows) == 0) {
        return rc == SL_OK ? SL_NONE : rc;
    }
    *by = sl_rows_text(rows, 0, "updated_by");
    *at = sl_rows_time(rows, 0, "updated_at");
    return SL_OK;
}

sl_rc_t sl_store_cdp_setup_load(const char **json, sl_db_t *db, const char *project, apr_pool_t *p,
                                sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project)};
    const sl_db_call_t call = {&LOAD, params};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *json = sl_rows_count(rows) > 0 ? sl_rows_text(rows, 0, "setup") : NULL;
    return *json != NULL ? SL_OK : SL_NONE;
}

sl_rc_t sl_store_cdp_setup_save(sl_db_t *db, const sl_store_cdp_setup_t *setup, apr_pool_t *p,
                                sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(setup->project), sl_db_text(setup->by),
                                    sl_db_int(setup->revision), sl_db_text(setup->json)};
    const sl_db_call_t call = {&SAVE, params};
    int n = 0;
    sl_rc_t rc = sl_store_count(&n, db, &call, p, err);

    if (rc == SL_OK && n == 0) {
        rc = sl_err_set(err, SL_CONFLICT, "SL8002",
                        "somebody else has saved this mapping meanwhile");
    }
    return rc;
}
