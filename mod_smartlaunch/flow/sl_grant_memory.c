/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_grant_memory.h"
#include "flow/sl_pack.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_SESSION 'S'
#define KIND_USER 'V'
#define KIND_FORGOTTEN 'W'

/** Longer than any reading of PostgreSQL takes (its time-outs bound it). */
#define READING apr_time_from_sec(10)

/* The id is as long as a key, and as random. */
_Static_assert(SL_ID_CHARS == SL_SHM_KEY_LEN, "a session id is a key");

static sl_shm_key_t key_of(unsigned char kind, const char *session)
{
    sl_shm_key_t key;

    key.kind = kind;
    memcpy(key.digest, session, SL_SHM_KEY_LEN);
    return key;
}

/** Stands for every session. */
static sl_shm_key_t everybody(void)
{
    sl_shm_key_t key = {.kind = KIND_FORGOTTEN};

    return key;
}

/* clang-format off */
/** One list for writing and reading: what is in one is in the other. */
#define TEXTS(X)                                                                                   \
    X(launch) X(app) X(ehr) X(app_user) X(patient) X(launch_key_id)                                \
    X(token.launch) X(token.app) X(token.ehr) X(token.app_user) X(token.patient)                   \
    X(token.key_id) X(token.scope_granted)
#define TIMES(X)                                                                                   \
    X(last_seen_at) X(launch_expires_at) X(token.issued_at) X(token.expires_at) X(token.generation)
/* clang-format on */

/** Written in front: a child of another version, after a graceful restart, may have other lists. */
#define X(member) #member " "
static const char lists[] = TEXTS(X) TIMES(X);
#undef X
#define FORMAT 1 /* counts changes of what the lists do not show */

/** Lists of the same length that differ are of different FORMAT. */
static apr_int64_t format(void)
{
    return (apr_int64_t)sizeof(lists) << 8 | FORMAT;
}

static void pack_held(sl_pack_t *pack, const sl_grant_held_t *held)
{
    const sl_token_view_t *view = &held->view;
    const sl_bytes_t print = {view->session_hash, sizeof(view->session_hash)};

    sl_pack_int(pack, format());
#define X(member) sl_pack_text(pack, view->member);
    TEXTS(X)
#undef X
#define X(member) sl_pack_int(pack, view->member);
    TIMES(X)
#undef X
    sl_pack_bytes(pack, print);
    sl_pack_bytes(pack, view->token.access_sealed);
    sl_pack_int(pack, view->token.status);
    sl_pack_int(pack, view->can_renew);
    sl_pack_int(pack, view->is_live);
    sl_pack_int(pack, held->unsaved);
}

static bool unpack_held(sl_grant_held_t *held, sl_bytes_t value)
{
    sl_unpack_t from = {(const char *)value.bytes, (const char *)value.bytes + value.len, false};
    sl_token_view_t *view = &held->view;
    sl_bytes_t print;

    memset(held, 0, sizeof(*held));
    if (sl_unpack_int(&from) != format()) {
        return false;
    }
#define X(member) view->member = sl_unpack_text(&from);
    TEXTS(X)
#undef X
#define X(member) view->member = sl_unpack_int(&from);
    TIMES(X)
#undef X
    print = sl_unpack_bytes(&from);
    view->token.access_sealed = sl_unpack_bytes(&from);
    view->token.status = (sl_token_status_t)sl_unpack_int(&from);
    view->can_renew = sl_unpack_int(&from) != 0;
    view->is_live = sl_unpack_int(&from) != 0;
    held->unsaved = sl_unpack_int(&from) != 0;
    if (from.bad || from.at != from.end || print.len != sizeof(view->session_hash)) {
        return false;
    }
    memcpy(view->session_hash, print.bytes, sizeof(view->session_hash));
    return true;
}

/** Young enough to be believed unasked; the clock may have been set back meanwhile. */
static bool is_fresh(const sl_shm_entry_t *entry, apr_time_t now)
{
    return now < entry->stored + SL_GRANT_FRESH && now > entry->stored - SL_GRANT_FRESH;
}

