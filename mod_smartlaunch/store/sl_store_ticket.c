/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_ticket.h"

#include "store/sl_store_sql.h"
#include <string.h>

#define MAX_AGE apr_time_from_sec(600)

/* clang-format off */
static const sl_stmt_t MAKE = {
    .name = "sl_ticket_make",
    .sql = "WITH l AS ("
           " SELECT l.id, l.key_id FROM smartlaunch.launch l WHERE l.id = $2::uuid"
           "  AND l.browser_hash = $3::bytea AND l.state = 'live' AND l.expires_at > now()),"
           "made AS ("
           " INSERT INTO smartlaunch.ticket (ticket_hash, launch, kind, key_id, expires_at)"
           " SELECT $1::bytea, l.id, 'window', l.key_id, now() + " SQL_FOR("$4") " FROM l"
           "  WHERE (SELECT count(*) FROM smartlaunch.ticket t WHERE t.launch = l.id"
           "   AND t.created_at > now() - interval '1 minute') < $5::integer RETURNING 1)"
           "SELECT EXISTS (SELECT 1 FROM l) AS live, EXISTS (SELECT 1 FROM made) AS made",
    .params = 5,
};

/*
 * Only what began without a cookie may be finished without. A cookie that other launches have, or
 * had before it was renewed, was kept by its browser: then the answer comes from another one.
 */
static const sl_stmt_t KEEP = {
    .name = "sl_ticket_keep",
    .sql = "WITH made AS ("
           " INSERT INTO smartlaunch.ticket"
           "  (ticket_hash, launch, kind, key_id, code_sealed, expires_at)"
           " SELECT $1::bytea, l.id, 'callback', $6::text, $5::bytea,"
           "  l.created_at + " SQL_FOR("$7")
           " FROM smartlaunch.launch l WHERE l.state_hash = $2::bytea AND l.app = $3::text"
           "  AND l.redirect_path = $4::text AND l.state = 'pending'"
           "  AND l.created_at > now() - " SQL_FOR("$7")
           "  AND l.prev_browser_hash IS NULL AND NOT EXISTS (SELECT 1 FROM smartlaunch.launch o"
           "   WHERE (o.browser_hash = l.browser_hash OR o.prev_browser_hash = l.browser_hash)"
           "    AND o.id <> l.id)"
           "  AND (SELECT count(*) FROM smartlaunch.ticket t WHERE t.launch = l.id) < $8::integer"
           " RETURNING 1)"
           "SELECT count(*) AS n FROM made",
    .params = 8,
};

/* The ticket is locked before its launch, always: two that use it at once wait for each other. */
static const sl_stmt_t USE = {
    .name = "sl_ticket_use",
    .sql = "WITH t AS ("
           " SELECT * FROM smartlaunch.ticket WHERE ticket_hash = $1::bytea FOR UPDATE),"
           "l AS ("
           " SELECT l.* FROM t JOIN smartlaunch.launch l ON l.id = t.launch"
           " WHERE l.app = $2::text FOR UPDATE OF l),"
           "v AS ("
           " SELECT l.*, t.kind = 'callback' AS has_code, t.key_id AS code_key, t.code_sealed,"
           "  CASE WHEN t.used_at IS NOT NULL THEN 'again' WHEN t.expires_at <= now() THEN 'late'"
           "   ELSE 'used' END AS outcome FROM t JOIN l ON l.id = t.launch),"
           "u AS ("
           " UPDATE smartlaunch.ticket t SET used_at = now(), code_sealed = NULL"
           " FROM v WHERE t.ticket_hash = $1 AND v.outcome = 'used'),"
           "e AS ("
           " UPDATE smartlaunch.launch l SET ended_at = now(), end_reason = 'ticket used twice',"
           "  state = CASE WHEN l.state IN ('held', 'live') THEN 'ended' ELSE 'failed' END,"
           "  pending_sealed = NULL, client_net = NULL"
           " FROM v WHERE l.id = v.id AND v.outcome = 'again'"
           "  AND l.state IN ('pending', 'claimed', 'held', 'live') RETURNING l.id),"
           "shut AS ("
           " UPDATE smartlaunch.token t SET status = 'revoked', access_sealed = NULL,"
           "  refresh_sealed = NULL, last_error = 'ticket used twice'"
           " FROM e WHERE t.launch = e.id AND t.status <> 'revoked')"
           "SELECT v.outcome, v.has_code, v.code_key, v.code_sealed, v.state, v.id, v.ehr,"
           " v.key_id, v.state_hash, v.browser_hash, v.redirect_path, v.pending_sealed FROM v",
    .params = 2,
};

