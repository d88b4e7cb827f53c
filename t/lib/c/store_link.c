/* SPDX-License-Identifier: Apache-2.0 */
/* Links: found, made, refused, revoked */
#include "store.h"
#include "tap.h"

static sl_link_t look(const char *ehr_user, const char *issuer, const char *sub, const char *source)
{
    const sl_link_key_t key = {"app", "epic", ehr_user, issuer, sub, source};
    sl_link_t out;
    sl_err_t err = {0};

    ok(sl_store_link_find(&out, db, &key, pool, &err) == SL_OK, "the database answers %s",
       err.text);
    return out;
}

static sl_link_make_t making(const char *id, const char *browser, const char *next,
                             const char *user)
{
    return (sl_link_make_t){
        .launch = id,
        .browser_hash = hash(browser),
        .new_browser_hash = hash(next),
        .app_user = user,
        .how = "app",
        .generation = 1,
        .access_sealed = sealed("for-alice"),
        .refresh_sealed = sealed("for-alice-too"),
        .key_id = "k2",
        .max = 12 * HOUR,
    };
}

static sl_rc_t make(const sl_link_make_t *how, sl_link_made_t *made)
{
    sl_err_t err = {0};

    return sl_store_link_make(made, db, how, pool, &err);
}

static void makes(void)
{
    const char *id = launch_pending("k-1", "kb-1", "kb-2", "dr-smith");
    sl_link_make_t how = making(id, "kb-1", "kb-3", "alice");
    sl_link_made_t made;

    is_int(look("dr-smith", "i", "s", "t").outcome, SL_LINK_MISSING, "nobody is linked yet");
    is_int(make(&how, &made), SL_EXPIRED, "old cookie: it makes no link");
    how.browser_hash = hash("kb-2");
    how.generation = 2;
    is_int(make(&how, &made), SL_EXPIRED, "a token that changed meanwhile: read again");
    how.generation = 0;
    is_int(make(&how, &made), SL_EXPIRED, "… and it cannot be left out");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.link"), 0, "no link was made so far");
    how.generation = 1;
    is_int(make(&how, &made), SL_OK, "the link is made");
    ok(made.moved && made.ended == 0, "… and the cookie renewed");
    is_str(owner("SELECT concat_ws('|', app, ehr, ehr_user, issuer, sub, source, app_user, how)"
                 " FROM smartlaunch.link WHERE id = '%s'",
                 made.link),
           "app|epic|dr-smith|https://ehr.example|sub-dr-smith|id_token:sub|alice|app",
           "… with what the launch knows of the user, not the request");
    is_str(owner("SELECT concat_ws('|', state, link_state, app_user, browser_hash = sha256('kb-3'))"
                 " FROM smartlaunch.launch WHERE id = '%s'",
                 id),
           "live|linked|alice|t", "the launch is alice's");
    is_str(owner("SELECT concat_ws('|', app_user, link = '%s', convert_from(access_sealed, 'UTF8'),"
                 " convert_from(refresh_sealed, 'UTF8'), key_id, generation)"
                 " FROM smartlaunch.token WHERE launch = '%s'",
                 made.link, id),
           "alice|t|for-alice|for-alice-too|k2|1", "the token is alice's, sealed anew");
    how.browser_hash = hash("kb-3");
    is_int(make(&how, &made), SL_EXPIRED, "a launch is linked once");
}

