/* SPDX-License-Identifier: Apache-2.0 */
/* Which token a call of the gateway gets, and what shared memory is believed of it. */
#include "flow/sl_grant.h"
#include "flow/sl_use.h"
#include "rule.h"
#include "token_table.h"

#define MINUTES(n) apr_time_from_sec((n)*60)

static sl_ehr_t ehr = {.name = "sandbox"};

static sl_grant_ask_t by_session(void)
{
    sl_grant_ask_t ask = {0};

    ask.app = "app";
    ask.ehr = &ehr;
    ask.session = table.session;
    ask.idle = MINUTES(30);
    ask.now = apr_time_now();
    return ask;
}

static sl_grant_ask_t by_user(const char *user, const char *patient)
{
    sl_grant_ask_t ask = by_session();

    ask.session = NULL;
    ask.user = user;
    ask.patient = patient;
    return ask;
}

/** Find, with memory as it is. `asks`: how often the database is. */
static sl_rc_t find(sl_grant_t *out, const sl_runtime_t *rt, const sl_grant_ask_t *ask, int asks,
                    const char *name, sl_err_t *err, apr_pool_t *p)
{
    int before = table.reads;
    sl_rc_t rc = sl_grant_find(out, rt, ask, p, err);

    ok(table.reads - before == asks, "%s: the database is asked %d times", name, asks);
    if (table.reads - before != asks) {
        diag("it was asked %d times", table.reads - before);
    }
    return rc;
}

static void gets(const sl_runtime_t *rt, const sl_grant_ask_t *ask, const char *access, int asks,
                 const char *name, apr_pool_t *p)
{
    sl_grant_t grant = {0};
    sl_err_t err = {0};

    is_end(find(&grant, rt, ask, asks, name, &err, p), &err, NULL, SL_OK, name);
    is_str(grant.access == NULL ? NULL : sl_secret_reveal(grant.access), access, name);
}

static void gets_none(const sl_runtime_t *rt, const sl_grant_ask_t *ask, sl_rc_t rc, const char *id,
                      int asks, const char *name, apr_pool_t *p)
{
    sl_grant_t grant = {0};
    sl_err_t err = {0};

    is_end(find(&grant, rt, ask, asks, name, &err, p), &err, id, rc, name);
    ok(grant.access == NULL || rc == SL_DENIED, "%s: no token", name);
}

/** Everything a grant says, from the database and from memory. */
static void members(apr_pool_t *p)
{
    sl_runtime_t rt = table_runtime(&ehr, p);
    sl_grant_ask_t ask = by_session();
    apr_time_t ends;

    table_fill(MINUTES(10));
    ends = table.row.token.expires_at - table.ahead;
    for (int asks = 1; asks >= 0; asks--) {
        sl_grant_t grant = {0};
        sl_err_t err = {0};

        is_end(find(&grant, &rt, &ask, asks, "by session", &err, p), &err, NULL, SL_OK, "found");
        is_int(grant.via, SL_VIA_SESSION, "via");
        is_str(grant.launch, TABLE_LAUNCH, "launch");
        is_str(grant.key_id, "a", "key");
        is_int((intmax_t)strlen(grant.session_print), 32, "print");
        is_str(grant.app_user, "alice", "user");
        is_str(grant.patient, "p1", "patient");
        is_str(grant.scope, "patient/*.rs", "scope");
        is_str(sl_secret_reveal(grant.access), "access-1", "token");
        is_int(grant.generation, 1, "generation");
        ok(grant.can_renew, "it can be renewed");
        ok(grant.expires_at > ends - MINUTES(1) && grant.expires_at < ends + MINUTES(1),
           "its end is by our clock, whatever the database's says");
        ok(grant.issued_at < apr_time_now(), "and so is its beginning");
    }
}

typedef struct {
    const char *name;
    void (*change)(void); /* of the row; NULL: none */
    void (*ask)(sl_grant_ask_t *ask);
    sl_rc_t rc;
    const char *id;
    int asks;
} row_t;