/*
 * stale    the window's cookie was renewed seconds ago: what it would get is not the newest
 * asks     does somebody else live in the window's browser?
 * left     what stays behind: the same patient, nothing that opens, and it moves on with that
 *          browser's cookie as every launch does
 */
static const sl_stmt_t MOVE = {
    .name = "sl_launch_move",
    .sql = "WITH " SQL_SEEN ","
           "own AS ("
           " SELECT s.*, coalesce(s.browser_hash = $2, false) AS stays FROM seen s"
           " WHERE s.id = $1 AND s.state = 'live' AND s.expires_at > now()"
           "  AND NOT EXISTS (SELECT 1 FROM seen x WHERE x.prev_browser_hash = $2"
           "   AND x.browser_hash <> $2 AND x.moved_at > now() - interval '10 seconds')),"
           "asks AS ("
           " SELECT EXISTS (SELECT 1 FROM own g JOIN seen s ON s.browser_hash = $2"
           "  AND s.id <> g.id AND NOT g.stays WHERE s.state = 'live' AND s.expires_at > now()"
           "  AND ($6::bigint = 0 OR s.last_seen_at > now() - " SQL_FOR("$6") ")"
           "  AND " SQL_OTHER ") AS held),"
           "go AS ("
           " SELECT o.id, o.app, o.ehr, o.app_user, o.ehr_user, o.link, o.stays,"
           "  $2 AS browser_hash, a.held, NOT (o.stays OR a.held) AS moved,"
           "  NOT (o.stays OR a.held) AS ends FROM own o CROSS JOIN asks a),"
           "lives AS ("
           " UPDATE smartlaunch.launch l SET state = CASE WHEN g.held THEN 'held' ELSE 'live' END,"
           "  browser_hash = CASE WHEN g.held THEN $2 ELSE $3::bytea END,"
           "  prev_browser_hash = NULL, moved_at = NULL, last_seen_at = now(),"
           "  context = coalesce(l.context, '{}') || jsonb_build_object('toplevel', $7::boolean)"
           " FROM go g WHERE l.id = g.id AND NOT g.stays),"
           "left_behind AS ("
           " INSERT INTO smartlaunch.launch (id, app, ehr, kind, state, key_id, handle_hash,"
           "  session_hash, browser_hash, prev_browser_hash, moved_at, patient, redirect_path,"
           "  created_at, authorized_at, last_seen_at, expires_at, ended_at, end_reason,"
           "  stand_in_for)"
           " SELECT $8::uuid, o.app, o.ehr, o.kind, 'ended', o.key_id,"
           "  sha256(convert_to('handle of ' || $8::text, 'UTF8')),"
           "  sha256(convert_to('session of ' || $8::text, 'UTF8')), o.browser_hash,"
           "  o.prev_browser_hash, o.moved_at, o.patient, o.redirect_path, o.created_at,"
           "  o.authorized_at, o.last_seen_at, o.expires_at, now(), 'another window', o.id"
           " FROM own o WHERE NOT o.stays)," SQL_MATES "," SQL_NOTED("g.id", "go g, ", "$5")
           "SELECT g.link, g.moved, g.held,"
           " (SELECT count(*) FROM mates WHERE ends) AS ended FROM go g",
    .params = 8,
};

static const sl_stmt_t ADOPT = {
    .name = "sl_launch_adopt",
    .sql = "WITH u AS ("
           " UPDATE smartlaunch.launch SET browser_hash = $3::bytea, prev_browser_hash = NULL,"
           "  moved_at = NULL, pending_sealed = $4::bytea, key_id = $5::text"
           " WHERE id = $1::uuid AND state = 'pending' AND browser_hash = $2::bytea RETURNING 1)"
           "SELECT count(*) AS n FROM u",
    .params = 5,
};
/* clang-format on */

sl_rc_t sl_store_ticket_make(sl_db_t *db, const sl_ticket_new_t *ticket, apr_pool_t *p,
                             sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_hash(ticket->ticket_hash),  sl_db_text(ticket->launch),
        sl_db_hash(ticket->browser_hash), sl_db_int(ticket->life),
        sl_db_int(ticket->most),
    };
    const sl_db_call_t call = {&MAKE, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK || sl_rows_bool(rows, 0, "made")) {
        return rc;
    }
    if (!sl_rows_bool(rows, 0, "live")) {
        return sl_err_set(err, SL_EXPIRED, "SL3550",
                          "a ticket was asked for a launch that is not live in this browser");
    }
    rc = sl_err_set(err, SL_BUSY, "SL3551", "one launch asks for too many windows");
    if (err != NULL) {
        err->retry_after = 30;
    }
    return rc;
}

