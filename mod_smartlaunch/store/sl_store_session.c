/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_session.h"

#include "store/sl_store_sql.h"
#include <string.h>

#define LIMIT 64

/* A session begun or a link made at the moment of a renewal is not opened by the cookie before. */
/* clang-format off */
static const sl_stmt_t BROWSER = {
    .name = "sl_browser_launches",
    .sql = "SELECT " SQL_US("now()") " AS now, x.* FROM (SELECT 1) one LEFT JOIN ("
           " SELECT l.id, l.app, l.ehr, l.key_id, l.kind, l.state, l.link_state, l.link,"
           "  l.app_user, l.ehr_user, l.issuer, l.sub, l.source, l.fhir_user, l.patient,"
           "  l.encounter, l.context, t.scope_granted, l.login_user, l.return_to,"
           "  l.redirect_path, l.end_reason, l.stand_in_for,"
           "  " SQL_US("l.authorized_at") " AS authorized_at,"
           "  " SQL_US("l.last_seen_at") " AS last_seen_at,"
           "  " SQL_US("l.expires_at") " AS expires_at, " SQL_US("l.ended_at") " AS ended_at,"
           "  " SQL_US("l.login_at") " AS login_at,"
           "  " SQL_US("t.expires_at") " AS token_expires_at,"
           "  l.browser_hash <> $1::bytea AS old_cookie"
           " FROM smartlaunch.launch l LEFT JOIN smartlaunch.token t ON t.launch = l.id"
           " WHERE (l.browser_hash = $1 OR (l.prev_browser_hash = $1"
           "   AND l.moved_at > now() - interval '10 seconds'"
           "   AND greatest(l.linked_at, l.authorized_at) < l.moved_at))"
           "  AND l.state IN ('held', 'live', 'ended')"
           "  AND l.authorized_at > now() - " SQL_FOR("$3")
           "  AND ($2::text IS NULL OR l.app = $2)"
           " ORDER BY l.authorized_at DESC, l.id DESC LIMIT $4::integer + 1) x ON true",
    .params = 4,
    .read_only = true,
};

static const sl_stmt_t TOUCH = {
    .name = "sl_launch_touch",
    .sql = "WITH u AS ("
           " UPDATE smartlaunch.launch SET last_seen_at = now()"
           " WHERE id = $1::uuid AND state = 'live' RETURNING 1)"
           "SELECT count(*) AS n FROM u",
    .params = 1,
};

/*
 * $1 launch or null, $2 browser, $3 app or null, $4 reason, $5 steps, $6 revoke tokens.
 * With a standalone launch ends the session in the app that it grew out of: who logs out of the one
 * would still be logged in by the other.
 */
static const sl_stmt_t END = {
    .name = "sl_launch_end",
    .sql = "WITH seen AS ("
           " SELECT l.id, l.state FROM smartlaunch.launch l"
           " WHERE (l.browser_hash = $2::bytea OR (l.prev_browser_hash = $2"
           "   AND l.moved_at > now() - interval '10 seconds'))"
           "  AND ($1::uuid IS NULL OR l.id = $1 OR ($6::boolean AND l.kind = 'session'"
           "   AND EXISTS (SELECT 1 FROM smartlaunch.launch o WHERE o.id = $1"
           "    AND o.kind = 'standalone' AND o.browser_hash = l.browser_hash"
           "    AND o.app = l.app AND o.app_user = l.app_user)))"
           "  AND ($3::text IS NULL OR l.app = $3)"
           "  AND l.state IN ('held', 'live') ORDER BY l.id FOR UPDATE),"
           "go AS ("
           " UPDATE smartlaunch.launch l SET state = 'ended', ended_at = now(),"
           "  end_reason = $4::text FROM seen s WHERE l.id = s.id RETURNING l.id),"
           "shut AS ("
           " UPDATE smartlaunch.token t SET status = 'revoked', access_sealed = NULL,"
           "  refresh_sealed = NULL, last_error = $4"
           " FROM go g WHERE t.launch = g.id AND t.status <> 'revoked'"
           "  AND ($6::boolean OR t.app_user IS NULL)),"
           SQL_NOTED("g.id", "go g, ", "$5")
           "SELECT count(*) AS n FROM go",
    .params = 6,
};

