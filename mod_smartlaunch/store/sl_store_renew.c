/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of sl_store_token.h: the right to renew, and what comes of it. */
#include "store/sl_store_view.h"
#include <string.h>

/*
 * cur      the token, locked: whoever waited for the lock sees what the one before wrote
 * judged   what there is to do with it
 * taken    the lease, if it is free
 */
/* clang-format off */
static const sl_stmt_t LEASE = {
    .name = "sl_token_lease",
    .sql =
        "WITH cur AS ("
        " SELECT t.* FROM smartlaunch.token t WHERE t.launch = $1::uuid FOR UPDATE),"
        "judged AS ("
        " SELECT c.launch, CASE WHEN c.status <> 'active' THEN 'over'"
        "  WHEN c.generation > $2::bigint THEN 'newer'"
        "  WHEN c.generation < $2 THEN 'interrupted'"
        "  WHEN c.refresh_sealed IS NULL THEN 'over'"
        "  WHEN c.lease_until > now() THEN 'busy'"
        "  WHEN c.lease_until IS NOT NULL THEN 'interrupted'"
        "  WHEN c.retry_at > now() THEN 'later'"
        "  ELSE 'won' END AS outcome FROM cur c),"
        "taken AS ("
        " UPDATE smartlaunch.token t SET lease_until = now() + " SQL_FOR("$4") ","
        "  lease_by = $3::text FROM judged j WHERE t.launch = j.launch AND j.outcome = 'won')"
        "SELECT j.outcome, " SQL_TOKEN("c", "c.refresh_sealed") ", " SQL_VIEW("c")
        " FROM judged j JOIN cur c ON c.launch = j.launch"
        " JOIN smartlaunch.launch l ON l.id = c.launch",
    .params = 4,
};

/*
 * Launches are locked before tokens, here as everywhere; so the launch, where it changes, too.
 * Sealed values are never the same twice: the one we have to write being there says that an earlier
 * try went through, and therefore a second one does no harm.
 */
#define SQL_LAUNCH_FIRST(wanted)                                                                   \
    "own AS ("                                                                                     \
    " SELECT l.id FROM smartlaunch.launch l WHERE l.id = $1::uuid AND (" wanted ") FOR UPDATE),"   \
    "cur AS ("                                                                                     \
    " SELECT t.launch, t.generation, t.status, t.app_user, t.access_sealed"                        \
    " FROM smartlaunch.token t"                                                                    \
    " WHERE t.launch = $1 AND (SELECT count(*) FROM own) >= 0 FOR UPDATE OF t)"

static const sl_stmt_t RENEW = {
    .name = "sl_token_renew",
    .sql =
        "WITH " SQL_LAUNCH_FIRST("$10::text IS NOT NULL OR $11::jsonb IS NOT NULL") ","
        "go AS ("
        " SELECT c.launch FROM cur c WHERE c.status <> 'revoked' AND c.generation = $2::bigint"
        "  AND c.app_user IS NOT DISTINCT FROM $3::text),"
        "kept AS ("
        " UPDATE smartlaunch.token t SET access_sealed = $4::bytea, refresh_sealed = $5::bytea,"
        "  key_id = $6::text, scope_granted = coalesce($7::text, t.scope_granted),"
        "  issued_at = x.issued_at,"
        "  expires_at = CASE WHEN $9::bigint > 0 THEN x.issued_at + " SQL_FOR("$9") " END,"
        "  generation = t.generation + 1, renewals = t.renewals + 1, status = 'active',"
        "  lease_until = NULL, lease_by = NULL, retry_at = NULL, last_error = NULL"
        " FROM go g, (SELECT least(now(), CASE WHEN $8::bigint > 0"
        "  THEN to_timestamp(0) + " SQL_FOR("$8") " END) AS issued_at) x"
        " WHERE t.launch = g.launch),"
        "told AS ("
        " UPDATE smartlaunch.launch l SET encounter = coalesce($10, l.encounter),"
        "  context = CASE WHEN $11 IS NULL THEN l.context"
        "   ELSE coalesce(l.context, '{}'::jsonb) || $11 END"
        " FROM go g JOIN own o ON o.id = g.launch WHERE l.id = g.launch)"
        "SELECT EXISTS (SELECT 1 FROM go) OR EXISTS (SELECT 1 FROM cur c"
        "  WHERE c.generation = $2 + 1 AND c.access_sealed = $4) AS done,"
        " EXISTS (SELECT 1 FROM cur c WHERE c.status <> 'revoked') AS there",
    .params = 11,
    .read_only = true, /* as said above */
};

