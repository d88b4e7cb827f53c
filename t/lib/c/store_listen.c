/* SPDX-License-Identifier: Apache-2.0 */
/* Hints from other hosts, and who looks after the cluster. */
#include "store.h"
#include "store/sl_listen.h"
#include "store/sl_store_watch.h"
#include "tap.h"

#include <apr_strings.h>
#include <stdlib.h>

#define MANY 8
#define LENGTH apr_time_from_sec(30)
#define LAST "00000000-0000-7000-8000-00000000000f"

static sl_listen_t *listener;

/** The launches hinted at since the last time, each with its key id; in the order they came. */
static const char *heard(void)
{
    const char *names = "";
    bool last = false;

    (void)owner("SELECT pg_notify('smartlaunch', 'launch " LAST " last')");
    for (int i = 0; i < 100 && !last; i++) {
        sl_hints_t out;
        sl_err_t err = {0};

        if (sl_listen_next(&out, listener, apr_time_from_sec(5), pool, &err) != SL_OK) {
            return apr_pstrdup(pool, err.text);
        }
        for (int k = 0; k < out.hints->nelts; k++) {
            const sl_hint_t *hint = &APR_ARRAY_IDX(out.hints, k, const sl_hint_t);

            last = strcmp(hint->launch, LAST) == 0;
            if (!last) {
                names = apr_pstrcat(pool, names, hint->launch, " ", hint->key_id, "\n", NULL);
            }
        }
    }
    return last ? names : "no last hint";
}

static const char *hint_of(const char *id)
{
    return apr_pstrcat(pool, id, " k1\n", NULL);
}

static void begins(void)
{
    sl_hints_t out;
    sl_err_t err = {0};

    listener = sl_listen_new(pool, getenv("SL_STORE_DB"), NULL);
    is_int(sl_listen_next(&out, listener, 0, pool, &err), SL_OK, "somebody listens");
    ok(out.reconnected && out.hints->nelts == 0, "… and knows that he begins");
    is_int(sl_listen_next(&out, listener, 0, pool, &err), SL_OK, "nothing happens");
    ok(!out.reconnected && out.hints->nelts == 0, "… and nothing is heard");
}

static void hears_tokens(void)
{
    const char *id = launch("h-1", "hb-1", "hb-2");
    const sl_token_over_t over = {id, 9, "x", NULL};
    const sl_lease_t lease = {id, 1, "host:1", LENGTH};
    const sl_token_next_t next = {.launch = id,
                                  .follows = 1,
                                  .app_user = "alice",
                                  .access_sealed = sealed("x"),
                                  .key_id = "k2",
                                  .context = "{\"a\":\"b\"}"};
    sl_leased_t leased;
    sl_err_t err = {0};

    is_str(heard(), "", "a launch begins, and nobody need know");
    ok(sl_store_launch_touch(db, id, &err) == SL_OK &&
           sl_store_token_lease(&leased, db, &lease, pool, &err) == SL_OK,
       "it is used, and its token leased");
    is_str(heard(), "", "… nor of that");
    ok(sl_store_token_renew(db, &next, &err) == SL_OK, "the token is renewed");
    is_str(heard(), hint_of(id), "… which everybody hears, with the launch's key id");
    ok(sl_store_token_over(db, &over, &err) == SL_OK, "it comes to its end");
    is_str(heard(), hint_of(id), "… heard");
    (void)owner("SELECT smartlaunch.revoke_token('%s', 'x')", id);
    is_str(heard(), hint_of(id), "SEC: it is revoked: heard");
}

static void hears_launches(void)
{
    const char *id = launch("h-2", "hc-1", "hc-2");
    const sl_launch_end_t end = {id, hash("hc-2"), NULL, "logout", true, NULL};
    const char *pending = launch_pending("h-3", "hd-1", "hd-2", "dr-hint");
    const sl_link_make_t make = {
        .launch = pending,
        .browser_hash = hash("hd-2"),
        .new_browser_hash = hash("hd-3"),
        .app_user = "hint",
        .how = "app",
        .generation = 1,
        .access_sealed = sealed("resealed"),
        .key_id = "k1",
        .max = 12 * HOUR,
    };
    sl_link_made_t made;
    sl_err_t err = {0};
    int ended;

    is_str(heard(), "", "two launches");
    ok(sl_store_launch_end(&ended, db, &end, pool, &err) == SL_OK && ended == 1, "one ends");
    is_str(heard(), hint_of(id), "SEC: … heard, once");
    ok(sl_store_link_make(&made, db, &make, pool, &err) == SL_OK, "one is linked");
    is_str(heard(), hint_of(pending), "… heard, once");
    is_str(owner("SELECT smartlaunch.revoke_link('%s', 'left')", made.link), "t",
           "its link is revoked");
    is_str(heard(), hint_of(pending), "SEC: … heard");
    id = launch("h-4", "he-1", "he-2");
    (void)owner("DELETE FROM smartlaunch.launch WHERE id = '%s'", id);
    is_str(heard(), hint_of(id), "a launch that is deleted: heard");
    (void)owner("DELETE FROM smartlaunch.launch WHERE id = '%s'", pending);
    is_str(heard(), "", "… but not one that had ended");
}

