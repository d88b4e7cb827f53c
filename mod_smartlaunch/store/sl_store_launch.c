/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_launch.h"

#include "store/sl_store_sql.h"
#include <apr_strings.h>
#include <string.h>

#define MAX_PER_BROWSER 16
#define MAX_PER_NET 2000
#define MAX_AGE apr_time_from_sec(600)

/* clang-format off */
/* The bound per network counts no further than it has to. */
static const sl_stmt_t BEGIN = {
    .name = "sl_launch_begin",
    .sql = "WITH room AS ("
           " SELECT count(*) AS n FROM (SELECT 1 FROM smartlaunch.launch"
           "  WHERE client_net = $11::bytea AND state = 'pending'"
           "   AND created_at > now() - interval '10 minutes' LIMIT $13::integer) counted),"
           "go AS ("
           " INSERT INTO smartlaunch.launch (id, browser_hash, app, ehr, kind, state, state_hash,"
           "  pending_sealed, key_id, return_to, redirect_path, client_net)"
           " SELECT $1::uuid, $2::bytea, $3::text, $4::text, $6::text, 'pending', $7::bytea,"
           "  $8::bytea, $9::text, $10::text, $14::text, $11"
           " FROM room WHERE room.n < $13 RETURNING id),"
           SQL_NOTED("g.id", "go g, ", "$5")
           "SELECT g.id, smartlaunch.prune_pending($2, g.id, $12::integer - 1) FROM go g",
    .params = 14,
};

/*
 * `heir`: the launch began under the cookie that was renewed to the one we are shown, before or
 * just after; two launches that open at once do that. `stale`: what we are shown is a cookie that
 * was renewed seconds ago. A launch claimed long ago was claimed by a process that died.
 */
static const sl_stmt_t CLAIM = {
    .name = "sl_launch_claim",
    .sql = "WITH l AS (SELECT * FROM smartlaunch.launch WHERE state_hash = $1::bytea FOR UPDATE),"
           "v AS ("
           " SELECT l.*, l.redirect_path = $3::text AS here,"
           "  coalesce(l.browser_hash = $2::bytea, false) AS same,"
           "  coalesce(l.prev_browser_hash = $2 AND l.moved_at > now() - interval '10 seconds',"
           "   false) AS older,"
           "  EXISTS (SELECT 1 FROM smartlaunch.launch m WHERE m.browser_hash = $2"
           "   AND m.prev_browser_hash = l.browser_hash"
           "   AND l.created_at < m.moved_at + interval '10 seconds') AS heir,"
           "  EXISTS (SELECT 1 FROM smartlaunch.launch o WHERE o.prev_browser_hash = $2"
           "   AND o.moved_at > now() - interval '10 seconds') AS stale"
           " FROM l),"
           "d AS ("
           " SELECT v.*, CASE"
           "  WHEN NOT here THEN 'foreign'"
           "  WHEN state <> 'pending' AND (same OR heir OR older) THEN 'used'"
           "  WHEN stale OR NOT (same OR heir) THEN 'foreign'"
           "  WHEN created_at <= now() - " SQL_FOR("$4") " THEN 'expired'"
           "  ELSE 'won' END AS outcome"
           " FROM v),"
           "u AS ("
           " UPDATE smartlaunch.launch c SET state = 'claimed', claimed_at = now(),"
           "  pending_sealed = NULL, client_net = NULL, browser_hash = $2"
           " FROM d WHERE c.id = d.id AND d.outcome = 'won' RETURNING c.id)"
           "SELECT d.outcome, d.older OR d.stale AS old_cookie,"
           " d.heir OR d.prev_browser_hash IS NOT NULL AS moved,"
           " CASE WHEN d.state = 'claimed' AND d.claimed_at < now() - interval '2 minutes'"
           "  THEN 'failed' ELSE d.state END AS state, d.kind, d.id, d.app,"
           " d.ehr, d.key_id, d.return_to, d.pending_sealed,"
           " " SQL_US("d.created_at") " AS created_at, (SELECT count(*) FROM u) AS won FROM d",
    .params = 4,
};

static const sl_stmt_t FAIL = {
    .name = "sl_launch_fail",
    .sql =
        "WITH f AS ("
        " UPDATE smartlaunch.launch SET state = 'failed', ended_at = now(), end_reason = $2::text,"
        "  pending_sealed = NULL, client_net = NULL"
        " WHERE id = $1::uuid AND state IN ('pending', 'claimed', 'held') RETURNING id),"
        "t AS ("
        " UPDATE smartlaunch.token t SET status = 'revoked', access_sealed = NULL,"
        "  refresh_sealed = NULL, last_error = $2"
        " FROM f WHERE t.launch = f.id AND t.status <> 'revoked'),"
        SQL_NOTED("$1", "", "$3")
        "SELECT count(*) AS n FROM f",
    .params = 3,
};

/* clang-format on */

