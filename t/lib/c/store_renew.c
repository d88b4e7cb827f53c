/* SPDX-License-Identifier: Apache-2.0 */
/* A token is renewed: by one at a time, once, and nothing that was revoked comes back. */
#include "store.h"
#include "tap.h"

#include <apr_strings.h>
#include <libpq-fe.h>
#include <stdlib.h>

#define ROUNDS 25
#define MANY 12
#define NOBODY "00000000-0000-7000-8000-000000000000"

static sl_leased_t leased;

/** What the lease came to; -1: none. */
static int lease_as(const char *by, const char *id, int64_t generation)
{
    const sl_lease_t lease = {id, generation, by, apr_time_from_sec(20)};
    sl_err_t err = {0};
    sl_rc_t rc = sl_store_token_lease(&leased, db, &lease, pool, &err);

    return rc == SL_OK ? (int)leased.outcome : -(int)rc;
}

static int lease(const char *id, int64_t generation)
{
    return lease_as("host:1", id, generation);
}

static void set(const char *id, const char *what)
{
    (void)owner("UPDATE smartlaunch.token SET %s WHERE launch = '%s'", what, id);
}

static const char *row(const char *id)
{
    return owner("SELECT concat_ws('|', generation, status, coalesce(app_user, '-'),"
                 " coalesce(convert_from(access_sealed, 'UTF8'), '-'),"
                 " coalesce(convert_from(refresh_sealed, 'UTF8'), '-'), key_id,"
                 " CASE WHEN lease_until IS NULL THEN 'free' ELSE 'leased' END)"
                 " FROM smartlaunch.token WHERE launch = '%s'",
                 id);
}

static sl_token_next_t next_of(const char *id, int64_t follows)
{
    return (sl_token_next_t){
        .launch = id,
        .follows = follows,
        .app_user = "alice",
        .access_sealed = sealed("next-access"),
        .refresh_sealed = sealed("next-refresh"),
        .key_id = "k2",
        .lifetime = HOUR / 2,
    };
}

static sl_rc_t renew(const sl_token_next_t *next)
{
    sl_err_t err = {0};

    return sl_store_token_renew(db, next, &err);
}

static void leases(void)
{
    const char *id = launch("r-1", "rb-1", "rb-2");

    is_int(lease(NOBODY, 1), -(int)SL_NONE, "RFR-4: no row, no lease");
    is_int(lease(id, 1), SL_LEASE_WON, "RFR-4: the first gets the lease");
    ok(leased.view.token.refresh_sealed.len == 14 && leased.view.token.generation == 1,
       "… and what to renew");
    is_str(
        owner("SELECT concat_ws('|', lease_by, lease_until > now() + interval '19 s',"
              " lease_until < now() + interval '21 s') FROM smartlaunch.token WHERE launch = '%s'",
              id),
        "host:1|t|t", "… for its time");
    is_int(lease_as("host:2", id, 1), SL_LEASE_BUSY, "the second is told that somebody renews");
    is_int(lease(id, 1), SL_LEASE_BUSY, "… who it is makes no difference");
    ok(leased.view.lease_until > leased.view.now, "… and until when");
    set(id, "lease_until = now() - interval '1 s'");
    is_int(lease(id, 1), SL_LEASE_INTERRUPTED, "a lease that ran out: the token may be used up");
    is_int(lease(id, 1), SL_LEASE_INTERRUPTED, "… and stays so");
    set(id, "lease_until = NULL, lease_by = NULL, retry_at = now() + interval '9 s'");
    is_int(lease(id, 1), SL_LEASE_LATER, "the EHR had trouble: later");
    ok(leased.view.retry_at > leased.view.now, "… and when");
    set(id, "retry_at = now()");
    is_int(lease(id, 2), SL_LEASE_INTERRUPTED,
           "a caller who knows of a newer one than the row: the journal comes first");
    set(id, "generation = 2");
    is_int(lease(id, 1), SL_LEASE_NEWER, "there is a newer one");
    is_int(leased.view.token.generation, 2, "… this");
    set(id, "refresh_sealed = NULL");
    is_int(lease(id, 1), SL_LEASE_NEWER, "… with or without a refresh token");
    is_int(lease(id, 2), SL_LEASE_OVER, "without one nothing can be renewed");
    set(id, "status = 'relaunch', refresh_sealed = 'x'");
    is_int(lease(id, 1), SL_LEASE_OVER, "a token that needs a launch is not renewed");
    (void)owner("SELECT smartlaunch.revoke_token('%s', 'test')", id);
    is_int(lease(id, 1), SL_LEASE_OVER, "nor is a revoked one");
}

