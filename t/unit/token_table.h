/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A table `token` of one row, in memory, that does as sl_store_token.h says: for tests of what
 * lives above the store. It can go away, and its clock is not ours.
 */
#ifndef TOKEN_TABLE_H
#define TOKEN_TABLE_H
#include "flow/sl_runtime.h"
#include "flow/sl_vault.h"
#include "store/sl_store_revocation.h"
#include "tap.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <stdlib.h>

#define TABLE_KEYS "a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define TABLE_LAUNCH "0192f0c1-0000-7000-8000-000000000001"

typedef struct {
    apr_pool_t *p;
    apr_thread_mutex_t *lock;
    sl_keyring_t *ring;
    const char *session;
    bool is_there, is_away;
    bool goes_after_lease;       /* PostgreSQL is away from then on */
    bool lease_answer_lost;      /* taken, but nobody heard of it */
    const char *link_in_between; /* the token gets this user just before it is renewed */
    apr_interval_time_t ahead;   /* of the table's clock before ours */
    sl_token_view_t row;         /* in the table's time */
    const char *lease_by, *last_error, *end_reason;
    const char *encounter, *context;
    int reads, leases, renewed, steps;
    int handed_over; /* tokens that came after the row was revoked */
    void (*during)(void); /* called while the row is on its way to a reader; NULL: nothing */
} table_t;

static table_t table;

static apr_time_t table_now(void)
{
    return apr_time_now() + table.ahead;
}

static sl_bytes_t table_copy(sl_bytes_t from)
{
    sl_bytes_t to = {NULL, 0};

    if (from.bytes != NULL) {
        to.bytes = apr_pmemdup(table.p, from.bytes, from.len);
        to.len = from.len;
    }
    return to;
}

/** Seal `access` and `refresh` into the row as it is now. */
static void table_seal(const char *access, const char *refresh)
{
    sl_token_t *token = &table.row.token;
    const sl_token_row_t covered = {token->launch,   token->app,     token->ehr,
                                    token->app_user, token->patient, token->generation};
    const sl_tokens_t tokens = {sl_secret_str(table.p, access), sl_secret_str(table.p, refresh)};
    sl_sealed_tokens_t sealed;

    if (sl_vault_seal_tokens(&sealed, table.ring, &covered, &tokens, table.p, NULL) != SL_OK) {
        abort();
    }
    token->access_sealed = sealed.access;
    token->refresh_sealed = sealed.refresh;
    token->key_id = sealed.key_id;
    table.row.can_renew = refresh != NULL;
}

/** A live launch of alice's with patient p1, whose token ends in `life`. */
static void table_fill(apr_interval_time_t life)
{
    sl_token_view_t *row = &table.row;
    apr_time_t now = table_now();

    memset(row, 0, sizeof(*row));
    table.is_there = true;
    table.is_away = table.goes_after_lease = table.lease_answer_lost = false;
    table.link_in_between = table.lease_by = table.last_error = table.end_reason = NULL;
    table.encounter = table.context = NULL;
    table.during = NULL;
    table.reads = table.leases = table.renewed = table.steps = 0;
    row->launch = row->token.launch = TABLE_LAUNCH;
    row->app = row->token.app = "app";
    row->ehr = row->token.ehr = "sandbox";
    row->app_user = row->token.app_user = "alice";
    row->patient = row->token.patient = "p1";
    row->launch_key_id = "a";
    row->issuer = "https://ehr.example.org/fhir";
    row->sub = "user-1";
    row->token.scope_asked = row->token.scope_granted = "patient/*.rs";
    row->token.issued_at = now - apr_time_from_sec(600);
    row->token.expires_at = now + life;
    row->token.generation = 1;
    row->token.status = SL_TOKEN_ACTIVE;
    row->is_live = true;
    row->last_seen_at = now;
    row->launch_expires_at = now + apr_time_from_sec(3600);
    sl_id_print(table.session, row->session_hash);
    table_seal("access-1", "refresh-1");
}