static void other_app(sl_grant_ask_t *ask)
{
    ask->app = "other";
}
static void other_ehr(sl_grant_ask_t *ask)
{
    static const sl_ehr_t other = {.name = "other"};

    ask->ehr = &other;
}
static void other_app_and_ehr(sl_grant_ask_t *ask)
{
    other_app(ask);
    other_ehr(ask);
}
static void invented(sl_grant_ask_t *ask)
{
    ask->session = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
}
static void too_short(sl_grant_ask_t *ask)
{
    ask->session = "short";
}
static void handle(sl_grant_ask_t *ask)
{
    if (sl_id_derive(&ask->session, table.ring, "a", SL_ID_HANDLE, TABLE_LAUNCH, table.p) !=
        SL_OK) {
        abort();
    }
}
static void unknown(sl_grant_ask_t *ask)
{
    if (sl_id_derive(&ask->session, table.ring, "a", SL_ID_SESSION, "another", table.p) != SL_OK) {
        abort();
    }
}
static void nobody(sl_grant_ask_t *ask)
{
    ask->session = NULL;
}
static void same_patient(sl_grant_ask_t *ask)
{
    ask->patient = "p1";
}
static void other_patient(sl_grant_ask_t *ask)
{
    ask->patient = "p2";
}

static void no_token(void)
{
    memset(&table.row.token, 0, sizeof(table.row.token));
}
static void relaunch(void)
{
    table.row.token.status = SL_TOKEN_RELAUNCH;
}
static void revoked(void)
{
    table.row.token.status = SL_TOKEN_REVOKED;
}
static void not_live(void)
{
    table.row.is_live = false;
}
static void ended(void)
{
    table.row.launch_expires_at = table_now() - apr_time_from_sec(1);
}
static void idle(void)
{
    table.row.last_seen_at = table_now() - MINUTES(31);
}
static void not_idle(void)
{
    table.row.last_seen_at = table_now() - MINUTES(29);
}
static void expired(void)
{
    table.row.token.expires_at = table_now() - MINUTES(1);
}
static void app_changed(void)
{
    table.row.app = table.row.token.app = "other";
}
static void launch_patient_changed(void)
{
    table.row.patient = "p2";
}
static void patients_changed(void)
{
    table.row.patient = table.row.token.patient = "p2";
}
static void user_changed(void)
{
    table.row.token.app_user = "bob";
}
static void generation_changed(void)
{
    table.row.token.generation = 2;
}
static void ehr_changed(void)
{
    table.row.ehr = table.row.token.ehr = "other";
}

/** By session: each row with memory of its own. */
static const row_t rows[] = {
    {"as it is", NULL, NULL, SL_OK, NULL, 1},
    {"an invented id", NULL, invented, SL_INVALID, "SL4518", 0},
    {"a short one", NULL, too_short, SL_INVALID, "SL4518", 0},
    {"a handle", NULL, handle, SL_INVALID, "SL4518", 0},
    {"one nobody has", NULL, unknown, SL_NONE, "SL4512", 1},
    {"neither session nor user", NULL, nobody, SL_NONE, "SL4512", 0},
    {"of another app", NULL, other_app, SL_NONE, "SL4515", 1},
    {"of another EHR", NULL, other_ehr, SL_DENIED, "SL4517", 1},
    {"of another app and EHR", NULL, other_app_and_ehr, SL_NONE, "SL4515", 1},
    {"the same patient", NULL, same_patient, SL_OK, NULL, 1},
    {"another patient: a session says it all", NULL, other_patient, SL_OK, NULL, 1},
    {"without a token", no_token, NULL, SL_NONE, "SL4513", 1},
    {"only a new launch helps", relaunch, NULL, SL_NONE, "SL4514", 1},
    {"revoked", revoked, NULL, SL_NONE, "SL4514", 1},
    {"launch ended", not_live, NULL, SL_NONE, "SL4516", 1},
    {"launch past its end", ended, NULL, SL_NONE, "SL4516", 1},
    {"launch idle", idle, NULL, SL_NONE, "SL4516", 1},
    {"launch nearly idle", not_idle, NULL, SL_OK, NULL, 1},
    {"token past its end: renewal's business", expired, NULL, SL_OK, NULL, 1},
    {"tampering: the app of both rows", app_changed, other_app, SL_FAILED, "SL1412", 1},
    {"tampering: the EHR of both rows", ehr_changed, other_ehr, SL_FAILED, "SL1412", 1},
    {"tampering: the launch's patient", launch_patient_changed, NULL, SL_FAILED, "SL4511", 1},
    {"tampering: both patients", patients_changed, NULL, SL_FAILED, "SL1412", 1},
    {"tampering: the user", user_changed, NULL, SL_FAILED, "SL1412", 1},
    {"tampering: the generation", generation_changed, NULL, SL_FAILED, "SL1412", 1},
};