static const sl_stmt_t LOGIN = {
    .name = "sl_launch_login",
    .sql = "WITH u AS ("
           " UPDATE smartlaunch.launch SET login_user = $2::text,"
           "  login_at = CASE WHEN $2 IS NOT NULL THEN now() END,"
           "  return_to = coalesce($3::text, return_to)"
           " WHERE id = $1::uuid AND state = 'live' AND link_state = 'pending' RETURNING 1)"
           "SELECT count(*) AS n FROM u",
    .params = 3,
};

static const sl_stmt_t SESSION = {
    .name = "sl_session_begin",
    .sql =
        "WITH " SQL_SEEN ","
        "go AS ("
        " SELECT $1 AS id, $6::text AS app, NULL::text AS ehr, $2 AS browser_hash,"
        "  $7::text AS app_user, NULL::text AS ehr_user, true AS moved, true AS ends"
        " WHERE NOT EXISTS (SELECT 1 FROM seen s WHERE s.prev_browser_hash = $2"
        "  AND s.browser_hash <> $2 AND s.moved_at > now() - interval '10 seconds')),"
        "lives AS ("
        " INSERT INTO smartlaunch.launch (id, app, kind, state, app_user, key_id, handle_hash,"
        "  session_hash, browser_hash, prev_browser_hash, moved_at, authorized_at, last_seen_at,"
        "  expires_at)"
        " SELECT g.id, g.app, 'session', 'live', g.app_user, $8::text, $9::bytea, $10::bytea,"
        "  $3::bytea, g.browser_hash, CASE WHEN g.browser_hash IS NOT NULL THEN now() END, now(),"
        "  now(), now() + " SQL_FOR("$4") " FROM go g)," SQL_MATES  ","
        SQL_NOTED("g.id", "go g, ", "$5")
        "SELECT (SELECT count(*) FROM mates WHERE ends) AS ended FROM go g",
    .params = 10,
};
/* clang-format on */

static void read_launch(sl_launch_t *out, const sl_rows_t *rows, int i)
{
    out->id = sl_rows_text(rows, i, "id");
    out->app = sl_rows_text(rows, i, "app");
    out->ehr = sl_rows_text(rows, i, "ehr");
    out->key_id = sl_rows_text(rows, i, "key_id");
    out->kind = sl_store_kind(sl_rows_text(rows, i, "kind"));
    out->state = sl_store_state(sl_rows_text(rows, i, "state"));
    out->link_state = sl_store_link_state(sl_rows_text(rows, i, "link_state"));
    out->link = sl_rows_text(rows, i, "link");
    out->app_user = sl_rows_text(rows, i, "app_user");
    out->ehr_user = sl_rows_text(rows, i, "ehr_user");
    out->issuer = sl_rows_text(rows, i, "issuer");
    out->sub = sl_rows_text(rows, i, "sub");
    out->source = sl_rows_text(rows, i, "source");
    out->fhir_user = sl_rows_text(rows, i, "fhir_user");
    out->patient = sl_rows_text(rows, i, "patient");
    out->encounter = sl_rows_text(rows, i, "encounter");
    out->context = sl_rows_text(rows, i, "context");
    out->scope_granted = sl_rows_text(rows, i, "scope_granted");
    out->login_user = sl_rows_text(rows, i, "login_user");
    out->return_to = sl_rows_text(rows, i, "return_to");
    out->redirect_path = sl_rows_text(rows, i, "redirect_path");
    out->end_reason = sl_rows_text(rows, i, "end_reason");
    out->stand_in_for = sl_rows_text(rows, i, "stand_in_for");
    out->authorized_at = sl_rows_time(rows, i, "authorized_at");
    out->last_seen_at = sl_rows_time(rows, i, "last_seen_at");
    out->expires_at = sl_rows_time(rows, i, "expires_at");
    out->ended_at = sl_rows_time(rows, i, "ended_at");
    out->login_at = sl_rows_time(rows, i, "login_at");
    out->token_expires_at = sl_rows_time(rows, i, "token_expires_at");
    out->old_cookie = sl_rows_bool(rows, i, "old_cookie");
}

