/* SPDX-License-Identifier: Apache-2.0 */
/* begin and claim */
#include "store.h"
#include "tap.h"

#include <apr_strings.h>

static void begins(void)
{
    const char *id = begin("s-begin", "b-begin");

    is_str(owner("SELECT state FROM smartlaunch.launch WHERE id = '%s'", id), "pending",
           "begin: the launch is pending");
    is_str(owner("SELECT convert_from(pending_sealed, 'UTF8') FROM smartlaunch.launch"
                 " WHERE id = '%s'",
                 id),
           "sealed-verifier", "begin: what is sealed is stored as it is");
    is_str(owner("SELECT concat_ws(' ', step, outcome, http_status, ms, detail, reference)"
                 " FROM smartlaunch.launch_step WHERE launch = '%s'",
                 id),
           "launch ok 200 3 done s-begin", "begin: its step is written with it");
    is_str(owner("SELECT (at BETWEEN now() - interval '1 minute' AND now())::text"
                 " FROM smartlaunch.launch_step WHERE launch = '%s'",
                 id),
           "true", "begin: at the time it happened");
    is_str(owner("SELECT substr('%s', 15, 1)", id), "7", "begin: ids are UUIDs of version 7");
}

static void claims(void)
{
    const char *id = begin("s-claim", "b-claim");
    sl_launch_claimed_t got = claim("s-other", "b-claim");
    sl_launch_claim_t how = {hash("s-claim"), hash("b-claim"), "/other", 0};
    sl_err_t err = {0};

    is_int(got.outcome, SL_CLAIM_UNKNOWN, "CBK: a state we never sent is unknown");
    got = claim("s-claim", "b-other");
    is_int(got.outcome, SL_CLAIM_FOREIGN, "CBK: another browser's callback is foreign");
    ok(got.id == NULL && got.pending_sealed.bytes == NULL, "… and learns nothing");
    got = claim("s-claim", NULL);
    is_int(got.outcome, SL_CLAIM_FOREIGN, "CBK: without a cookie it is foreign, too");
    is_int(sl_store_launch_claim(&got, db, &how, pool, &err), SL_OK, "another redirect URL asks");
    is_int(got.outcome, SL_CLAIM_FOREIGN, "CBK: another redirect URL's callback is foreign");
    got = claim("s-claim", "b-claim");
    is_int(got.outcome, SL_CLAIM_WON, "CBK: the browser itself wins, after all of that");
    is_str(got.id, id, "… and learns which launch it is");
    is_str(got.return_to, "/app/", "… where to go");
    is_str(got.key_id, "k1", "… with which key");
    ok(got.pending_sealed.len == 15 && memcmp(got.pending_sealed.bytes, "sealed-verifier", 15) == 0,
       "… and what was sealed");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id = '%s'"
                     " AND pending_sealed IS NULL AND state = 'claimed'",
                     id),
           1, "the row has forgotten the verifier");
    got = claim("s-claim", "b-claim");
    is_int(got.outcome, SL_CLAIM_USED, "CBK: the second callback is a used one");
    is_int(got.state, SL_LAUNCH_CLAIMED, "… of a launch that is under way");
    ok(got.pending_sealed.bytes == NULL, "… without the verifier");
    is_int(claim("s-claim", "b-other").outcome, SL_CLAIM_FOREIGN,
           "CBK: a used state is foreign to another browser");
}

static void expires(void)
{
    const char *id = begin("s-late", "b-late");

    (void)owner("UPDATE smartlaunch.launch SET created_at = now() - interval '9 minutes 50 seconds'"
                " WHERE id = '%s'",
                id);
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id = '%s'", id), 1,
           "ten minutes");
    (void)owner("UPDATE smartlaunch.launch SET created_at = now() - interval '10 minutes'"
                " WHERE id = '%s'",
                id);
    is_int(claim("s-late", "b-late").outcome, SL_CLAIM_EXPIRED,
           "CBK: after ten minutes it is late");
    (void)owner("UPDATE smartlaunch.launch SET created_at = now() - interval '9 minutes 50 seconds'"
                " WHERE id = '%s'",
                id);
    is_int(claim("s-late", "b-late").outcome, SL_CLAIM_WON, "CBK: before, it is not");
}

static void bounded_by_browser(void)
{
    const char *first = begin("s-many-0", "b-many");
    const char *last = NULL;

    for (int i = 1; i < 20; i++) {
        last = begin(apr_psprintf(pool, "s-many-%d", i), "b-many");
    }
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE browser_hash ="
                     " sha256('b-many')"),
           16, "a browser has sixteen pending launches at most");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id = '%s'", first), 0,
           "… the oldest goes");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id = '%s'", last), 1,
           "… the newest stays");
}

