/* SPDX-License-Identifier: Apache-2.0 */
/* finish, release, and what a renewed cookie means for launches under way */
#include "store.h"
#include "tap.h"

#include <apr_strings.h>

static const char *claimed(const char *state, const char *browser)
{
    const char *id = begin(state, browser);

    (void)claim(state, browser);
    return id;
}

static const char *state_of(const char *id)
{
    return owner("SELECT state FROM smartlaunch.launch WHERE id = '%s'", id);
}

static int at_browser(const char *id, const char *browser)
{
    return owner_int("SELECT count(*) FROM smartlaunch.launch WHERE id = '%s'"
                     " AND browser_hash = sha256('%s')",
                     id, browser);
}

static void goes_live(void)
{
    const char *id = claimed("f-1", "fb-1");
    finish_t f = finishing(id, "fb-1", "fb-2");
    sl_launch_finished_t out;

    f.result.link_how = "same-name";
    is_int(finish(&f, &out), SL_OK, "finish");
    ok(out.moved && !out.held && out.link != NULL && out.ended == 0,
       "it moved, linked, ended nobody");
    is_str(owner("SELECT concat_ws('|', state, link_state, app_user, ehr_user, issuer, sub, source,"
                 " patient, encounter, context->>'intent', link = '%s') FROM smartlaunch.launch"
                 " WHERE id = '%s'",
                 out.link, id),
           "live|linked|alice|dr-smith|https://ehr.example|sub-smith|id_token:sub|p1|e1|review|t",
           "the launch has who and what");
    is_int(at_browser(id, "fb-2"), 1, "the browser has its new name");
    is_str(owner("SELECT concat_ws('|', app, ehr, app_user, patient, convert_from(access_sealed,"
                 " 'UTF8'), convert_from(refresh_sealed, 'UTF8'), key_id, scope_asked,"
                 " scope_granted, generation, status, round(extract(epoch FROM expires_at - now())"
                 " / 60)) FROM smartlaunch.token WHERE launch = '%s'",
                 id),
           "app|epic|alice|p1|sealed-access|sealed-refresh|k1|launch openid|launch|1|active|60",
           "the token is stored");
    is_str(owner("SELECT concat_ws('|', how, app_user, fhir_user, last_launch_at IS NOT NULL)"
                 " FROM smartlaunch.link WHERE id = '%s'",
                 out.link),
           "same-name|alice|https://ehr.example/fhir/Practitioner/1|t", "the link is made");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch_step WHERE launch = '%s'", id), 2,
           "and the steps are written");
    is_int(finish(&f, &out), SL_EXPIRED, "a launch finishes once");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.token"), 1, "… and leaves nothing behind");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch_step WHERE launch = '%s'", id), 2,
           "… no step either");
}

static void callback_again(void)
{
    const char *id = launch("f-again", "fb-a1", "fb-a2");
    sl_launch_claimed_t got = claim("f-again", "fb-a2");

    is_int(got.outcome, SL_CLAIM_USED,
           "CBK: the same callback again, from the browser that did it");
    is_int(got.state, SL_LAUNCH_LIVE, "… leads to the live launch");
    is_str(got.id, id, "… by its id");
    got = claim("f-again", "fb-a1");
    ok(got.outcome == SL_CLAIM_USED && got.old_cookie,
       "with the cookie before, it is known as such");
    age_move(id, 11);
    is_int(claim("f-again", "fb-a1").outcome, SL_CLAIM_FOREIGN, "… for ten seconds");
}