static const sl_stmt_t RELEASE = {
    .name = "sl_token_release",
    .sql = "UPDATE smartlaunch.token SET lease_until = NULL, lease_by = NULL,"
           " retry_at = CASE WHEN $4::bigint > 0 THEN now() + " SQL_FOR("$4") " END,"
           " last_error = $5::text"
           " WHERE launch = $1::uuid AND generation = $2::bigint AND lease_by = $3::text",
    .params = 5,
    .read_only = true, /* the second time there is no lease to give back */
};

static const sl_stmt_t OVER = {
    .name = "sl_token_over",
    .sql =
        "WITH " SQL_LAUNCH_FIRST("$4::text IS NOT NULL") ","
        "go AS ("
        " SELECT c.launch FROM cur c WHERE c.status <> 'revoked' AND c.generation <= $2::bigint),"
        "kept AS ("
        " UPDATE smartlaunch.token t SET status = 'relaunch', access_sealed = NULL,"
        "  refresh_sealed = NULL, lease_until = NULL, lease_by = NULL, retry_at = NULL,"
        "  last_error = $3::text FROM go g WHERE t.launch = g.launch)"
        "UPDATE smartlaunch.launch l SET state = 'ended', ended_at = now(), end_reason = $4"
        " FROM go g JOIN own o ON o.id = g.launch"
        " WHERE l.id = g.launch AND l.state IN ('held', 'live')",
    .params = 4,
    .read_only = true, /* being over twice is no more than being over */
};
/* clang-format on */

static sl_lease_outcome_t outcome_of(const char *word)
{
    static const struct {
        const char *word;
        sl_lease_outcome_t outcome;
    } WORDS[] = {
        {"won", SL_LEASE_WON},     {"busy", SL_LEASE_BUSY}, {"newer", SL_LEASE_NEWER},
        {"later", SL_LEASE_LATER}, {"over", SL_LEASE_OVER}, {"interrupted", SL_LEASE_INTERRUPTED},
    };

    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        if (word != NULL && strcmp(WORDS[i].word, word) == 0) {
            return WORDS[i].outcome;
        }
    }
    return SL_LEASE_OVER;
}

sl_rc_t sl_store_token_lease(sl_leased_t *out, sl_db_t *db, const sl_lease_t *lease, apr_pool_t *p,
                             sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(lease->launch), sl_db_int(lease->generation),
                                    sl_db_text(lease->by), sl_db_int(lease->length)};
    const sl_db_call_t call = {&LEASE, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return sl_err_set(err, SL_NONE, "SL3402", "the token that was to be renewed is gone");
    }
    out->outcome = outcome_of(sl_rows_text(rows, 0, "outcome"));
    sl_store_read_view(&out->view, rows, 0);
    return SL_OK;
}

static sl_rc_t judge(const sl_rows_t *rows, sl_err_t *err)
{
    if (!sl_rows_bool(rows, 0, "there")) {
        return sl_err_set(err, SL_EXPIRED, "SL3403",
                          "the token was revoked while it was renewed, or its launch deleted");
    }
    if (!sl_rows_bool(rows, 0, "done")) {
        return sl_err_set(err, SL_CONFLICT, "SL3404",
                          "the token changed while it was renewed: it is read again");
    }
    return SL_OK;
}

sl_rc_t sl_store_token_renew(sl_db_t *db, const sl_token_next_t *next, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(next->launch),          sl_db_int(next->follows),
        sl_db_text(next->app_user),        sl_db_bytes(next->access_sealed),
        sl_db_bytes(next->refresh_sealed), sl_db_text(next->key_id),
        sl_db_text(next->scope_granted),   sl_db_int(next->issued_at),
        sl_db_int(next->lifetime),         sl_db_text(next->encounter),
        sl_db_text(next->context),
    };
    const sl_db_call_t call = {&RENEW, params};
    sl_rows_t *rows;
    apr_pool_t *p;
    sl_rc_t rc;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL3405", "out of memory");
    }
    rc = sl_db_run(&rows, db, &call, p, err);
    if (rc == SL_OK) {
        rc = judge(rows, err);
    }
    apr_pool_destroy(p);
    return rc;
}

sl_rc_t sl_store_token_release(sl_db_t *db, const sl_token_release_t *release, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(release->launch), sl_db_int(release->generation),
                                    sl_db_text(release->by), sl_db_int(release->retry),
                                    sl_db_text(release->error)};
    const sl_db_call_t call = {&RELEASE, params};

    return sl_store_do(db, &call, err);
}

sl_rc_t sl_store_token_over(sl_db_t *db, const sl_token_over_t *over, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(over->launch), sl_db_int(over->generation),
                                    sl_db_text(over->error), sl_db_text(over->end_launch)};
    const sl_db_call_t call = {&OVER, params};

    return sl_store_do(db, &call, err);
}
