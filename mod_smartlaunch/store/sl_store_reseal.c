/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_reseal.h"

#include "store/sl_store_view.h"

/* clang-format off */
#define NOBODY "'00000000-0000-0000-0000-000000000000'"
#define SQL_AFTER(column) column " > coalesce(nullif($2::text, ''), " NOBODY ")::uuid"

static const sl_stmt_t TOKENS = {
    .name = "sl_reseal_tokens",
    .sql = "SELECT " SQL_TOKEN("t", "t.refresh_sealed") " FROM smartlaunch.token t"
           " WHERE t.key_id <> $1::text AND t.access_sealed IS NOT NULL AND " SQL_AFTER("t.launch")
           " ORDER BY t.launch LIMIT $3::integer",
    .params = 3,
    .read_only = true,
};

/* One row and one lock at a time: nobody who locks several can meet us half-way. */
static const sl_stmt_t TOKEN = {
    .name = "sl_reseal_token",
    .sql = "WITH kept AS ("
           " UPDATE smartlaunch.token t SET access_sealed = $4::bytea, refresh_sealed = $5::bytea,"
           "  key_id = $6::text"
           " WHERE t.launch = $1::uuid AND t.generation = $2::bigint"
           "  AND t.access_sealed = $3::bytea AND t.refresh_sealed IS NOT DISTINCT FROM $7::bytea"
           " RETURNING 1) SELECT count(*) AS n FROM kept",
    .params = 7,
};

static const sl_stmt_t PENDINGS = {
    .name = "sl_reseal_pendings",
    .sql = "SELECT l.id, l.app, l.ehr, l.key_id, l.pending_sealed FROM smartlaunch.launch l"
           " WHERE l.state = 'pending' AND l.key_id <> $1::text AND " SQL_AFTER("l.id")
           "  AND l.created_at > now() - interval '10 minutes' ORDER BY l.id LIMIT $3::integer",
    .params = 3,
    .read_only = true,
};

/* Handle and session id come of the key that is there when the callback claims the launch. */
static const sl_stmt_t PENDING = {
    .name = "sl_reseal_pending",
    .sql = "WITH kept AS ("
           " UPDATE smartlaunch.launch l SET pending_sealed = $3::bytea, key_id = $4::text"
           " WHERE l.id = $1::uuid AND l.state = 'pending' AND l.pending_sealed = $2::bytea"
           " RETURNING 1) SELECT count(*) AS n FROM kept",
    .params = 4,
};

static const sl_stmt_t USE = {
    .name = "sl_key_use",
    .sql = "SELECT key_id, sum(tokens)::bigint AS tokens, sum(launches)::bigint AS launches,"
           " sum(others)::bigint AS others, " SQL_US("max(until)") " AS until FROM ("
           " SELECT key_id, count(*) AS tokens, 0 AS launches, 0 AS others,"
           "  NULL::timestamptz AS until FROM smartlaunch.token"
           "  WHERE access_sealed IS NOT NULL OR refresh_sealed IS NOT NULL GROUP BY key_id"
           " UNION ALL SELECT key_id, 0, count(*), 0, max(expires_at) FROM smartlaunch.launch"
           "  WHERE state IN ('held', 'live') AND expires_at > now() GROUP BY key_id"
           " UNION ALL SELECT key_id, 0, 0, count(*), max(created_at) + interval '10 minutes'"
           "  FROM smartlaunch.launch WHERE state IN ('pending', 'claimed')"
           "  AND created_at > now() - interval '10 minutes' GROUP BY key_id"
           " UNION ALL SELECT key_id, 0, 0, count(*), max(expires_at) FROM smartlaunch.ticket"
           "  WHERE used_at IS NULL AND expires_at > now() GROUP BY key_id"
           " UNION ALL SELECT key_id, 0, 0, count(*), max(created_at) + interval '1 day'"
           "  FROM smartlaunch.revocation GROUP BY key_id) u"
           " GROUP BY key_id ORDER BY key_id",
    .read_only = true,
};
/* clang-format on */

