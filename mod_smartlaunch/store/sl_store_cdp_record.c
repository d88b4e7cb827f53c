/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_record.h"

#include "store/sl_store_sql.h"
#include <string.h>

/* clang-format off */
#define SQL_FRESH(where)                                                                           \
    "fresh AS (SELECT v.record, count(DISTINCT (m.event, v.instance, m.field)) AS n"               \
    " FROM smartlaunch.cdp_value v JOIN smartlaunch.cdp_mapping m ON m.id = v.mapping"             \
    "  AND m.removed_at IS NULL"                                                                   \
    " WHERE v.project = $1::text AND v.state = 'new'" where " GROUP BY v.record)"
#define SQL_RECORD                                                                                 \
    "r.record, r.patient, CASE WHEN r.state = 'fetching' AND r.lease_until < now()"                \
    "  THEN 'queued' ELSE r.state END AS state, " SQL_US("r.fetched_at") " AS fetched_at,"         \
    " r.fetched_by, r.outcome, r.warnings_sealed, r.warnings_key, r.version,"                      \
    " coalesce(f.n, 0) AS fresh"

static const sl_stmt_t RECORD = {
    .name = "sl_cdp_record",
    .sql = "WITH " SQL_FRESH(" AND v.record = $2::text") " SELECT " SQL_RECORD
           " FROM smartlaunch.cdp_record r LEFT JOIN fresh f ON f.record = r.record"
           " WHERE r.project = $1::text AND r.record = $2::text",
    .params = 2,
    .read_only = true,
};

static const sl_stmt_t RECORDS = {
    .name = "sl_cdp_records",
    .sql = "WITH " SQL_FRESH("") " SELECT " SQL_RECORD
           " FROM smartlaunch.cdp_record r LEFT JOIN fresh f ON f.record = r.record"
           " WHERE r.project = $1::text AND ($4::boolean IS NOT TRUE OR f.n > 0)"
           "  AND ($2::text IS NULL OR (f.n IS NULL, r.record COLLATE \"C\") >"
           "   ((SELECT count(*) = 0 FROM fresh WHERE record = $2), $2 COLLATE \"C\"))"
           " ORDER BY f.n IS NULL, r.record COLLATE \"C\" LIMIT $3::integer",
    .params = 4,
    .read_only = true,
};

static const sl_stmt_t MRN = {
    .name = "sl_cdp_mrn",
    .sql = "SELECT mrn_sealed, mrn_key FROM smartlaunch.cdp_record"
           " WHERE project = $1::text AND record = $2::text AND mrn_sealed IS NOT NULL",
    .params = 2,
    .read_only = true,
};

#define SQL_CLAIMED                                                                                \
    "c.record, c.lease, c.mrn_sealed, c.mrn_key, c.dates_sealed, c.dates_key, c.patient,"          \
    " c.fetched_by"

static const sl_stmt_t CLAIM = {
    .name = "sl_cdp_claim",
    .sql = "SELECT " SQL_CLAIMED " FROM smartlaunch.cdp_claim($1::text, $2::text,"
           " jsonb_build_object('mrn', encode($3::bytea, 'base64'), 'key', $4::text,"
           "  'print', $5::text, 'dates', encode($6::bytea, 'base64'), 'by', $7::text,"
           "  'host', $8::text, 'lease', $9::bigint, 'length', $10::bigint)) c",
    .params = 10,
};

/* Retries after trouble end when nobody works on the record for a week (or as the site says). */
static const sl_stmt_t DUE = {
    .name = "sl_cdp_claim_due",
    .sql = "WITH due AS ("
           " SELECT r.record FROM smartlaunch.cdp_record r"
           " WHERE r.project = $1::text AND r.mrn_sealed IS NOT NULL"
           "  AND (r.due_at IS NULL OR (r.due_at <= now() AND (r.has_future OR r.active_at >"
           "   now() - greatest(" SQL_FOR("$3") ", interval '7 days'))))"
           "  AND (r.state = 'queued' OR (r.state = 'fetching' AND r.lease_until < now())"
           "   OR (r.state = 'idle' AND $2::bigint > 0 AND r.outcome IS DISTINCT FROM 'relaunch'"
           "    AND (r.fetched_at IS NULL OR r.fetched_at <= now() - " SQL_FOR("$2") ")"
           "    AND (r.has_future OR r.active_at > now() - " SQL_FOR("$3") ")))"
           " ORDER BY r.state = 'idle', r.fetched_at NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED)"
           "UPDATE smartlaunch.cdp_record c SET state = 'fetching', once_more = false,"
           "  lease = $4::bigint,"
           "  lease_until = now() + " SQL_FOR("$5") ", lease_by = $6::text"
           " FROM due WHERE c.project = $1 AND c.record = due.record RETURNING " SQL_CLAIMED,
    .params = 6,
};

static const sl_stmt_t PATIENT = {
    .name = "sl_cdp_patient",
    .sql = "SELECT smartlaunch.cdp_patient($1::text, $2::text, $3::bigint, $4::text, $5::text)"
           "::integer AS n",
    .params = 5,
};

