/* SPDX-License-Identifier: Apache-2.0 */
/* What shared memory is believed of a browser's launches, with a store that counts who asks it. */
#include "base/sl_siphash.h"
#include "flow/sl_browser.h"
#include "flow/sl_pack.h"
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#define KEY "a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

static int asked;
static sl_rc_t store_says;
static sl_launch_state_t state;

sl_rc_t sl_store_browser_launches(sl_browser_t *out, sl_db_t *db, const sl_browser_query_t *query,
                                  apr_pool_t *p, sl_err_t *err)
{
    sl_launch_t *row;

    (void)db;
    asked++;
    if (store_says != SL_OK) {
        return sl_err_set(err, store_says, "SL0001", "away");
    }
    out->now = apr_time_now();
    out->more = false;
    out->launches = apr_array_make(p, 1, sizeof(sl_launch_t));
    row = memset(apr_array_push(out->launches), 0, sizeof(*row));
    row->id = "0192f0c1-0000-7000-8000-000000000001";
    row->app = query->app;
    row->ehr = "sandbox";
    row->key_id = "a";
    row->state = state;
    row->patient = "p1";
    row->encounter = "e1";
    row->scope_granted = "patient/*.rs";
    row->context = "{\"intent\":\"order\"}";
    row->authorized_at = row->last_seen_at = out->now;
    row->expires_at = out->now + apr_time_from_sec(3600);
    return SL_OK;
}

sl_rc_t sl_store_launch_touch(sl_db_t *db, const char *id, sl_err_t *err)
{
    (void)db, (void)id, (void)err;
    return SL_OK;
}

sl_rc_t sl_store_launch_end(int *ended, sl_db_t *db, const sl_launch_end_t *end, apr_pool_t *p,
                            sl_err_t *err)
{
    (void)db, (void)end, (void)p, (void)err;
    *ended = 0;
    return SL_OK;
}

static sl_runtime_t runtime_of(apr_pool_t *p)
{
    sl_runtime_t rt = {0};
    sl_keyring_t *ring = NULL;
    void *memory = NULL;
    sl_ehr_t *ehr = apr_pcalloc(p, sizeof(*ehr));
    apr_array_header_t *ehrs = apr_array_make(p, 1, sizeof(const sl_ehr_t *));

    ehr->name = "sandbox";
    APR_ARRAY_PUSH(ehrs, const sl_ehr_t *) = ehr;
    is_int(sl_keyring_parse(&ring, sl_secret_str(p, KEY), p, NULL), SL_OK, "a key ring");
    is_int(posix_memalign(&memory, 4096, SL_SHM_MIN_SIZE), 0, "memory");
    is_int(sl_shm_format(&rt.shm, memory, SL_SHM_MIN_SIZE, p, NULL), SL_OK, "laid out");
    rt.ring = ring;
    rt.offline = apr_time_from_sec(900);
    rt.ehrs = ehrs;
    return rt;
}

static sl_browser_key_t key_for(const char *cookie)
{
    const sl_browser_key_t key = {
        cookie, "app", apr_time_from_sec(1800), apr_time_from_sec(43200), apr_time_now(), false};

    return key;
}

static const sl_browser_launch_t *load(const sl_runtime_t *rt, const sl_browser_key_t *key,
                                       int asks, const char *what, apr_pool_t *p)
{
    sl_browser_view_t view = {0};
    int before = asked;

    is_int(sl_browser_load(&view, rt, key, p, NULL), SL_OK, what);
    ok(asked - before == asks, "%s: the database is asked %d times", what, asks);
    ok(view.count == 1, "%s: one launch", what);
    return &view.launches[0];
}

/** As sl_browser.c makes it: a hash of cookie and app, and the beginning of the cookie. */
static sl_shm_key_t where_is(const char *cookie)
{
    static const unsigned char unkeyed[SL_SIPHASH_KEY_LEN] = {0};
    char text[64] = "";
    int len = apr_snprintf(text, sizeof(text), "%s\napp", cookie);
    uint64_t both = sl_siphash(unkeyed, text, (apr_size_t)len);
    sl_shm_key_t where = {.kind = 'B'};

    memcpy(where.digest, &both, sizeof(both));
    memcpy(where.digest + sizeof(both), text, SL_SHM_KEY_LEN - sizeof(both));
    return where;
}

/** What another program left under the key of this browser. */
static void leave(const sl_runtime_t *rt, const char *cookie, const char *bytes, apr_size_t len,
                  apr_time_t at)
{
    sl_shm_key_t where = where_is(cookie);
    const sl_shm_put_t put = {
        {(const unsigned char *)bytes, len}, at, at + apr_time_from_sec(7200), SL_SHM_HIGH};

    is_int(sl_shm_put(rt->shm, &where, &put, NULL), SL_OK, "left in memory");
}