static sl_rc_t batch_of(sl_rows_t **rows, sl_db_t *db, const sl_stmt_t *stmt,
                        const sl_reseal_batch_t *batch, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(batch->active), sl_db_text(batch->after),
                                    sl_db_int(batch->limit)};
    const sl_db_call_t call = {stmt, params};

    return sl_db_run(rows, db, &call, p, err);
}

sl_rc_t sl_store_reseal_tokens(apr_array_header_t **out, sl_db_t *db,
                               const sl_reseal_batch_t *batch, apr_pool_t *p, sl_err_t *err)
{
    sl_rows_t *rows = NULL;
    sl_rc_t rc = batch_of(&rows, db, &TOKENS, batch, p, err);

    *out = apr_array_make(p, batch->limit, sizeof(sl_token_t));
    for (int i = 0; rc == SL_OK && i < sl_rows_count(rows); i++) {
        sl_store_read_token(apr_array_push(*out), rows, i);
    }
    return rc;
}

sl_rc_t sl_store_reseal_token(bool *done, sl_db_t *db, const sl_token_t *was, const sl_token_t *now,
                              apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(was->launch),          sl_db_int(was->generation),
        sl_db_bytes(was->access_sealed),  sl_db_bytes(now->access_sealed),
        sl_db_bytes(now->refresh_sealed), sl_db_text(now->key_id),
        sl_db_bytes(was->refresh_sealed),
    };
    const sl_db_call_t call = {&TOKEN, params};
    int n;
    sl_rc_t rc = sl_store_count(&n, db, &call, p, err);

    *done = n > 0;
    return rc;
}

sl_rc_t sl_store_reseal_pendings(apr_array_header_t **out, sl_db_t *db,
                                 const sl_reseal_batch_t *batch, apr_pool_t *p, sl_err_t *err)
{
    sl_rows_t *rows = NULL;
    sl_rc_t rc = batch_of(&rows, db, &PENDINGS, batch, p, err);

    *out = apr_array_make(p, batch->limit, sizeof(sl_reseal_pending_t));
    for (int i = 0; rc == SL_OK && i < sl_rows_count(rows); i++) {
        sl_reseal_pending_t *row = apr_array_push(*out);

        row->id = sl_rows_text(rows, i, "id");
        row->app = sl_rows_text(rows, i, "app");
        row->ehr = sl_rows_text(rows, i, "ehr");
        row->key_id = sl_rows_text(rows, i, "key_id");
        row->sealed = sl_rows_bytes(rows, i, "pending_sealed");
    }
    return rc;
}

sl_rc_t sl_store_reseal_pending(bool *done, sl_db_t *db, const sl_reseal_pending_t *was,
                                const sl_reseal_pending_t *now, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(was->id), sl_db_bytes(was->sealed),
                                    sl_db_bytes(now->sealed), sl_db_text(now->key_id)};
    const sl_db_call_t call = {&PENDING, params};
    int n;
    sl_rc_t rc = sl_store_count(&n, db, &call, p, err);

    *done = n > 0;
    return rc;
}

sl_rc_t sl_store_key_use(apr_array_header_t **out, sl_db_t *db, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_call_t call = {&USE, NULL};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    *out = apr_array_make(p, 4, sizeof(sl_key_use_t));
    for (int i = 0; rc == SL_OK && i < sl_rows_count(rows); i++) {
        sl_key_use_t *use = apr_array_push(*out);

        use->key_id = sl_rows_text(rows, i, "key_id");
        use->tokens = sl_rows_int(rows, i, "tokens", 0);
        use->launches = sl_rows_int(rows, i, "launches", 0);
        use->others = sl_rows_int(rows, i, "others", 0);
        use->until = sl_rows_time(rows, i, "until");
    }
    return rc;
}
