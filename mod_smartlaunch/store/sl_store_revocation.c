/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_revocation.h"

#include "store/sl_store_sql.h"
#include <string.h>

/* clang-format off */
static const sl_stmt_t TAKE = {
    .name = "sl_revocation_take",
    .sql = "WITH due AS ("
           " SELECT launch, generation FROM smartlaunch.revocation"
           " WHERE due_at <= now()"
           "  AND ehr IN (SELECT jsonb_array_elements_text($1::jsonb))"
           " ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
           "UPDATE smartlaunch.revocation r SET tries = r.tries + 1,"
           "  due_at = now() + " SQL_FOR("$2")
           " FROM due WHERE r.launch = due.launch AND r.generation = due.generation"
           " RETURNING r.launch, r.app, r.ehr, r.app_user, r.patient, r.generation, r.key_id,"
           "  r.access_sealed, r.refresh_sealed, r.tries",
    .params = 2,
};

static const sl_stmt_t DONE = {
    .name = "sl_revocation_done",
    .sql = "DELETE FROM smartlaunch.revocation WHERE launch = $1::uuid AND generation = $2::bigint",
    .params = 2,
    .read_only = true, /* gone twice is gone */
};

static const sl_stmt_t LATER = {
    .name = "sl_revocation_later",
    .sql = "UPDATE smartlaunch.revocation r SET due_at ="
           "  CASE WHEN r.launch = $1::uuid AND r.generation = $2::bigint"
           "   THEN now() + " SQL_FOR("$4") " ELSE now() + " SQL_FOR("$5") " END"
           " WHERE (r.launch = $1 AND r.generation = $2) OR (r.launch, r.generation) IN ("
           "  SELECT o.launch, o.generation FROM smartlaunch.revocation o"
           "  WHERE o.ehr = $3::text AND o.due_at < now() + " SQL_FOR("$5")
           "  FOR UPDATE SKIP LOCKED)",
    .params = 5,
    .read_only = true, /* later twice is later */
};

static const sl_stmt_t ADD = {
    .name = "sl_revocation_add",
    .sql = "INSERT INTO smartlaunch.revocation"
           " (launch, app, ehr, app_user, patient, generation, key_id, access_sealed,"
           "  refresh_sealed)"
           " VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::bigint, $7::text,"
           "  $8::bytea, $9::bytea) ON CONFLICT DO NOTHING",
    .params = 9,
    .read_only = true, /* the second time there is nothing to do */
};
/* clang-format on */

static void read_row(sl_revocation_t *out, const sl_rows_t *rows)
{
    memset(out, 0, sizeof(*out));
    out->token.launch = sl_rows_text(rows, 0, "launch");
    out->token.app = sl_rows_text(rows, 0, "app");
    out->token.ehr = sl_rows_text(rows, 0, "ehr");
    out->token.app_user = sl_rows_text(rows, 0, "app_user");
    out->token.patient = sl_rows_text(rows, 0, "patient");
    out->token.generation = sl_rows_int(rows, 0, "generation", 0);
    out->token.key_id = sl_rows_text(rows, 0, "key_id");
    out->token.access_sealed = sl_rows_bytes(rows, 0, "access_sealed");
    out->token.refresh_sealed = sl_rows_bytes(rows, 0, "refresh_sealed");
    out->token.status = SL_TOKEN_REVOKED;
    out->tries = (int)sl_rows_int(rows, 0, "tries", 1);
}

sl_rc_t sl_store_revocation_take(sl_revocation_t *out, sl_db_t *db, const char *ehrs,
                                 apr_interval_time_t length, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(ehrs), sl_db_int(length)};
    const sl_db_call_t call = {&TAKE, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return SL_NONE;
    }
    read_row(out, rows);
    return SL_OK;
}

sl_rc_t sl_store_revocation_done(sl_db_t *db, const sl_revocation_t *done, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(done->token.launch),
                                    sl_db_int(done->token.generation)};
    const sl_db_call_t call = {&DONE, params};

    return sl_store_do(db, &call, err);
}

sl_rc_t sl_store_revocation_later(sl_db_t *db, const sl_revocation_later_t *later, sl_err_t *err)
{
    const sl_token_t *token = &later->revocation->token;
    const sl_db_param_t params[] = {sl_db_text(token->launch), sl_db_int(token->generation),
                                    sl_db_text(token->ehr), sl_db_int(later->wait),
                                    sl_db_int(later->others)};
    const sl_db_call_t call = {&LATER, params};

    return sl_store_do(db, &call, err);
}

sl_rc_t sl_store_revocation_add(sl_db_t *db, const sl_token_t *token, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(token->launch),
        sl_db_text(token->app),
        sl_db_text(token->ehr),
        sl_db_text(token->app_user),
        sl_db_text(token->patient),
        sl_db_int(token->generation),
        sl_db_text(token->key_id),
        sl_db_bytes(token->access_sealed),
        sl_db_bytes(token->refresh_sealed),
    };
    const sl_db_call_t call = {&ADD, params};

    return sl_store_do(db, &call, err);
}