/* RFC 9562 section 5.7 */
sl_rc_t sl_store_launch_id(const char **out, apr_time_t now, apr_pool_t *p, sl_err_t *err)
{
    unsigned char b[16];
    uint64_t ms = (uint64_t)apr_time_as_msec(now);
    sl_rc_t rc = sl_digest_random(b, sizeof(b), err);

    if (rc != SL_OK) {
        return rc;
    }
    for (int i = 0; i < 6; i++) {
        b[i] = (unsigned char)(ms >> (40 - 8 * i));
    }
    b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    *out = apr_psprintf(p, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
                        b[12], b[13], b[14], b[15]);
    return SL_OK;
}

sl_rc_t sl_store_launch_begin(sl_db_t *db, const sl_launch_new_t *launch, apr_pool_t *p,
                              sl_err_t *err)
{
    int per_browser = launch->max_per_browser > 0 ? launch->max_per_browser : MAX_PER_BROWSER;
    int per_net = launch->max_per_net > 0 ? launch->max_per_net : MAX_PER_NET;
    const sl_db_param_t params[] = {
        sl_db_text(launch->id),
        sl_db_hash(launch->browser_hash),
        sl_db_text(launch->app),
        sl_db_text(launch->ehr),
        sl_db_text(sl_store_steps_json(launch->steps, p)),
        sl_db_text(sl_store_kind_word(launch->kind)),
        sl_db_hash(launch->state_hash),
        sl_db_bytes(launch->pending_sealed),
        sl_db_text(launch->key_id),
        sl_db_text(launch->return_to),
        sl_db_hash(launch->client_net),
        sl_db_int(per_browser),
        sl_db_int(per_net),
        sl_db_text(launch->redirect_path),
    };
    const sl_db_call_t call = {&BEGIN, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc == SL_OK && sl_rows_count(rows) == 0) {
        rc = sl_err_set(err, SL_BUSY, "SL3040",
                        "one network has %d launches that nobody finished: no more for now",
                        per_net);
        if (err != NULL) {
            err->retry_after = 60;
        }
    }
    return rc;
}

static sl_claim_outcome_t outcome_of(const char *word)
{
    if (strcmp(word, "won") == 0) {
        return SL_CLAIM_WON;
    }
    if (strcmp(word, "used") == 0) {
        return SL_CLAIM_USED;
    }
    return strcmp(word, "expired") == 0 ? SL_CLAIM_EXPIRED : SL_CLAIM_FOREIGN;
}

static void read_claimed(sl_launch_claimed_t *out, const sl_rows_t *rows)
{
    out->outcome = outcome_of(sl_rows_text(rows, 0, "outcome"));
    out->old_cookie = sl_rows_bool(rows, 0, "old_cookie");
    if (out->outcome == SL_CLAIM_FOREIGN) {
        return;
    }
    out->moved = sl_rows_bool(rows, 0, "moved");
    out->state = sl_store_state(sl_rows_text(rows, 0, "state"));
    out->kind = sl_store_kind(sl_rows_text(rows, 0, "kind"));
    out->id = sl_rows_text(rows, 0, "id");
    out->app = sl_rows_text(rows, 0, "app");
    out->ehr = sl_rows_text(rows, 0, "ehr");
    out->key_id = sl_rows_text(rows, 0, "key_id");
    out->return_to = sl_rows_text(rows, 0, "return_to");
    out->created_at = sl_rows_time(rows, 0, "created_at");
    if (out->outcome == SL_CLAIM_WON) {
        out->pending_sealed = sl_rows_bytes(rows, 0, "pending_sealed");
    }
}

sl_rc_t sl_store_launch_claim(sl_launch_claimed_t *out, sl_db_t *db, const sl_launch_claim_t *claim,
                              apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_hash(claim->state_hash),
        sl_db_hash(claim->browser_hash),
        sl_db_text(claim->redirect_path),
        sl_db_int(claim->max_age > 0 ? claim->max_age : MAX_AGE),
    };
    const sl_db_call_t call = {&CLAIM, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    memset(out, 0, sizeof(*out));
    out->outcome = SL_CLAIM_UNKNOWN;
    if (rc == SL_OK && sl_rows_count(rows) > 0) {
        read_claimed(out, rows);
    }
    return rc;
}

sl_rc_t sl_store_launch_fail(sl_db_t *db, const char *id, const char *reason,
                             const sl_steps_t *steps, sl_err_t *err)
{
    apr_pool_t *p;
    sl_rc_t rc;
    int n;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL3041", "out of memory");
    }
    {
        const sl_db_param_t params[] = {sl_db_text(id), sl_db_text(reason),
                                        sl_db_text(sl_store_steps_json(steps, p))};
        const sl_db_call_t call = {&FAIL, params};

        rc = sl_store_count(&n, db, &call, p, err);
    }
    apr_pool_destroy(p);
    return rc;
}
