/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_token.h"

#include "store/sl_store_view.h"
#include <string.h>

/* The gateway looks tokens up without the refresh token: what it has no use for stays away. */
#define NO_REFRESH "NULL::bytea"

/* clang-format off */
static const sl_stmt_t FIND = {
    .name = "sl_token_find",
    .sql = "SELECT " SQL_TOKEN("t", "t.refresh_sealed")
           " FROM smartlaunch.token t WHERE t.launch = $1::uuid",
    .params = 1,
    .read_only = true,
};

static const sl_stmt_t BY_SESSION = {
    .name = "sl_token_by_session",
    .sql = "SELECT " SQL_TOKEN("t", NO_REFRESH) ", " SQL_VIEW("t")
           " FROM smartlaunch.launch l LEFT JOIN smartlaunch.token t ON t.launch = l.id"
           " WHERE l.session_hash = $1::bytea",
    .params = 1,
    .read_only = true,
};

static const sl_stmt_t BY_LAUNCH = {
    .name = "sl_token_by_launch",
    .sql = "SELECT " SQL_TOKEN("t", "t.refresh_sealed") ", " SQL_VIEW("t")
           " FROM smartlaunch.launch l LEFT JOIN smartlaunch.token t ON t.launch = l.id"
           " WHERE l.id = $1::uuid",
    .params = 1,
    .read_only = true,
};

/* The newest that is of use, of one patient or of none: by its index, and one row. */
#define SQL_NEWEST(rank, patient)                                                                  \
    "(SELECT t.launch, " rank " AS rank FROM smartlaunch.token t"                                  \
    "  JOIN smartlaunch.link k ON k.id = t.link AND k.revoked_at IS NULL"                          \
    "  WHERE t.app = $1::text AND t.ehr = $2::text AND t.app_user = $3::text"                      \
    "   AND t.patient " patient " AND t.status = 'active'"                                         \
    "   AND (t.expires_at IS NULL OR t.expires_at > now() OR t.refresh_sealed IS NOT NULL)"        \
    "  ORDER BY t.issued_at DESC LIMIT 1)"

static const sl_stmt_t BY_USER = {
    .name = "sl_token_by_user",
    .sql = "WITH best AS (" SQL_NEWEST("1", "= $4::text") " UNION ALL " SQL_NEWEST("2", "IS NULL")
           " ORDER BY rank LIMIT 1)"
           "SELECT " SQL_TOKEN("t", NO_REFRESH) ", " SQL_VIEW("t")
           " FROM best b JOIN smartlaunch.token t ON t.launch = b.launch"
           " JOIN smartlaunch.launch l ON l.id = t.launch",
    .params = 4,
    .read_only = true,
};

/*
 * A lease that ran out is not due: the refresh token may be used up, and only who needs the token
 * finds out. Launch ids begin with their time, so the greatest is the newest.
 */
static const sl_stmt_t DUE = {
    .name = "sl_token_due",
    .sql = "SELECT " SQL_TOKEN("t", NO_REFRESH) ", " SQL_VIEW("t")
           " FROM smartlaunch.token t JOIN smartlaunch.launch l ON l.id = t.launch"
           " WHERE t.ehr = $1::text AND t.status = 'active' AND t.refresh_sealed IS NOT NULL"
           "  AND t.expires_at > now() - interval '1 hour'"
           "  AND t.expires_at < now() + " SQL_FOR("$2")
           "  AND t.lease_until IS NULL AND (t.retry_at IS NULL OR t.retry_at <= now())"
           "  AND ((l.state = 'live' AND l.expires_at > now()"
           "    AND ($4::bigint = 0 OR l.last_seen_at > now() - " SQL_FOR("$4") "))"
           "   OR (strpos(' ' || coalesce(t.scope_granted, t.scope_asked, '') || ' ',"
           "     ' offline_access ') > 0"
           "    AND EXISTS (SELECT 1 FROM smartlaunch.link k"
           "     WHERE k.id = t.link AND k.revoked_at IS NULL)"
           "    AND NOT EXISTS (SELECT 1 FROM smartlaunch.token n"
           "     WHERE n.link = t.link AND coalesce(n.patient, '') = coalesce(t.patient, '')"
           "      AND n.launch > t.launch AND n.status = 'active'"
           "      AND n.refresh_sealed IS NOT NULL)))"
           " ORDER BY t.expires_at LIMIT $3::integer",
    .params = 4,
    .read_only = true,
};
/* clang-format on */

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
    sl_store_read_token(out, rows, 0);
    return SL_OK;
}

static sl_rc_t look_up(sl_token_view_t *out, sl_db_t *db, const sl_db_call_t *call, apr_pool_t *p,
                       sl_err_t *err)
{
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return sl_err_set(err, SL_NONE, "SL3401", "there is no such session or token");
    }
    sl_store_read_view(out, rows, 0);
    return SL_OK;
}

sl_rc_t sl_store_token_by_session(sl_token_view_t *out, sl_db_t *db,
                                  const unsigned char *session_hash, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_hash(session_hash)};
    const sl_db_call_t call = {&BY_SESSION, params};

    return look_up(out, db, &call, p, err);
}

sl_rc_t sl_store_token_by_launch(sl_token_view_t *out, sl_db_t *db, const char *launch,
                                 apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(launch)};
    const sl_db_call_t call = {&BY_LAUNCH, params};

    return look_up(out, db, &call, p, err);
}

sl_rc_t sl_store_token_by_user(sl_token_view_t *out, sl_db_t *db, const sl_token_of_user_t *who,
                               apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(who->app), sl_db_text(who->ehr),
                                    sl_db_text(who->app_user), sl_db_text(who->patient)};
    const sl_db_call_t call = {&BY_USER, params};

    return look_up(out, db, &call, p, err);
}

sl_rc_t sl_store_token_due(apr_array_header_t **out, sl_db_t *db, const sl_token_due_t *due,
                           apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(due->ehr), sl_db_int(due->ahead),
                                    sl_db_int(due->limit), sl_db_int(due->idle)};
    const sl_db_call_t call = {&DUE, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows) + 1, sizeof(sl_token_view_t));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        sl_store_read_view(apr_array_push(*out), rows, i);
    }
    return SL_OK;
}