bool sl_grant_memory_get(sl_grant_held_t *out, const sl_runtime_t *rt, const char *session,
                         apr_pool_t *p)
{
    const sl_shm_key_t key = key_of(KIND_SESSION, session);
    apr_time_t now = apr_time_now(); /* a request may have begun long ago and come slowly */
    sl_shm_entry_t entry;

    if (sl_shm_get(rt->shm, &key, now, &entry, p) != SL_OK || !unpack_held(out, entry.value)) {
        return false;
    }
    out->fresh = is_fresh(&entry, now);
    return true;
}

static void put(const sl_runtime_t *rt, const sl_shm_key_t *key, const sl_shm_put_t *entry)
{
    sl_err_t err;

    if (sl_shm_put(rt->shm, key, entry, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

static bool was_marked(const sl_runtime_t *rt, const sl_shm_key_t *mark, apr_time_t since,
                       apr_pool_t *tmp)
{
    sl_shm_entry_t entry;

    return sl_shm_get(rt->shm, mark, since, &entry, tmp) == SL_OK && entry.stored >= since;
}

/** What came in while we were reading, and is better than what we read. */
static bool is_outdone(const sl_runtime_t *rt, const char *session, const sl_grant_held_t *ours,
                       apr_time_t began, apr_pool_t *tmp)
{
    const sl_shm_key_t key = key_of(KIND_SESSION, session);
    const sl_shm_key_t mark = key_of(KIND_FORGOTTEN, session);
    const sl_shm_key_t all = everybody();
    sl_grant_held_t theirs;
    sl_shm_entry_t entry;

    if (!ours->unsaved && (was_marked(rt, &mark, began, tmp) || was_marked(rt, &all, began, tmp))) {
        return true;
    }
    if (sl_shm_get(rt->shm, &key, began, &entry, tmp) != SL_OK ||
        !unpack_held(&theirs, entry.value) || ours->view.token.status == SL_TOKEN_REVOKED) {
        return false;
    }
    return theirs.view.token.generation > ours->view.token.generation &&
           (theirs.unsaved || entry.stored >= began);
}

/** Only what opens something may push out other entries. */
static bool is_of_use(const sl_token_view_t *view)
{
    return view->launch != NULL && view->is_live && view->token.launch != NULL &&
           view->token.status == SL_TOKEN_ACTIVE;
}

void sl_grant_memory_put(const sl_runtime_t *rt, const char *session, const sl_grant_held_t *held,
                         apr_time_t began)
{
    const sl_shm_key_t key = key_of(KIND_SESSION, session);
    sl_shm_put_t entry;
    sl_pack_t pack;
    apr_pool_t *tmp;

    if (apr_pool_create(&tmp, NULL) != APR_SUCCESS) {
        return;
    }
    pack = sl_pack_new(tmp);
    pack_held(&pack, held);
    entry.value.bytes = (const unsigned char *)pack.bytes;
    entry.value.len = pack.len;
    entry.now = began;
    entry.expires = began + (held->view.launch != NULL ? rt->offline : SL_GRANT_FRESH);
    entry.rank = is_of_use(&held->view) ? SL_SHM_HIGH : SL_SHM_LOW;
    if (!is_outdone(rt, session, held, began, tmp)) {
        put(rt, &key, &entry);
    }
    apr_pool_destroy(tmp);
}

static sl_shm_key_t key_of_user(const sl_token_of_user_t *who, apr_pool_t *tmp)
{
    sl_pack_t pack = sl_pack_new(tmp);

    sl_pack_text(&pack, who->app);
    sl_pack_text(&pack, who->ehr);
    sl_pack_text(&pack, who->app_user);
    sl_pack_text(&pack, who->patient);
    return sl_shm_key(KIND_USER, pack.bytes, pack.len);
}

const char *sl_grant_memory_user(bool *fresh, const sl_runtime_t *rt, const sl_token_of_user_t *who,
                                 apr_pool_t *p)
{
    const sl_shm_key_t key = key_of_user(who, p);
    apr_time_t now = apr_time_now();
    sl_shm_entry_t entry;

    if (sl_shm_get(rt->shm, &key, now, &entry, p) != SL_OK || entry.value.len != SL_ID_CHARS) {
        return NULL;
    }
    *fresh = is_fresh(&entry, now);
    return (const char *)entry.value.bytes;
}

void sl_grant_memory_put_user(const sl_runtime_t *rt, const sl_token_of_user_t *who,
                              const char *session, apr_time_t began)
{
    sl_shm_put_t entry = {
        {(const unsigned char *)session, SL_ID_CHARS}, began, began + rt->offline, SL_SHM_HIGH};
    sl_shm_key_t key;
    apr_pool_t *tmp;

    if (apr_pool_create(&tmp, NULL) != APR_SUCCESS) {
        return;
    }
    key = key_of_user(who, tmp);
    put(rt, &key, &entry);
    apr_pool_destroy(tmp);
}

/** Whoever is reading PostgreSQL right now must not bring it back. */
static void mark_forgotten(const sl_runtime_t *rt, const sl_shm_key_t *key)
{
    sl_shm_put_t mark = {{(const unsigned char *)"", 0}, 0, 0, SL_SHM_LOW};

    mark.now = apr_time_now();
    mark.expires = mark.now + READING;
    put(rt, key, &mark);
}

/** An unsaved generation is nowhere else at hand: it stays, as one that has to be asked about. */
static void drop(const sl_runtime_t *rt, const char *session, apr_pool_t *tmp)
{
    const sl_shm_key_t key = key_of(KIND_SESSION, session);
    sl_grant_held_t held;
    sl_shm_entry_t entry;
    sl_shm_put_t old;

    if (sl_shm_get(rt->shm, &key, apr_time_now(), &entry, tmp) == SL_OK &&
        unpack_held(&held, entry.value) && held.unsaved) {
        old.value = entry.value;
        old.now = entry.stored - SL_GRANT_FRESH;
        old.expires = entry.expires;
        old.rank = SL_SHM_HIGH;
        put(rt, &key, &old);
        return;
    }
    sl_shm_del(rt->shm, &key);
}

void sl_grant_forget(const sl_runtime_t *rt, const char *launch, const char *key_id)
{
    const char *session = NULL;
    sl_shm_key_t mark;
    apr_pool_t *tmp;

    if (apr_pool_create(&tmp, NULL) != APR_SUCCESS) {
        return;
    }
    if (sl_id_derive(&session, rt->ring, key_id, SL_ID_SESSION, launch, tmp) == SL_OK) {
        mark = key_of(KIND_FORGOTTEN, session);
        mark_forgotten(rt, &mark);
        drop(rt, session, tmp);
    }
    apr_pool_destroy(tmp);
}

/** What is in memory is all there is, should PostgreSQL be away again before the next request. */
void sl_grant_doubt_all(const sl_runtime_t *rt)
{
    const sl_shm_key_t mark = everybody();
    apr_time_t old = apr_time_now() - SL_GRANT_FRESH;

    mark_forgotten(rt, &mark);
    sl_shm_age(rt->shm, KIND_SESSION, old, INT64_MAX);
    sl_shm_age(rt->shm, KIND_USER, old, INT64_MAX);
}

void sl_grant_remember(const sl_runtime_t *rt, const sl_token_view_t *view, bool unsaved,
                       apr_time_t began)
{
    const sl_grant_held_t held = {*view, unsaved, true};
    const char *session = NULL;
    apr_pool_t *tmp;

    if (apr_pool_create(&tmp, NULL) != APR_SUCCESS) {
        return;
    }
    if (sl_id_derive(&session, rt->ring, view->launch_key_id, SL_ID_SESSION, view->launch, tmp) ==
        SL_OK) {
        sl_grant_memory_put(rt, session, &held, began);
    }
    apr_pool_destroy(tmp);
}

sl_rc_t sl_grant_recall(sl_token_view_t *out, bool *unsaved, const sl_runtime_t *rt,
                        const char *launch, const char *key_id, apr_pool_t *p)
{
    sl_grant_held_t held;
    const char *session = NULL;

    if (sl_id_derive(&session, rt->ring, key_id, SL_ID_SESSION, launch, p) != SL_OK ||
        !sl_grant_memory_get(&held, rt, session, p) || held.view.launch == NULL) {
        return SL_NONE;
    }
    *out = held.view;
    *unsaved = held.unsaved;
    return SL_OK;
}