static void decisions(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const row_t *row = &rows[i];
        sl_runtime_t rt = table_runtime(&ehr, p);
        sl_grant_ask_t ask = by_session();

        table_fill(MINUTES(10));
        if (row->change != NULL) {
            row->change();
        }
        if (row->ask != NULL) {
            row->ask(&ask);
        }
        if (row->rc == SL_OK) {
            gets(&rt, &ask, "access-1", row->asks, row->name, p);
            gets(&rt, &ask, "access-1", 0, apr_pstrcat(p, row->name, ", again", NULL), p);
        } else {
            gets_none(&rt, &ask, row->rc, row->id, row->asks, row->name, p);
            gets_none(&rt, &ask, row->rc, row->id, 0, apr_pstrcat(p, row->name, ", again", NULL),
                      p);
        }
    }
}

typedef struct {
    const char *name;
    void (*change)(void);
    const char *user, *patient; /* asked */
    sl_rc_t rc;
    const char *confined; /* SL_OK: the patient of the grant */
} user_row_t;

static void unbound(void)
{
    table.row.patient = table.row.token.patient = NULL;
    table_seal("access-1", "refresh-1");
}
static void expired_for_good(void)
{
    expired();
    table_seal("access-1", NULL);
}
static void bobs_column(void)
{
    table.row.token.app_user = table.row.app_user = "bob";
}

static const user_row_t user_rows[] = {
    {"her patient", NULL, "alice", "p1", SL_OK, "p1"},
    {"another patient", NULL, "alice", "p2", SL_NONE, NULL},
    {"no patient, bound token", NULL, "alice", NULL, SL_NONE, NULL},
    {"no patient, unbound token", unbound, "alice", NULL, SL_OK, NULL},
    {"a patient, unbound token", unbound, "alice", "p2", SL_OK, "p2"},
    {"another user", NULL, "bob", "p1", SL_NONE, NULL},
    {"the launch has ended", not_live, "alice", "p1", SL_OK, "p1"},
    {"the launch is idle", idle, "alice", "p1", SL_OK, "p1"},
    {"relaunch", relaunch, "alice", "p1", SL_NONE, NULL},
    {"revoked", revoked, "alice", "p1", SL_NONE, NULL},
    {"expired, can be renewed", expired, "alice", "p1", SL_OK, "p1"},
    {"expired for good", expired_for_good, "alice", "p1", SL_NONE, NULL},
    {"tampering: alice's token written over to bob", bobs_column, "bob", "p1", SL_FAILED, NULL},
};

static void users(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(user_rows) / sizeof(user_rows[0]); i++) {
        const user_row_t *row = &user_rows[i];
        sl_runtime_t rt = table_runtime(&ehr, p);
        sl_grant_ask_t ask = by_user(row->user, row->patient);

        table_fill(MINUTES(10));
        if (row->change != NULL) {
            row->change();
        }
        for (int again = 0; again < 2; again++) {
            sl_grant_t grant = {0};
            sl_err_t err = {0};
            int before = table.reads;

            is_int(sl_grant_find(&grant, &rt, &ask, p, &err), row->rc, row->name);
            if (row->rc == SL_OK) {
                is_str(grant.patient, row->confined, row->name);
                is_str(grant.app_user, row->user, row->name);
                is_int(grant.via, SL_VIA_USER, row->name);
                is_str(sl_secret_reveal(grant.access), "access-1", row->name);
                is_int(table.reads - before, again == 0, row->name);
            }
        }
    }
}

/** Memory is young, then old, then all there is. */
static void ages(apr_pool_t *p)
{
    sl_runtime_t rt = table_runtime(&ehr, p);
    sl_grant_ask_t ask = by_session();
    sl_grant_ask_t ask_user = by_user("alice", "p1");
    sl_shm_key_t key = {.kind = 'S'};
    sl_shm_entry_t entry;
    sl_shm_put_t old = {{NULL, 0}, 0, 0, SL_SHM_HIGH};

    table_fill(MINUTES(10));
    gets(&rt, &ask, "access-1", 1, "first", p);
    memcpy(key.digest, table.session, SL_SHM_KEY_LEN);
    is_int(sl_shm_get(rt.shm, &key, apr_time_now(), &entry, p), SL_OK, "in memory");
    is_int(entry.expires, entry.stored + rt.offline, "for SmartOffline since it was read");
    ok(memmem(entry.value.bytes, entry.value.len, "access-1", 8) == NULL, "sealed");
    old.value = entry.value;
    old.now = apr_time_now() - SL_GRANT_FRESH - 1;
    old.expires = entry.expires;
    is_int(sl_shm_put(rt.shm, &key, &old, NULL), SL_OK, "it gets old");
    table.is_away = true;
    gets(&rt, &ask, "access-1", 1, "while the database is away", p);
    gets(&rt, &ask, "access-1", 1, "it is not young again for that", p);
    table.is_away = false;
    revoked();
    gets_none(&rt, &ask, SL_NONE, "SL4514", 1, "back: revoked is revoked", p);
    table.is_away = true;
    gets_none(&rt, &ask, SL_NONE, "SL4514", 0, "and stays so", p);
    table_fill(MINUTES(10));
    table.is_away = true;
    gets_none(&rt, &ask_user, SL_UNAVAILABLE, "SL0001", 1, "nothing in memory", p);
    table.is_away = false;
    gets(&rt, &ask_user, "access-1", 1, "back", p);
    table.is_away = true;
    gets(&rt, &ask_user, "access-1", 0, "from memory", p);
    gets(&rt, &ask, "access-1", 0, "and by session, too", p);
}