sl_rc_t sl_store_ticket_keep(sl_db_t *db, const sl_ticket_code_t *ticket, apr_pool_t *p,
                             sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_hash(ticket->ticket_hash),
        sl_db_hash(ticket->state_hash),
        sl_db_text(ticket->app),
        sl_db_text(ticket->redirect_path),
        sl_db_bytes(ticket->code_sealed),
        sl_db_text(ticket->key_id),
        sl_db_int(ticket->max_age > 0 ? ticket->max_age : MAX_AGE),
        sl_db_int(ticket->most),
    };
    const sl_db_call_t call = {&KEEP, params};
    int n;
    sl_rc_t rc = sl_store_count(&n, db, &call, p, err);

    if (rc == SL_OK && n == 0) {
        return sl_err_set(err, SL_NONE, "SL3552", "no launch is waiting that a ticket could open");
    }
    return rc;
}

static sl_ticket_outcome_t outcome_of(const char *word)
{
    if (strcmp(word, "used") == 0) {
        return SL_TICKET_USED;
    }
    return strcmp(word, "again") == 0 ? SL_TICKET_AGAIN : SL_TICKET_LATE;
}

static void read_ticket(sl_ticket_t *out, const sl_rows_t *rows)
{
    out->outcome = outcome_of(sl_rows_text(rows, 0, "outcome"));
    out->has_code = sl_rows_bool(rows, 0, "has_code");
    out->launch = sl_rows_text(rows, 0, "id");
    out->ehr = sl_rows_text(rows, 0, "ehr");
    out->key_id = sl_rows_text(rows, 0, "key_id");
    out->state = sl_store_state(sl_rows_text(rows, 0, "state"));
    out->browser_hash = sl_rows_bytes(rows, 0, "browser_hash").bytes;
    out->redirect_path = sl_rows_text(rows, 0, "redirect_path");
    if (out->outcome != SL_TICKET_USED || !out->has_code) {
        return;
    }
    out->code_key = sl_rows_text(rows, 0, "code_key");
    out->code_sealed = sl_rows_bytes(rows, 0, "code_sealed");
    out->state_hash = sl_rows_bytes(rows, 0, "state_hash").bytes;
    out->pending_sealed = sl_rows_bytes(rows, 0, "pending_sealed");
}

sl_rc_t sl_store_ticket_use(sl_ticket_t *out, sl_db_t *db, const unsigned char *ticket_hash,
                            const char *app, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_hash(ticket_hash), sl_db_text(app)};
    const sl_db_call_t call = {&USE, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    memset(out, 0, sizeof(*out));
    out->outcome = SL_TICKET_UNKNOWN;
    if (rc == SL_OK && sl_rows_count(rows) > 0) {
        read_ticket(out, rows);
    }
    return rc;
}

sl_rc_t sl_store_launch_move(sl_launch_finished_t *out, sl_db_t *db, const sl_launch_move_t *move,
                             apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(move->id),
        sl_db_hash(move->browser_hash),
        sl_db_hash(move->new_browser_hash),
        sl_db_int(move->max),
        sl_db_text(sl_store_steps_json(move->steps, p)),
        sl_db_int(move->idle),
        sl_db_bool(move->toplevel),
        sl_db_text(move->stand_in),
    };
    const sl_db_call_t call = {&MOVE, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK && sl_rows_count(rows) == 0) {
        return sl_err_set(err, SL_EXPIRED, "SL3553",
                          "the launch that was to move to another window is not live any more");
    }
    if (rc == SL_OK) {
        out->held = sl_rows_bool(rows, 0, "held");
        out->moved = sl_rows_bool(rows, 0, "moved");
        out->link = sl_rows_text(rows, 0, "link");
        out->ended = (int)sl_rows_int(rows, 0, "ended", 0);
    }
    return rc;
}

sl_rc_t sl_store_launch_adopt(sl_db_t *db, const sl_launch_adopt_t *adopt, apr_pool_t *p,
                              sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(adopt->id),           sl_db_hash(adopt->was_hash),
        sl_db_hash(adopt->browser_hash), sl_db_bytes(adopt->pending_sealed),
        sl_db_text(adopt->key_id),
    };
    const sl_db_call_t call = {&ADOPT, params};
    int n;
    sl_rc_t rc = sl_store_count(&n, db, &call, p, err);

    if (rc == SL_OK && n == 0) {
        return sl_err_set(err, SL_EXPIRED, "SL3554",
                          "the launch that a ticket keeps is not waiting any more");
    }
    return rc;
}
