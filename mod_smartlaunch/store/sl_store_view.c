/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_view.h"

#include <string.h>

static sl_token_status_t status_of(const char *word)
{
    if (word != NULL && strcmp(word, "active") == 0) {
        return SL_TOKEN_ACTIVE;
    }
    return word != NULL && strcmp(word, "relaunch") == 0 ? SL_TOKEN_RELAUNCH : SL_TOKEN_REVOKED;
}

void sl_store_read_token(sl_token_t *out, const sl_rows_t *rows, int i)
{
    out->launch = sl_rows_text(rows, i, "launch");
    out->link = sl_rows_text(rows, i, "link");
    out->app = sl_rows_text(rows, i, "app");
    out->ehr = sl_rows_text(rows, i, "ehr");
    out->app_user = sl_rows_text(rows, i, "app_user");
    out->patient = sl_rows_text(rows, i, "patient");
    out->access_sealed = sl_rows_bytes(rows, i, "access_sealed");
    out->refresh_sealed = sl_rows_bytes(rows, i, "refresh_sealed");
    out->key_id = sl_rows_text(rows, i, "key_id");
    out->scope_asked = sl_rows_text(rows, i, "scope_asked");
    out->scope_granted = sl_rows_text(rows, i, "scope_granted");
    out->issued_at = sl_rows_time(rows, i, "issued_at");
    out->expires_at = sl_rows_time(rows, i, "expires_at");
    out->generation = sl_rows_int(rows, i, "generation", 0);
    out->status = status_of(sl_rows_text(rows, i, "status"));
}

void sl_store_read_view(sl_token_view_t *out, const sl_rows_t *rows, int i)
{
    sl_bytes_t print = sl_rows_bytes(rows, i, "session_hash");

    memset(out, 0, sizeof(*out));
    sl_store_read_token(&out->token, rows, i);
    out->launch = sl_rows_text(rows, i, "l_id");
    out->app = sl_rows_text(rows, i, "l_app");
    out->ehr = sl_rows_text(rows, i, "l_ehr");
    out->app_user = sl_rows_text(rows, i, "l_app_user");
    out->patient = sl_rows_text(rows, i, "l_patient");
    out->launch_key_id = sl_rows_text(rows, i, "l_key_id");
    out->issuer = sl_rows_text(rows, i, "l_issuer");
    out->sub = sl_rows_text(rows, i, "l_sub");
    if (print.bytes != NULL && print.len == sizeof(out->session_hash)) {
        memcpy(out->session_hash, print.bytes, sizeof(out->session_hash));
    }
    out->is_live = sl_rows_bool(rows, i, "is_live");
    out->can_renew = sl_rows_bool(rows, i, "can_renew");
    out->last_seen_at = sl_rows_time(rows, i, "last_seen_at");
    out->launch_expires_at = sl_rows_time(rows, i, "launch_expires_at");
    out->lease_until = sl_rows_time(rows, i, "lease_until");
    out->retry_at = sl_rows_time(rows, i, "retry_at");
    out->now = sl_rows_time(rows, i, "now");
}
