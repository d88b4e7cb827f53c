/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_sheet.h"

#include "store/sl_store_sql.h"
#include <apr_strings.h>

/* clang-format off */
#define SQL_TAKEN                                                                                  \
    "to_char(v.taken_at, CASE WHEN v.date_only THEN 'YYYY-MM-DD'"                                  \
    " ELSE 'YYYY-MM-DD HH24:MI:SS' END) AS taken_at"

/* Excluded, and the EHR has another by now: not shown. Of one-time values the newest counts. */
static const sl_stmt_t OPEN = {
    .name = "sl_cdp_open",
    .sql = "SELECT v.id, v.mapping, v.instance, " SQL_TAKEN ", v.unit, v.state, v.key_id,"
           "  v.value_sealed, encode(v.value_print, 'hex') AS print"
           " FROM smartlaunch.cdp_value v"
           " WHERE v.project = $1::text AND v.record = $2::text AND v.state IN ('new', 'excluded')"
           "  AND v.revised IS NULL"
           "  AND NOT (v.state = 'excluded' AND v.taken_at IS NULL AND EXISTS ("
           "   SELECT 1 FROM smartlaunch.cdp_value n WHERE n.project = v.project"
           "    AND n.record = v.record AND n.mapping = v.mapping AND n.instance = v.instance"
           "    AND n.taken_at IS NULL AND n.id > v.id))"
           " ORDER BY v.taken_at NULLS FIRST, v.id",
    .params = 2,
    .read_only = true,
};

static const sl_stmt_t LAST = {
    .name = "sl_cdp_last",
    .sql = "SELECT DISTINCT ON (o.event, o.instance, o.field) o.key, o.event, o.instance, o.field,"
           "  o.state, o.key_id, o.value_sealed, o.reason_key, o.reason_sealed, o.value_id AS id,"
           "  v.mapping, " SQL_TAKEN ", v.unit, v.revised,"
           "  EXISTS (SELECT 1 FROM smartlaunch.cdp_outbox a"
           "   WHERE a.project = o.project AND a.record = o.record AND a.event = o.event"
           "    AND a.instance = o.instance AND a.field = o.field AND a.state = 'waiting'"
           "    AND a.aside_at IS NOT NULL) AS aside"
           " FROM smartlaunch.cdp_outbox o LEFT JOIN smartlaunch.cdp_value v ON v.id = o.value_id"
           " WHERE o.project = $1::text AND o.record = $2::text"
           " ORDER BY o.event, o.instance, o.field, o.seq DESC",
    .params = 2,
    .read_only = true,
};

static const sl_stmt_t DATES = {
    .name = "sl_cdp_dates",
    .sql = "SELECT r.dates_key, r.dates_sealed FROM smartlaunch.cdp_record r"
           " WHERE r.project = $1::text AND r.record = $2::text AND r.dates_sealed IS NOT NULL",
    .params = 2,
    .read_only = true,
};

static const sl_stmt_t VIEW = {
    .name = "sl_cdp_view_add",
    .sql = "WITH noted AS ("
           "INSERT INTO smartlaunch.cdp_view (project, record, app_user, value, source, event,"
           " instance, field, taken_at, date_only, launch, reference)"
           " SELECT v.project, v.record, $3::text, v.id, m.source, m.event, v.instance, m.field,"
           "  v.taken_at, v.date_only, $4::text, $5::text"
           " FROM smartlaunch.cdp_value v JOIN smartlaunch.cdp_mapping m ON m.id = v.mapping"
           " WHERE v.id = ANY ($6::bigint[]) AND v.project = $1::text AND v.record = $2::text"
           " ORDER BY v.id RETURNING 1) SELECT count(*) AS n FROM noted",
    .params = 6,
};
/* clang-format on */

static void read_value(sl_store_cdp_open_t *out, const sl_rows_t *rows, int i)
{
    out->id = sl_rows_int(rows, i, "id", 0);
    out->mapping = sl_rows_int(rows, i, "mapping", 0);
    out->instance = (int)sl_rows_int(rows, i, "instance", 0);
    out->taken_at = sl_rows_text(rows, i, "taken_at");
    out->print = sl_rows_text(rows, i, "print");
    out->unit = sl_rows_text(rows, i, "unit");
    out->state = sl_rows_text(rows, i, "state");
    out->key_id = sl_rows_text(rows, i, "key_id");
    out->sealed = sl_rows_bytes(rows, i, "value_sealed");
}

sl_rc_t sl_store_cdp_open(apr_array_header_t **out, sl_db_t *db, const sl_store_cdp_place_t *place,
                          apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(place->project), sl_db_text(place->record)};
    const sl_db_call_t call = {&OPEN, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows), sizeof(sl_store_cdp_open_t));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        read_value(apr_array_push(*out), rows, i);
    }
    return SL_OK;
}

sl_rc_t sl_store_cdp_last(apr_array_header_t **out, sl_db_t *db, const sl_store_cdp_place_t *place,
                          apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(place->project), sl_db_text(place->record)};
    const sl_db_call_t call = {&LAST, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows), sizeof(sl_store_cdp_last_t));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        sl_store_cdp_last_t *last = apr_array_push(*out);

        read_value(&last->value, rows, i);
        last->key = sl_rows_text(rows, i, "key");
        last->event = sl_rows_text(rows, i, "event");
        last->instance = last->value.instance;
        last->field = sl_rows_text(rows, i, "field");
        last->state = last->value.state;
        last->is_aside = sl_rows_bool(rows, i, "aside");
        last->key_id = last->value.key_id;
        last->sealed = last->value.sealed;
        last->revised = sl_rows_text(rows, i, "revised");
        last->reason_key = sl_rows_text(rows, i, "reason_key");
        last->reason_sealed = sl_rows_bytes(rows, i, "reason_sealed");
    }
    return SL_OK;
}

sl_rc_t sl_store_cdp_dates(sl_cdp_sealed_t *out, sl_db_t *db, const sl_store_cdp_place_t *place,
                           apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(place->project), sl_db_text(place->record)};
    const sl_db_call_t call = {&DATES, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK || sl_rows_count(rows) == 0) {
        return rc == SL_OK ? SL_NONE : rc;
    }
    out->key_id = sl_rows_text(rows, 0, "dates_key");
    out->bytes = sl_rows_bytes(rows, 0, "dates_sealed");
    return SL_OK;
}

sl_rc_t sl_store_cdp_view_add(sl_db_t *db, const sl_store_cdp_view_t *view, apr_pool_t *p,
                              sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(view->project),   sl_db_text(view->record),
        sl_db_text(view->user),      sl_db_text(view->launch),
        sl_db_text(view->reference), sl_db_text(sl_store_cdp_ids(view->values, p))};
    const sl_db_call_t call = {&VIEW, params};

    int n = 0;
    sl_rc_t rc = sl_store_number(&n, db, &call, err);

    if (rc == SL_OK && n < view->values->nelts) {
        rc = sl_err_set(err, SL_CONFLICT, "SL8051", "a value went while it was being shown");
    }
    return rc;
}

const char *sl_store_cdp_ids(const apr_array_header_t *ids, apr_pool_t *p)
{
    apr_array_header_t *parts = apr_array_make(p, ids->nelts, sizeof(const char *));

    for (int i = 0; i < ids->nelts; i++) {
        APR_ARRAY_PUSH(parts, const char *) =
            apr_psprintf(p, "%" APR_INT64_T_FMT, APR_ARRAY_IDX(ids, i, apr_int64_t));
    }
    return apr_pstrcat(p, "{", apr_array_pstrcat(p, parts, ','), "}", NULL);
}