static void without_link(void)
{
    const char *id = claimed("f-nolink", "fb-n1");
    finish_t f = finishing(id, "fb-n1", "fb-n2");

    f.result.ehr_user = "nobody";
    f.result.app_user = "zoe";
    is_int(finish(&f, NULL), SL_NONE, "linked, but there is no link: nothing happens");
    is_str(state_of(id), "claimed", "… the launch is still to be finished");
    f.result.ehr_user = "dr-smith";
    f.result.app_user = "alice";
    f.result.sub = "sub-else";
    is_int(finish(&f, NULL), SL_CONFLICT, "linked, but the subject differs: conflict");
    f.result.sub = NULL;
    is_int(finish(&f, NULL), SL_CONFLICT, "… or is missing");
    f.result.sub = "sub-smith";
    f.result.app_user = "bob";
    f.result.link_how = "same-name";
    is_int(finish(&f, NULL), SL_CONFLICT, "the EHR user is somebody else's: conflict");
    f.result.app_user = "alice";
    f.result.ehr_user = "dr-new";
    is_int(finish(&f, NULL), SL_CONFLICT, "the app user is somebody else's: conflict");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.token WHERE launch = '%s'", id), 0,
           "… and no token was stored in all of this");
    f.result.link_state = SL_LINK_PENDING;
    f.result.app_user = NULL;
    is_int(finish(&f, NULL), SL_OK, "it can finish as pending then");
    is_str(owner("SELECT concat_ws('|', state, link_state, app_user) FROM smartlaunch.launch"
                 " WHERE id = '%s'",
                 id),
           "live|pending", "… and has no user");
}

static void revoked_link(void)
{
    const char *id = claimed("f-rev", "fb-r1");
    finish_t f = finishing(id, "fb-r1", "fb-r2");

    (void)owner("SELECT smartlaunch.revoke_link('app', 'epic', 'dr-smith', 'test')");
    is_int(finish(&f, NULL), SL_NONE, "a revoked link is none");
    f.result.link_how = "same-name";
    is_int(finish(&f, NULL), SL_NONE, "… and is not made again by itself");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.link WHERE revoked_at IS NULL"), 0,
           "… indeed");
    (void)owner("DELETE FROM smartlaunch.link");
}

static const char *as(const char *state, const char *browser, const char *next, const char *user,
                      sl_others_t others, sl_launch_finished_t *out)
{
    const char *id = claimed(state, browser);
    finish_t f = finishing(id, browser, next);

    f.result.app_user = user;
    f.result.ehr_user = apr_pstrcat(pool, "dr-", user, NULL);
    f.result.sub = f.result.ehr_user;
    f.result.link_how = "same-name";
    f.result.others = others;
    is_int(finish(&f, out), SL_OK, apr_pstrcat(pool, state, " finishes", NULL));
    return id;
}

static void other_people(void)
{
    sl_launch_finished_t out;
    const char *alice = as("f-o1", "fb-o1", "fb-o2", "alice", SL_OTHERS_END, &out);
    const char *again = as("f-o2", "fb-o2", "fb-o3", "alice", SL_OTHERS_END, &out);
    const char *bob;

    is_int(out.ended, 0, "the same person again ends nothing");
    bob = as("f-o3", "fb-o3", "fb-o4", "bob", SL_OTHERS_END, &out);
    is_int(out.ended, 2, "shared workstation: another person ends both");
    is_str(owner("SELECT string_agg(state || ':' || coalesce(end_reason, ''), ' ' ORDER BY id)"
                 " FROM smartlaunch.launch WHERE id IN ('%s', '%s', '%s')",
                 alice, again, bob),
           "ended:other user ended:other user live:", "… and lives alone");
    is_int(at_browser(alice, "fb-o4"), 1, "what ended moves along: the chooser has to know it");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.token WHERE launch = '%s'"
                     " AND status = 'active'",
                     alice),
           1, "a linked user's token stays usable");
    (void)as("f-o4", "fb-o4", "fb-o5", "alice", SL_OTHERS_KEEP, &out);
    is_int(out.ended, 0, "KEEP ends nobody");
    is_str(state_of(bob), "live", "… indeed");
}

