/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_role.h"

static const sl_stmt_t ROLE = {
    .name = "sl_role",
    .sql = "SELECT current_user::text AS name, r.rolsuper AS is_superuser,"
           " pg_has_role(r.oid, n.nspowner, 'USAGE') AS is_owner,"
           " coalesce((SELECT pg_has_role(r.oid, m.oid, 'USAGE') FROM pg_roles m"
           "  WHERE m.rolname = 'smartlaunch_module'), false) AS is_module"
           " FROM pg_roles r, pg_namespace n"
           " WHERE r.rolname = current_user AND n.nspname = 'smartlaunch'",
    .read_only = true,
};

static const sl_stmt_t KEYS = {
    .name = "sl_role_keys",
    .sql = "SELECT DISTINCT key_id FROM smartlaunch.token WHERE access_sealed IS NOT NULL"
           " UNION SELECT DISTINCT key_id FROM smartlaunch.launch"
           " WHERE state IN ('pending', 'claimed', 'held', 'live')"
           "  AND coalesce(expires_at, now()) >= now()"
           " ORDER BY 1",
    .read_only = true,
};

sl_rc_t sl_store_role(sl_store_role_t *out, sl_db_t *db, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_call_t call = {&ROLE, NULL};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) != 1) {
        return sl_err_set(err, SL_FAILED, "SL3025", "the database has no schema smartlaunch");
    }
    out->name = sl_rows_text(rows, 0, "name");
    out->is_superuser = sl_rows_bool(rows, 0, "is_superuser");
    out->is_owner = sl_rows_bool(rows, 0, "is_owner");
    out->is_module = sl_rows_bool(rows, 0, "is_module");
    return SL_OK;
}

sl_rc_t sl_store_role_keys(apr_array_header_t **out, sl_db_t *db, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_call_t call = {&KEYS, NULL};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows) + 1, sizeof(const char *));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        const char *key = sl_rows_text(rows, i, "key_id");

        if (key != NULL) {
            APR_ARRAY_PUSH(*out, const char *) = key;
        }
    }
    return SL_OK;
}
