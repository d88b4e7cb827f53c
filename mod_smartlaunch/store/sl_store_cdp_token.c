/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_token.h"

/* clang-format off */
static const sl_stmt_t PATIENTS = {
    .name = "sl_cdp_token_patients",
    .sql = "SELECT t.patient FROM smartlaunch.token t"
           " JOIN smartlaunch.link k ON k.id = t.link AND k.revoked_at IS NULL"
           " WHERE t.app = $1::text AND t.ehr = $2::text AND t.app_user = $3::text"
           "  AND t.patient IS NOT NULL AND t.status = 'active'"
           "  AND (t.expires_at IS NULL OR t.expires_at > now() OR t.refresh_sealed IS NOT NULL)"
           " GROUP BY t.patient ORDER BY max(t.issued_at) DESC LIMIT $4::bigint",
    .params = 4,
    .read_only = true,
};
/* clang-format on */

sl_rc_t sl_store_cdp_token_patients(apr_array_header_t **out, sl_db_t *db,
                                    const sl_cdp_token_owner_t *owner, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(owner->app), sl_db_text(owner->ehr),
                                    sl_db_text(owner->app_user), sl_db_int(owner->limit)};
    const sl_db_call_t call = {&PATIENTS, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows) + 1, sizeof(const char *));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        APR_ARRAY_PUSH(*out, const char *) = sl_rows_text(rows, i, "patient");
    }
    return SL_OK;
}
