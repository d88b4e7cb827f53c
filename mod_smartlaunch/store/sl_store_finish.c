/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of sl_store_launch.h: a launch becomes live. */
#include "store/sl_store_sql.h"
#include <string.h>

/*
 * own      the launch, if it is still claimed by this browser (or the browser's cookie was renewed
 *          since it was claimed: then it finishes under the new one, and nothing moves)
 * asks     does somebody else live in this browser, and have we to ask?
 * rivals   links that have the EHR user or the app user already
 * touched  the link we look for; a revocation that is under way is waited for
 * made     … or a new one, where that is wanted and nothing of the user was ever revoked
 */
/* clang-format off */
static const sl_stmt_t FINISH = {
    .name = "sl_launch_finish",
    .sql =
        "WITH " SQL_SEEN ","
        "own AS ("
        " SELECT s.id, s.app, s.ehr, s.browser_hash, $8::text AS app_user, $9::text AS ehr_user"
        " FROM seen s WHERE s.id = $1 AND s.state = 'claimed'"
        "  AND (s.browser_hash = $2 OR s.prev_browser_hash = $2)),"
        "asks AS ("
        " SELECT $19::text = 'hold' OR $19 = 'ask' AND EXISTS (SELECT 1 FROM own g JOIN seen s"
        "  ON s.browser_hash = g.browser_hash AND s.id <> g.id"
        "  WHERE s.state = 'live' AND s.expires_at > now()"
        "   AND ($20::bigint = 0 OR s.last_seen_at > now() - " SQL_FOR("$20") ")"
        "   AND " SQL_OTHER ") AS held),"
        "rivals AS ("
        " SELECT k.id, k.ehr_user = o.ehr_user AND k.app_user = o.app_user"
        "  AND k.issuer IS NOT DISTINCT FROM $10::text AND k.sub IS NOT DISTINCT FROM $11::text"
        "  AND k.source IS NOT DISTINCT FROM $12::text AS same"
        " FROM own o CROSS JOIN LATERAL (" SQL_RIVALS ") k WHERE $17::text = 'linked'),"
        "touched AS ("
        " UPDATE smartlaunch.link k SET last_launch_at = now(),"
        "  fhir_user = coalesce($13::text, k.fhir_user)"
        " WHERE k.id = (SELECT r.id FROM rivals r WHERE r.same LIMIT 1)"
        "  AND k.revoked_at IS NULL RETURNING k.id),"
        "made AS ("
        " INSERT INTO smartlaunch.link (app, ehr, ehr_user, issuer, sub, source, app_user,"
        "  fhir_user, how, last_launch_at)"
        " SELECT o.app, o.ehr, o.ehr_user, $10, $11, $12, o.app_user, $13, $18::text, now()"
        " FROM own o WHERE $17 = 'linked' AND $18 IS NOT NULL"
        "  AND NOT EXISTS (SELECT 1 FROM rivals)"
        "  AND (SELECT k.id FROM smartlaunch.link k WHERE k.app = o.app AND k.ehr = o.ehr"
        "   AND k.ehr_user = o.ehr_user AND k.revoked_at IS NOT NULL LIMIT 1) IS NULL"
        " ON CONFLICT DO NOTHING RETURNING id),"
        "joined AS (SELECT id FROM touched UNION ALL SELECT id FROM made),"
        "go AS ("
        " SELECT o.*, a.held, o.browser_hash = $2 AND NOT a.held AS moved,"
        "  $19 = 'end' OR ($19 = 'ask' AND NOT a.held) AS ends, (SELECT id FROM joined) AS link"
        " FROM own o CROSS JOIN asks a WHERE $17 <> 'linked' OR EXISTS (SELECT 1 FROM joined)),"
        "lives AS ("
        " UPDATE smartlaunch.launch l SET state = CASE WHEN g.held THEN 'held' ELSE 'live' END,"
        "  link = g.link, link_state = $17, handle_hash = $6::bytea, session_hash = $7::bytea,"
        "  app_user = g.app_user, ehr_user = g.ehr_user, issuer = $10, sub = $11, source = $12,"
        "  fhir_user = $13, patient = $14::text, encounter = $15::text, context = $16::jsonb,"
        "  login_user = $27::text, login_at = CASE WHEN $27 IS NOT NULL THEN now() END,"
        "  authorized_at = now(), last_seen_at = now(),"
        "  expires_at = now() + " SQL_FOR("$4") ","
        "  browser_hash = CASE WHEN g.moved THEN $3::bytea ELSE l.browser_hash END,"
        "  prev_browser_hash = CASE WHEN g.moved THEN l.browser_hash ELSE l.prev_browser_hash END,"
        "  moved_at = CASE WHEN g.moved THEN now() ELSE l.moved_at END"
        " FROM go g WHERE l.id = g.id),"
        "kept AS ("
        " INSERT INTO smartlaunch.token (launch, link, app, ehr, app_user, patient, access_sealed,"
        "  refresh_sealed, key_id, scope_asked, scope_granted, expires_at)"
        " SELECT g.id, g.link, g.app, g.ehr, g.app_user, $14, $21::bytea, $22::bytea, $23::text,"
        "  $24::text, $25::text, CASE WHEN $26::bigint > 0 THEN now() + " SQL_FOR("$26") " END"
        " FROM go g)," SQL_MATES "," SQL_NOTED("g.id", "go g, ", "$5")
        "SELECT EXISTS (SELECT 1 FROM own) AS mine, g.id IS NOT NULL AS done, g.held, g.moved,"
        " g.link, (SELECT count(*) FROM mates WHERE ends) AS ended,"
        " EXISTS (SELECT 1 FROM rivals WHERE NOT same) AS taken,"
        " EXISTS (SELECT 1 FROM rivals WHERE same) AS known"
        " FROM (SELECT 1) one LEFT JOIN go g ON true",
    .params = 27,
};
/* clang-format on */