static const sl_stmt_t FINISH = {
    .name = "sl_cdp_finish",
    .sql = "WITH back AS ("
           " UPDATE smartlaunch.cdp_record r SET lease = NULL, lease_until = NULL, lease_by = NULL,"
           "  state = CASE WHEN $9::bigint > 0 OR r.once_more THEN 'queued' ELSE 'idle' END,"
           "  once_more = false,"
           "  due_at = CASE WHEN $9 > 0 THEN now() + " SQL_FOR("$9") " END, fetched_at = now(),"
           "  fetched_by = CASE WHEN $10::boolean IS NOT TRUE AND $5::text IN ('ok', 'partial')"
           "   THEN $4::text ELSE r.fetched_by END,"
           "  outcome = $5, warnings_sealed = $6::bytea,"
           "  warnings_key = CASE WHEN $6 IS NOT NULL THEN $7::text END, has_future = $8::boolean"
           " WHERE r.project = $1::text AND r.record = $2::text AND r.lease = $3::bigint"
           " RETURNING r.project, r.record),"
           "noted AS ("
           " INSERT INTO smartlaunch.cdp_log (project, record, app_user, what, detail)"
           " SELECT project, record, CASE WHEN $10 THEN 'SYSTEM' ELSE $4 END, 'fetched', $5"
           " FROM back)"
           "SELECT count(*) AS n FROM back",
    .params = 10,
};

static const sl_stmt_t TOUCH = {
    .name = "sl_cdp_touch",
    .sql = "UPDATE smartlaunch.cdp_record SET active_at = now()"
           " WHERE project = $1::text AND record = $2::text",
    .params = 2,
    .read_only = true, /* now twice is now */
};

static const sl_stmt_t QUEUE = {
    .name = "sl_cdp_queue",
    .sql = "WITH put AS ("
           " UPDATE smartlaunch.cdp_record r SET due_at = NULL,"
           "  once_more = r.state = 'fetching',"
           "  state = CASE WHEN r.state = 'idle' THEN 'queued' ELSE r.state END"
           " WHERE r.project = $1::text AND ($2::text IS NULL OR r.record = $2)"
           "  AND r.mrn_sealed IS NOT NULL RETURNING 1)"
           "SELECT count(*) AS n FROM put",
    .params = 2,
};
/* Dates that came while a fetch ran that knows others: the next one has them. A record with another
 * medical record number by now is not meant. */
static const sl_stmt_t REDATE = {
    .name = "sl_cdp_redate",
    .sql = "WITH put AS ("
           " UPDATE smartlaunch.cdp_record r SET dates_sealed = $4::bytea, dates_key = $5::text,"
           "  due_at = NULL, once_more = r.state = 'fetching',"
           "  state = CASE WHEN r.state = 'idle' THEN 'queued' ELSE r.state END, active_at = now()"
           " WHERE r.project = $1::text AND r.record = $2::text"
           "  AND r.mrn_print = coalesce(decode($3::text, 'hex'), r.mrn_print) RETURNING 1)"
           "SELECT count(*) AS n FROM put",
    .params = 5,
};
/* clang-format on */

static sl_cdp_sealed_t sealed_of(const sl_rows_t *rows, int i, const char *sealed, const char *key)
{
    return (sl_cdp_sealed_t){sl_rows_text(rows, i, key), sl_rows_bytes(rows, i, sealed)};
}

static void read_record(sl_store_cdp_record_t *out, const sl_rows_t *rows, int i)
{
    out->record = sl_rows_text(rows, i, "record");
    out->patient = sl_rows_text(rows, i, "patient");
    out->state = sl_rows_text(rows, i, "state");
    out->fetched_at = sl_rows_time(rows, i, "fetched_at");
    out->fetched_by = sl_rows_text(rows, i, "fetched_by");
    out->outcome = sl_rows_text(rows, i, "outcome");
    out->warnings = sealed_of(rows, i, "warnings_sealed", "warnings_key");
    out->version = sl_rows_int(rows, i, "version", 0);
    out->fresh = (int)sl_rows_int(rows, i, "fresh", 0);
}

sl_rc_t sl_store_cdp_record(sl_store_cdp_record_t *out, sl_db_t *db, const char *project,
                            const char *record, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project), sl_db_text(record)};
    const sl_db_call_t call = {&RECORD, params};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return SL_NONE;
    }
    read_record(out, rows, 0);
    return SL_OK;
}

sl_rc_t sl_store_cdp_records(apr_array_header_t **out, sl_db_t *db, const sl_store_cdp_page_t *page,
                             apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(page->project), sl_db_text(page->after),
                                    sl_db_int(page->limit), sl_db_bool(page->only_fresh)};
    const sl_db_call_t call = {&RECORDS, params};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    *out = apr_array_make(p, 16, sizeof(sl_store_cdp_record_t));
    for (int i = 0; rc == SL_OK && i < sl_rows_count(rows); i++) {
        read_record(apr_array_push(*out), rows, i);
    }
    return rc;
}

