/* SPDX-License-Identifier: Apache-2.0 */
/* Things that happen at the same moment. */
#include "store.h"
#include "tap.h"

#include <apr_strings.h>
#include <libpq-fe.h>

#define ROUNDS 25

typedef struct {
    finish_t f[2];
    sl_rc_t rc[2];
    sl_launch_finished_t out[2];
} pair_t;

static void finish_one(int index, apr_pool_t *p, void *data)
{
    pair_t *pair = data;
    sl_err_t err = {0};

    pair->f[index].result.token = &pair->f[index].token;
    pair->rc[index] =
        sl_store_launch_finish(&pair->out[index], db, &pair->f[index].result, p, &err);
}

/* Both callbacks came with the one cookie the browser had. */
static void two_callbacks(void)
{
    int both = 0;
    int one_cookie = 0;
    int one_browser = 0;

    for (int i = 0; i < ROUNDS; i++) {
        const char *browser = apr_psprintf(pool, "rb-%d", i);
        pair_t pair = {0};

        for (int k = 0; k < 2; k++) {
            const char *state = apr_psprintf(pool, "r-%d-%d", i, k);
            const char *id = begin(state, browser);

            (void)claim(state, browser);
            pair.f[k] = finishing(id, browser, apr_psprintf(pool, "rb-%d-%d", i, k));
            pair.f[k].result.link_how = "same-name";
        }
        together(2, finish_one, &pair);
        both += pair.rc[0] == SL_OK && pair.rc[1] == SL_OK;
        one_cookie += pair.out[0].moved != pair.out[1].moved;
        one_browser +=
            owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id IN ('%s', '%s') AND state "
                      "= 'live'"
                      " AND browser_hash = sha256('rb-%d-%d')",
                      pair.f[0].result.id, pair.f[1].result.id, i, pair.out[0].moved ? 0 : 1) == 2;
    }
    is_int(both, ROUNDS, "two callbacks in one browser at once: both launches live");
    is_int(one_cookie, ROUNDS, "… exactly one renews the cookie");
    is_int(one_browser, ROUNDS, "… and both belong to that cookie");
}

/* Two people at one workstation at once: one of them remains. */
static void two_people(void)
{
    int alone = 0;

    for (int i = 0; i < ROUNDS; i++) {
        const char *browser = apr_psprintf(pool, "pb-%d", i);
        pair_t pair = {0};

        for (int k = 0; k < 2; k++) {
            const char *state = apr_psprintf(pool, "p-%d-%d", i, k);
            const char *id = begin(state, browser);

            (void)claim(state, browser);
            pair.f[k] = finishing(id, browser, apr_psprintf(pool, "pb-%d-%d", i, k));
            pair.f[k].result.link_how = "same-name";
            if (k == 1) {
                pair.f[k].result.app_user = "bob";
                pair.f[k].result.ehr_user = "dr-jones";
                pair.f[k].result.sub = "sub-jones";
            }
        }
        together(2, finish_one, &pair);
        alone += owner_int("SELECT count(*) FROM smartlaunch.launch WHERE state = 'live'"
                           " AND id IN ('%s', '%s')",
                           pair.f[0].result.id, pair.f[1].result.id) == 1;
    }
    is_int(alone, ROUNDS, "two people at once in one browser: one remains");
}

typedef struct {
    sl_link_make_t make[2];
    sl_rc_t rc[2];
    finish_t f;
    const char *link;
} link_race_t;

static void make_one(int index, apr_pool_t *p, void *data)
{
    link_race_t *race = data;
    sl_link_made_t made;
    sl_err_t err = {0};

    race->rc[index] = sl_store_link_make(&made, db, &race->make[index], p, &err);
}

static sl_link_make_t making(const char *id, const char *browser, const char *user)
{
    return (sl_link_make_t){
        .launch = id,
        .browser_hash = hash(browser),
        .new_browser_hash = hash(apr_pstrcat(pool, browser, "+", NULL)),
        .app_user = user,
        .how = "app",
        .generation = 1,
        .access_sealed = sealed("resealed-access"),
        .key_id = "k1",
        .max = 12 * HOUR,
    };
}

