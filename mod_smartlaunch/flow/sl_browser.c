/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_browser.h"
#include "base/sl_json.h"
#include "base/sl_siphash.h"
#include "flow/sl_pack.h"
#include "flow/sl_use.h"
#include "smart/sl_app_cookie.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_BROWSER 'B'
#define KIND_FORGOTTEN 'G'

/** Longer than any reading of PostgreSQL takes (its time-outs bound it). */
#define READING apr_time_from_sec(10)

/** How long shared memory is believed before PostgreSQL is asked again. */
#define FRESH apr_time_from_sec(3)

/** last_seen_at is written at most this often; more often where the idle limit is short. */
#define TOUCH_EVERY apr_time_from_sec(60)

/* A cookie's first characters are its random part: they tell browsers apart as well as a digest. */
#define OF_COOKIE (SL_SHM_KEY_LEN - sizeof(uint64_t))
_Static_assert(SL_ID_CHARS >= OF_COOKIE && OF_COOKIE * 6 >= 128, "the random part is in a key");

/** Of the browser its cookie, of both a short hash, which tells the few apps apart. */
static sl_shm_key_t key_of(const char *cookie, const char *app)
{
    static const unsigned char unkeyed[SL_SIPHASH_KEY_LEN] = {0}; /* admins name apps */
    char text[SL_ID_CHARS + 1 + 64 + 1] = "";
    apr_size_t len = (apr_size_t)(apr_cpystrn(text, cookie, SL_ID_CHARS + 1) - text);
    sl_shm_key_t key = {.kind = KIND_BROWSER};
    uint64_t both;

    text[len++] = '\n';
    len = (apr_size_t)(apr_cpystrn(text + len, app, sizeof(text) - len) - text);
    both = sl_siphash(unkeyed, text, len);
    memcpy(key.digest, &both, sizeof(both));
    memcpy(key.digest + sizeof(both), text, OF_COOKIE);
    return key;
}

/** What requests ask for. One list for writing and reading: what is in one is in the other. */
#define TEXTS(X)                                                                                   \
    X(row.id)                                                                                      \
    X(row.app)                                                                                     \
    X(row.ehr)                                                                                     \
    X(row.key_id)                                                                                  \
    X(row.app_user) X(row.ehr_user) X(row.issuer) X(row.sub) X(row.source) X(row.fhir_user)        \
        X(row.patient) X(row.encounter) X(row.scope_granted) X(row.login_user) X(row.return_to)    \
            X(row.redirect_path) X(row.stand_in_for) X(handle) X(session) X(banner) X(intent)      \
                X(style_url) X(tenant) X(fhir_context) X(mark)
#define TIMES(X) X(row.authorized_at) X(row.last_seen_at) X(row.expires_at)

/** Written in front: a child of another version, after a graceful restart, has other lists. */
#define X(member) #member " "
static const char format[] = TEXTS(X) TIMES(X);
#undef X

static void pack_launch(sl_pack_t *pack, const sl_browser_launch_t *launch)
{
#define X(member) sl_pack_text(pack, launch->member);
    TEXTS(X)
#undef X
#define X(member) sl_pack_int(pack, launch->member);
    TIMES(X)
#undef X
    sl_pack_int(pack, launch->row.kind);
    sl_pack_int(pack, launch->row.state);
    sl_pack_int(pack, launch->row.link_state);
    sl_pack_int(pack, launch->row.old_cookie);
    sl_pack_int(pack, launch->toplevel);
}

static void unpack_launch(sl_unpack_t *from, sl_browser_launch_t *launch)
{
#define X(member) launch->member = sl_unpack_text(from);
    TEXTS(X)
#undef X
#define X(member) launch->member = sl_unpack_int(from);
    TIMES(X)
#undef X
    launch->row.kind = (sl_launch_kind_t)sl_unpack_int(from);
    launch->row.state = (sl_launch_state_t)sl_unpack_int(from);
    launch->row.link_state = (sl_link_state_t)sl_unpack_int(from);
    launch->row.old_cookie = sl_unpack_int(from) != 0;
    launch->toplevel = sl_unpack_int(from) != 0;
}