sl_rc_t sl_store_browser_launches(sl_browser_t *out, sl_db_t *db, const sl_browser_query_t *query,
                                  apr_pool_t *p, sl_err_t *err)
{
    int limit = query->limit > 0 ? query->limit : LIMIT;
    const sl_db_param_t params[] = {sl_db_hash(query->browser_hash), sl_db_text(query->app),
                                    sl_db_int(query->since), sl_db_int(limit)};
    const sl_db_call_t call = {&BROWSER, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);
    int count;

    if (rc != SL_OK) {
        return rc;
    }
    count = sl_rows_text(rows, 0, "id") == NULL ? 0 : sl_rows_count(rows);
    out->more = count > limit;
    out->now = sl_rows_time(rows, 0, "now");
    out->launches = apr_array_make(p, count > 0 ? count : 1, sizeof(sl_launch_t));
    for (int i = 0; i < count && i < limit; i++) {
        read_launch(apr_array_push(out->launches), rows, i);
    }
    return SL_OK;
}

/** Run a statement that changes one launch or none, with a pool of its own. */
static sl_rc_t change_one(sl_db_t *db, const sl_db_call_t *call, sl_err_t *err)
{
    apr_pool_t *p;
    sl_rc_t rc;
    int n;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL3060", "out of memory");
    }
    rc = sl_store_count(&n, db, call, p, err);
    apr_pool_destroy(p);
    if (rc == SL_OK && n == 0) {
        return sl_err_set(err, SL_EXPIRED, "SL3061", "the launch has ended");
    }
    return rc;
}

sl_rc_t sl_store_launch_touch(sl_db_t *db, const char *id, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(id)};
    const sl_db_call_t call = {&TOUCH, params};

    return change_one(db, &call, err);
}

sl_rc_t sl_store_launch_login(sl_db_t *db, const char *id, const char *login_user,
                              const char *return_to, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(id), sl_db_text(login_user), sl_db_text(return_to)};
    const sl_db_call_t call = {&LOGIN, params};

    return change_one(db, &call, err);
}

sl_rc_t sl_store_launch_end(int *ended, sl_db_t *db, const sl_launch_end_t *end, apr_pool_t *p,
                            sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(end->id),
        sl_db_hash(end->browser_hash),
        sl_db_text(end->app),
        sl_db_text(end->reason),
        sl_db_text(sl_store_steps_json(end->steps, p)),
        sl_db_bool(end->revoke_tokens),
    };
    const sl_db_call_t call = {&END, params};

    return sl_store_count(ended, db, &call, p, err);
}

sl_rc_t sl_store_session_begin(sl_launch_finished_t *out, sl_db_t *db,
                               const sl_session_new_t *session, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(session->id),
        sl_db_hash(session->browser_hash),
        sl_db_hash(session->new_browser_hash),
        sl_db_int(session->max),
        sl_db_text(sl_store_steps_json(session->steps, p)),
        sl_db_text(session->app),
        sl_db_text(session->app_user),
        sl_db_text(session->key_id),
        sl_db_hash(session->handle_hash),
        sl_db_hash(session->session_hash),
    };
    const sl_db_call_t call = {&SESSION, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK && sl_rows_count(rows) == 0) {
        return sl_err_set(err, SL_EXPIRED, "SL3062", "the cookie was renewed a moment ago");
    }
    if (rc == SL_OK) {
        out->moved = true;
        out->ended = (int)sl_rows_int(rows, 0, "ended", 0);
    }
    return rc;
}