/* Two app users claim the same EHR user at once, in two browsers. */
static void two_links(void)
{
    int one = 0;
    int same = 0;

    clean();
    for (int i = 0; i < ROUNDS; i++) {
        const char *who = apr_psprintf(pool, "dr-%d", i);
        link_race_t race = {0};

        for (int k = 0; k < 2; k++) {
            const char *browser = apr_psprintf(pool, "lb-%d-%d", i, k);
            const char *id =
                launch_pending(apr_psprintf(pool, "l-%d-%d", i, k), browser, browser, who);

            race.make[k] = making(id, browser, apr_psprintf(pool, "user-%d-%d", i, k));
        }
        together(2, make_one, &race);
        one += (race.rc[0] == SL_OK && race.rc[1] == SL_CONFLICT) ||
               (race.rc[1] == SL_OK && race.rc[0] == SL_CONFLICT);
    }
    is_int(one, ROUNDS, "two app users claim one EHR user at once: one link, one conflict");
    for (int i = 0; i < ROUNDS; i++) {
        const char *who = apr_psprintf(pool, "nurse-%d", i);
        link_race_t race = {0};

        for (int k = 0; k < 2; k++) {
            const char *browser = apr_psprintf(pool, "mb-%d-%d", i, k);
            const char *id =
                launch_pending(apr_psprintf(pool, "m-%d-%d", i, k), browser, browser, who);

            race.make[k] = making(id, browser, who);
        }
        together(2, make_one, &race);
        same += race.rc[0] == SL_OK && race.rc[1] == SL_OK;
    }
    is_int(same, ROUNDS, "one person confirms in two windows at once: both join the one link");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.link"), 2 * ROUNDS, "… one link each");
}

static const char *revoke_sql(const link_race_t *race, apr_pool_t *p)
{
    return apr_psprintf(p, "SELECT smartlaunch.revoke_link('%s', 'race')", race->link);
}

static void use_link(link_race_t *race, apr_pool_t *p)
{
    sl_launch_finished_t out;
    sl_err_t err = {0};

    if (race->make[0].launch != NULL) {
        make_one(0, p, race);
    } else {
        race->rc[0] = sl_store_launch_finish(&out, db, &race->f.result, p, &err);
    }
}

/* index 0 uses the link, index 1 revokes it. */
static void use_or_revoke(int index, apr_pool_t *p, void *data)
{
    link_race_t *race = data;

    if (index == 0) {
        use_link(race, p);
    } else {
        race->rc[1] = as_dba(revoke_sql(race, p)) ? SL_OK : SL_FAILED;
    }
}

