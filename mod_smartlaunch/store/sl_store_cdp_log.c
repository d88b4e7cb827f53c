/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_log.h"

#include "store/sl_store_sql.h"

/* clang-format off */
/* What one look at the screen showed is one entry: its rows have one time. */
static const sl_stmt_t LOG = {
    .name = "sl_cdp_log",
    .sql = "SELECT " SQL_US("e.at") " AS at, e.app_user, e.what, e.source, e.event, e.instance,"
           "  e.field, e.taken_at, e.detail"
           " FROM ("
           " (SELECT l.at, l.id, l.app_user, l.what, l.source, l.event, l.instance, l.field,"
           "   to_char(l.taken_at, CASE WHEN l.date_only THEN 'YYYY-MM-DD'"
           "    ELSE 'YYYY-MM-DD HH24:MI:SS' END) AS taken_at, l.detail"
           "  FROM smartlaunch.cdp_log l WHERE l.project = $1::text AND l.record = $2::text"
           "  ORDER BY l.id DESC LIMIT $3::int)"
           " UNION ALL"
           " (SELECT v.at, 0, v.app_user, 'viewed', NULL, NULL, 0, NULL, NULL,"
           "   count(*) || CASE count(*) WHEN 1 THEN ' value' ELSE ' values' END"
           "  FROM smartlaunch.cdp_view v WHERE v.project = $1::text AND v.record = $2::text"
           "  GROUP BY v.at, v.app_user ORDER BY v.at DESC LIMIT $3::int)"
           " ) e ORDER BY e.at DESC, e.id DESC LIMIT $3::int",
    .params = 3,
    .read_only = true,
};

static const sl_stmt_t EVER_SAVED = {
    .name = "sl_cdp_ever_saved",
    .sql = "SELECT DISTINCT l.event, l.instance, l.field FROM smartlaunch.cdp_log l"
           " WHERE l.project = $1::text AND l.record = $2::text AND l.what = 'saved'"
           "  AND l.field IS NOT NULL",
    .params = 2,
    .read_only = true,
};
/* clang-format on */

sl_rc_t sl_store_cdp_log(apr_array_header_t **out, sl_db_t *db, const sl_store_cdp_place_t *place,
                         int limit, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(place->project), sl_db_text(place->record),
                                    sl_db_int(limit)};
    const sl_db_call_t call = {&LOG, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows), sizeof(sl_store_cdp_entry_t));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        sl_store_cdp_entry_t *entry = apr_array_push(*out);

        entry->at = sl_rows_time(rows, i, "at");
        entry->user = sl_rows_text(rows, i, "app_user");
        entry->what = sl_rows_text(rows, i, "what");
        entry->source = sl_rows_text(rows, i, "source");
        entry->event = sl_rows_text(rows, i, "event");
        entry->field = sl_rows_text(rows, i, "field");
        entry->instance = (int)sl_rows_int(rows, i, "instance", 0);
        entry->taken_at = sl_rows_text(rows, i, "taken_at");
        entry->detail = sl_rows_text(rows, i, "detail");
    }
    return SL_OK;
}

sl_rc_t sl_store_cdp_ever_saved(apr_array_header_t **out, sl_db_t *db,
                                const sl_store_cdp_place_t *place, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(place->project), sl_db_text(place->record)};
    const sl_db_call_t call = {&EVER_SAVED, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows), sizeof(sl_store_cdp_field_t));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        sl_store_cdp_field_t *field = apr_array_push(*out);

        field->event = sl_rows_text(rows, i, "event");
        field->instance = (int)sl_rows_int(rows, i, "instance", 0);
        field->field = sl_rows_text(rows, i, "field");
    }
    return SL_OK;
}