static void releases(void)
{
    const char *id = launch("r-2", "rc-1", "rc-2");
    sl_token_release_t release = {id, "host:1", 1, apr_time_from_sec(7), "the EHR is busy (503)"};
    sl_err_t err = {0};

    is_int(lease(id, 1), SL_LEASE_WON, "leased");
    release.by = "host:2";
    is_int(sl_store_token_release(db, &release, &err), SL_OK, "somebody else gives it back");
    is_int(lease(id, 1), SL_LEASE_BUSY, "… which he cannot");
    release.by = "host:1";
    release.generation = 2;
    is_int(sl_store_token_release(db, &release, &err), SL_OK, "one gives another one's back");
    is_int(lease(id, 1), SL_LEASE_BUSY, "… which one cannot");
    release.generation = 1;
    is_int(sl_store_token_release(db, &release, &err), SL_OK, "one gives one's own back");
    is_int(lease(id, 1), SL_LEASE_LATER, "… and the next comes later");
    is_str(owner("SELECT concat_ws('|', last_error, retry_at > now() + interval '6 s',"
                 " retry_at < now() + interval '8 s') FROM smartlaunch.token WHERE launch = '%s'",
                 id),
           "the EHR is busy (503)|t|t", "… than after its time, and the row says why");
    set(id, "retry_at = NULL");
    is_int(lease(id, 1), SL_LEASE_WON, "leased anew");
    release.retry = 0;
    is_int(sl_store_token_release(db, &release, &err), SL_OK, "given back");
    is_int(lease(id, 1), SL_LEASE_WON, "… without a delay");
}

static void renews(void)
{
    const char *id = launch("r-3", "rd-1", "rd-2");
    sl_token_next_t next = next_of(id, 1);

    (void)lease(id, 1);
    set(id, "retry_at = now(), last_error = 'x'");
    is_int(renew(&next), SL_OK, "RFR-2: the next generation is stored");
    is_str(row(id), "2|active|alice|next-access|next-refresh|k2|free", "… and the lease is over");
    is_str(owner("SELECT concat_ws('|', renewals, retry_at IS NULL, last_error IS NULL,"
                 " expires_at - issued_at, scope_granted, now() - issued_at < interval '1 min')"
                 " FROM smartlaunch.token WHERE launch = '%s'",
                 id),
           "1|t|t|00:30:00|launch|t", "… with its times; the scope is as it was");
    is_int(renew(&next), SL_OK, "the same again, as when the first answer got lost: it is there");
    is_str(owner("SELECT concat_ws('|', generation, renewals) FROM smartlaunch.token"
                 " WHERE launch = '%s'",
                 id),
           "2|1", "… once");
    next.access_sealed = sealed("other-access");
    is_int(renew(&next), SL_CONFLICT, "RFR-4: another one for the same generation is not stored");
    next = next_of(id, 2);
    next.app_user = NULL;
    is_int(renew(&next), SL_CONFLICT, "sealed for nobody, and it is alice's by now");
    next.app_user = "bob";
    is_int(renew(&next), SL_CONFLICT, "… or for bob");
    is_str(row(id), "2|active|alice|next-access|next-refresh|k2|free", "… nothing has changed");
    next = next_of(id, 2);
    next.refresh_sealed = (sl_bytes_t){NULL, 0};
    next.lifetime = 0;
    next.scope_granted = "launch openid";
    is_int(renew(&next), SL_OK, "no refresh token, no end, another scope");
    is_str(owner("SELECT concat_ws('|', generation, refresh_sealed IS NULL, expires_at IS NULL,"
                 " scope_granted) FROM smartlaunch.token WHERE launch = '%s'",
                 id),
           "3|t|t|launch openid", "… as they come");
}