/** While PostgreSQL is away a use that memory knows counts. */
static void use(apr_pool_t *p)
{
    sl_runtime_t rt = table_runtime(&ehr, p);
    sl_grant_ask_t ask = by_session();

    table_fill(MINUTES(10));
    idle();
    sl_use_note(&rt, TABLE_LAUNCH, ask.idle, apr_time_now() - MINUTES(29));
    gets(&rt, &ask, "access-1", 1, "used a moment ago", p);
    ask.now += MINUTES(2);
    gets_none(&rt, &ask, SL_NONE, "SL4516", 0, "and not since", p);
}

static void hints(apr_pool_t *p)
{
    sl_runtime_t rt = table_runtime(&ehr, p);
    sl_grant_ask_t ask = by_session();

    table_fill(MINUTES(10));
    gets(&rt, &ask, "access-1", 1, "first", p);
    not_live();
    gets(&rt, &ask, "access-1", 0, "nobody said anything", p);
    sl_grant_forget(&rt, TABLE_LAUNCH, "a");
    gets_none(&rt, &ask, SL_NONE, "SL4516", 1, "a hint: read again at once", p);
    table_fill(MINUTES(10));
    sl_grant_forget(&rt, TABLE_LAUNCH, "a");
    sl_grant_forget(&rt, TABLE_LAUNCH, "a key that is gone");
    gets(&rt, &ask, "access-1", 1, "live again", p);
    not_live();
    sl_grant_doubt_all(&rt);
    gets_none(&rt, &ask, SL_NONE, "SL4516", 1, "everything is read again", p);
}

/** Hints may have been missed, and PostgreSQL is away again before anybody could ask. */
static void doubt(apr_pool_t *p)
{
    sl_runtime_t rt = table_runtime(&ehr, p);
    sl_grant_ask_t ask = by_session(), ask_user = by_user("alice", "p1");
    sl_shm_key_t key = {.kind = 'S'};
    sl_shm_entry_t before, after;

    table_fill(MINUTES(10));
    gets(&rt, &ask_user, "access-1", 1, "read", p);
    memcpy(key.digest, table.session, SL_SHM_KEY_LEN);
    is_int(sl_shm_get(rt.shm, &key, apr_time_now(), &before, p), SL_OK, "in memory");
    table.is_away = true;
    sl_grant_doubt_all(&rt);
    gets(&rt, &ask, "access-1", 1, "in doubt, but nobody else can be asked", p);
    gets(&rt, &ask_user, "access-1", 2, "the user's, too", p);
    is_int(sl_shm_get(rt.shm, &key, apr_time_now(), &after, p), SL_OK, "still in memory");
    is_int(after.expires, before.expires, "for no longer than before");
    table.is_away = false;
    revoked();
    gets_none(&rt, &ask, SL_NONE, "SL4514", 1, "back: revoked is revoked", p);
    gets_none(&rt, &ask_user, SL_NONE, "SL4520", 1, "for the user, too", p);
}

static const sl_runtime_t *reader;

static void forget_meanwhile(void)
{
    table.row.is_live = false;
    sl_grant_forget(reader, TABLE_LAUNCH, "a");
}

static void doubt_all_meanwhile(void)
{
    table.row.is_live = false;
    sl_grant_doubt_all(reader);
}

static void renewed_meanwhile(void)
{
    sl_token_view_t view;

    table.during = NULL;
    table.row.token.generation = 2;
    table_seal("access-2", "refresh-2");
    view = table.row;
    view.now = table_now();
    sl_grant_our_time(&view);
    sl_grant_remember(reader, &view, false, apr_time_now());
}