/** A renewed cookie's seconds are counted by PostgreSQL alone, so it is hardly kept at all. */
static apr_interval_time_t life_of(const sl_browser_view_t *view, const sl_runtime_t *rt)
{
    for (int i = 0; i < view->count; i++) {
        if (view->launches[i].row.old_cookie) {
            return apr_time_from_sec(1);
        }
    }
    return view->count > 0 ? rt->offline : FRESH;
}

/** `at`: when the reading began, so that it is never believed for longer than it was true. */
static void store(const sl_runtime_t *rt, const sl_shm_key_t *key, const sl_browser_view_t *view,
                  apr_time_t at, apr_pool_t *p)
{
    sl_pack_t pack = sl_pack_new(p);
    sl_shm_put_t entry;
    sl_err_t err;

    sl_pack_text(&pack, format);
    sl_pack_int(&pack, view->count);
    sl_pack_int(&pack, view->more);
    for (int i = 0; i < view->count; i++) {
        pack_launch(&pack, &view->launches[i]);
    }
    entry.value.bytes = (const unsigned char *)pack.bytes;
    entry.value.len = pack.len;
    entry.now = at;
    entry.expires = at + life_of(view, rt);
    entry.rank = view->count > 0 ? SL_SHM_HIGH : SL_SHM_LOW;
    if (sl_shm_put(rt->shm, key, &entry, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

static bool recall(sl_browser_view_t *out, const sl_shm_entry_t *entry, apr_pool_t *p)
{
    sl_unpack_t from = {(const char *)entry->value.bytes,
                        (const char *)entry->value.bytes + entry->value.len, false};
    const char *written = sl_unpack_text(&from);

    if (written == NULL || strcmp(written, format) != 0) {
        return false;
    }
    out->count = (int)sl_unpack_int(&from);
    out->more = sl_unpack_int(&from) != 0;
    if (from.bad || out->count < 0 || out->count > 4096) {
        return false;
    }
    out->launches = apr_pcalloc(p, sizeof(*out->launches) * ((size_t)out->count + 1));
    for (int i = 0; i < out->count; i++) {
        unpack_launch(&from, &out->launches[i]);
    }
    return !from.bad && from.at == from.end;
}

static sl_use_t use_of(const sl_launch_t *row)
{
    const sl_use_t use = {row->id, row->last_seen_at, row->expires_at};

    return use;
}

static bool is_over(const sl_runtime_t *rt, const sl_launch_t *row, const sl_browser_key_t *key)
{
    const sl_use_t use = use_of(row);

    return sl_use_is_over(rt, &use, key->idle, key->now);
}

static void judge(sl_browser_view_t *view, const sl_runtime_t *rt, const sl_browser_key_t *key)
{
    for (int i = 0; i < view->count; i++) {
        sl_browser_launch_t *launch = &view->launches[i];

        launch->live =
            launch->row.state == SL_LAUNCH_LIVE && launch->handle != NULL &&
            (launch->row.ehr == NULL || sl_runtime_ehr(rt->ehrs, launch->row.ehr) != NULL) &&
            !is_over(rt, &launch->row, key);
    }
}

/** The database's clock is not ours: what it stamped is moved to our time. */
static void shift(sl_launch_t *row, apr_interval_time_t by)
{
    row->authorized_at += by;
    row->last_seen_at += by;
    row->expires_at += by;
}

/** Parsed once here, so that no request of the app has to. */
static void read_context(sl_browser_launch_t *launch, apr_pool_t *p)
{
    const char *text = launch->row.context;
    sl_json_t *json = NULL;

    launch->row.context = NULL;
    if (text == NULL || sl_json_parse(&json, text, strlen(text), p, NULL) != SL_OK) {
        return;
    }
    launch->banner = sl_json_str(json, "need_patient_banner");
    launch->intent = sl_json_str(json, "intent");
    launch->style_url = sl_json_str(json, "style_url");
    launch->tenant = sl_json_str(json, "tenant");
    launch->fhir_context = sl_json_str(json, "fhir_context");
    launch->toplevel = json_object_get_boolean(sl_json_get(json, "toplevel"));
}

static const char *mark_of(const sl_browser_launch_t *launch, apr_pool_t *p)
{
    char tag[SL_APP_COOKIE_TAG_CHARS + 1];
    char *mark = apr_palloc(p, SL_APP_COOKIE_MARK_CHARS + 1);

    sl_app_cookie_tag(tag, launch->row.app);
    sl_app_cookie_mark(mark, tag, launch->handle);
    return mark;
}

/** Of an ended launch only counts which it was; memory holds every one of a long shift. */
static void forget_particulars(sl_browser_launch_t *launch)
{
    const sl_launch_t row = launch->row;

    memset(&launch->row, 0, sizeof(launch->row));
    launch->row.id = row.id;
    launch->row.app = row.app;
    launch->row.ehr = row.ehr;
    launch->row.patient = row.patient;
    launch->row.kind = row.kind;
    launch->row.state = row.state;
    launch->row.link_state = row.link_state;
    launch->row.old_cookie = row.old_cookie;
    launch->row.authorized_at = row.authorized_at;
    launch->row.stand_in_for = row.stand_in_for;
    if (row.kind == SL_KIND_STANDALONE) { /* it can be begun again there */
        launch->row.redirect_path = row.redirect_path;
    }
    launch->session = NULL;
}

/** Handle and session id; of a launch that left this browser what stayed behind has its handle. */
static bool name(sl_browser_launch_t *launch, const sl_runtime_t *rt, apr_pool_t *p)
{
    const sl_launch_t *row = &launch->row;
    const char *seed = row->stand_in_for != NULL ? row->stand_in_for : row->id;

    return sl_id_derive(&launch->handle, rt->ring, row->key_id, SL_ID_HANDLE, seed, p) == SL_OK &&
           sl_id_derive(&launch->session, rt->ring, row->key_id, SL_ID_SESSION, seed, p) == SL_OK;
}

/** A launch that came back has its handle to itself. */
static void name_once(sl_browser_view_t *view)
{
    for (int i = 0; i < view->count; i++) {
        const char *original = view->launches[i].row.stand_in_for;

        for (int j = 0; original != NULL && j < view->count; j++) {
            const sl_launch_t *other = &view->launches[j].row;

            if (strcmp(other->id, original) == 0 || (j < i && other->stand_in_for != NULL &&
                                                     strcmp(other->stand_in_for, original) == 0)) {
                view->launches[i].handle = NULL;
            }
        }
    }
}

static void adopt(sl_browser_view_t *out, const sl_runtime_t *rt, const sl_browser_t *found,
                  apr_pool_t *p)
{
    apr_interval_time_t ahead = apr_time_now() - found->now;

    out->count = found->launches->nelts;
    out->more = found->more;
    out->launches = apr_pcalloc(p, sizeof(*out->launches) * ((size_t)out->count + 1));
    for (int i = 0; i < out->count; i++) {
        sl_browser_launch_t *launch = &out->launches[i];

        launch->row = APR_ARRAY_IDX(found->launches, i, sl_launch_t);
        shift(&launch->row, ahead);
        if (!name(launch, rt, p)) {
            launch->handle = NULL;
            continue;
        }
        launch->mark = mark_of(launch, p);
        if (launch->row.state == SL_LAUNCH_ENDED) {
            forget_particulars(launch);
        } else {
            read_context(launch, p);
        }
    }
    name_once(out);
}

/** Launches that ran out are closed in the database by the first to notice. */
static void close_over(const sl_runtime_t *rt, const sl_browser_view_t *view,
                       const sl_browser_key_t *key, const unsigned char *browser, apr_pool_t *p)
{
    for (int i = 0; i < view->count; i++) {
        const sl_launch_t *row = &view->launches[i].row;
        sl_launch_end_t end = {0};
        sl_err_t err;
        int ended;

        if (row->state != SL_LAUNCH_LIVE || !is_over(rt, row, key)) {
            continue;
        }
        end.id = row->id;
        end.browser_hash = browser;
        end.reason = key->now >= row->expires_at ? "expired" : "idle";
        if (sl_store_launch_end(&ended, rt->db, &end, p, &err) != SL_OK) {
            sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
        }
    }
}

static sl_rc_t read_database(sl_browser_view_t *out, const sl_runtime_t *rt,
                             const sl_browser_key_t *key, apr_pool_t *p, sl_err_t *err)
{
    unsigned char browser[SL_SHA256_LEN];
    const sl_browser_query_t query = {browser, key->app, key->max, 256};
    sl_browser_t found = {0};
    sl_rc_t rc;

    sl_id_print(key->cookie, browser);
    rc = sl_store_browser_launches(&found, rt->db, &query, p, err);
    if (rc == SL_OK) {
        adopt(out, rt, &found, p);
        close_over(rt, out, key, browser, p);
    }
    return rc;
}

/** Young enough to be believed unasked; the clock may have been set back meanwhile. */
static bool is_fresh(const sl_shm_entry_t *entry, apr_time_t now)
{
    return now < entry->stored + FRESH && now > entry->stored - FRESH;
}

/** What somebody forgot while we were reading PostgreSQL must not come back with what we read. */
static bool was_forgotten(const sl_runtime_t *rt, const sl_shm_key_t *where, apr_time_t since,
                          apr_pool_t *p)
{
    sl_shm_key_t key = *where;
    sl_shm_entry_t entry;

    key.kind = KIND_FORGOTTEN;
    return sl_shm_get(rt->shm, &key, since, &entry, p) == SL_OK && entry.stored >= since;
}

sl_rc_t sl_browser_load(sl_browser_view_t *out, const sl_runtime_t *rt, const sl_browser_key_t *key,
                        apr_pool_t *p, sl_err_t *err)
{
    sl_shm_key_t where = key_of(key->cookie, key->app);
    apr_time_t now = apr_time_now(); /* the request may have begun long ago and come slowly */
    sl_shm_entry_t entry;
    sl_rc_t rc = SL_OK;
    bool known = sl_shm_get(rt->shm, &where, now, &entry, p) == SL_OK;

    if (!known || key->anew || !is_fresh(&entry, now) || !recall(out, &entry, p)) {
        rc = read_database(out, rt, key, p, err);
        if (rc == SL_OK && !was_forgotten(rt, &where, now, p)) {
            store(rt, &where, out, now, p);
        } else if (rc != SL_OK && known && !key->anew && recall(out, &entry, p)) {
            rc = SL_OK;
        }
    }
    if (rc == SL_OK) {
        judge(out, rt, key);
    }
    return rc;
}

void sl_browser_forget(const sl_runtime_t *rt, const char *cookie, const char *app)
{
    sl_shm_key_t where = key_of(cookie, app);
    sl_shm_put_t mark = {0};
    sl_err_t err;

    sl_shm_del(rt->shm, &where);
    mark.value.bytes = (const unsigned char *)"";
    mark.now = apr_time_now();
    mark.expires = mark.now + READING;
    mark.rank = SL_SHM_LOW;
    where.kind = KIND_FORGOTTEN;
    if (sl_shm_put(rt->shm, &where, &mark, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

apr_time_t sl_browser_touch(const sl_runtime_t *rt, const sl_browser_key_t *key,
                            const sl_browser_launch_t *launch)
{
    apr_interval_time_t every = key->idle / 4 < TOUCH_EVERY ? key->idle / 4 : TOUCH_EVERY;
    const sl_use_t use = use_of(&launch->row);
    apr_time_t last = use.last_seen_at;
    sl_err_t err;
    sl_rc_t rc;

    if (key->now >= last + every) {
        last = sl_use_last(rt, &use, key->now);
    }
    if (key->now < last + every) {
        return last;
    }
    sl_use_note(rt, use.launch, key->idle, key->now);
    rc = sl_store_launch_touch(rt->db, launch->row.id, &err);
    if (rc == SL_EXPIRED) {
        sl_browser_forget(rt, key->cookie, key->app);
    } else if (rc != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
    return key->now;
}

apr_time_t sl_browser_ends(const sl_browser_key_t *key, const sl_browser_launch_t *launch,
                           apr_time_t used)
{
    apr_time_t idle = used + key->idle;

    return launch->row.expires_at < idle ? launch->row.expires_at : idle;
}