static void renews_context(void)
{
    const char *id = launch("r-4", "re-1", "re-2");
    sl_token_next_t next = next_of(id, 1);

    next.encounter = "e2";
    next.context = "{\"tenant\":\"t1\",\"intent\":\"order\"}";
    is_int(renew(&next), SL_OK, "RFR-7: a renewal with context");
    is_str(owner("SELECT concat_ws('|', encounter, patient, context) FROM smartlaunch.launch"
                 " WHERE id = '%s'",
                 id),
           "e2|p1|{\"intent\": \"order\", \"tenant\": \"t1\"}", "… replaces what it names");
    next = next_of(id, 2);
    is_int(renew(&next), SL_OK, "a renewal without");
    is_str(
        owner("SELECT concat_ws('|', encounter, context) FROM smartlaunch.launch WHERE id = '%s'",
              id),
        "e2|{\"intent\": \"order\", \"tenant\": \"t1\"}", "… leaves it");
    next = next_of(id, 1);
    next.encounter = "e9";
    is_int(renew(&next), SL_CONFLICT, "one that is not stored");
    is_str(owner("SELECT encounter FROM smartlaunch.launch WHERE id = '%s'", id), "e2",
           "… changes no context");
}

/* issued_at is by our clock, put right as well as we can; the future is nothing to issue in. */
static void renews_at(void)
{
    const char *id = launch("r-5", "rf-1", "rf-2");
    sl_token_next_t next = next_of(id, 1);

    next.issued_at = apr_time_now() - apr_time_from_sec(100);
    is_int(renew(&next), SL_OK, "issued a while ago, as a journal says");
    is_str(owner("SELECT concat_ws('|', now() - issued_at BETWEEN interval '99 s' AND"
                 " interval '130 s', expires_at - issued_at) FROM smartlaunch.token"
                 " WHERE launch = '%s'",
                 id),
           "t|00:30:00", "… and so it ends sooner");
    next = next_of(id, 2);
    next.issued_at = apr_time_now() + 5 * HOUR;
    is_int(renew(&next), SL_OK, "issued in the future");
    is_str(owner("SELECT issued_at <= now() FROM smartlaunch.token WHERE launch = '%s'", id), "t",
           "… is now");
}

static sl_rc_t over(const char *id, int64_t generation, const char *end_launch)
{
    const sl_token_over_t how = {id, generation, "the EHR refused (invalid_grant)", end_launch};
    sl_err_t err = {0};

    return sl_store_token_over(db, &how, &err);
}

static const char *state(const char *id)
{
    return owner("SELECT concat_ws('|', state, end_reason) FROM smartlaunch.launch WHERE id = '%s'",
                 id);
}

static void ends(void)
{
    const char *id = launch("r-6", "rg-1", "rg-2");
    sl_token_next_t next = next_of(id, 1);

    (void)lease(id, 1);
    is_int(over(id, 0, "refused"), SL_OK, "over, but it moved on");
    is_str(state(id), "live", "… nothing happens");
    is_int(over(id, 1, NULL), SL_OK, "RFR-3: over");
    is_str(row(id), "1|relaunch|alice|-|-|k1|free", "SEC: … and wiped");
    is_str(owner("SELECT last_error FROM smartlaunch.token WHERE launch = '%s'", id),
           "the EHR refused (invalid_grant)", "… the row says why");
    is_str(state(id), "live", "… the launch lives on");
    is_int(renew(&next), SL_OK, "a journal has the generation that was thought lost");
    is_str(row(id), "2|active|alice|next-access|next-refresh|k2|free", "… it is active again");
    is_int(over(id, 5, "refused by the EHR"), SL_OK, "over, with the launch");
    is_str(row(id), "2|relaunch|alice|-|-|k2|free", "… the token is");
    is_str(state(id), "ended|refused by the EHR", "… and the launch");
    is_int(over(NOBODY, 1, "x"), SL_OK, "what is not there is over");
}

static void stays_revoked(void)
{
    const char *id = launch("r-7", "rh-1", "rh-2");
    sl_token_next_t next = next_of(id, 1);

    (void)lease(id, 1);
    (void)owner("SELECT smartlaunch.revoke_token('%s', 'left')", id);
    is_str(row(id), "1|revoked|alice|-|-|k1|free", "SEC: revoking ends a lease");
    is_int(renew(&next), SL_EXPIRED, "SEC: a late renewal does not bring it back");
    is_int(over(id, 1, NULL), SL_OK, "nor does its end");
    is_str(row(id), "1|revoked|alice|-|-|k1|free", "… it is as it was");
    (void)owner("DO $$ BEGIN UPDATE smartlaunch.token SET status = 'active', access_sealed = 'x';"
                " RAISE 'it did'; EXCEPTION WHEN raise_exception THEN"
                " IF SQLERRM NOT LIKE '%%stays revoked%%' THEN RAISE; END IF; END $$");
    is_str(row(id), "1|revoked|alice|-|-|k1|free", "SEC: … whoever tries");
    (void)owner("DELETE FROM smartlaunch.launch WHERE id = '%s'", id);
    is_int(renew(&next), SL_EXPIRED, "nor is there a row, once the launch is deleted");
}

