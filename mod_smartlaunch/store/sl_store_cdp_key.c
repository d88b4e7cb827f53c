/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_key.h"

#include "store/sl_store_sql.h"

/* clang-format off */
static const sl_stmt_t PRINT = {
    .name = "sl_cdp_print",
    .sql = "SELECT key_id, print_sealed AS sealed FROM smartlaunch.cdp_key",
    .read_only = true,
};

static const sl_stmt_t PRINT_MAKE = {
    .name = "sl_cdp_print_make",
    .sql = "INSERT INTO smartlaunch.cdp_key (print_sealed, key_id) VALUES ($1::bytea, $2::text)"
           " ON CONFLICT DO NOTHING",
    .params = 2,
    .read_only = true, /* the second time there is nothing to do */
};

/* One column each: which rows, by what they are found again, and what their seal covers. */
#define SQL_BATCH(table, sealed, key, at, more)                                                    \
    "SELECT " at "::text AS at, s." key " AS key_id, s." sealed " AS sealed, " more                \
    " FROM smartlaunch." table " s WHERE s." key " <> $1::text AND s." sealed " IS NOT NULL"

#define SQL_RECORDS(sealed, key)                                                                   \
    SQL_BATCH("cdp_record", sealed, key, "jsonb_build_array(s.project, s.record)",                 \
              "s.project, s.record")                                                               \
    " AND ($2::text = '' OR (s.project, s.record) >"                                               \
    "  (nullif($2, '')::jsonb->>0, nullif($2, '')::jsonb->>1))"                                    \
    " ORDER BY s.project, s.record LIMIT $3::integer"
#define SQL_OUTBOX(sealed, key)                                                                    \
    SQL_BATCH("cdp_outbox", sealed, key, "s.seq",                                                  \
              "s.project, s.record, s.event, s.instance, s.field, s.key::text AS key")             \
    " AND s.seq > coalesce(nullif($2::text, '')::bigint, 0)"                                       \
    " ORDER BY s.seq LIMIT $3::integer"

static const sl_stmt_t BATCH[SL_CDP_SEALED_COLUMNS] = {
    [SL_CDP_SEALED_PRINT] = {
        .name = "sl_cdp_sealed_print",
        .sql = SQL_BATCH("cdp_key", "print_sealed", "key_id", "'1'", "NULL::text AS project")
               " AND $2::text = '' LIMIT $3::integer",
        .params = 3,
        .read_only = true,
    },
    [SL_CDP_SEALED_MRN] = {
        .name = "sl_cdp_sealed_mrn",
        .sql = SQL_RECORDS("mrn_sealed", "mrn_key"),
        .params = 3,
        .read_only = true,
    },
    [SL_CDP_SEALED_DATES] = {
        .name = "sl_cdp_sealed_dates",
        .sql = SQL_RECORDS("dates_sealed", "dates_key"),
        .params = 3,
        .read_only = true,
    },
    [SL_CDP_SEALED_WARNINGS] = {
        .name = "sl_cdp_sealed_warnings",
        .sql = SQL_RECORDS("warnings_sealed", "warnings_key"),
        .params = 3,
        .read_only = true,
    },
    [SL_CDP_SEALED_VALUE] = {
        .name = "sl_cdp_sealed_value",
        .sql = SQL_BATCH("cdp_value", "value_sealed", "key_id", "s.id",
                         "s.project, s.record, s.mapping, s.instance, s.unit,"
                         " encode(s.value_print, 'hex') AS print, coalesce(to_char(s.taken_at,"
                         "  CASE WHEN s.date_only THEN 'YYYY-MM-DD'"
                         "  ELSE 'YYYY-MM-DD HH24:MI:SS' END), '') AS taken_at")
               " AND s.id > coalesce(nullif($2::text, '')::bigint, 0)"
               " ORDER BY s.id LIMIT $3::integer",
        .params = 3,
        .read_only = true,
    },
    [SL_CDP_SEALED_OUTBOX] = {
        .name = "sl_cdp_sealed_outbox",
        .sql = SQL_OUTBOX("value_sealed", "key_id"),
        .params = 3,
        .read_only = true,
    },
    [SL_CDP_SEALED_REASON] = {
        .name = "sl_cdp_sealed_reason",
        .sql = SQL_OUTBOX("reason_sealed", "reason_key"),
        .params = 3,
        .read_only = true,
    },
};

#define SQL_EXCHANGE(table, sealed, key, where)                                                    \
    "WITH kept AS (UPDATE smartlaunch." table " s SET " sealed " = $3::bytea, " key " = $4::text"  \
    " WHERE s." sealed " = $2::bytea AND " where " RETURNING 1) SELECT count(*) AS n FROM kept"
#define SQL_THAT_RECORD "(s.project, s.record) = ($1::jsonb->>0, $1::jsonb->>1)"