sl_rc_t sl_store_cdp_mrn(sl_cdp_sealed_t *out, sl_db_t *db, const char *project, const char *record,
                         apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project), sl_db_text(record)};
    const sl_db_call_t call = {&MRN, params};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return SL_NONE;
    }
    *out = sealed_of(rows, 0, "mrn_sealed", "mrn_key");
    return SL_OK;
}

/** A claim, or SL_NONE. */
static sl_rc_t take(sl_store_cdp_claimed_t *out, sl_db_t *db, const sl_db_call_t *call,
                    apr_pool_t *p, sl_err_t *err)
{
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return SL_NONE;
    }
    out->record = sl_rows_text(rows, 0, "record");
    out->lease = sl_rows_int(rows, 0, "lease", 0);
    out->mrn = sealed_of(rows, 0, "mrn_sealed", "mrn_key");
    out->dates = sealed_of(rows, 0, "dates_sealed", "dates_key");
    out->patient = sl_rows_text(rows, 0, "patient");
    out->fetched_by = sl_rows_text(rows, 0, "fetched_by");
    return SL_OK;
}

sl_rc_t sl_store_cdp_claim(sl_store_cdp_claimed_t *out, sl_db_t *db,
                           const sl_store_cdp_claim_t *claim, apr_pool_t *p, sl_err_t *err)
{
    static const sl_cdp_sealed_t NOTHING;
    const sl_cdp_sealed_t *mrn = claim->mrn != NULL ? claim->mrn : &NOTHING;
    const sl_cdp_sealed_t *dates = claim->dates != NULL ? claim->dates : &NOTHING;
    const sl_db_param_t params[] = {
        sl_db_text(claim->project),
        sl_db_text(claim->record),
        sl_db_bytes(mrn->bytes),
        sl_db_text(claim->mrn != NULL ? mrn->key_id : dates->key_id),
        sl_db_text(claim->mrn != NULL ? claim->print : NULL),
        sl_db_bytes(dates->bytes),
        sl_db_text(claim->by),
        sl_db_text(claim->host),
        sl_db_int(claim->lease),
        sl_db_int(claim->length),
    };
    const sl_db_call_t call = {&CLAIM, params};

    return take(out, db, &call, p, err);
}

sl_rc_t sl_store_cdp_claim_due(sl_store_cdp_claimed_t *out, sl_db_t *db,
                               const sl_store_cdp_due_t *due, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(due->project), sl_db_int(due->every),  sl_db_int(due->inactive),
        sl_db_int(due->lease),    sl_db_int(due->length), sl_db_text(due->host),
    };
    const sl_db_call_t call = {&DUE, params};

    return take(out, db, &call, p, err);
}

/** Something only who has the lease may do. */
static sl_rc_t as_holder(sl_db_t *db, const sl_db_call_t *call, sl_err_t *err)
{
    int n = 0;
    sl_rc_t rc = sl_store_number(&n, db, call, err);

    if (rc == SL_OK && n == 0) {
        rc = sl_err_set(err, SL_EXPIRED, "SL8006", "another fetch has taken this record over");
    }
    return rc;
}

sl_rc_t sl_store_cdp_patient(sl_db_t *db, const sl_store_cdp_lease_t *lease, const char *patient,
                             sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(lease->project), sl_db_text(lease->record),
                                    sl_db_int(lease->lease), sl_db_text(lease->by),
                                    sl_db_text(patient)};
    const sl_db_call_t call = {&PATIENT, params};

    return as_holder(db, &call, err);
}

sl_rc_t sl_store_cdp_finish(sl_db_t *db, const sl_store_cdp_lease_t *lease,
                            const sl_store_cdp_finish_t *finish, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(lease->project),
        sl_db_text(lease->record),
        sl_db_int(lease->lease),
        sl_db_text(lease->by),
        sl_db_text(finish->outcome),
        sl_db_bytes(finish->warnings.bytes),
        sl_db_text(finish->warnings.key_id),
        sl_db_bool(finish->has_future),
        sl_db_int(finish->again),
        sl_db_bool(finish->unattended),
    };
    const sl_db_call_t call = {&FINISH, params};

    return as_holder(db, &call, err);
}

sl_rc_t sl_store_cdp_touch(sl_db_t *db, const char *project, const char *record, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project), sl_db_text(record)};
    const sl_db_call_t call = {&TOUCH, params};

    return sl_store_do(db, &call, err);
}

sl_rc_t sl_store_cdp_redate(int *n, sl_db_t *db, const sl_store_cdp_claim_t *claim, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(claim->project),       sl_db_text(claim->record),
        sl_db_text(claim->print),         sl_db_bytes(claim->dates->bytes),
        sl_db_text(claim->dates->key_id),
    };
    const sl_db_call_t call = {&REDATE, params};

    return sl_store_number(n, db, &call, err);
}

sl_rc_t sl_store_cdp_queue(int *n, sl_db_t *db, const char *project, const char *record,
                           sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project), sl_db_text(record)};
    const sl_db_call_t call = {&QUEUE, params};

    return sl_store_number(n, db, &call, err);
}
