/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_token.h"

#include "store/sl_store_sql.h"
#include <string.h>

static const sl_stmt_t FIND = {
    .name = "sl_token_find",
    .sql =
        "SELECT launch, link, app, ehr, app_user, patient, access_sealed, refresh_sealed,"
        " key_id, scope_asked, scope_granted, " SQL_US(
            "issued_at") " AS issued_at,"
                         " " SQL_US("expires_at") " AS expires_at, generation, status"
                                                  " FROM smartlaunch.token WHERE launch = $1::uuid",
    .params = 1,
    .read_only = true,
};

static sl_token_status_t status_of(const char *word)
{
    if (word != NULL && strcmp(word, "active") == 0) {
        return SL_TOKEN_ACTIVE;
    }
    return word != NULL && strcmp(word, "relaunch") == 0 ? SL_TOKEN_RELAUNCH : SL_TOKEN_REVOKED;
}

sl_rc_t sl_store_token_find(sl_token_t *out, sl_db_t *db, const char *launch, apr_pool_t *p,
                            sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(launch)};
    const sl_db_call_t call = {&FIND, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return sl_err_set(err, SL_NONE, "SL3031", "the launch has no token");
    }
    out->launch = sl_rows_text(rows, 0, "launch");
    out->link = sl_rows_text(rows, 0, "link");
    out->app = sl_rows_text(rows, 0, "app");
    out->ehr = sl_rows_text(rows, 0, "ehr");
    out->app_user = sl_rows_text(rows, 0, "app_user");
    out->patient = sl_rows_text(rows, 0, "patient");
    out->access_sealed = sl_rows_bytes(rows, 0, "access_sealed");
    out->refresh_sealed = sl_rows_bytes(rows, 0, "refresh_sealed");
    out->key_id = sl_rows_text(rows, 0, "key_id");
    out->scope_asked = sl_rows_text(rows, 0, "scope_asked");
    out->scope_granted = sl_rows_text(rows, 0, "scope_granted");
    out->issued_at = sl_rows_time(rows, 0, "issued_at");
    out->expires_at = sl_rows_time(rows, 0, "expires_at");
    out->generation = sl_rows_int(rows, 0, "generation", 0);
    out->status = status_of(sl_rows_text(rows, 0, "status"));
    return SL_OK;
}
