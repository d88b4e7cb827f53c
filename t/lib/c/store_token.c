/* SPDX-License-Identifier: Apache-2.0 */
/* Which token a call gets: by session, by user; and which are about to lapse. */
#include "store.h"
#include "tap.h"

#include <apr_strings.h>

#define NOBODY "00000000-0000-7000-8000-000000000000"

static sl_token_view_t view;

static sl_rc_t by_session(const char *id)
{
    sl_err_t err = {0};

    return sl_store_token_by_session(&view, db, hash(apr_pstrcat(pool, "session ", id, NULL)), pool,
                                     &err);
}

static sl_rc_t by_launch(const char *id)
{
    sl_err_t err = {0};

    return sl_store_token_by_launch(&view, db, id, pool, &err);
}

static void by_session_id(void)
{
    const char *id = launch("t-1", "tb-1", "tb-2");

    is_int(by_session(NOBODY), SL_NONE, "an unknown session has no token");
    is_int(by_launch(NOBODY), SL_NONE, "nor has an unknown launch");
    is_int(by_session(id), SL_OK, "a session has one");
    is_str(view.launch, id, "… its launch's");
    is_str(view.token.launch, id, "… by the same name");
    is_str(apr_pstrcat(pool, view.app, "|", view.ehr, "|", view.app_user, "|", view.patient, "|",
                       view.launch_key_id, NULL),
           "app|epic|alice|p1|k1", "… whose, where, about whom, by which key");
    ok(memcmp(view.session_hash, hash(apr_pstrcat(pool, "session ", id, NULL)), SL_SHA256_LEN) == 0,
       "… with the session's print");
    ok(view.is_live && view.can_renew, "… live and renewable");
    ok(view.token.access_sealed.len == 13 && view.token.refresh_sealed.bytes == NULL,
       "SEC: … without the refresh token");
    ok(view.token.expires_at - view.token.issued_at == HOUR && view.token.generation == 1,
       "… for an hour, of the first generation");
    ok(view.launch_expires_at > view.now && view.last_seen_at <= view.now &&
           view.now - view.last_seen_at < HOUR,
       "… with the launch's times by the database's clock");
    ok(view.lease_until == 0 && view.retry_at == 0, "… nobody renews it");
    is_int(by_launch(id), SL_OK, "by launch");
    ok(view.token.refresh_sealed.len == 14, "… with the refresh token, which a renewal needs");
    (void)owner("SELECT smartlaunch.revoke_launch('%s', 'test')", id);
    is_int(by_session(id), SL_OK, "a launch that ended is found");
    ok(!view.is_live && view.token.status == SL_TOKEN_REVOKED && !view.can_renew &&
           view.token.access_sealed.bytes == NULL,
       "… as what it is");
    (void)owner("DELETE FROM smartlaunch.token WHERE launch = '%s'", id);
    is_int(by_session(id), SL_OK, "a launch without a token is found");
    ok(view.token.launch == NULL && view.launch != NULL && !view.can_renew, "… without one");
}

/** The launch whose token the user gets; "none". */
static const char *of_user(const char *app, const char *ehr, const char *user, const char *patient)
{
    const sl_token_of_user_t who = {app, ehr, user, patient};
    sl_err_t err = {0};
    sl_rc_t rc = sl_store_token_by_user(&view, db, &who, pool, &err);

    return rc == SL_OK ? view.token.launch : rc == SL_NONE ? "none" : apr_pstrdup(pool, err.text);
}

/** A launch of alice's with a token for this patient (NULL: unbound), issued `age` seconds ago. */
static const char *token_of(const char *name, const char *patient, int age)
{
    const char *id = launch(name, apr_pstrcat(pool, name, "-b", NULL), name);

    (void)owner("UPDATE smartlaunch.token SET patient = %s, issued_at = now() - %d * interval '1 s'"
                " WHERE launch = '%s'",
                patient == NULL ? "NULL" : apr_psprintf(pool, "'%s'", patient), age, id);
    return id;
}

static void set(const char *id, const char *what)
{
    (void)owner("UPDATE smartlaunch.token SET %s WHERE launch = '%s'", what, id);
}

static void by_user(void)
{
    const char *older, *newer, *free_one;

    clean();
    older = token_of("u-1", "p1", 100);
    newer = token_of("u-2", "p1", 50);
    free_one = token_of("u-3", NULL, 200);
    (void)token_of("u-4", "p2", 10);
    is_str(of_user("app", "epic", "alice", "p1"), newer, "a user's newest token for the patient");
    ok(view.token.refresh_sealed.bytes == NULL && view.can_renew,
       "SEC: … without the refresh token");
    is_str(of_user("app", "epic", "alice", NULL), free_one,
           "without a patient: only one that is bound to none");
    is_str(of_user("app", "epic", "alice", "p3"), free_one,
           "none for this patient: one that is bound to none");
    is_str(of_user("other", "epic", "alice", "p1"), "none", "not another app's");
    is_str(of_user("app", "oracle", "alice", "p1"), "none", "not another EHR's");
    is_str(of_user("app", "epic", "bob", "p1"), "none", "not another user's");
    (void)owner("UPDATE smartlaunch.launch SET state = 'ended' WHERE id = '%s'", newer);
    is_str(of_user("app", "epic", "alice", "p1"), newer,
           "whether its launch lives is all the same");
    set(newer, "expires_at = now() - interval '1 s'");
    is_str(of_user("app", "epic", "alice", "p1"), newer, "expired, but it can be renewed: usable");
    set(newer, "refresh_sealed = NULL");
    is_str(of_user("app", "epic", "alice", "p1"), older, "… and if it cannot, the next is");
    set(newer, "expires_at = NULL");
    is_str(of_user("app", "epic", "alice", "p1"), newer, "an unknown end is no end");
    set(newer, "status = 'relaunch'");
    is_str(of_user("app", "epic", "alice", "p1"), older, "one that needs a launch is not used");
    set(older, "status = 'revoked', access_sealed = NULL, refresh_sealed = NULL");
    is_str(of_user("app", "epic", "alice", "p1"), free_one, "nor is a revoked one");
    set(free_one, "link = NULL");
    is_str(of_user("app", "epic", "alice", "p1"), "none", "nor one without a link");
}