static const sl_stmt_t RESEAL[SL_CDP_SEALED_COLUMNS] = {
    [SL_CDP_SEALED_PRINT] = {
        .name = "sl_cdp_reseal_print",
        .sql = SQL_EXCHANGE("cdp_key", "print_sealed", "key_id", "$1::text = '1'"),
        .params = 4,
    },
    [SL_CDP_SEALED_MRN] = {
        .name = "sl_cdp_reseal_mrn",
        .sql = SQL_EXCHANGE("cdp_record", "mrn_sealed", "mrn_key", SQL_THAT_RECORD),
        .params = 4,
    },
    [SL_CDP_SEALED_DATES] = {
        .name = "sl_cdp_reseal_dates",
        .sql = SQL_EXCHANGE("cdp_record", "dates_sealed", "dates_key", SQL_THAT_RECORD),
        .params = 4,
    },
    [SL_CDP_SEALED_WARNINGS] = {
        .name = "sl_cdp_reseal_warnings",
        .sql = SQL_EXCHANGE("cdp_record", "warnings_sealed", "warnings_key", SQL_THAT_RECORD),
        .params = 4,
    },
    [SL_CDP_SEALED_VALUE] = {
        .name = "sl_cdp_reseal_value",
        .sql = SQL_EXCHANGE("cdp_value", "value_sealed", "key_id", "s.id = $1::bigint"),
        .params = 4,
    },
    [SL_CDP_SEALED_OUTBOX] = {
        .name = "sl_cdp_reseal_outbox",
        .sql = SQL_EXCHANGE("cdp_outbox", "value_sealed", "key_id", "s.seq = $1::bigint"),
        .params = 4,
    },
    [SL_CDP_SEALED_REASON] = {
        .name = "sl_cdp_reseal_reason",
        .sql = SQL_EXCHANGE("cdp_outbox", "reason_sealed", "reason_key", "s.seq = $1::bigint"),
        .params = 4,
    },
};

#define SQL_USES(table, sealed, key)                                                               \
    "SELECT " key " AS key_id FROM smartlaunch." table " WHERE " sealed " IS NOT NULL"

static const sl_stmt_t USE = {
    .name = "sl_cdp_key_use",
    .sql = "SELECT key_id, count(*) AS n FROM ("
           SQL_USES("cdp_key", "print_sealed", "key_id")
           " UNION ALL " SQL_USES("cdp_record", "mrn_sealed", "mrn_key")
           " UNION ALL " SQL_USES("cdp_record", "dates_sealed", "dates_key")
           " UNION ALL " SQL_USES("cdp_record", "warnings_sealed", "warnings_key")
           " UNION ALL " SQL_USES("cdp_value", "value_sealed", "key_id")
           " UNION ALL " SQL_USES("cdp_outbox", "value_sealed", "key_id")
           " UNION ALL " SQL_USES("cdp_outbox", "reason_sealed", "reason_key")
           ") u GROUP BY key_id ORDER BY key_id",
    .read_only = true,
};
/* clang-format on */

sl_rc_t sl_store_cdp_print(sl_cdp_sealed_t *out, sl_db_t *db, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_call_t call = {&PRINT, NULL};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return SL_NONE;
    }
    out->key_id = sl_rows_text(rows, 0, "key_id");
    out->bytes = sl_rows_bytes(rows, 0, "sealed");
    return SL_OK;
}

sl_rc_t sl_store_cdp_print_make(sl_cdp_sealed_t *out, sl_db_t *db, const sl_cdp_sealed_t *made,
                                apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_bytes(made->bytes), sl_db_text(made->key_id)};
    const sl_db_call_t call = {&PRINT_MAKE, params};
    sl_rc_t rc = sl_store_do(db, &call, err);

    return rc == SL_OK ? sl_store_cdp_print(out, db, p, err) : rc;
}

static void read_sealed(sl_store_cdp_sealed_t *out, const sl_rows_t *rows, int i)
{
    out->at = sl_rows_text(rows, i, "at");
    out->key_id = sl_rows_text(rows, i, "key_id");
    out->sealed = sl_rows_bytes(rows, i, "sealed");
    out->project = sl_rows_text(rows, i, "project");
    out->record = sl_rows_text(rows, i, "record");
    out->mapping = sl_rows_int(rows, i, "mapping", 0);
    out->instance = (int)sl_rows_int(rows, i, "instance", 0);
    out->taken_at = sl_rows_text(rows, i, "taken_at");
    out->print = sl_rows_text(rows, i, "print");
    out->unit = sl_rows_text(rows, i, "unit");
    out->event = sl_rows_text(rows, i, "event");
    out->field = sl_rows_text(rows, i, "field");
    out->key = sl_rows_text(rows, i, "key");
}

sl_rc_t sl_store_cdp_sealed(apr_array_header_t **out, sl_db_t *db,
                            const sl_store_cdp_batch_t *batch, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(batch->active), sl_db_text(batch->after),
                                    sl_db_int(batch->limit)};
    const sl_db_call_t call = {&BATCH[batch->column], params};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    *out = apr_array_make(p, batch->limit, sizeof(sl_store_cdp_sealed_t));
    for (int i = 0; rc == SL_OK && i < sl_rows_count(rows); i++) {
        sl_store_cdp_sealed_t *row = apr_array_push(*out);

        read_sealed(row, rows, i);
        row->column = batch->column;
    }
    return rc;
}

sl_rc_t sl_store_cdp_reseal(bool *done, sl_db_t *db, const sl_store_cdp_sealed_t *was,
                            const sl_cdp_sealed_t *now, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(was->at), sl_db_bytes(was->sealed),
                                    sl_db_bytes(now->bytes), sl_db_text(now->key_id)};
    const sl_db_call_t call = {&RESEAL[was->column], params};
    int n = 0;
    sl_rc_t rc = sl_store_number(&n, db, &call, err);

    *done = n > 0;
    return rc;
}

sl_rc_t sl_store_cdp_key_use(apr_array_header_t **out, sl_db_t *db, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_call_t call = {&USE, NULL};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    *out = apr_array_make(p, 4, sizeof(sl_store_cdp_key_use_t));
    for (int i = 0; rc == SL_OK && i < sl_rows_count(rows); i++) {
        sl_store_cdp_key_use_t *use = apr_array_push(*out);

        use->key_id = sl_rows_text(rows, i, "key_id");
        use->count = sl_rows_int(rows, i, "n", 0);
    }
    return rc;
}