static void table_begin(apr_pool_t *p)
{
    table.p = p;
    table.ahead = apr_time_from_sec(7200);
    if (apr_thread_mutex_create(&table.lock, APR_THREAD_MUTEX_DEFAULT, p) != APR_SUCCESS ||
        sl_keyring_parse(&table.ring, sl_secret_str(p, TABLE_KEYS), p, NULL) != SL_OK ||
        sl_id_derive(&table.session, table.ring, "a", SL_ID_SESSION, TABLE_LAUNCH, p) != SL_OK) {
        abort();
    }
    table_fill(apr_time_from_sec(600));
}

static sl_rc_t table_away(sl_err_t *err)
{
    return sl_err_set(err, SL_UNAVAILABLE, "SL0001", "PostgreSQL is away");
}

static sl_rc_t table_read(sl_token_view_t *out, bool found, bool refresh, sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    apr_thread_mutex_lock(table.lock);
    table.reads++;
    if (table.is_away) {
        rc = table_away(err);
    } else if (!found || !table.is_there) {
        rc = sl_err_set(err, SL_NONE, "SL0002", "no such row");
    } else {
        *out = table.row;
        out->now = table_now();
        if (!refresh) {
            out->token.refresh_sealed.bytes = NULL;
            out->token.refresh_sealed.len = 0;
        }
    }
    apr_thread_mutex_unlock(table.lock);
    if (table.during != NULL) {
        table.during();
    }
    return rc;
}

sl_rc_t sl_store_token_find(sl_token_t *out, sl_db_t *db, const char *launch, apr_pool_t *p,
                            sl_err_t *err)
{
    (void)db, (void)launch, (void)p;
    *out = table.row.token;
    return sl_err_set(err, SL_FAILED, "SL0003", "nobody asks this");
}

sl_rc_t sl_store_token_by_session(sl_token_view_t *out, sl_db_t *db,
                                  const unsigned char *session_hash, apr_pool_t *p, sl_err_t *err)
{
    (void)db, (void)p;
    return table_read(out, memcmp(session_hash, table.row.session_hash, SL_SHA256_LEN) == 0, false,
                      err);
}

sl_rc_t sl_store_token_by_launch(sl_token_view_t *out, sl_db_t *db, const char *launch,
                                 apr_pool_t *p, sl_err_t *err)
{
    (void)db, (void)p;
    return table_read(out, strcmp(launch, TABLE_LAUNCH) == 0, true, err);
}

sl_rc_t sl_store_token_by_user(sl_token_view_t *out, sl_db_t *db, const sl_token_of_user_t *who,
                               apr_pool_t *p, sl_err_t *err)
{
    const sl_token_t *token = &table.row.token;
    bool fits = token->app_user != NULL && strcmp(who->app_user, token->app_user) == 0 &&
                strcmp(who->app, token->app) == 0 && strcmp(who->ehr, token->ehr) == 0 &&
                token->status == SL_TOKEN_ACTIVE &&
                (token->patient == NULL ||
                 (who->patient != NULL && strcmp(who->patient, token->patient) == 0));

    (void)db, (void)p;
    return table_read(out, fits, false, err);
}

sl_rc_t sl_store_token_due(apr_array_header_t **out, sl_db_t *db, const sl_token_due_t *due,
                           apr_pool_t *p, sl_err_t *err)
{
    sl_token_view_t view;
    bool fits = table.row.token.status == SL_TOKEN_ACTIVE && table.row.can_renew &&
                table.row.token.expires_at < table_now() + due->ahead && due->limit > 0;
    sl_rc_t rc = table_read(&view, true, false, err);

    (void)db;
    *out = apr_array_make(p, 1, sizeof(sl_token_view_t));
    if (rc == SL_OK && fits) {
        APR_ARRAY_PUSH(*out, sl_token_view_t) = view;
    }
    return rc;
}

