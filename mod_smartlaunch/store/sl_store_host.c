/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_host.h"

#include "store/sl_store_sql.h"

/* clang-format off */
static const sl_stmt_t REPORT = {
    .name = "sl_host_report",
    .sql = "INSERT INTO smartlaunch.host AS h (name, keys)"
           " VALUES ($1::text, string_to_array($2::text, ' '))"
           " ON CONFLICT (name) DO UPDATE SET keys = excluded.keys, seen_at = now(),"
           "  left_at = NULL",
    .params = 2,
    .read_only = true, /* it says the same twice */
};

static const sl_stmt_t LEAVE = {
    .name = "sl_host_leave",
    .sql = "UPDATE smartlaunch.host SET left_at = now() WHERE name = $1::text",
    .params = 1,
    .read_only = true, /* one leaves once */
};

static const sl_stmt_t HOSTS = {
    .name = "sl_hosts",
    .sql = "SELECT split_part(name, ':', 1) AS name, $1::text = ANY (keys) AS has_key,"
           " (extract(epoch FROM now() - seen_at) * 1000000)::bigint AS ago"
           " FROM smartlaunch.host WHERE left_at IS NULL AND seen_at > now() - " SQL_FOR("$2")
           " ORDER BY 1, seen_at",
    .params = 2,
    .read_only = true,
};
/* clang-format on */

sl_rc_t sl_store_host_report(sl_db_t *db, const char *name, const char *keys, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(name), sl_db_text(keys)};
    const sl_db_call_t call = {&REPORT, params};

    return sl_store_do(db, &call, err);
}

void sl_store_host_leave(sl_db_t *db, const char *name)
{
    const sl_db_param_t params[] = {sl_db_text(name)};
    const sl_db_call_t call = {&LEAVE, params};

    if (sl_store_do(db, &call, NULL) != SL_OK) {
        return; /* then it is forgotten by itself */
    }
}

sl_rc_t sl_store_hosts(apr_array_header_t **out, sl_db_t *db, const char *key, apr_pool_t *p,
                       sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(key), sl_db_int(SL_HOST_BELIEVED)};
    const sl_db_call_t call = {&HOSTS, params};
    sl_rows_t *rows = NULL;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    *out = apr_array_make(p, 4, sizeof(sl_host_t));
    for (int i = 0; rc == SL_OK && i < sl_rows_count(rows); i++) {
        sl_host_t *host = apr_array_push(*out);

        host->name = sl_rows_text(rows, i, "name");
        host->has_key = sl_rows_bool(rows, i, "has_key");
        host->ago = sl_rows_int(rows, i, "ago", 0);
    }
    return rc;
}
