/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_watch.h"

#include "store/sl_store_sql.h"

/* clang-format off */
static const sl_stmt_t LEAD = {
    .name = "sl_watch_lead",
    .sql = "WITH led AS ("
           " INSERT INTO smartlaunch.caretaker AS c (name, held_by, held_until)"
           " VALUES ('watchdog', $1::text, now() + " SQL_FOR("$2") ")"
           " ON CONFLICT (name) DO UPDATE SET held_by = excluded.held_by,"
           "  held_until = excluded.held_until"
           "  WHERE c.held_by = excluded.held_by OR c.held_until <= now() RETURNING 1)"
           "SELECT count(*) AS n FROM led",
    .params = 2,
    .read_only = true, /* the second time it is one's own */
};

static const sl_stmt_t LEAVE = {
    .name = "sl_watch_leave",
    .sql = "UPDATE smartlaunch.caretaker SET held_until = now()"
           " WHERE name = 'watchdog' AND held_by = $1::text AND held_until > now()",
    .params = 1,
    .read_only = true, /* one leaves once */
};
/* clang-format on */

sl_rc_t sl_store_watch_lead(bool *leads, sl_db_t *db, const char *by, apr_interval_time_t length,
                            apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(by), sl_db_int(length)};
    const sl_db_call_t call = {&LEAD, params};
    int n;
    sl_rc_t rc = sl_store_count(&n, db, &call, p, err);

    *leads = n > 0;
    return rc;
}

void sl_store_watch_leave(sl_db_t *db, const char *by)
{
    const sl_db_param_t params[] = {sl_db_text(by)};
    const sl_db_call_t call = {&LEAVE, params};

    if (sl_store_do(db, &call, NULL) != SL_OK) {
        return; /* then the lease runs out by itself */
    }
}