/* At the same moment */

typedef struct {
    const char *id;
    int won, busy;
    apr_thread_mutex_t *mutex;
} crowd_t;

static void one_of_many(int index, apr_pool_t *p, void *data)
{
    crowd_t *crowd = data;
    const sl_lease_t want = {crowd->id, 1, apr_psprintf(p, "host:%d", index),
                             apr_time_from_sec(20)};
    sl_leased_t out;
    sl_err_t err = {0};
    sl_rc_t rc = sl_store_token_lease(&out, db, &want, p, &err);

    (void)apr_thread_mutex_lock(crowd->mutex);
    crowd->won += rc == SL_OK && out.outcome == SL_LEASE_WON;
    crowd->busy += rc == SL_OK && out.outcome == SL_LEASE_BUSY;
    (void)apr_thread_mutex_unlock(crowd->mutex);
}

static void crowds(void)
{
    crowd_t crowd = {0};
    int fine = 0;

    (void)apr_thread_mutex_create(&crowd.mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    crowd.id = launch("r-8", "ri-1", "ri-2");
    for (int i = 0; i < ROUNDS; i++) {
        crowd.won = crowd.busy = 0;
        set(crowd.id, "lease_until = NULL, lease_by = NULL");
        together(MANY, one_of_many, &crowd);
        fine += crowd.won == 1 && crowd.busy == MANY - 1;
    }
    is_int(fine, ROUNDS, "RFR-4: many want to renew at once: one does, the others are told");
}

typedef struct {
    sl_link_make_t make;
    sl_token_next_t next;
    sl_rc_t rc[2];
} confirm_t;

static confirm_t confirming(const char *name)
{
    const char *browser = apr_pstrcat(pool, "cb-", name, NULL);
    const char *id = launch_pending(apr_pstrcat(pool, "c-", name, NULL), browser, browser, name);
    confirm_t out = {
        .make =
            {
                .launch = id,
                .browser_hash = hash(browser),
                .new_browser_hash = hash(apr_pstrcat(pool, browser, "+", NULL)),
                .app_user = name,
                .how = "app",
                .generation = 1,
                .access_sealed = sealed("resealed-access"),
                .key_id = "k1",
                .max = 12 * HOUR,
            },
        .next = next_of(id, 1),
    };

    out.next.app_user = NULL;
    (void)lease(id, 1);
    return out;
}

static void confirm_or_renew(int index, apr_pool_t *p, void *data)
{
    confirm_t *confirm = data;
    sl_link_made_t made;
    sl_err_t err = {0};

    confirm->rc[index] = index == 0 ? sl_store_link_make(&made, db, &confirm->make, p, &err)
                                    : sl_store_token_renew(db, &confirm->next, &err);
}

/* A link is confirmed while the token is being renewed: one of them has to seal anew. */
static void confirm_while_renewed(void)
{
    int fine = 0;

    clean();
    for (int i = 0; i < ROUNDS; i++) {
        confirm_t confirm = confirming(apr_psprintf(pool, "dr-%d", i));
        const char *id = confirm.make.launch;
        const char *linked = apr_psprintf(pool, "1|active|dr-%d|resealed-access|-|k1|leased", i);

        together(2, confirm_or_renew, &confirm);
        if (confirm.rc[0] == SL_OK) {
            fine += confirm.rc[1] == SL_CONFLICT && strcmp(row(id), linked) == 0;
        } else {
            fine += confirm.rc[0] == SL_EXPIRED && confirm.rc[1] == SL_OK &&
                    strcmp(row(id), "2|active|-|next-access|next-refresh|k2|free") == 0;
        }
    }
    is_int(fine, ROUNDS,
           "a link is confirmed while its token is renewed: neither overwrites the "
           "other, who comes second is told");
}

#define WAITS                                                                                      \
    " FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

/** The DBA's change is there, but not committed until somebody waits for it. */
static void commit_under_it(void)
{
    (void)eventually("SELECT count(*) > 0" WAITS);
    (void)as_dba("COMMIT");
}

static void link_waits(int index, apr_pool_t *p, void *data)
{
    if (index == 0) {
        confirm_or_renew(0, p, data);
    } else {
        commit_under_it();
    }
}

static void renewal_waits(int index, apr_pool_t *p, void *data)
{
    if (index == 0) {
        confirm_or_renew(1, p, data);
    } else {
        commit_under_it();
    }
}

/** The same, with the other one's change under way for certain. */
static void waits_for_the_other(void)
{
    confirm_t confirm = confirming("dr-late");

    ok(as_dba("BEGIN") &&
           as_dba(apr_psprintf(pool,
                               "UPDATE smartlaunch.token SET generation = 2, access_sealed ="
                               " 'theirs' WHERE launch = '%s'",
                               confirm.make.launch)),
       "renewed, but not committed");
    together(2, link_waits, &confirm);
    is_int(confirm.rc[0], SL_EXPIRED, "a link that is confirmed meanwhile: read again");
    confirm.make.generation = 2;
    confirm_or_renew(0, pool, &confirm);
    is_int(confirm.rc[0], SL_OK, "… and then it is made");
    confirm = confirming("dr-later");
    ok(as_dba("BEGIN") &&
           as_dba(apr_psprintf(pool,
                               "UPDATE smartlaunch.token SET app_user = 'bob' WHERE launch ="
                               " '%s'",
                               confirm.make.launch)),
       "linked, but not committed");
    together(2, renewal_waits, &confirm);
    is_int(confirm.rc[1], SL_CONFLICT, "a renewal that is stored meanwhile: read again");
    confirm.next.app_user = "bob";
    confirm_or_renew(1, pool, &confirm);
    is_int(confirm.rc[1], SL_OK, "… and then it is stored");
    confirm = confirming("dr-gone");
    ok(as_dba("BEGIN") && as_dba(apr_psprintf(pool, "SELECT smartlaunch.revoke_launch('%s', 'x')",
                                              confirm.make.launch)),
       "revoked, but not committed");
    together(2, renewal_waits, &confirm);
    is_int(confirm.rc[1], SL_EXPIRED, "SEC: a renewal that is stored meanwhile is not");
}

/** A link whose token was given up while its launch waited for the user. */
static void confirms_relaunch(void)
{
    confirm_t confirm = confirming("dr-relaunch");

    is_int(over(confirm.make.launch, 1, NULL), SL_OK, "a pending launch's token is over");
    confirm.make.generation = 0;
    confirm.make.access_sealed = (sl_bytes_t){NULL, 0};
    confirm.make.key_id = NULL;
    ok(as_dba("BEGIN") &&
           as_dba(apr_psprintf(pool,
                               "UPDATE smartlaunch.token SET generation = 2, status ="
                               " 'active', access_sealed = 'x' WHERE launch = '%s'",
                               confirm.make.launch)),
       "… and comes back from a journal");
    together(2, link_waits, &confirm);
    is_int(confirm.rc[0], SL_EXPIRED, "a link that is confirmed meanwhile does not wipe it");
}

/* Index 0 renews, 1 revokes: whichever comes first, it is revoked in the end. */
static void renew_or_revoke(int index, apr_pool_t *p, void *data)
{
    confirm_t *both = data;
    sl_err_t err = {0};
    const char *sql = apr_psprintf(p,
                                   "SELECT smartlaunch.revoke_link((SELECT link FROM"
                                   " smartlaunch.token WHERE launch = '%s'), 'race')",
                                   both->next.launch);

    both->rc[index] = index == 0 ? sl_store_token_renew(db, &both->next, &err)
                                 : (as_dba(sql) ? SL_OK : SL_FAILED);
}

static void revoked_while_renewed(void)
{
    int fine = 0;
    int dead = 0;

    clean();
    for (int i = 0; i < ROUNDS; i++) {
        confirm_t both = {0};
        const char *name = apr_psprintf(pool, "v-%d", i);

        both.next = next_of(launch(name, apr_pstrcat(pool, name, "-b", NULL), name), 1);
        both.next.context = "{\"tenant\":\"t\"}";
        (void)lease(both.next.launch, 1);
        together(2, renew_or_revoke, &both);
        fine += (both.rc[0] == SL_OK || both.rc[0] == SL_EXPIRED) && both.rc[1] == SL_OK;
        dead += owner_int("SELECT count(*) FROM smartlaunch.token WHERE launch = '%s' AND status ="
                          " 'revoked' AND lease_until IS NULL AND refresh_sealed IS NULL",
                          both.next.launch);
        (void)owner("UPDATE smartlaunch.link SET ehr_user = ehr_user || id");
    }
    is_int(fine, ROUNDS, "a link is revoked while its token is renewed: nobody stumbles");
    is_int(dead, ROUNDS, "SEC: … and it is revoked in the end");
}

/* The answer gets lost */

typedef struct {
    sl_db_t *db; /* with little patience */
    sl_token_next_t next;
    sl_lease_t lease;
    sl_rc_t rc;
} lost_t;

static void kill_under_it(int index, apr_pool_t *p, void *data)
{
    lost_t *lost = data;
    sl_leased_t out;
    sl_err_t err = {0};

    if (index == 0) {
        lost->rc = lost->next.launch != NULL
                       ? sl_store_token_renew(db, &lost->next, &err)
                       : sl_store_token_lease(&out, db, &lost->lease, p, &err);
        return;
    }
    (void)eventually("SELECT count(*) > 0" WAITS);
    (void)owner("SELECT pg_terminate_backend(pid, 5000)" WAITS);
    (void)as_dba("COMMIT");
}

static bool hold(const char *id)
{
    return as_dba("BEGIN") &&
           as_dba(apr_psprintf(pool,
                               "SELECT 1 FROM smartlaunch.token WHERE launch = '%s'"
                               " FOR UPDATE",
                               id));
}

static void killed(void)
{
    const char *id = launch("r-9", "rj-1", "rj-2");
    lost_t lost = {.next = next_of(id, 1)};

    ok(hold(id), "somebody holds the row");
    together(2, kill_under_it, &lost);
    is_int(lost.rc, SL_OK, "the connection breaks under a renewal: it is stored all the same");
    is_str(row(id), "2|active|alice|next-access|next-refresh|k2|free", "… once");
    lost = (lost_t){.lease = {id, 2, "host:1", apr_time_from_sec(20)}};
    ok(hold(id), "somebody holds the row");
    together(2, kill_under_it, &lost);
    is_int(lost.rc, SL_UNAVAILABLE, "… under a lease: the caller is told");
    is_int(lease(id, 2), SL_LEASE_WON, "… and there is none");
}

static void late(void)
{
    const sl_db_options_t options = {.query = apr_time_from_msec(150)};
    const char *id = launch("r-10", "rk-1", "rk-2");
    sl_token_next_t next = next_of(id, 1);
    const sl_lease_t want = {id, 2, "host:1", apr_time_from_sec(20)};
    const sl_token_release_t release = {id, "host:1", 2, 0, "PostgreSQL was away"};
    sl_leased_t out;
    sl_db_t *hasty;
    sl_err_t err = {0};

    if (!ok(sl_db_open(&hasty, getenv("SL_STORE_DB"), &options, pool, &err) == SL_OK && hold(id),
            "somebody holds the row, and PostgreSQL does not answer in time")) {
        return;
    }
    is_int(sl_store_token_renew(hasty, &next, &err), SL_UNAVAILABLE, "a renewal is not stored");
    (void)as_dba("COMMIT");
    ok(eventually(apr_psprintf(pool,
                               "SELECT generation = 2 FROM smartlaunch.token WHERE launch ="
                               " '%s'",
                               id)),
       "… or is it? afterwards it is");
    is_int(renew(&next), SL_OK, "so the journal's copy finds it there");
    is_str(owner("SELECT concat_ws('|', generation, renewals) FROM smartlaunch.token"
                 " WHERE launch = '%s'",
                 id),
           "2|1", "… once");
    ok(hold(id), "somebody holds the row again");
    is_int(sl_store_token_lease(&out, hasty, &want, pool, &err), SL_UNAVAILABLE, "nor a lease");
    (void)as_dba("COMMIT");
    ok(eventually(apr_psprintf(pool,
                               "SELECT lease_by = 'host:1' FROM smartlaunch.token WHERE"
                               " launch = '%s'",
                               id)),
       "… and afterwards it is there");
    is_int(sl_store_token_release(db, &release, &err), SL_OK, "so it is given back");
    is_int(lease(id, 2), SL_LEASE_WON, "… for the next");
}

int test_renew(void)
{
    clean();
    leases();
    releases();
    renews();
    renews_context();
    renews_at();
    ends();
    stays_revoked();
    crowds();
    killed();
    late();
    confirm_while_renewed();
    waits_for_the_other();
    confirms_relaunch();
    revoked_while_renewed();
    return tap_done();
}