/** What happens while the row is on its way to us is not undone by what we read. */
static void races(apr_pool_t *p)
{
    static const struct {
        const char *name;
        void (*during)(void);
    } hint[] = {{"a hint during the reading", forget_meanwhile},
                {"hints missed during the reading", doubt_all_meanwhile}};
    sl_grant_ask_t ask = by_session();
    sl_runtime_t rt;

    for (size_t i = 0; i < 2; i++) {
        rt = table_runtime(&ehr, p);
        reader = &rt;
        table_fill(MINUTES(10));
        table.during = hint[i].during;
        gets(&rt, &ask, "access-1", 1, hint[i].name, p);
        table.during = NULL;
        gets_none(&rt, &ask, SL_NONE, "SL4516", 1, "what was read is not kept", p);
    }
    rt = table_runtime(&ehr, p);
    table_fill(MINUTES(10));
    table.during = renewed_meanwhile;
    gets(&rt, &ask, "access-1", 1, "a renewal during the reading", p);
    gets(&rt, &ask, "access-2", 0, "the newer one stays", p);
}

/** A generation that is in the journal only is not replaced by the row it follows. */
static void unsaved(apr_pool_t *p)
{
    sl_runtime_t rt = table_runtime(&ehr, p);
    sl_grant_ask_t ask = by_session();
    sl_token_view_t next, got;
    sl_token_t row;
    bool flag = false;

    table_fill(MINUTES(10));
    row = table.row.token;
    table.row.token.generation = 2;
    table_seal("access-2", "refresh-2");
    next = table.row;
    next.now = table_now();
    sl_grant_our_time(&next);
    table.row.token = row;
    sl_grant_remember(&rt, &next, true, apr_time_now());
    gets(&rt, &ask, "access-2", 0, "remembered", p);
    sl_grant_forget(&rt, TABLE_LAUNCH, "a");
    gets(&rt, &ask, "access-2", 1, "a hint: the row is behind, the token stays", p);
    is_int(sl_grant_recall(&got, &flag, &rt, TABLE_LAUNCH, "a", p), SL_OK, "recalled");
    ok(flag && got.token.generation == 2, "as not saved");
    not_live();
    sl_grant_forget(&rt, TABLE_LAUNCH, "a");
    gets_none(&rt, &ask, SL_NONE, "SL4516", 1, "but whether it lives is the row's to say", p);
    table.row.is_live = true;
    relaunch();
    sl_grant_forget(&rt, TABLE_LAUNCH, "a");
    gets(&rt, &ask, "access-2", 1, "marked as over by another host: the journal knows better", p);
    revoked();
    sl_grant_forget(&rt, TABLE_LAUNCH, "a");
    gets_none(&rt, &ask, SL_NONE, "SL4514", 1, "revoked is revoked", p);
    table.row.token.generation = 3;
    table.row.token.status = SL_TOKEN_ACTIVE;
    table_seal("access-3", "refresh-3");
    sl_grant_remember(&rt, &next, true, apr_time_now());
    sl_grant_forget(&rt, TABLE_LAUNCH, "a");
    gets(&rt, &ask, "access-3", 1, "what is newer wins", p);
    sl_grant_remember(&rt, &next, false, apr_time_now());
    is_int(sl_grant_recall(&got, &flag, &rt, TABLE_LAUNCH, "a", p), SL_OK, "recalled");
    ok(!flag, "saved");
}

/** A graceful restart with another version: its children use the same memory for a while. */
static void other_version(apr_pool_t *p)
{
    sl_runtime_t rt = table_runtime(&ehr, p);
    sl_grant_ask_t ask = by_session();
    sl_shm_key_t key = {.kind = 'S'};
    sl_shm_entry_t entry;

    table_fill(MINUTES(10));
    gets(&rt, &ask, "access-1", 1, "first", p);
    memcpy(key.digest, table.session, SL_SHM_KEY_LEN);
    is_int(sl_shm_get(rt.shm, &key, apr_time_now(), &entry, p), SL_OK, "in memory");
    for (apr_size_t cut = 0; cut < entry.value.len; cut += 13) {
        const sl_shm_put_t torn = {
            {entry.value.bytes, cut}, entry.stored, entry.expires, SL_SHM_HIGH};
        sl_grant_t grant;

        is_int(sl_shm_put(rt.shm, &key, &torn, NULL), SL_OK, "cut short");
        is_int(sl_grant_find(&grant, &rt, &ask, p, NULL), SL_OK, "is read again");
    }
    is_int(sl_grant_recall(&(sl_token_view_t){0}, &(bool){false}, &rt, "another", "a", p), SL_NONE,
           "nothing is known of another launch");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    table_begin(p);
    members(p);
    decisions(p);
    users(p);
    ages(p);
    use(p);
    doubt(p);
    hints(p);
    races(p);
    unsaved(p);
    other_version(p);
    rule_release(p);
    return tap_done();
}