static void hears_no_nonsense(void)
{
    static const char *const SAID[] = {
        "",
        "launch",
        "launch ",
        "launch x k1",
        "launch 00000000-0000-7000-8000-000000000001",
        "launch 00000000-0000-7000-8000-000000000001 ",
        "launch 00000000-0000-7000-8000-000000000001  k1",
        "launch 00000000-0000-7000-8000-000000000001 k1 ",
        "launch 00000000-0000-7000-8000-000000000001 k1 x",
        "launch 00000000-0000-7000-8000-00000000000A k1",
        "launch 00000000-0000-7000-8000-0000000000010 k1",
        "launch 000000000000-7000-8000-0000-00000000 k1",
        "launch  0000000-0000-7000-8000-000000000001 k1",
        "link 00000000-0000-7000-8000-000000000001 k1",
        "LAUNCH 00000000-0000-7000-8000-000000000001 k1",
        "launch 00000000-0000-7000-8000-000000000001 k/1",
        "launch 00000000-0000-7000-8000-000000000001 ''k1",
        "launch 00000000-0000-7000-8000-000000000001 k12345678901234567890123456789012",
    };

    for (size_t i = 0; i < sizeof(SAID) / sizeof(SAID[0]); i++) {
        (void)owner("SELECT pg_notify('smartlaunch', '%s')", SAID[i]);
    }
    (void)owner("SELECT pg_notify('other', 'launch 00000000-0000-7000-8000-000000000001 k1')");
    is_str(heard(), "", "SEC: anybody may say anything: only what is a hint is one");
    for (int i = 0; i < 1500; i++) {
        (void)owner("SELECT pg_notify('smartlaunch', 'launch"
                    " 00000000-0000-7000-8000-00000000%04d k1')",
                    i);
    }
    is_int((intmax_t)strlen(heard()), 1500 * 40, "many at once are all heard");
}

static void comes_back(void)
{
    sl_hints_t out = {0};
    sl_err_t err = {0};
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(20);
    int rounds = 0;
    sl_rc_t rc;

    (void)owner("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE query = 'LISTEN smartlaunch' AND datname = current_database()");
    rc = sl_listen_next(&out, listener, apr_time_from_sec(5), pool, &err);
    is_int(rc, SL_UNAVAILABLE, "the connection breaks: that is said");
    while ((rc != SL_OK || !out.reconnected) && apr_time_now() < deadline) {
        rc = sl_listen_next(&out, listener, apr_time_from_msec(500), pool, &err);
        rounds++;
    }
    ok(rc == SL_OK && out.reconnected, "… it is made anew, and that is said, too");
    ok(rounds < 20, "… without a rush");
    is_str(heard(), "", "… and hears");
}

static void nobody_there(void)
{
    sl_listen_t *lonely = sl_listen_new(pool, "host=127.0.0.1 port=1", NULL);
    apr_time_t start = apr_time_now();
    sl_hints_t out;
    sl_err_t err = {0};

    is_int(sl_listen_next(&out, lonely, apr_time_from_msec(100), pool, &err), SL_UNAVAILABLE,
           "no server: that is said");
    for (int i = 0; i < 3; i++) {
        is_int(sl_listen_next(&out, lonely, apr_time_from_msec(100), pool, &err), SL_UNAVAILABLE,
               "… again and again");
    }
    ok(apr_time_now() - start >= apr_time_from_msec(300), "… while the time passes");
    ok(apr_time_now() - start < apr_time_from_sec(3), "… and no more of it than was asked");
}

static bool leads(const char *by)
{
    bool out = false;
    sl_err_t err = {0};

    return sl_store_watch_lead(&out, db, by, LENGTH, pool, &err) == SL_OK && out;
}

static void lead_one(int index, apr_pool_t *p, void *data)
{
    bool *led = data;
    sl_err_t err = {0};

    if (sl_store_watch_lead(&led[index], db, apr_psprintf(p, "host:%d", index), LENGTH, p, &err) !=
        SL_OK) {
        led[index] = false;
    }
}

static void one_leads(void)
{
    int fine = 0;

    ok(leads("a"), "the first looks after the cluster");
    ok(!leads("b"), "… the second does not");
    ok(leads("a"), "… the first goes on");
    (void)owner("UPDATE smartlaunch.caretaker SET held_until = now() - interval '1 s'");
    ok(leads("b"), "its time is over: somebody else");
    ok(!leads("a"), "… and not the first");
    sl_store_watch_leave(db, "a");
    ok(!leads("a"), "who does not lead cannot leave");
    sl_store_watch_leave(db, "b");
    ok(leads("a"), "who leads can, and the next need not wait");
    for (int i = 0; i < 10; i++) {
        bool led[MANY] = {false};
        int count = 0;

        (void)owner("%s", i % 2 == 0 ? "TRUNCATE smartlaunch.caretaker"
                                     : "UPDATE smartlaunch.caretaker SET held_until = now()");
        together(MANY, lead_one, led);
        for (int k = 0; k < MANY; k++) {
            count += led[k];
        }
        fine += count == 1;
    }
    is_int(fine, 10, "many at once: one");
}

int test_listen(void)
{
    clean();
    begins();
    hears_tokens();
    hears_launches();
    hears_no_nonsense();
    comes_back();
    nobody_there();
    one_leads();
    return tap_done();
}