static void finds(void)
{
    sl_link_t got = look("dr-smith", "https://ehr.example", "sub-dr-smith", "id_token:sub");
    const sl_link_key_t key = {.app = "app", .ehr = "epic"};
    const sl_link_key_t other = {"other",        "epic",        "dr-smith", "https://ehr.example",
                                 "sub-dr-smith", "id_token:sub"};
    sl_link_user_t user;
    sl_err_t err = {0};

    is_int(got.outcome, SL_LINK_FOUND, "the link is found");
    is_str(got.app_user, "alice", "… and says who");
    is_int(look("dr-smith", "https://evil.example", "sub-dr-smith", "id_token:sub").outcome,
           SL_LINK_MISMATCH, "name games: another issuer does not match");
    is_int(look("dr-smith", "https://ehr.example", "sub-x", "id_token:sub").outcome,
           SL_LINK_MISMATCH, "name games: another subject does not match");
    is_int(look("dr-smith", "https://ehr.example", "sub-dr-smith", "token:user").outcome,
           SL_LINK_MISMATCH, "name games: another source does not match");
    is_int(look("dr-smith", NULL, NULL, "id_token:sub").outcome, SL_LINK_MISMATCH,
           "name games: none does not match, either");
    is_int(look("DR-SMITH", "https://ehr.example", "sub-dr-smith", "id_token:sub").outcome,
           SL_LINK_MISSING, "names are compared as they are");
    is_int(sl_store_link_find(&got, db, &other, pool, &err), SL_OK, "another app asks");
    is_int(got.outcome, SL_LINK_MISSING, "… and finds nothing: links are an app's own");
    is_int(sl_store_link_by_user(&user, db, &key, "alice", pool, &err), SL_OK, "by app user");
    is_str(user.outcome == SL_LINK_FOUND ? user.ehr_user : NULL, "dr-smith", "… it is found");
    is_int(sl_store_link_by_user(&user, db, &key, "bob", pool, &err), SL_OK, "by another");
    is_int(user.outcome, SL_LINK_MISSING, "… it is not");
}

static void conflicts(void)
{
    const char *id = launch_pending("k-2", "kc-1", "kc-2", "dr-jones");
    sl_link_make_t how = making(id, "kc-2", "kc-3", "alice");
    sl_link_made_t made;
    const char *same;

    is_int(make(&how, &made), SL_CONFLICT, "alice is dr-smith: she cannot be dr-jones as well");
    is_str(owner("SELECT concat_ws('|', link_state, app_user) FROM smartlaunch.launch"
                 " WHERE id = '%s'",
                 id),
           "pending", "… and nothing is overwritten");
    same = launch_pending("k-3", "kd-1", "kd-2", "dr-smith");
    how = making(same, "kd-2", "kd-3", "bob");
    is_int(make(&how, &made), SL_CONFLICT, "dr-smith is alice: he cannot be bob as well");
    how.app_user = "alice";
    is_int(make(&how, &made), SL_OK, "alice confirms in another window: the same link again");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.link"), 1, "… one row");
}

static void ends_others(void)
{
    const char *bob = launch_pending("k-4", "ke-1", "ke-2", "dr-bob");
    sl_link_make_t how = making(bob, "ke-2", "ke-3", "bob");
    sl_link_made_t made;
    const char *carol;

    is_int(make(&how, &made), SL_OK, "bob links");
    carol = begin("k-5", "ke-3");
    (void)claim("k-5", "ke-3");
    {
        finish_t f = finishing(carol, "ke-3", "ke-4");

        f.result.link_state = SL_LINK_PENDING;
        f.result.app_user = NULL;
        f.result.ehr_user = "dr-carol";
        f.result.sub = "sub-carol";
        f.result.others = SL_OTHERS_KEEP;
        is_int(finish(&f, NULL), SL_OK, "carol launches in the same browser");
    }
    how = making(carol, "ke-4", "ke-5", "carol");
    is_int(make(&how, &made), SL_OK, "carol links");
    is_int(made.ended, 1, "shared workstation: and bob's launch ends");
    is_str(owner("SELECT state FROM smartlaunch.launch WHERE id = '%s'", bob), "ended", "… indeed");
}

