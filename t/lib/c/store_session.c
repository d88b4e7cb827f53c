/* SPDX-License-Identifier: Apache-2.0 */
/* Which launches a browser has; touch, login, end; sessions; housekeeping; the flight recorder */
#include "store.h"
#include "store/sl_store_ehr.h"
#include "tap.h"

#include <apr_strings.h>

static sl_browser_t launches(const char *browser, const char *app, int limit)
{
    const sl_browser_query_t query = {hash(browser), app, 12 * HOUR, limit};
    sl_browser_t out = {0};
    sl_err_t err = {0};

    ok(sl_store_browser_launches(&out, db, &query, pool, &err) == SL_OK,
       "the browser %s is looked up", browser);
    return out;
}

static const sl_launch_t *nth(const sl_browser_t *browser, int i)
{
    return i < browser->launches->nelts ? &APR_ARRAY_IDX(browser->launches, i, sl_launch_t) : NULL;
}

static void reads(void)
{
    const char *id = launch("n-1", "nb-1", "nb-2");
    sl_browser_t got = launches("nb-2", "app", 0);
    const sl_launch_t *l = nth(&got, 0);

    if (!ok(got.launches->nelts == 1 && !got.more, "a browser with one launch has one")) {
        return;
    }
    is_str(l->id, id, "… this one");
    ok(l->kind == SL_KIND_EHR && l->state == SL_LAUNCH_LIVE && l->link_state == SL_LINK_LINKED,
       "… from the EHR, live and linked");
    is_str(l->app_user, "alice", "… app user");
    is_str(l->ehr_user, "dr-smith", "… EHR user");
    is_str(l->patient, "p1", "… patient");
    is_str(l->encounter, "e1", "… encounter");
    is_str(l->context, "{\"intent\": \"review\"}", "… context");
    is_str(l->scope_granted, "launch", "… scope");
    is_str(l->return_to, "/app/", "… where to go");
    is_str(l->redirect_path, REDIRECT, "… where it came from");
    is_str(l->key_id, "k1", "… key");
    ok(l->expires_at - l->authorized_at == 12 * HOUR, "… for twelve hours");
    ok(l->token_expires_at > got.now && l->authorized_at <= got.now, "… by the database's clock");
    ok(!l->old_cookie && l->ended_at == 0 && l->login_user == NULL, "… and nothing else");
    is_int(launches("nb-2", "other", 0).launches->nelts, 0, "another app sees none");
    is_int(launches("nb-2", NULL, 0).launches->nelts, 1, "every app sees it");
    is_int(launches("nb-x", "app", 0).launches->nelts, 0, "another browser has none");
    ok(launches("nb-x", "app", 0).now > 0, "… and still knows the time");
}

/* Section 12, "Old cookie" */
static void old_cookie(void)
{
    const char *first = launch("n-o1", "no-1", "no-2");
    const char *second;
    sl_browser_t got;

    is_int(launches("no-1", "app", 0).launches->nelts, 0,
           "old cookie: the launch that renewed it is not opened by it");
    second = launch("n-o2", "no-2", "no-3");
    got = launches("no-2", "app", 0);
    ok(got.launches->nelts == 1 && nth(&got, 0)->old_cookie,
       "old cookie: what was live before, is");
    is_str(nth(&got, 0)->id, first, "… that one");
    is_int(launches("no-3", "app", 0).launches->nelts, 2, "the new cookie has both");
    is_str(nth(&(sl_browser_t){launches("no-3", "app", 0).launches, false, 0}, 0)->id, second,
           "… the newest first");
    age_move(first, 11);
    is_int(launches("no-2", "app", 0).launches->nelts, 0, "old cookie: nothing after ten seconds");
}