static sl_rc_t begin_from(const char *net, int bound, sl_err_t *err)
{
    static int serial;
    sl_launch_new_t new = {
        .app = "app",
        .ehr = "epic",
        .state_hash = hash(apr_psprintf(pool, "s-net-%d", serial)),
        .browser_hash = hash(apr_psprintf(pool, "b-net-%d", serial++)),
        .pending_sealed = sealed("x"),
        .key_id = "k1",
        .redirect_path = REDIRECT,
        .client_net = hash(net),
        .max_per_net = bound,
    };

    return sl_store_launch_id(&new.id, apr_time_now(), pool, err) == SL_OK
               ? sl_store_launch_begin(db, &new, pool, err)
               : SL_FAILED;
}

static void bounded_by_net(void)
{
    sl_err_t err = {0};

    for (int i = 0; i < 5; i++) {
        is_int(begin_from("flood", 5, &err), SL_OK, "a network begins launches");
    }
    is_int(begin_from("flood", 5, &err), SL_BUSY, "… up to the bound");
    ok(err.retry_after > 0, "… and is told when to come again");
    is_int(begin_from("quiet", 5, &err), SL_OK, "another network is not bothered");
    is_int(begin_from(NULL, 5, &err), SL_OK, "no network, no bound");
    (void)owner("UPDATE smartlaunch.launch SET created_at = now() - interval '11 minutes'"
                " WHERE client_net = sha256('flood')");
    is_int(begin_from("flood", 5, &err), SL_OK, "what is ten minutes old no longer counts");
}

static void prunes(void)
{
    const char *live, *left, *claimed;

    clean();
    live = launch("s-keep", "b-keep", "b-keep2");
    left = begin("s-left", "b-left");
    claimed = begin("s-left2", "b-left2");
    (void)claim("s-left2", "b-left2");
    (void)owner("UPDATE smartlaunch.launch SET created_at = now() - interval '31 minutes'");
    (void)begin("s-any", "b-any");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id = '%s'", left), 0,
           "an abandoned launch is dropped when another begins");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id IN ('%s', '%s')", live,
                     claimed),
           2, "… and only what is pending");
}

static void fails(void)
{
    const char *id = begin("s-fail", "b-fail");
    sl_err_t err = {0};
    const char *live;

    (void)claim("s-fail", "b-fail");
    is_int(sl_store_launch_fail(db, id, "token endpoint said no", NULL, &err), SL_OK, "it fails");
    is_str(owner("SELECT concat_ws('/', state, end_reason) FROM smartlaunch.launch WHERE id = '%s'",
                 id),
           "failed/token endpoint said no", "… and the row says why");
    is_int(claim("s-fail", "b-fail").outcome, SL_CLAIM_USED, "its callback is used up");
    live = launch("s-nofail", "b-nofail", "b-nofail2");
    is_int(sl_store_launch_fail(db, live, "late", NULL, &err), SL_OK, "a live launch cannot fail");
    is_str(owner("SELECT state FROM smartlaunch.launch WHERE id = '%s'", live), "live",
           "… and stays live");
}

typedef struct {
    int won, used, other;
} tally_t;

static void claim_once(int index, apr_pool_t *p, void *data)
{
    const sl_launch_claim_t how = {data, NULL, REDIRECT, 0};
    sl_launch_claim_t mine = how;
    unsigned char browser[SL_SHA256_LEN];
    sl_launch_claimed_t got;
    sl_err_t err = {0};
    extern tally_t claim_tally;

    (void)index;
    sl_digest_sha256("b-race", 6, browser);
    mine.browser_hash = browser;
    if (sl_store_launch_claim(&got, db, &mine, p, &err) != SL_OK) {
        (void)__sync_fetch_and_add(&claim_tally.other, 1);
    } else if (got.outcome == SL_CLAIM_WON) {
        (void)__sync_fetch_and_add(&claim_tally.won, 1);
    } else if (got.outcome == SL_CLAIM_USED) {
        (void)__sync_fetch_and_add(&claim_tally.used, 1);
    } else {
        (void)__sync_fetch_and_add(&claim_tally.other, 1);
    }
}

tally_t claim_tally;

static void one_winner(void)
{
    for (int round = 0; round < 20; round++) {
        const char *state = apr_psprintf(pool, "s-race-%d", round);

        (void)begin(state, "b-race");
        together(8, claim_once, (void *)(uintptr_t)hash(state));
    }
    is_int(claim_tally.won, 20, "CBK: of eight callbacks at once one wins, twenty times");
    is_int(claim_tally.used, 140, "… and the others are told it is used");
    is_int(claim_tally.other, 0, "… and nothing else");
}

int test_launch(void)
{
    clean();
    begins();
    claims();
    expires();
    bounded_by_browser();
    bounded_by_net();
    prunes();
    fails();
    one_winner();
    return tap_done();
}
