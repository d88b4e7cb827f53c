/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_window.h"
#include "base/sl_text.h"
#include "flow/sl_grant.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_TICKET 'W'

/** Tickets of one launch: of a live one in a minute, of a pending one in all. */
#define MOST 16

/** How long this host knows whose cookie a ticket's launch has: longer than a ticket is good. */
#define REMEMBERED apr_time_from_sec(900)

/** Memory of this host is a few seconds old: whoever loses or gets a launch is read again. */
static void remember_browser(const sl_runtime_t *rt, const unsigned char *ticket,
                             const char *cookie)
{
    sl_shm_key_t where = sl_shm_key(KIND_TICKET, ticket, SL_SHA256_LEN);
    sl_shm_put_t entry = {0};
    sl_err_t err;

    entry.value.bytes = (const unsigned char *)cookie;
    entry.value.len = strlen(cookie);
    entry.now = apr_time_now();
    entry.expires = entry.now + REMEMBERED;
    entry.rank = SL_SHM_LOW;
    if (sl_shm_put(rt->shm, &where, &entry, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

static void forget_browser(const sl_runtime_t *rt, const unsigned char *ticket, const char *app,
                           apr_pool_t *p)
{
    sl_shm_key_t where = sl_shm_key(KIND_TICKET, ticket, SL_SHA256_LEN);
    sl_shm_entry_t entry;

    if (sl_shm_get(rt->shm, &where, apr_time_now(), &entry, p) == SL_OK) {
        sl_browser_forget(rt, (const char *)entry.value.bytes, app);
    }
}

sl_rc_t sl_window_ticket(const char **ticket, const sl_runtime_t *rt, const sl_browser_key_t *key,
                         const sl_browser_launch_t *launch, apr_pool_t *p, sl_err_t *err)
{
    unsigned char hash[SL_SHA256_LEN];
    unsigned char browser[SL_SHA256_LEN];
    const sl_ticket_new_t row = {hash, launch->row.id, browser,
                                 apr_time_from_sec(SL_WINDOW_SECONDS), MOST};
    sl_rc_t rc = sl_id_new(ticket, rt->ring, SL_ID_TICKET, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    sl_id_print(*ticket, hash);
    sl_id_print(key->cookie, browser);
    rc = sl_store_ticket_make(rt->db, &row, p, err);
    if (rc == SL_OK) {
        remember_browser(rt, hash, key->cookie);
    }
    return rc;
}

sl_rc_t sl_window_keep(const char **ticket, const sl_runtime_t *rt, const sl_finish_t *finish,
                       apr_pool_t *p, sl_err_t *err)
{
    const sl_callback_t callback = {finish->answer->state, finish->answer->code,
                                    finish->answer->iss};
    unsigned char hash[SL_SHA256_LEN];
    unsigned char state[SL_SHA256_LEN];
    const sl_callback_row_t covered = {hash, state};
    sl_ticket_code_t row = {0};
    sl_rc_t rc = sl_id_new(ticket, rt->ring, SL_ID_TICKET, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    sl_id_print(*ticket, hash);
    sl_id_print(finish->answer->state, state);
    rc = sl_vault_seal_callback(&row.code_sealed, rt->ring, &covered, &callback, p, err);
    if (rc != SL_OK) {
        return rc;
    }
    row.ticket_hash = hash;
    row.state_hash = state;
    row.app = finish->site->app;
    row.redirect_path = finish->site->path;
    row.key_id = sl_keyring_active(rt->ring);
    row.most = MOST;
    return sl_store_ticket_keep(rt->db, &row, p, err);
}

/** A ticket that has just been used. */
typedef struct {
    const sl_runtime_t *rt;
    const sl_window_ask_t *ask;
    sl_trace_t *trace;
    unsigned char hash[SL_SHA256_LEN];
    sl_ticket_t ticket;
} used_t;

/** The cookie of the window: what it has, and what it may get. */
typedef struct {
    const char *value;
    unsigned char had_hash[SL_SHA256_LEN], new_hash[SL_SHA256_LEN];
} window_cookie_t;

static sl_rc_t new_cookie(window_cookie_t *out, const used_t *used, sl_err_t *err)
{
    const char *had = used->ask->key->cookie;
    sl_rc_t rc = sl_id_new(&out->value, used->rt->ring, SL_ID_BROWSER, used->trace->p, err);

    if (rc == SL_OK) {
        sl_id_print(out->value, out->new_hash);
    }
    if (rc == SL_OK && had != NULL) {
        sl_id_print(had, out->had_hash);
    }
    return rc;
}

static sl_rc_t move(sl_window_t *out, const used_t *used, sl_err_t *err)
{
    const sl_browser_key_t *key = used->ask->key;
    apr_pool_t *p = used->trace->p;
    window_cookie_t cookie;
    sl_launch_finished_t done = {0};
    sl_launch_move_t row = {0};
    sl_rc_t rc = new_cookie(&cookie, used, err);

    if (rc == SL_OK) {
        rc = sl_store_launch_id(&row.stand_in, key->now, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (sl_id_derive(&out->handle, used->rt->ring, used->ticket.key_id, SL_ID_HANDLE,
                     used->ticket.launch, p) != SL_OK) {
        return sl_err_set(err, SL_EXPIRED, "SL4901", "the key of a launch is gone");
    }
    sl_trace_ok(used->trace, "window", 0, 0, "to a window of its own");
    row.id = used->ticket.launch;
    row.browser_hash = key->cookie != NULL ? cookie.had_hash : NULL;
    row.new_browser_hash = cookie.new_hash;
    row.toplevel = used->ask->toplevel;
    row.max = key->max;
    row.idle = key->idle;
    row.steps = used->trace->steps;
    rc = sl_store_launch_move(&done, used->rt->db, &row, p, err);
    out->held = done.held;
    out->new_browser = done.moved ? cookie.value : NULL;
    return rc;
}

/** The pending launch's particulars name its browser: they are sealed anew. */
static sl_rc_t reseal(sl_launch_adopt_t *out, const used_t *used, sl_err_t *err)
{
    const sl_ticket_t *ticket = &used->ticket;
    const sl_pending_row_t covered = {ticket->launch, used->ask->site->app, ticket->ehr};
    apr_pool_t *p = used->trace->p;
    sl_launch_claimed_t row = {0};
    sl_pending_t pending = {0};
    sl_rc_t rc;

    row.id = ticket->launch;
    row.app = used->ask->site->app;
    row.ehr = ticket->ehr;
    row.key_id = ticket->key_id;
    row.pending_sealed = ticket->pending_sealed;
    rc = sl_vault_open_pending(&pending, used->rt->ring, &row, p, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (!sl_secret_text_eq(pending.browser_hash,
                           sl_text_hex(p, ticket->browser_hash, SL_SHA256_LEN))) {
        return sl_err_set(err, SL_FOREIGN, "SL4902", "a launch's browser was changed in its row");
    }
    pending.browser_hash = sl_text_hex(p, out->browser_hash, SL_SHA256_LEN);
    out->key_id = sl_keyring_active(used->rt->ring);
    return sl_vault_seal_pending(&out->pending_sealed, used->rt->ring, &covered, &pending, p, err);
}

static sl_rc_t open_answer(sl_window_t *out, const used_t *used, sl_err_t *err)
{
    const sl_callback_row_t covered = {used->hash, used->ticket.state_hash};
    sl_callback_t callback = {0};
    sl_rc_t rc = sl_vault_open_callback(&callback, used->rt->ring, &covered, &used->ticket,
                                        used->trace->p, err);

    out->has_answer = rc == SL_OK;
    out->answer.kind = SL_REDIRECT_CODE;
    out->answer.state = callback.state;
    out->answer.code = callback.code;
    out->answer.iss = callback.iss;
    return rc;
}

/** The launch waits on, for the window that will finish it. */
static sl_rc_t adopt(sl_window_t *out, const used_t *used, sl_err_t *err)
{
    const char *had = used->ask->key->cookie;
    window_cookie_t cookie;
    sl_launch_adopt_t row = {0};
    sl_rc_t rc = new_cookie(&cookie, used, err);

    if (rc != SL_OK) {
        return rc;
    }
    row.id = used->ticket.launch;
    row.was_hash = used->ticket.browser_hash;
    row.browser_hash = had != NULL ? cookie.had_hash : cookie.new_hash;
    rc = reseal(&row, used, err);
    if (rc == SL_OK) {
        rc = sl_store_launch_adopt(used->rt->db, &row, used->trace->p, err);
    }
    out->browser = had != NULL ? had : cookie.value;
    out->new_browser = had != NULL ? NULL : cookie.value;
    return rc;
}

static sl_rc_t carry_out(sl_window_t *out, const used_t *used, sl_err_t *err)
{
    const sl_ticket_t *ticket = &used->ticket;
    sl_rc_t rc;

    if (!ticket->has_code) {
        return move(out, used, err);
    }
    if (ticket->state != SL_LAUNCH_PENDING || ticket->redirect_path == NULL ||
        strcmp(ticket->redirect_path, used->ask->site->path) != 0) {
        return sl_err_set(err, SL_EXPIRED, "SL4906",
                          "the launch that a ticket keeps was finished otherwise");
    }
    rc = open_answer(out, used, err);
    return rc == SL_OK ? adopt(out, used, err) : rc;
}

/** It opens nothing (any more). What was used twice has ended by now. */
static sl_rc_t refuse(const used_t *used, sl_err_t *err)
{
    sl_err_t lost;
    sl_rc_t rc;

    if (used->ticket.outcome == SL_TICKET_UNKNOWN) {
        return sl_err_set(err, SL_INVALID, "SL4903", "no launch has this ticket");
    }
    rc = used->ticket.outcome == SL_TICKET_AGAIN
             ? sl_err_set(err, SL_USED, "SL4904",
                          "a ticket came a second time: the launch was ended")
             : sl_err_set(err, SL_EXPIRED, "SL4905", "a ticket came too late");
    sl_trace_failed(used->trace, "window", 0, 0, err);
    if (sl_store_steps_add(used->rt->db, used->ticket.launch, used->trace->steps, used->trace->p,
                           &lost) != SL_OK) {
        sl_log(&used->rt->log, SL_LOG_DEBUG, lost.id, "%s", lost.text);
    }
    return rc;
}

/** What this host knew of the launch is not so any more. */
static void forget(const used_t *used, const char *new_browser)
{
    const char *had = used->ask->key->cookie;
    const char *app = used->ask->site->app;

    forget_browser(used->rt, used->hash, app, used->trace->p);
    sl_grant_forget(used->rt, used->ticket.launch, used->ticket.key_id);
    if (had != NULL) {
        sl_browser_forget(used->rt, had, app);
    }
    if (new_browser != NULL || had != NULL) {
        remember_browser(used->rt, used->hash, new_browser != NULL ? new_browser : had);
    }
}

sl_rc_t sl_window_open(sl_window_t *out, const sl_runtime_t *rt, const sl_window_ask_t *ask,
                       sl_trace_t *trace, sl_err_t *err)
{
    used_t used;
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    memset(&used, 0, sizeof(used));
    used.rt = rt;
    used.ask = ask;
    used.trace = trace;
    if (!sl_id_is_ours(rt->ring, SL_ID_TICKET, ask->ticket)) {
        return sl_err_set(err, SL_INVALID, "SL4907", "a window without a ticket of ours");
    }
    sl_id_print(ask->ticket, used.hash);
    rc = sl_store_ticket_use(&used.ticket, rt->db, used.hash, ask->site->app, trace->p, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (used.ticket.outcome != SL_TICKET_USED) {
        rc = refuse(&used, err);
    } else {
        rc = carry_out(out, &used, err);
    }
    if (used.ticket.outcome == SL_TICKET_USED || used.ticket.outcome == SL_TICKET_AGAIN) {
        forget(&used, out->new_browser);
    }
    return rc;
}