/* authorized_at is now: the cookie before this renewal shall not open what was held. */
/* clang-format off */
static const sl_stmt_t RELEASE = {
    .name = "sl_launch_release",
    .sql =
        "WITH " SQL_SEEN ","
        "go AS ("
        " SELECT s.id, s.app, s.ehr, s.browser_hash, s.app_user, s.ehr_user, s.link,"
        "  true AS moved, true AS ends"
        " FROM seen s WHERE s.id = $1 AND s.state = 'held' AND s.browser_hash = $2"
        "  AND s.expires_at > now()),"
        "lives AS ("
        " UPDATE smartlaunch.launch l SET state = 'live', authorized_at = now(),"
        "  last_seen_at = now(), browser_hash = $3::bytea, prev_browser_hash = l.browser_hash,"
        "  moved_at = now()"
        " FROM go g WHERE l.id = g.id)," SQL_MATES "," SQL_NOTED("g.id", "go g, ", "$5")
        "SELECT g.link, g.moved, false AS held,"
        " (SELECT count(*) FROM mates WHERE ends) AS ended FROM go g",
    .params = 5,
};
/* clang-format on */

static void read_finished(sl_launch_finished_t *out, const sl_rows_t *rows)
{
    out->held = sl_rows_bool(rows, 0, "held");
    out->moved = sl_rows_bool(rows, 0, "moved");
    out->link = sl_rows_text(rows, 0, "link");
    out->ended = (int)sl_rows_int(rows, 0, "ended", 0);
}

typedef enum { DONE, AGAIN, GONE, TAKEN, UNLINKED } verdict_t;

static verdict_t judge(const sl_rows_t *rows, const sl_launch_result_t *result)
{
    if (sl_rows_bool(rows, 0, "done")) {
        return DONE;
    }
    if (!sl_rows_bool(rows, 0, "mine")) {
        return GONE;
    }
    if (sl_rows_bool(rows, 0, "taken")) {
        return TAKEN;
    }
    /* Nobody had the names when we looked, and still we could not have them: look again. */
    return result->link_how != NULL && !sl_rows_bool(rows, 0, "known") ? AGAIN : UNLINKED;
}

static sl_rc_t run_finish(sl_launch_finished_t *out, sl_db_t *db, const sl_db_call_t *call,
                          const sl_launch_result_t *result, apr_pool_t *p, sl_err_t *err)
{
    for (int tries = 0;; tries++) {
        sl_rows_t *rows;
        sl_rc_t rc = sl_db_run(&rows, db, call, p, err);

        if (rc != SL_OK) {
            return rc;
        }
        switch (judge(rows, result)) {
        case DONE:
            read_finished(out, rows);
            return SL_OK;
        case GONE:
            return sl_err_set(err, SL_EXPIRED, "SL3042", "the launch is not under way any more");
        case TAKEN:
            return sl_err_set(err, SL_CONFLICT, "SL3043",
                              "the EHR user or the app user is linked to somebody else");
        case UNLINKED:
            return sl_err_set(err, SL_NONE, "SL3044", "the EHR user has no link, or none any more");
        case AGAIN:
            if (tries > 0) {
                return sl_err_set(err, SL_NONE, "SL3045",
                                  "a link of this EHR user was revoked: it is not made by itself");
            }
            break;
        }
    }
}

sl_rc_t sl_store_launch_finish(sl_launch_finished_t *out, sl_db_t *db,
                               const sl_launch_result_t *result, apr_pool_t *p, sl_err_t *err)
{
    const sl_token_new_t *token = result->token;
    const sl_db_param_t params[] = {
        sl_db_text(result->id),
        sl_db_hash(result->browser_hash),
        sl_db_hash(result->new_browser_hash),
        sl_db_int(result->max),
        sl_db_text(sl_store_steps_json(result->steps, p)),
        sl_db_hash(result->handle_hash),
        sl_db_hash(result->session_hash),
        sl_db_text(result->app_user),
        sl_db_text(result->ehr_user),
        sl_db_text(result->issuer),
        sl_db_text(result->sub),
        sl_db_text(result->source),
        sl_db_text(result->fhir_user),
        sl_db_text(result->patient),
        sl_db_text(result->encounter),
        sl_db_text(result->context),
        sl_db_text(sl_store_link_word(result->link_state)),
        sl_db_text(result->link_how),
        sl_db_text(sl_store_others_word(result->others)),
        sl_db_int(result->idle),
        sl_db_bytes(token->access_sealed),
        sl_db_bytes(token->refresh_sealed),
        sl_db_text(token->key_id),
        sl_db_text(token->scope_asked),
        sl_db_text(token->scope_granted),
        sl_db_int(token->lifetime),
        sl_db_text(result->login_user),
    };
    const sl_db_call_t call = {&FINISH, params};

    memset(out, 0, sizeof(*out));
    return run_finish(out, db, &call, result, p, err);
}

sl_rc_t sl_store_launch_release(sl_launch_finished_t *out, sl_db_t *db,
                                const sl_launch_release_t *release, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(release->id),
        sl_db_hash(release->browser_hash),
        sl_db_hash(release->new_browser_hash),
        sl_db_int(release->max),
        sl_db_text(sl_store_steps_json(release->steps, p)),
    };
    const sl_db_call_t call = {&RELEASE, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK && sl_rows_count(rows) == 0) {
        return sl_err_set(err, SL_EXPIRED, "SL3046", "no launch waits to be confirmed here");
    }
    if (rc == SL_OK) {
        read_finished(out, rows);
    }
    return rc;
}