/* index 0 uses the link that index 1 has revoked, but not committed until the other one waits. */
static void use_while_revoked(int index, apr_pool_t *p, void *data)
{
    link_race_t *race = data;

    if (index == 0) {
        use_link(race, p);
        return;
    }
    (void)eventually("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                     " AND datname = current_database()");
    race->rc[1] = as_dba("COMMIT") ? SL_OK : SL_FAILED;
}

static int lives_on_revoked(void)
{
    return owner_int("SELECT count(*) FROM smartlaunch.launch l JOIN smartlaunch.link k"
                     " ON k.id = l.link WHERE l.state IN ('held', 'live')"
                     " AND k.revoked_at IS NOT NULL") +
           owner_int("SELECT count(*) FROM smartlaunch.token t JOIN smartlaunch.link k"
                     " ON k.id = t.link WHERE t.status = 'active' AND k.revoked_at IS NOT NULL");
}

/* A fresh link of alice and dr-smith, and a claimed launch that is about to take it. */
static void prepare_finish(link_race_t *race, const char *name)
{
    const char *browser = apr_pstrcat(pool, "vb-", name, NULL);
    const char *id;

    (void)owner("UPDATE smartlaunch.link SET ehr_user = ehr_user || id, app_user = app_user || id");
    (void)launch(apr_pstrcat(pool, "w-", name, NULL), apr_pstrcat(pool, "wb-", name, NULL), "wb");
    race->link = owner("SELECT id FROM smartlaunch.link WHERE revoked_at IS NULL"
                       " AND ehr_user = 'dr-smith'");
    id = begin(apr_pstrcat(pool, "v-", name, NULL), browser);
    (void)claim(apr_pstrcat(pool, "v-", name, NULL), browser);
    race->f = finishing(id, browser, apr_pstrcat(pool, browser, "+", NULL));
    race->f.result.token = &race->f.token;
}

/* The same, and a pending launch whose user is about to confirm the same link. */
static void prepare_make(link_race_t *race, const char *name)
{
    const char *browser = apr_pstrcat(pool, "xb-", name, NULL);
    const char *id;

    (void)owner("UPDATE smartlaunch.link SET ehr_user = ehr_user || id, app_user = app_user || id");
    (void)launch(apr_pstrcat(pool, "y-", name, NULL), apr_pstrcat(pool, "yb-", name, NULL), "yb");
    race->link = owner("SELECT id FROM smartlaunch.link WHERE revoked_at IS NULL"
                       " AND ehr_user = 'dr-smith'");
    id = launch_pending(apr_pstrcat(pool, "x-", name, NULL), browser, browser, "dr-smith");
    (void)owner("UPDATE smartlaunch.launch SET sub = 'sub-smith' WHERE id = '%s'", id);
    race->make[0] = making(id, browser, "alice");
}

/* A DBA revokes a link while a launch takes it. */
static void finish_or_revoke(void)
{
    link_race_t race = {0};
    int fine = 0;

    clean();
    for (int i = 0; i < ROUNDS; i++) {
        prepare_finish(&race, apr_itoa(pool, i));
        together(2, use_or_revoke, &race);
        fine += (race.rc[0] == SL_OK || race.rc[0] == SL_NONE) && race.rc[1] == SL_OK;
    }
    is_int(fine, ROUNDS, "a launch finishes while its link is revoked: it does, or is told");
    is_int(lives_on_revoked(), 0, "… and nothing lives on a revoked link");
    prepare_finish(&race, "late");
    ok(as_dba("BEGIN") && as_dba(revoke_sql(&race, pool)), "revoked, but not committed");
    together(2, use_while_revoked, &race);
    is_int(race.rc[0], SL_NONE, "a launch that waits for the revocation is told");
    prepare_finish(&race, "by-itself");
    race.f.result.link_how = "same-name";
    ok(as_dba("BEGIN") && as_dba(revoke_sql(&race, pool)), "revoked, but not committed");
    together(2, use_while_revoked, &race);
    is_int(race.rc[0], SL_NONE, "… and same-name does not make the link again");
    is_int(lives_on_revoked(), 0, "… and nothing lives on a revoked link");
}

static void make_or_revoke(void)
{
    link_race_t race = {0};
    int fine = 0;

    clean();
    for (int i = 0; i < ROUNDS; i++) {
        prepare_make(&race, apr_itoa(pool, i));
        together(2, use_or_revoke, &race);
        fine += (race.rc[0] == SL_OK || race.rc[0] == SL_EXPIRED) && race.rc[1] == SL_OK;
    }
    is_int(fine, ROUNDS, "a link is confirmed while it is revoked: it holds, or asks again");
    is_int(lives_on_revoked(), 0, "… and nothing lives on a revoked link");
    prepare_make(&race, "late");
    ok(as_dba("BEGIN") && as_dba(revoke_sql(&race, pool)), "revoked, but not committed");
    together(2, use_while_revoked, &race);
    is_int(race.rc[0], SL_EXPIRED, "a link that is confirmed at that moment asks again");
    is_int(lives_on_revoked(), 0, "… and nothing lives on a revoked link");
}

int test_race(void)
{
    clean();
    two_callbacks();
    two_people();
    two_links();
    finish_or_revoke();
    make_or_revoke();
    return tap_done();
}