static void linked_not_by_old_cookie(void)
{
    const char *id = launch_pending("n-p1", "np-1", "np-2", "dr-p");
    const sl_link_make_t how = {
        .launch = id,
        .browser_hash = hash("np-2"),
        .new_browser_hash = hash("np-3"),
        .app_user = "pat",
        .how = "app",
        .generation = 1,
        .access_sealed = sealed("x"),
        .key_id = "k1",
        .max = HOUR,
    };
    sl_link_made_t made;
    sl_err_t err = {0};

    is_int(launches("np-2", "app", 0).launches->nelts, 1, "a pending launch is the browser's");
    is_int(sl_store_link_make(&made, db, &how, pool, &err), SL_OK, "it is linked");
    is_int(launches("np-2", "app", 0).launches->nelts, 0, "old cookie: it does not get the user");
    is_int(launches("np-3", "app", 0).launches->nelts, 1, "… the new one does");
}

static void limits(void)
{
    sl_browser_t got;

    (void)launch("n-l1", "nl-0", "nl-1");
    (void)launch("n-l2", "nl-1", "nl-2");
    (void)launch("n-l3", "nl-2", "nl-3");
    got = launches("nl-3", "app", 2);
    ok(got.launches->nelts == 2 && got.more, "more than the limit is told");
    got = launches("nl-3", "app", 3);
    ok(got.launches->nelts == 3 && !got.more, "… and just the limit is not");
    (void)owner("UPDATE smartlaunch.launch SET authorized_at = now() - interval '13 hours'"
                " WHERE browser_hash = sha256('nl-3')");
    is_int(launches("nl-3", "app", 0).launches->nelts, 0, "what is older than max does not count");
}

static int ends(const char *id, const char *browser, const char *app, bool revoke)
{
    const sl_launch_end_t how = {id, hash(browser), app, "logout", revoke, NULL};
    sl_err_t err = {0};
    int n = -1;

    return sl_store_launch_end(&n, db, &how, pool, &err) == SL_OK ? n : -1;
}

static void end(void)
{
    const char *a = launch("n-e1", "ne-0", "ne-1");
    const char *b = launch("n-e2", "ne-1", "ne-2");
    sl_browser_t got;

    is_int(ends(a, "ne-x", NULL, true), 0, "another browser ends nothing");
    is_int(ends(a, "ne-2", NULL, true), 1, "a launch ends");
    is_int(ends(a, "ne-2", NULL, true), 0, "… once");
    is_str(owner("SELECT concat_ws('|', l.state, l.end_reason, t.status, t.access_sealed IS NULL)"
                 " FROM smartlaunch.launch l JOIN smartlaunch.token t ON t.launch = l.id"
                 " WHERE l.id = '%s'",
                 a),
           "ended|logout|revoked|t", "… and its token is wiped");
    got = launches("ne-2", "app", 0);
    is_int(got.launches->nelts, 2, "what has ended is still known");
    ok(nth(&got, 1)->state == SL_LAUNCH_ENDED && nth(&got, 1)->ended_at > 0, "… as ended");
    is_int(ends(NULL, "ne-2", "other", false), 0, "another app ends nothing");
    is_int(ends(NULL, "ne-2", NULL, false), 1, "all of a browser end");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.token WHERE launch = '%s'"
                     " AND status = 'active'",
                     b),
           1, "idle: a linked user's token stays usable");
}

