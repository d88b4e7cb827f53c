/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_link.h"

#include "store/sl_store_sql.h"
#include <string.h>

/* clang-format off */
static const sl_stmt_t FIND = {
    .name = "sl_link_find",
    .sql = "SELECT id, app_user, false AS revoked,"
           " issuer IS NOT DISTINCT FROM $4::text AND sub IS NOT DISTINCT FROM $5::text"
           "  AND source IS NOT DISTINCT FROM $6::text AS same"
           " FROM smartlaunch.link"
           " WHERE app = $1::text AND ehr = $2::text AND ehr_user = $3::text"
           "  AND revoked_at IS NULL"
           " UNION ALL"
           " (SELECT id, app_user, true, false FROM smartlaunch.link"
           "  WHERE app = $1 AND ehr = $2 AND ehr_user = $3 AND revoked_at IS NOT NULL LIMIT 1)"
           " ORDER BY revoked LIMIT 1",
    .params = 6,
    .read_only = true,
};

static const sl_stmt_t BY_USER = {
    .name = "sl_link_by_user",
    .sql = "SELECT id, ehr_user FROM smartlaunch.link"
           " WHERE app = $1::text AND ehr = $2::text AND app_user = $3::text"
           "  AND revoked_at IS NULL",
    .params = 3,
    .read_only = true,
};

/*
 * own      the launch, if it is live, pending and of this very cookie
 * tk       its token, locked: the one that was sealed anew, or one of no use any more. A renewal
 *          that comes afterwards finds another app_user and seals anew
 * ready    the launch, if it has that token, or never had one
 * then as in finish, but an earlier revocation does not stand in the way: the user was asked.
 * linked_at is now: the cookie before this renewal shall not open a launch that has a user.
 */
static const sl_stmt_t MAKE = {
    .name = "sl_link_make",
    .sql =
        "WITH " SQL_SEEN ","
        "own AS ("
        " SELECT s.id, s.app, s.ehr, s.browser_hash, $6::text AS app_user, s.ehr_user, s.issuer,"
        "  s.sub, s.source, s.fhir_user"
        " FROM seen s WHERE s.id = $1 AND s.state = 'live' AND s.link_state = 'pending'"
        "  AND s.browser_hash = $2 AND s.expires_at > now() AND s.ehr_user IS NOT NULL),"
        "tk AS ("
        " SELECT t.launch FROM smartlaunch.token t JOIN own o ON t.launch = o.id"
        " WHERE t.generation = $9::bigint OR ($9 = 0 AND t.status <> 'active') FOR UPDATE OF t),"
        "ready AS ("
        " SELECT o.* FROM own o WHERE EXISTS (SELECT 1 FROM tk) OR ($9 = 0"
        "  AND NOT EXISTS (SELECT 1 FROM smartlaunch.token t WHERE t.launch = o.id))),"
        "rivals AS ("
        " SELECT k.id, k.ehr_user = o.ehr_user AND k.app_user = o.app_user"
        "  AND k.issuer IS NOT DISTINCT FROM o.issuer AND k.sub IS NOT DISTINCT FROM o.sub"
        "  AND k.source IS NOT DISTINCT FROM o.source AS same"
        " FROM ready o CROSS JOIN LATERAL (" SQL_RIVALS ") k),"
        "touched AS ("
        " UPDATE smartlaunch.link k SET last_launch_at = now()"
        " WHERE k.id = (SELECT r.id FROM rivals r WHERE r.same LIMIT 1)"
        "  AND k.revoked_at IS NULL RETURNING k.id),"
        "made AS ("
        " INSERT INTO smartlaunch.link (app, ehr, ehr_user, issuer, sub, source, app_user,"
        "  fhir_user, how, last_launch_at)"
        " SELECT o.app, o.ehr, o.ehr_user, o.issuer, o.sub, o.source, o.app_user, o.fhir_user,"
        "  $7::text, now()"
        " FROM ready o WHERE NOT EXISTS (SELECT 1 FROM rivals)"
        " ON CONFLICT DO NOTHING RETURNING id),"
        "joined AS (SELECT id FROM touched UNION ALL SELECT id FROM made),"
        "go AS ("
        " SELECT o.id, o.app, o.ehr, o.browser_hash, o.app_user, o.ehr_user, true AS moved,"
        "  $8::text <> 'keep' AS ends, j.id AS link FROM ready o CROSS JOIN joined j),"
        "lives AS ("
        " UPDATE smartlaunch.launch l SET link = g.link, link_state = 'linked',"
        "  app_user = g.app_user, login_user = NULL, linked_at = now(), last_seen_at = now(),"
        "  browser_hash = $3::bytea, prev_browser_hash = l.browser_hash, moved_at = now()"
        " FROM go g WHERE l.id = g.id),"
        "kept AS ("
        " UPDATE smartlaunch.token t SET link = g.link, app_user = g.app_user,"
        "  access_sealed = CASE WHEN t.status = 'active' THEN $10::bytea END,"
        "  refresh_sealed = CASE WHEN t.status = 'active' THEN $11::bytea END,"
        "  key_id = coalesce($12::text, t.key_id)"
        " FROM go g WHERE t.launch = g.id),"
        SQL_MATES "," SQL_NOTED("g.id", "go g, ", "$5")
        "SELECT EXISTS (SELECT 1 FROM ready) AS mine, g.id IS NOT NULL AS done, g.link,"
        " (SELECT count(*) FROM mates WHERE ends) AS ended,"
        " EXISTS (SELECT 1 FROM rivals WHERE NOT same) AS taken,"
        " EXISTS (SELECT 1 FROM rivals WHERE same) AS known"
        " FROM (SELECT 1) one LEFT JOIN go g ON true",
    .params = 12,
};
/* clang-format on */