static sl_lease_outcome_t table_judge(const sl_lease_t *lease)
{
    const sl_token_view_t *row = &table.row;

    if (row->token.status != SL_TOKEN_ACTIVE) {
        return SL_LEASE_OVER;
    }
    if (row->token.generation != lease->generation) {
        return row->token.generation > lease->generation ? SL_LEASE_NEWER : SL_LEASE_INTERRUPTED;
    }
    if (row->token.refresh_sealed.bytes == NULL) {
        return SL_LEASE_OVER;
    }
    if (row->lease_until != 0) {
        return row->lease_until > table_now() ? SL_LEASE_BUSY : SL_LEASE_INTERRUPTED;
    }
    return row->retry_at > table_now() ? SL_LEASE_LATER : SL_LEASE_WON;
}

sl_rc_t sl_store_token_lease(sl_leased_t *out, sl_db_t *db, const sl_lease_t *lease, apr_pool_t *p,
                             sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    (void)db, (void)p;
    apr_thread_mutex_lock(table.lock);
    table.leases++;
    if (table.is_away) {
        rc = table_away(err);
    } else if (!table.is_there) {
        rc = sl_err_set(err, SL_NONE, "SL0002", "no such row");
    } else {
        out->outcome = table_judge(lease);
        if (out->outcome == SL_LEASE_WON) {
            table.row.lease_until = table_now() + lease->length;
            table.lease_by = apr_pstrdup(table.p, lease->by);
        }
        out->view = table.row;
        out->view.now = table_now();
        table.is_away = table.goes_after_lease;
        if (table.lease_answer_lost) {
            rc = table_away(err);
        }
    }
    apr_thread_mutex_unlock(table.lock);
    return rc;
}

static void table_next(const sl_token_next_t *next)
{
    sl_token_t *token = &table.row.token;

    token->generation++;
    token->access_sealed = table_copy(next->access_sealed);
    token->refresh_sealed = table_copy(next->refresh_sealed);
    token->key_id = apr_pstrdup(table.p, next->key_id);
    if (next->scope_granted != NULL) {
        token->scope_granted = apr_pstrdup(table.p, next->scope_granted);
    }
    token->issued_at = next->issued_at;
    token->expires_at = next->issued_at + next->lifetime;
    token->status = SL_TOKEN_ACTIVE;
    table.row.can_renew = next->refresh_sealed.bytes != NULL;
    table.row.lease_until = table.row.retry_at = 0;
    table.lease_by = table.last_error = NULL;
    table.encounter = apr_pstrdup(table.p, next->encounter);
    table.context = apr_pstrdup(table.p, next->context);
    table.renewed++;
}

sl_rc_t sl_store_token_renew(sl_db_t *db, const sl_token_next_t *next, sl_err_t *err)
{
    sl_token_t *token = &table.row.token;
    sl_rc_t rc = SL_OK;

    (void)db;
    apr_thread_mutex_lock(table.lock);
    if (table.link_in_between != NULL && !table.is_away) {
        table.row.app_user = token->app_user = table.link_in_between;
        table.link_in_between = NULL;
    }
    if (table.is_away) {
        rc = table_away(err);
    } else if (!table.is_there || token->status == SL_TOKEN_REVOKED) {
        rc = sl_err_set(err, SL_EXPIRED, "SL0004", "revoked");
    } else if (token->generation == next->follows + 1 &&
               token->access_sealed.len == next->access_sealed.len &&
               memcmp(token->access_sealed.bytes, next->access_sealed.bytes,
                      next->access_sealed.len) == 0) {
        rc = SL_OK;
    } else if (token->generation != next->follows ||
               strcmp(token->app_user == NULL ? "" : token->app_user,
                      next->app_user == NULL ? "" : next->app_user) != 0) {
        rc = sl_err_set(err, SL_CONFLICT, "SL0005", "changed");
    } else {
        table_next(next);
    }
    apr_thread_mutex_unlock(table.lock);
    return rc;
}