static void touch_and_login(void)
{
    const char *id = launch_pending("n-t1", "nt-0", "nt-1", "dr-t");
    sl_browser_t got;
    sl_err_t err = {0};

    (void)owner("UPDATE smartlaunch.launch SET last_seen_at = now() - interval '1 hour'"
                " WHERE id = '%s'",
                id);
    is_int(sl_store_launch_touch(db, id, &err), SL_OK, "a launch is used");
    got = launches("nt-1", "app", 0);
    ok(got.now - nth(&got, 0)->last_seen_at < apr_time_from_sec(10), "… and that is noted");
    is_int(sl_store_launch_login(db, id, "tina", "/app/next", &err), SL_OK, "the app names a user");
    got = launches("nt-1", "app", 0);
    is_str(nth(&got, 0)->login_user, "tina", "… who waits to be confirmed");
    is_str(nth(&got, 0)->return_to, "/app/next", "… and where to go then");
    ok(nth(&got, 0)->login_at > 0 && nth(&got, 0)->app_user == NULL, "… but is not the user yet");
    is_int(sl_store_launch_login(db, id, NULL, NULL, &err), SL_OK, "it is taken back");
    got = launches("nt-1", "app", 0);
    is_str(nth(&got, 0)->login_user, NULL, "… and gone");
    is_str(nth(&got, 0)->return_to, "/app/next", "… but not where to go");
    is_int(ends(id, "nt-1", NULL, false), 1, "it ends");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.token WHERE launch = '%s'"
                     " AND status = 'revoked'",
                     id),
           1, "nobody's token is revoked with it");
    is_int(sl_store_launch_touch(db, id, &err), SL_EXPIRED, "what has ended is not used");
    is_int(sl_store_launch_login(db, id, "tina", NULL, &err), SL_EXPIRED, "… nor linked");
}

static sl_rc_t open_session(const char *id, const char *user, const char *browser, const char *next,
                            sl_launch_finished_t *out)
{
    const sl_session_new_t new = {
        .id = id,
        .app = "app",
        .app_user = user,
        .key_id = "k1",
        .browser_hash = hash(browser),
        .new_browser_hash = hash(next),
        .handle_hash = hash(apr_pstrcat(pool, "h", id, NULL)),
        .session_hash = hash(apr_pstrcat(pool, "s", id, NULL)),
        .max = HOUR,
    };
    sl_err_t err = {0};

    return sl_store_session_begin(out, db, &new, pool, &err);
}

static void sessions(void)
{
    sl_launch_finished_t out;
    sl_err_t err = {0};
    sl_browser_t got;
    const char *id[5];

    for (int i = 0; i < 5; i++) {
        if (sl_store_launch_id(&id[i], apr_time_now(), pool, &err) != SL_OK) {
            id[i] = "";
        }
    }
    is_int(open_session(id[0], "alice", NULL, "ns-1", &out), SL_OK, "a session without a cookie");
    got = launches("ns-1", "app", 0);
    ok(got.launches->nelts == 1 && nth(&got, 0)->kind == SL_KIND_SESSION &&
           nth(&got, 0)->link_state == SL_LINK_NONE && nth(&got, 0)->ehr == NULL,
       "… is a launch of its own kind");
    is_str(nth(&got, 0)->app_user, "alice", "… of this user");
    (void)launch("n-s1", "ns-1", "ns-2");
    is_int(open_session(id[1], "alice", "ns-2", "ns-3", &out), SL_OK, "the same user again");
    ok(out.moved && out.ended == 0, "… ends nothing, renews the cookie");
    is_int(open_session(id[2], "bob", "ns-3", "ns-4", &out), SL_OK, "another user");
    is_int(out.ended, 3, "shared workstation: … ends everything of alice");
    is_int(open_session(id[3], "bob", "ns-3", "ns-5", &out), SL_EXPIRED,
           "old cookie: it opens no session");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id = '%s'", id[3]), 0,
           "… indeed");
}