sl_rc_t sl_store_link_find(sl_link_t *out, sl_db_t *db, const sl_link_key_t *key, apr_pool_t *p,
                           sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(key->app),    sl_db_text(key->ehr), sl_db_text(key->ehr_user),
        sl_db_text(key->issuer), sl_db_text(key->sub), sl_db_text(key->source),
    };
    const sl_db_call_t call = {&FIND, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    memset(out, 0, sizeof(*out));
    out->outcome = SL_LINK_MISSING;
    if (rc != SL_OK || sl_rows_count(rows) == 0) {
        return rc;
    }
    if (sl_rows_bool(rows, 0, "revoked")) {
        out->outcome = SL_LINK_REVOKED;
        return SL_OK;
    }
    out->outcome = sl_rows_bool(rows, 0, "same") ? SL_LINK_FOUND : SL_LINK_MISMATCH;
    out->id = sl_rows_text(rows, 0, "id");
    out->app_user = sl_rows_text(rows, 0, "app_user");
    return SL_OK;
}

sl_rc_t sl_store_link_by_user(sl_link_user_t *out, sl_db_t *db, const sl_link_key_t *app_and_ehr,
                              const char *app_user, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(app_and_ehr->app), sl_db_text(app_and_ehr->ehr),
                                    sl_db_text(app_user)};
    const sl_db_call_t call = {&BY_USER, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    memset(out, 0, sizeof(*out));
    out->outcome = SL_LINK_MISSING;
    if (rc == SL_OK && sl_rows_count(rows) > 0) {
        out->outcome = SL_LINK_FOUND;
        out->id = sl_rows_text(rows, 0, "id");
        out->ehr_user = sl_rows_text(rows, 0, "ehr_user");
    }
    return rc;
}

/** A second try sees what somebody else made while the first one waited for it. */
static sl_rc_t run_make(sl_rows_t **rows, sl_db_t *db, const sl_db_call_t *call, apr_pool_t *p,
                        sl_err_t *err)
{
    sl_rc_t rc = sl_db_run(rows, db, call, p, err);
    bool lost_race = rc == SL_OK && !sl_rows_bool(*rows, 0, "done") &&
                     sl_rows_bool(*rows, 0, "mine") && !sl_rows_bool(*rows, 0, "taken") &&
                     !sl_rows_bool(*rows, 0, "known");

    return lost_race ? sl_db_run(rows, db, call, p, err) : rc;
}

sl_rc_t sl_store_link_make(sl_link_made_t *out, sl_db_t *db, const sl_link_make_t *make,
                           apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(make->launch),
        sl_db_hash(make->browser_hash),
        sl_db_hash(make->new_browser_hash),
        sl_db_int(make->max),
        sl_db_text(sl_store_steps_json(make->steps, p)),
        sl_db_text(make->app_user),
        sl_db_text(make->how),
        sl_db_text(sl_store_others_word(make->others)),
        sl_db_int(make->generation),
        sl_db_bytes(make->access_sealed),
        sl_db_bytes(make->refresh_sealed),
        sl_db_text(make->key_id),
    };
    const sl_db_call_t call = {&MAKE, params};
    sl_rows_t *rows;
    sl_rc_t rc = run_make(&rows, db, &call, p, err);

    memset(out, 0, sizeof(*out));
    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_bool(rows, 0, "done")) {
        out->link = sl_rows_text(rows, 0, "link");
        out->moved = true;
        out->ended = (int)sl_rows_int(rows, 0, "ended", 0);
        return SL_OK;
    }
    if (sl_rows_bool(rows, 0, "taken")) {
        return sl_err_set(err, SL_CONFLICT, "SL3050",
                          "the EHR user or the app user is linked to somebody else");
    }
    return sl_err_set(err, SL_EXPIRED, "SL3051",
                      "the launch is not waiting for a link any more, or it changed meanwhile");
}