static void memory(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_browser_key_t key = key_for("cookie-1");
    const sl_browser_launch_t *launch;

    state = SL_LAUNCH_LIVE;
    launch = load(rt, &key, 1, "first", p);
    is_str(launch->row.patient, "p1", "first: the patient");
    launch = load(rt, &key, 0, "again", p);
    is_str(launch->row.patient, "p1", "again: the patient");
    is_str(launch->row.encounter, "e1", "again: the encounter");
    is_str(launch->intent, "order", "again: the intent");
    ok(launch->live, "again: live");
    key.anew = true;
    (void)load(rt, &key, 1, "anew", p);
}

static void ended(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_browser_key_t key = key_for("cookie-2");
    const sl_browser_launch_t *launch;

    state = SL_LAUNCH_ENDED;
    for (int asks = 1; asks >= 0; asks--) {
        launch = load(rt, &key, asks, "ended", p);
        is_str(launch->row.patient, "p1", "ended: which patient it was");
        ok(launch->handle != NULL && !launch->live, "ended: its handle is known as dead");
        ok(launch->row.encounter == NULL && launch->row.scope_granted == NULL &&
               launch->intent == NULL && launch->session == NULL,
           "ended: nothing else is kept");
    }
    state = SL_LAUNCH_LIVE;
}

/** A graceful restart with another version: its children use the same memory for a while. */
static void other_version(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_browser_key_t key = key_for("cookie-3");
    sl_browser_view_t view = {0};
    sl_pack_t pack = sl_pack_new(p);
    const sl_browser_launch_t *launch;

    sl_pack_int(&pack, 1);
    sl_pack_int(&pack, 0);
    for (int i = 0; i < 60; i++) {
        sl_pack_text(&pack, "p2");
    }
    leave(rt, key.cookie, pack.bytes, pack.len, apr_time_now());
    launch = load(rt, &key, 1, "another layout", p);
    is_str(launch->row.patient, "p1", "another layout: the patient is the database's");
    leave(rt, key.cookie, pack.bytes, pack.len, apr_time_now());
    store_says = SL_UNAVAILABLE;
    is_int(sl_browser_load(&view, rt, &key, p, NULL), SL_UNAVAILABLE,
           "another layout: nothing is guessed while the database is away");
    store_says = SL_OK;
}

/** The clock was set back: what was written "later" is no fresher for it. */
static void clock_set_back(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_browser_key_t key = key_for("cookie-1");
    sl_shm_key_t where = where_is(key.cookie);
    sl_shm_entry_t entry;

    (void)load(rt, &key, 0, "before", p);
    is_int(sl_shm_get(rt->shm, &where, apr_time_now(), &entry, p), SL_OK, "in memory");
    leave(rt, key.cookie, (const char *)entry.value.bytes, entry.value.len,
          apr_time_now() + apr_time_from_sec(3600));
    (void)load(rt, &key, 1, "the clock was set back", p);
}

/** A request whose headers come slowly has an old time; memory is judged by the clock. */
static void slow_request(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_browser_key_t key = key_for("cookie-1");
    sl_shm_key_t where = where_is(key.cookie);
    sl_shm_entry_t entry;

    is_int(sl_shm_get(rt->shm, &where, apr_time_now(), &entry, p), SL_OK, "in memory");
    leave(rt, key.cookie, (const char *)entry.value.bytes, entry.value.len,
          apr_time_now() - apr_time_from_sec(20));
    key.now = apr_time_now() - apr_time_from_sec(20);
    (void)load(rt, &key, 1, "a slow request", p);
}

/** Memory never takes one browser's launches for another's, nor one app's. */
static void apart(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_browser_key_t key = key_for("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");

    (void)load(rt, &key, 1, "a browser", p);
    key.app = "bpp";
    is_str(load(rt, &key, 1, "its other app", p)->row.app, "bpp", "its other app");
    key = key_for("AAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAA"); /* the last of the 128 random bits */
    (void)load(rt, &key, 1, "another browser", p);
    key = key_for("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    is_str(load(rt, &key, 0, "the first again", p)->row.app, "app", "the first again");
    sl_browser_forget(rt, key.cookie, "bpp");
    (void)load(rt, &key, 0, "the other app was forgotten", p);
    sl_browser_forget(rt, key.cookie, key.app);
    (void)load(rt, &key, 1, "forgotten", p);
}

int main(void)
{
    apr_pool_t *p;
    sl_runtime_t rt;

    apr_initialize();
    apr_pool_create(&p, NULL);
    rt = runtime_of(p);
    memory(&rt, p);
    ended(&rt, p);
    other_version(&rt, p);
    clock_set_back(&rt, p);
    slow_request(&rt, p);
    apart(&rt, p);
    apr_pool_destroy(p);
    apr_terminate();
    return tap_done();
}