static void revokes(void)
{
    const char *link = owner("SELECT id FROM smartlaunch.link WHERE ehr_user = 'dr-smith'");
    const char *id;
    sl_link_make_t how;
    sl_link_made_t made;
    sl_token_t token;
    sl_err_t err = {0};

    is_str(owner("SELECT smartlaunch.revoke_link('%s', 'left')", link), "t",
           "a DBA revokes a link");
    is_str(owner("SELECT smartlaunch.revoke_link('%s', 'again')", link), "f", "… once");
    is_str(owner("SELECT concat_ws('|', revoked_by, revoke_reason) FROM smartlaunch.link"
                 " WHERE id = '%s'",
                 link),
           "postgres|left", "… and it says who and why");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.launch WHERE link = '%s' AND state = 'live'",
                     link),
           0, "its launches have ended");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.token WHERE link = '%s' AND"
                     " (access_sealed IS NOT NULL OR status <> 'revoked')",
                     link),
           0, "… and its tokens are wiped");
    is_int(look("dr-smith", "https://ehr.example", "sub-dr-smith", "id_token:sub").outcome,
           SL_LINK_REVOKED, "the link is known as revoked");
    id = launch_pending("k-6", "kf-1", "kf-2", "dr-smith");
    how = making(id, "kf-2", "kf-3", "alice");
    is_int(make(&how, &made), SL_OK, "asked anew, the user may link anew");
    is_int(look("dr-smith", "https://ehr.example", "sub-dr-smith", "id_token:sub").outcome,
           SL_LINK_FOUND, "… and it holds");
    is_str(owner("SELECT smartlaunch.revoke_token('%s', 'test')", id), "t", "a token is revoked");
    is_int(sl_store_token_find(&token, db, id, pool, &err), SL_OK, "… and still there");
    ok(token.status == SL_TOKEN_REVOKED && token.access_sealed.bytes == NULL &&
           token.refresh_sealed.bytes == NULL,
       "… but empty");
    is_str(owner("SELECT smartlaunch.revoke_launch('%s', 'test')", id), "t", "a launch is revoked");
    is_str(owner("SELECT concat_ws('|', state, end_reason) FROM smartlaunch.launch WHERE id = '%s'",
                 id),
           "ended|revoked: test", "… and says why");
}

/* A DBA revoked the token of a launch that still waits for its user. */
static void without_token(void)
{
    const char *id = launch_pending("k-8", "kh-1", "kh-2", "dr-late");
    sl_link_make_t how = making(id, "kh-2", "kh-3", "late");
    sl_link_made_t made;

    how.generation = 0;
    how.access_sealed = how.refresh_sealed = (sl_bytes_t){NULL, 0};
    how.key_id = NULL;
    is_int(make(&how, &made), SL_EXPIRED, "an active token has to be sealed anew");
    (void)owner("SELECT smartlaunch.revoke_token('%s', 'test')", id);
    is_int(make(&how, &made), SL_OK, "a launch whose token was revoked can be linked without");
    is_str(owner("SELECT concat_ws('|', app_user, status, access_sealed IS NULL, key_id)"
                 " FROM smartlaunch.token WHERE launch = '%s'",
                 id),
           "late|revoked|t|k1", "… and has none afterwards");
}

static void reads_token(void)
{
    const char *id = launch("k-7", "kg-1", "kg-2");
    sl_token_t token;
    sl_err_t err = {0};

    is_int(sl_store_token_find(&token, db, id, pool, &err), SL_OK, "the token is found");
    ok(token.access_sealed.len == 13 && memcmp(token.access_sealed.bytes, "sealed-access", 13) == 0,
       "… with its bytes");
    is_str(token.app_user, "alice", "… whose it is");
    is_str(token.patient, "p1", "… whom it is about");
    is_int(token.generation, 1, "… of the first generation");
    is_int(token.status, SL_TOKEN_ACTIVE, "… active");
    ok(token.expires_at - token.issued_at == HOUR, "… for an hour");
    is_int(sl_store_token_find(&token, db, "00000000-0000-7000-8000-000000000000", pool, &err),
           SL_NONE, "a launch without one");
}

int test_link(void)
{
    clean();
    makes();
    finds();
    conflicts();
    ends_others();
    revokes();
    clean();
    without_token();
    reads_token();
    return tap_done();
}