sl_rc_t sl_store_token_release(sl_db_t *db, const sl_token_release_t *release, sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    (void)db;
    apr_thread_mutex_lock(table.lock);
    if (table.is_away) {
        rc = table_away(err);
    } else if (table.lease_by != NULL && strcmp(table.lease_by, release->by) == 0 &&
               table.row.token.generation == release->generation) {
        table.row.lease_until = 0;
        table.row.retry_at = release->retry > 0 ? table_now() + release->retry : 0;
        table.lease_by = NULL;
        table.last_error = apr_pstrdup(table.p, release->error);
    }
    apr_thread_mutex_unlock(table.lock);
    return rc;
}

sl_rc_t sl_store_token_over(sl_db_t *db, const sl_token_over_t *over, sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    (void)db;
    apr_thread_mutex_lock(table.lock);
    if (table.is_away) {
        rc = table_away(err);
    } else if (table.row.token.status != SL_TOKEN_REVOKED &&
               table.row.token.generation <= over->generation) {
        table.row.token.status = SL_TOKEN_RELAUNCH;
        table.row.token.access_sealed.bytes = table.row.token.refresh_sealed.bytes = NULL;
        table.row.lease_until = table.row.retry_at = 0;
        table.row.can_renew = false;
        table.lease_by = NULL;
        table.last_error = apr_pstrdup(table.p, over->error);
        table.end_reason = apr_pstrdup(table.p, over->end_launch);
        table.row.is_live = table.row.is_live && over->end_launch == NULL;
    }
    apr_thread_mutex_unlock(table.lock);
    return rc;
}

sl_rc_t sl_store_revocation_add(sl_db_t *db, const sl_token_t *token, sl_err_t *err)
{
    (void)db;
    if (table.is_away) {
        return table_away(err);
    }
    table.handed_over += token->generation > table.row.token.generation ? 1 : 0;
    return SL_OK;
}

sl_rc_t sl_store_steps_add(sl_db_t *db, const char *launch, const sl_steps_t *steps, apr_pool_t *p,
                           sl_err_t *err)
{
    (void)db, (void)launch, (void)p, (void)err;
    apr_thread_mutex_lock(table.lock);
    table.steps += steps->nelts;
    apr_thread_mutex_unlock(table.lock);
    return SL_OK;
}

/** What the row holds, opened. NULL: nothing, or not under these columns. */
__attribute__((unused)) static const char *table_holds(const char *which, apr_pool_t *p)
{
    sl_tokens_t tokens = {NULL, NULL};

    if (table.row.token.access_sealed.bytes == NULL ||
        sl_vault_open_tokens(&tokens, table.ring, &table.row.token, p, NULL) != SL_OK) {
        return NULL;
    }
    if (strcmp(which, "access") == 0) {
        return sl_secret_reveal(tokens.access);
    }
    return tokens.refresh != NULL ? sl_secret_reveal(tokens.refresh) : NULL;
}

static apr_status_t table_free(void *memory)
{
    free(memory);
    return APR_SUCCESS;
}

/** A process with this table, and memory of its own. */
static sl_runtime_t table_runtime(const sl_ehr_t *ehr, apr_pool_t *p)
{
    sl_runtime_t rt = {0};
    void *memory = NULL;
    apr_array_header_t *ehrs = apr_array_make(p, 1, sizeof(const sl_ehr_t *));

    APR_ARRAY_PUSH(ehrs, const sl_ehr_t *) = ehr;
    if (posix_memalign(&memory, 4096, SL_SHM_MIN_SIZE) != 0 ||
        sl_shm_format(&rt.shm, memory, SL_SHM_MIN_SIZE, p, NULL) != SL_OK) {
        abort();
    }
    apr_pool_cleanup_register(p, memory, table_free, apr_pool_cleanup_null);
    rt.ring = table.ring;
    rt.offline = apr_time_from_sec(900);
    rt.ehrs = ehrs;
    rt.gates = apr_pcalloc(p, sizeof(*rt.gates));
    if (sl_http_gate_open(&rt.gates[0], apr_pcalloc(p, sl_http_gate_size(4)), 4, p, NULL) !=
        SL_OK) {
        abort();
    }
    rt.self = "host 1";
    return rt;
}

#endif