static void asks_first(void)
{
    sl_launch_finished_t out;
    const char *alice = as("f-h1", "fb-h1", "fb-h2", "alice", SL_OTHERS_ASK, &out);
    const char *bob;
    sl_launch_release_t release;
    sl_err_t err = {0};

    ok(!out.held && out.moved, "nobody else there: no question");
    bob = as("f-h2", "fb-h2", "fb-h3", "bob", SL_OTHERS_ASK, &out);
    ok(out.held && !out.moved, "planted launch: with somebody else there, it is held");
    is_str(state_of(bob), "held", "… as the row says");
    is_str(state_of(alice), "live", "… the other one lives on");
    is_int(at_browser(alice, "fb-h2"), 1, "… under its cookie");
    release = (sl_launch_release_t){bob, hash("fb-wrong"), hash("fb-h4"), 12 * HOUR, NULL};
    is_int(sl_store_launch_release(&out, db, &release, pool, &err), SL_EXPIRED,
           "another browser cannot confirm it");
    release.browser_hash = hash("fb-h2");
    is_int(sl_store_launch_release(&out, db, &release, pool, &err), SL_OK, "its own can");
    ok(out.moved && out.ended == 1, "… the browser moves, the other one ends");
    is_str(state_of(bob), "live", "… and it lives");
    is_str(state_of(alice), "ended", "… alone");
    is_int(sl_store_launch_release(&out, db, &release, pool, &err), SL_EXPIRED, "once");
    (void)owner("UPDATE smartlaunch.launch SET last_seen_at = now() - interval '2 hours'");
    (void)as("f-h3", "fb-h4", "fb-h5", "alice", SL_OTHERS_ASK, &out);
    ok(!out.held, "somebody who has been away for longer than idle is not asked about");
}

/* Two launches that are opened at once: the second begins under the cookie that the first renews.
 */
static void heir(void)
{
    const char *first = claimed("f-e1", "fb-e1");
    const char *early = begin("f-e2", "fb-e1");
    finish_t f = finishing(first, "fb-e1", "fb-e2");
    sl_launch_claimed_t got;
    const char *late;

    f.result.link_how = "same-name";
    is_int(finish(&f, NULL), SL_OK, "the first finishes");
    late = begin("f-e3", "fb-e1");
    is_int(at_browser(early, "fb-e2"), 1, "a pending launch moves to the new cookie");
    got = claim("f-e2", "fb-e1");
    ok(got.outcome == SL_CLAIM_FOREIGN && got.old_cookie, "old cookie: it finishes no callback");
    got = claim("f-e3", "fb-e1");
    ok(got.outcome == SL_CLAIM_FOREIGN && got.old_cookie, "… of a launch it began itself neither");
    got = claim("f-e2", "fb-e2");
    ok(got.outcome == SL_CLAIM_WON && got.moved, "the new cookie finishes what the old one began");
    got = claim("f-e3", "fb-e2");
    ok(got.outcome == SL_CLAIM_WON && got.moved, "… also what it began just afterwards");
    is_int(at_browser(late, "fb-e2"), 1, "… which is the new cookie's now");
}

/* The answer with the new cookie got lost: the browser goes on with the old one. */
static void lost_cookie(void)
{
    const char *first = launch("f-l1", "fb-l1", "fb-l2");
    const char *second;
    finish_t f;
    sl_launch_finished_t out;

    age_move(first, 11);
    second = claimed("f-l2", "fb-l1");
    f = finishing(second, "fb-l1", "fb-l3");
    is_int(finish(&f, &out), SL_OK, "after ten seconds the old cookie is like a new browser's");
    ok(out.moved, "… and is renewed in its turn");
    is_int(at_browser(first, "fb-l2"), 1, "… but what it had before is not its own any more");
}

int test_finish(void)
{
    clean();
    goes_live();
    callback_again();
    without_link();
    revoked_link();
    other_people();
    asks_first();
    clean();
    heir();
    lost_cookie();
    return tap_done();
}