static void steps(void)
{
    sl_steps_t *added = apr_array_make(pool, 2, sizeof(sl_step_t));
    apr_array_header_t *found = NULL;
    const char *id = launch("n-trace", "nx-0", "nx-1");
    sl_err_t err = {0};

    APR_ARRAY_PUSH(added, sl_step_t) =
        (sl_step_t){apr_time_now(), "launch", "SL4001", 0, -1, "unknown \"issuer\"", "ref-refused"};
    is_int(sl_store_steps_add(db, NULL, added, pool, &err), SL_OK,
           "a refused request leaves a step");
    is_int(sl_store_steps_find(&found, db, "ref-refused", pool, &err), SL_OK, "… that is found");
    ok(found->nelts == 1 && APR_ARRAY_IDX(found, 0, sl_step_row_t).launch == NULL &&
           APR_ARRAY_IDX(found, 0, sl_step_row_t).step.ms == -1,
       "… alone");
    is_str(APR_ARRAY_IDX(found, 0, sl_step_row_t).step.detail, "unknown \"issuer\"", "… as it was");
    is_int(sl_store_steps_find(&found, db, "n-trace", pool, &err), SL_OK, "a launch's reference");
    is_int(found->nelts, 2, "… finds the steps of other requests of that launch, too");
    is_str(APR_ARRAY_IDX(found, 1, sl_step_row_t).launch, id, "… of that launch");
    is_str(APR_ARRAY_IDX(found, 0, sl_step_row_t).step.step, "launch", "… in their order");
    is_int(sl_store_steps_find(&found, db, "nothing", pool, &err), SL_NONE, "no such reference");
}

static void keeps(void)
{
    const char *old = launch("n-k1", "nk-0", "nk-1");
    const char *failed = begin("n-k2", "nk-2");
    sl_err_t err = {0};
    bool more = true;

    is_int(sl_store_launch_fail(db, failed, "x", NULL, &err), SL_OK, "a launch failed");
    (void)owner("UPDATE smartlaunch.launch SET created_at = now() - interval '40 days',"
                " expires_at = now() - interval '39 days' WHERE id IN ('%s', '%s')",
                old, failed);
    (void)owner("UPDATE smartlaunch.launch_step SET at = now() - interval '40 days'"
                " WHERE launch = '%s'",
                old);
    is_int(sl_store_keep(&more, db, 30 * 24 * HOUR, pool, &err), SL_OK, "housekeeping");
    ok(!more, "… is done");
    is_str(owner("SELECT concat_ws('|', state, end_reason) FROM smartlaunch.launch WHERE id = '%s'",
                 old),
           "ended|expired", "what is past its end is marked");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id = '%s'", failed), 0,
           "what failed long ago goes");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch_step WHERE launch = '%s'", old), 0,
           "old steps go");
    ok(owner_int("SELECT count(*) FROM smartlaunch.launch_step") > 0, "others stay");
    is_int(owner_int("SELECT count(*) FROM pg_inherits WHERE inhparent ="
                     " 'smartlaunch.fhir_access'::regclass"),
           3, "the access log has this month, the next and the rest");
    is_int(sl_store_keep(&more, db, HOUR, pool, &err), SL_FAILED,
           "steps are kept for a day at least");
}

static void mirrors(void)
{
    apr_array_header_t *ehrs = apr_array_make(pool, 2, sizeof(sl_ehr_row_t));
    sl_err_t err = {0};
    const char *stamp;

    APR_ARRAY_PUSH(ehrs, sl_ehr_row_t) =
        (sl_ehr_row_t){"epic", "https://ehr.example/fhir", "epic", "client-1"};
    is_int(sl_store_ehr_mirror(db, ehrs, pool, &err), SL_OK, "the EHRs are written down");
    stamp = owner("SELECT updated_at FROM smartlaunch.ehr WHERE name = 'epic'");
    is_int(sl_store_ehr_mirror(db, ehrs, pool, &err), SL_OK, "… by every process");
    is_str(owner("SELECT updated_at FROM smartlaunch.ehr WHERE name = 'epic'"), stamp,
           "… which changes nothing");
    APR_ARRAY_IDX(ehrs, 0, sl_ehr_row_t).client_id = "client-2";
    is_int(sl_store_ehr_mirror(db, ehrs, pool, &err), SL_OK, "a change");
    is_str(owner("SELECT client_id FROM smartlaunch.ehr WHERE name = 'epic'"), "client-2",
           "… is written");
}

int test_session(void)
{
    clean();
    reads();
    old_cookie();
    linked_not_by_old_cookie();
    clean();
    limits();
    clean();
    end();
    touch_and_login();
    clean();
    sessions();
    clean();
    steps();
    keeps();
    mirrors();
    return tap_done();
}