static void by_user_revoked(void)
{
    clean();
    (void)token_of("u-5", "p1", 10);
    (void)owner("UPDATE smartlaunch.link SET revoked_at = now()");
    is_str(of_user("app", "epic", "alice", "p1"), "none", "nor one whose link is revoked");
}

/** The launches that are due, by the names their states had, in order. */
static const char *due_ones(sl_token_due_t due)
{
    apr_array_header_t *list = NULL;
    const char *names = "";
    sl_err_t err = {0};

    if (sl_store_token_due(&list, db, &due, pool, &err) != SL_OK) {
        return apr_pstrdup(pool, err.text);
    }
    for (int i = 0; i < list->nelts; i++) {
        const sl_token_view_t *one = &APR_ARRAY_IDX(list, i, const sl_token_view_t);

        names = apr_pstrcat(
            pool, names,
            owner("SELECT login_user FROM smartlaunch.launch WHERE id = '%s'", one->launch), NULL);
    }
    return names;
}

/** A launch with a token that ends in so many seconds; it is called by its letter. */
static const char *lapsing(const char *name, int seconds)
{
    const char *id =
        launch(apr_pstrcat(pool, "d-", name, NULL), apr_pstrcat(pool, "db-", name, NULL),
               apr_pstrcat(pool, "dn-", name, NULL));

    (void)owner("UPDATE smartlaunch.launch SET login_user = '%s' WHERE id = '%s'", name, id);
    (void)owner("UPDATE smartlaunch.token SET expires_at = now() + %d * interval '1 s'"
                " WHERE launch = '%s'",
                seconds, id);
    return id;
}

static void due_live(void)
{
    sl_token_due_t due = {.ehr = "epic", .ahead = apr_time_from_sec(60), .limit = 10};

    clean();
    (void)lapsing("a", 55); /* after "o", however slowly they are made */
    (void)lapsing("b", 10);
    (void)lapsing("c", 90);
    (void)lapsing("d", -600);
    (void)lapsing("e", -4000);
    set(lapsing("f", 20), "refresh_sealed = NULL");
    set(lapsing("g", 21), "status = 'relaunch'");
    set(lapsing("h", 22), "lease_until = now() + interval '9 s', lease_by = 'x'");
    set(lapsing("i", 23), "lease_until = now() - interval '9 s', lease_by = 'x'");
    set(lapsing("j", 24), "retry_at = now() + interval '9 s'");
    set(lapsing("k", 25), "retry_at = now() - interval '9 s'");
    set(lapsing("l", 26), "ehr = 'oracle'");
    (void)owner("UPDATE smartlaunch.launch SET state = 'ended' WHERE id = '%s'", lapsing("m", 27));
    (void)owner("UPDATE smartlaunch.launch SET expires_at = now() WHERE id = '%s'",
                lapsing("n", 28));
    (void)owner("UPDATE smartlaunch.launch SET last_seen_at = now() - interval '40 min'"
                " WHERE id = '%s'",
                lapsing("o", 29));
    is_str(
        due_ones(due), "dbkoa",
        "due: what lapses within the time or did a while ago, of a launch that lives, and nobody "
        "renews; soonest first");
    due.limit = 2;
    is_str(due_ones(due), "db", "… so many at most");
    due.limit = 10;
    due.idle = HOUR / 2;
    is_str(due_ones(due), "dbka", "… and not of a launch that is idle");
    due.ehr = "oracle";
    is_str(due_ones(due), "l", "… each EHR by itself");
}

static void due_offline(void)
{
    const sl_token_due_t due = {.ehr = "epic", .ahead = apr_time_from_sec(60), .limit = 10};
    const char *newest;

    clean();
    set(lapsing("a", 10), "scope_granted = 'launch offline_access'");
    newest = lapsing("b", 20);
    set(newest, "scope_granted = 'offline_access openid'");
    set(lapsing("c", 30), "scope_granted = 'not_offline_access', scope_asked = 'offline_access'");
    set(lapsing("d", 40), "scope_granted = 'offline_access', patient = 'p2'");
    set(lapsing("e", 50), "scope_granted = NULL, scope_asked = 'openid offline_access',"
                          " patient = 'p3'");
    (void)owner("UPDATE smartlaunch.launch SET state = 'ended'");
    is_str(due_ones(due), "de",
           "ended launches: with offline_access the newest of each patient, and only if it has it");
    (void)owner("DELETE FROM smartlaunch.launch WHERE login_user = 'c'");
    is_str(due_ones(due), "bde", "… the newest that is left");
    set(newest, "status = 'relaunch'");
    is_str(due_ones(due), "ade", "… and is of use");
    (void)owner("UPDATE smartlaunch.link SET revoked_at = now()");
    is_str(due_ones(due), "", "… nothing of a link that was revoked");
}

int test_token(void)
{
    clean();
    by_session_id();
    by_user();
    by_user_revoked();
    due_live();
    due_offline();
    return tap_done();
}
