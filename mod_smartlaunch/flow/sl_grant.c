/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_grant.h"
#include "base/sl_text.h"
#include "flow/sl_grant_memory.h"
#include "flow/sl_journal.h"
#include "flow/sl_use.h"
#include "flow/sl_vault.h"

#include <string.h>

#define PRINT_BYTES 16 /* of the session's hash, in the audit */

void sl_grant_our_time(sl_token_view_t *view)
{
    apr_interval_time_t by = apr_time_now() - view->now;
    apr_time_t *const times[] = {&view->last_seen_at,    &view->launch_expires_at,
                                 &view->lease_until,     &view->retry_at,
                                 &view->token.issued_at, &view->token.expires_at};

    if (view->now == 0) {
        return;
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        *times[i] += *times[i] != 0 ? by : 0;
    }
    view->now = 0;
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

sl_rc_t sl_grant_open(sl_grant_t *out, const sl_runtime_t *rt, const sl_token_view_t *view,
                      apr_pool_t *p, sl_err_t *err)
{
    sl_token_t row = view->token;
    sl_tokens_t tokens = {NULL, NULL};
    sl_rc_t rc;

    /* The seal covers the token's columns; the launch's, which nothing covers, have to agree. */
    if (!same(view->launch, row.launch) || !same(view->app, row.app) || !same(view->ehr, row.ehr) ||
        !same(view->patient, row.patient)) {
        return sl_err_set(err, SL_FAILED, "SL4511",
                          "the columns of a launch were changed: its token is another's");
    }
    row.refresh_sealed.bytes = NULL;
    rc = sl_vault_open_tokens(&tokens, rt->ring, &row, p, err);
    if (rc != SL_OK) {
        return rc;
    }
    out->launch = view->launch;
    out->ehr = view->ehr;
    out->key_id = view->launch_key_id;
    out->scope = row.scope_granted;
    out->access = tokens.access;
    out->generation = row.generation;
    out->issued_at = row.issued_at;
    out->expires_at = row.expires_at;
    out->can_renew = view->can_renew;
    return SL_OK;
}

/**
 * The row is behind what we renewed while PostgreSQL was away. It says whether launch and token are
 * of use; the token is the one in memory.
 */
static void keep_unsaved(sl_grant_held_t *row, const sl_grant_held_t *held)
{
    if (!held->unsaved || row->view.token.launch == NULL ||
        row->view.token.status == SL_TOKEN_REVOKED ||
        row->view.token.generation >= held->view.token.generation) {
        return;
    }
    row->view.token = held->view.token;
    row->view.can_renew = held->view.can_renew;
    row->unsaved = true;
}

/** From PostgreSQL into memory. `held`: what memory had, or NULL. */
static sl_rc_t reread(sl_grant_held_t *out, const sl_runtime_t *rt, const char *session,
                      const sl_grant_held_t *held, apr_pool_t *p, sl_err_t *err)
{
    unsigned char hash[SL_SHA256_LEN];
    apr_time_t began = apr_time_now();
    int left = 0;
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    if (held != NULL && held->unsaved &&
        sl_journal_replay(&left, rt, held->view.launch, p, err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err->id, "%s", err->text);
    }
    sl_id_print(session, hash);
    rc = sl_store_token_by_session(&out->view, rt->db, hash, p, err);
    if (rc == SL_OK) {
        sl_grant_our_time(&out->view);
        if (held != NULL) {
            keep_unsaved(out, held);
        }
    }
    if (rc == SL_OK || rc == SL_NONE) {
        sl_grant_memory_put(rt, session, out, began);
    }
    return rc;
}

static sl_rc_t no_session(sl_err_t *err)
{
    return sl_err_set(err, SL_NONE, "SL4512", "there is no such session");
}

/** From memory while it is fresh, from PostgreSQL, and from memory while that is away. */
static sl_rc_t load(sl_grant_held_t *out, const sl_runtime_t *rt, const char *session,
                    apr_pool_t *p, sl_err_t *err)
{
    sl_grant_held_t held;
    bool known = sl_grant_memory_get(&held, rt, session, p);
    sl_err_t local = {0};
    sl_rc_t rc;

    if (known && held.fresh) {
        *out = held;
        rc = SL_OK;
    } else {
        rc = reread(out, rt, session, known ? &held : NULL, p, err != NULL ? err : &local);
        /* Once more: another thread may have read it just before PostgreSQL went away. */
        if (rc != SL_OK && rc != SL_NONE && sl_grant_memory_get(&held, rt, session, p) &&
            held.view.launch != NULL) {
            *out = held;
            rc = SL_OK;
        }
    }
    if (rc == SL_NONE || (rc == SL_OK && out->view.launch == NULL)) {
        return no_session(err);
    }
    return rc;
}

static sl_rc_t judge_token(const sl_token_view_t *view, sl_err_t *err)
{
    if (view->token.launch == NULL) {
        return sl_err_set(err, SL_NONE, "SL4513", "the session has no token of an EHR");
    }
    if (view->token.status != SL_TOKEN_ACTIVE) {
        return sl_err_set(err, SL_NONE, "SL4514", "the session's token is over: launch again");
    }
    return SL_OK;
}

static sl_rc_t judge_session(const sl_token_view_t *view, const sl_runtime_t *rt,
                             const sl_grant_ask_t *ask, sl_err_t *err)
{
    const sl_use_t use = {view->launch, view->last_seen_at, view->launch_expires_at};

    if (!same(view->app, ask->app)) {
        return sl_err_set(err, SL_NONE, "SL4515", "the session is another app's");
    }
    if (!view->is_live || sl_use_is_over(rt, &use, ask->idle, ask->now)) {
        return sl_err_set(err, SL_NONE, "SL4516", "the session's launch is over");
    }
    if (ask->ehr != NULL && !same(view->ehr, ask->ehr->name)) {
        return sl_err_set(err, SL_DENIED, "SL4517", "the session belongs to another EHR than %s",
                          ask->ehr->name);
    }
    return judge_token(view, err);
}

/** Everybody's part of a grant. */
static sl_rc_t grant(sl_grant_t *out, const sl_runtime_t *rt, const sl_token_view_t *view,
                     apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    rc = sl_grant_open(out, rt, view, p, err);
    if (rc == SL_OK) {
        out->session_print = sl_text_hex(p, view->session_hash, PRINT_BYTES);
        out->app_user = view->app_user;
    }
    return rc;
}

static sl_rc_t find_by_session(sl_grant_t *out, const sl_runtime_t *rt, const sl_grant_ask_t *ask,
                               apr_pool_t *p, sl_err_t *err)
{
    sl_grant_held_t held;
    sl_rc_t rc;

    if (!sl_id_is_ours(rt->ring, SL_ID_SESSION, ask->session)) {
        return sl_err_set(err, SL_INVALID, "SL4518", "a session id that is not one of ours");
    }
    rc = load(&held, rt, ask->session, p, err);
    if (rc == SL_OK) {
        rc = judge_session(&held.view, rt, ask, err);
    }
    if (rc == SL_OK) {
        rc = grant(out, rt, &held.view, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    out->via = SL_VIA_SESSION;
    out->patient = held.view.token.patient;
    return SL_OK;
}

static sl_rc_t no_token(const sl_grant_ask_t *ask, sl_err_t *err)
{
    return sl_err_set(err, SL_NONE, "SL4520", "the user has no token for this at %s",
                      ask->ehr->name);
}

/** Is this a token for what is asked, and of use? Its own columns count: the seal covers them. */
static sl_rc_t judge_user(const sl_token_view_t *view, const sl_grant_ask_t *ask, sl_err_t *err)
{
    const sl_token_t *token = &view->token;
    bool lasts = token->expires_at == 0 || ask->now < token->expires_at || view->can_renew;

    if (view->launch == NULL || token->launch == NULL || token->status != SL_TOKEN_ACTIVE ||
        !lasts || !same(token->app, ask->app) || !same(token->ehr, ask->ehr->name) ||
        !same(token->app_user, ask->user) ||
        (token->patient != NULL && !same(token->patient, ask->patient))) {
        return no_token(ask, err);
    }
    return SL_OK;
}

static sl_rc_t user_from_database(sl_grant_held_t *out, const sl_runtime_t *rt,
                                  const sl_token_of_user_t *who, apr_pool_t *p, sl_err_t *err)
{
    apr_time_t began = apr_time_now();
    const char *session = NULL;
    sl_grant_held_t held;
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    rc = sl_store_token_by_user(&out->view, rt->db, who, p, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_grant_our_time(&out->view);
    if (sl_id_derive(&session, rt->ring, out->view.launch_key_id, SL_ID_SESSION, out->view.launch,
                     p) == SL_OK) {
        if (sl_grant_memory_get(&held, rt, session, p)) {
            keep_unsaved(out, &held);
        }
        sl_grant_memory_put(rt, session, out, began);
        sl_grant_memory_put_user(rt, who, session, began);
    }
    return SL_OK;
}

/** By way of the session that memory knows to be the user's. */
static sl_rc_t user_from_memory(sl_grant_held_t *out, bool *fresh, const sl_runtime_t *rt,
                                const sl_token_of_user_t *who, apr_pool_t *p, sl_err_t *err)
{
    const char *session = sl_grant_memory_user(fresh, rt, who, p);

    return session == NULL ? SL_NONE : load(out, rt, session, p, err);
}

/** Whatever else a caller sends is nobody's name, and PostgreSQL takes no other text. */
static bool is_name(const char *text)
{
    return text == NULL || sl_text_is_utf8(text, strlen(text));
}

static sl_rc_t find_by_user(sl_grant_t *out, const sl_runtime_t *rt, const sl_grant_ask_t *ask,
                            apr_pool_t *p, sl_err_t *err)
{
    const sl_token_of_user_t who = {ask->app, ask->ehr->name, ask->user, ask->patient};
    sl_grant_held_t held, known;
    bool fresh = false, has;
    sl_rc_t rc = SL_OK;

    if (!is_name(ask->user) || !is_name(ask->patient)) {
        return no_token(ask, err);
    }
    has = user_from_memory(&known, &fresh, rt, &who, p, err) == SL_OK &&
          judge_user(&known.view, ask, err) == SL_OK;

    if (has && fresh) {
        held = known;
    } else {
        rc = user_from_database(&held, rt, &who, p, err);
        if (rc != SL_OK && rc != SL_NONE && has) {
            held = known;
            rc = SL_OK;
        }
    }
    if (rc == SL_NONE) {
        return no_token(ask, err);
    }
    if (rc == SL_OK) {
        rc = judge_user(&held.view, ask, err);
    }
    if (rc == SL_OK) {
        rc = grant(out, rt, &held.view, p, err);
    }
    if (rc == SL_OK) {
        out->via = SL_VIA_USER;
        out->app_user = ask->user;
        out->patient = ask->patient;
    }
    return rc;
}

sl_rc_t sl_grant_find(sl_grant_t *out, const sl_runtime_t *rt, const sl_grant_ask_t *ask,
                      apr_pool_t *p, sl_err_t *err)
{
    if (ask->session != NULL) {
        return find_by_session(out, rt, ask, p, err);
    }
    if (ask->user != NULL) {
        return find_by_user(out, rt, ask, p, err);
    }
    return no_session(err);
}
