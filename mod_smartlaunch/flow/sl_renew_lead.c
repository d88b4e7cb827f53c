/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_renew_lead.h"
#include "base/sl_text.h"
#include "flow/sl_grant.h"
#include "flow/sl_journal.h"
#include "flow/sl_refresh.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_OWED 'O'
#define KIND_AFTER_REFUSAL 'X'

#define NO_LOOP apr_time_from_sec(30)    /* a new token that is refused at once is not renewed */
#define OWED apr_time_from_sec(6 * 3600) /* how long a lease in doubt is remembered */
#define RETRY_MIN 1                      /* seconds, when the EHR does not say */
#define RETRY_MAX 60
#define AFTER_CALL apr_time_from_sec(10)

apr_interval_time_t sl_renew_lead_length(const sl_ehr_t *ehr)
{
    apr_interval_time_t connect =
        ehr->connect_timeout > 0 ? ehr->connect_timeout : apr_time_from_sec(3);
    apr_interval_time_t whole = ehr->timeout > 0 ? ehr->timeout : apr_time_from_sec(10);

    return connect + whole + AFTER_CALL;
}

static sl_shm_key_t key_of(unsigned char kind, const char *launch, apr_int64_t generation)
{
    char text[64 + 24];

    apr_snprintf(text, sizeof(text), "%s\n%" APR_INT64_T_FMT, launch, generation);
    return sl_shm_key(kind, text, strlen(text));
}

static void put(const sl_runtime_t *rt, const sl_shm_key_t *key, const char *text,
                apr_interval_time_t life)
{
    sl_shm_put_t entry = {{(const unsigned char *)text, strlen(text)}, 0, 0, SL_SHM_LOW};
    sl_err_t err;

    entry.now = apr_time_now();
    entry.expires = entry.now + life;
    if (sl_shm_put(rt->shm, key, &entry, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

bool sl_renew_lead_was_refused(const sl_runtime_t *rt, const char *launch, apr_int64_t generation,
                               apr_pool_t *tmp)
{
    const sl_shm_key_t key = key_of(KIND_AFTER_REFUSAL, launch, generation);
    sl_shm_entry_t entry;

    return sl_shm_get(rt->shm, &key, apr_time_now(), &entry, tmp) == SL_OK;
}

/* ---- the lease ---- */

static sl_rc_t give_back(const sl_runtime_t *rt, const sl_renewal_job_t *job, const char *by,
                         const sl_err_t *why, int retry)
{
    const sl_token_release_t release = {job->launch, by, job->generation, apr_time_from_sec(retry),
                                        why->text};
    sl_err_t err;
    sl_rc_t rc = sl_store_token_release(rt->db, &release, &err);

    if (rc != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
    return rc;
}

/**
 * PostgreSQL went away while we asked: nothing was sent to the EHR, but we may hold the lease. It
 * is given back now, or before the next one is asked for; else it would pass for an interrupted
 * renewal, whose refresh token nobody dares to use.
 */
static void leave_in_doubt(const sl_runtime_t *rt, const sl_renewal_job_t *job, const char *by,
                           const sl_err_t *why)
{
    const sl_shm_key_t key = key_of(KIND_OWED, job->launch, job->generation);

    if (give_back(rt, job, by, why, 0) != SL_OK) {
        put(rt, &key, by, OWED);
    }
}

static void settle_doubt(const sl_runtime_t *rt, const sl_renewal_job_t *job, apr_pool_t *p)
{
    const sl_shm_key_t key = key_of(KIND_OWED, job->launch, job->generation);
    const sl_err_t why = {SL_UNAVAILABLE, "SL4541", 0, "PostgreSQL went away during a lease"};
    sl_shm_entry_t entry;

    if (sl_shm_get(rt->shm, &key, apr_time_now(), &entry, p) == SL_OK &&
        give_back(rt, job, (const char *)entry.value.bytes, &why, 0) == SL_OK) {
        sl_shm_del(rt->shm, &key);
    }
}

/** Of this attempt only: another thread of this process must not give it back. */
static sl_rc_t name_lease(const char **out, const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    unsigned char random[6];
    sl_rc_t rc = sl_digest_random(random, sizeof(random), err);

    if (rc == SL_OK) {
        *out = apr_pstrcat(p, rt->self != NULL ? rt->self : "?", " ",
                           sl_text_hex(p, random, sizeof(random)), NULL);
    }
    return rc;
}

/* ---- what came ---- */

typedef struct {
    sl_token_view_t *view;     /* the row as leased, in our time */
    apr_interval_time_t ahead; /* our clock before the database's */
    apr_time_t began;          /* before it was leased */
    const char *by;
} leased_t;

static sl_rc_t seal_next(sl_journal_entry_t *entry, const sl_runtime_t *rt, const leased_t *leased,
                         const sl_refreshed_t *fresh, const sl_secret_t *old_refresh, apr_pool_t *p,
                         sl_err_t *err)
{
    const sl_token_t *was = &leased->view->token;
    const sl_tokens_t tokens = {
        fresh->tokens.access, fresh->tokens.refresh != NULL ? fresh->tokens.refresh : old_refresh};
    sl_sealed_tokens_t sealed;
    sl_rc_t rc;

    memset(entry, 0, sizeof(*entry));
    entry->row.launch = was->launch;
    entry->row.app = was->app;
    entry->row.ehr = was->ehr;
    entry->row.app_user = was->app_user;
    entry->row.patient = was->patient;
    entry->row.generation = was->generation + 1;
    rc = sl_vault_seal_tokens(&sealed, rt->ring, &entry->row, &tokens, p, err);
    if (rc == SL_OK) {
        entry->next.launch = was->launch;
        entry->next.follows = was->generation;
        entry->next.app_user = was->app_user;
        entry->next.access_sealed = sealed.access;
        entry->next.refresh_sealed = sealed.refresh;
        entry->next.key_id = sealed.key_id;
        entry->next.scope_granted = fresh->tokens.scope;
        entry->next.issued_at = fresh->at - leased->ahead;
        entry->next.lifetime = apr_time_from_sec(fresh->tokens.expires_in);
        entry->next.encounter = fresh->encounter;
        entry->next.context = fresh->context;
    }
    return rc;
}

/** The row as it is, or will be; `at`: when it was issued, in our time. */
static void become(sl_token_view_t *view, const sl_journal_entry_t *entry, apr_time_t at)
{
    sl_token_t *token = &view->token;

    token->generation = entry->row.generation;
    token->access_sealed = entry->next.access_sealed;
    token->refresh_sealed = entry->next.refresh_sealed;
    token->key_id = entry->next.key_id;
    if (entry->next.scope_granted != NULL) {
        token->scope_granted = entry->next.scope_granted;
    }
    token->issued_at = at;
    token->expires_at = entry->next.lifetime > 0 ? at + entry->next.lifetime : 0;
    token->status = SL_TOKEN_ACTIVE;
    view->can_renew = true;
    view->lease_until = view->retry_at = 0;
}

/** On this host's disk, then in PostgreSQL, then for everybody here; then off the disk. */
static sl_rc_t keep(sl_token_view_t *out, const sl_runtime_t *rt, const sl_renewal_job_t *job,
                    const leased_t *leased, const sl_journal_entry_t *entry, apr_pool_t *p,
                    sl_err_t *err)
{
    const sl_shm_key_t mark = key_of(KIND_AFTER_REFUSAL, job->launch, entry->row.generation);
    bool unsaved;
    sl_rc_t rc;

    /* Before anybody can find the new token, and have it refused in turn. */
    if (job->refused) {
        put(rt, &mark, "", NO_LOOP);
    }
    rc = sl_journal_put(rt, entry, p, err);
    if (rc != SL_OK) {
        sl_log(&rt->log, SL_LOG_ERROR, "SL4542", "a renewed token is not in the journal: %s (%s)",
               err->text, err->id);
    }
    rc = sl_journal_store(rt, entry, p, err);
    if (rc == SL_EXPIRED) {
        sl_journal_del(rt, entry, p);
        sl_grant_forget(rt, job->launch, job->key_id);
        return rc;
    }
    unsaved = rc != SL_OK && rc != SL_USED;
    if (unsaved) {
        sl_log(&rt->log, SL_LOG_WARN, "SL4543", "a renewed token waits in the journal: %s (%s)",
               err->text, err->id);
    }
    *out = *leased->view;
    become(out, entry, entry->next.issued_at + leased->ahead);
    /* The launch may have changed during the call: then it is read again. */
    sl_grant_remember(rt, out, unsaved, unsaved ? apr_time_now() : leased->began);
    if (!unsaved) {
        sl_journal_del(rt, entry, p);
    }
    return SL_OK;
}

/* ---- what did not ---- */

static sl_rc_t end(const sl_runtime_t *rt, const sl_renewal_job_t *job, const char *error,
                   const char *end_launch, sl_err_t *err)
{
    const sl_token_over_t over = {job->launch, job->generation, error, end_launch};
    sl_err_t lost;

    if (sl_store_token_over(rt->db, &over, &lost) != SL_OK) {
        sl_log(&rt->log, SL_LOG_WARN, "SL4544",
               "a token that is over is not marked as such: %s (%s)", lost.text, lost.id);
    }
    sl_grant_forget(rt, job->launch, job->key_id);
    return err->rc = SL_EXPIRED;
}

static sl_rc_t fail(const sl_runtime_t *rt, const sl_renewal_job_t *job, const leased_t *leased,
                    sl_err_t *err)
{
    if (err->rc == SL_EXPIRED) {
        return end(rt, job, err->text, "the EHR refused to renew the token", err);
    }
    if (err->rc == SL_DENIED) {
        return end(rt, job, err->text, "the EHR answered for another patient or user", err);
    }
    if (err->retry_after < RETRY_MIN) {
        err->retry_after = RETRY_MIN;
    } else if (err->retry_after > RETRY_MAX) {
        err->retry_after = RETRY_MAX;
    }
    (void)give_back(rt, job, leased->by, err, err->retry_after);
    return err->rc;
}

/** The EHR's answer, or its failure, and what becomes of the row. */
static sl_rc_t refresh(sl_token_view_t *out, const sl_runtime_t *rt, const sl_renewal_job_t *job,
                       const leased_t *leased, sl_trace_t *trace, sl_err_t *err)
{
    sl_refresh_t call = {job->ehr, leased->view, NULL, job->holds_place};
    sl_journal_entry_t entry;
    sl_refreshed_t fresh = {0};
    sl_tokens_t tokens = {NULL, NULL};
    sl_rc_t rc = sl_vault_open_tokens(&tokens, rt->ring, &leased->view->token, trace->p, err);

    if (rc == SL_OK) {
        call.refresh = tokens.refresh;
        rc = sl_refresh_token(&fresh, rt, &call, trace, err);
    }
    if (rc == SL_OK) {
        rc = seal_next(&entry, rt, leased, &fresh, tokens.refresh, trace->p, err);
    }
    if (rc != SL_OK) {
        return fail(rt, job, leased, err);
    }
    return keep(out, rt, job, leased, &entry, trace->p, err);
}

static sl_rc_t renew(sl_token_view_t *out, const sl_runtime_t *rt, const sl_renewal_job_t *job,
                     const leased_t *leased, apr_pool_t *p, sl_err_t *err)
{
    sl_trace_t *trace = sl_trace_new(p, job->reference);
    sl_err_t lost;
    sl_rc_t rc;

    trace->holds_place = job->holds_place;
    rc = refresh(out, rt, job, leased, trace, err);

    if (rc == SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, "SL4545", "%s: a token was renewed", job->ehr->name);
    } else {
        sl_log(&rt->log, SL_LOG_WARN, "SL4546", "%s: a token was not renewed: %s (%s)",
               job->ehr->name, err->text, err->id);
    }
    if (sl_store_steps_add(rt->db, job->launch, trace->steps, p, &lost) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, lost.id, "%s", lost.text);
    }
    return rc;
}

/**
 * Who held the lease died on the way, perhaps with the refresh token sent. Using it twice could
 * cost every token of this grant (RFR-4), so it stays unused. The launch lives on without FHIR
 * access; a journal that is brought home later puts it right.
 */
static sl_rc_t interrupted(const sl_runtime_t *rt, const sl_renewal_job_t *job, sl_err_t *err)
{
    sl_rc_t rc = sl_err_set(err, SL_USED, "SL4547",
                            "%s: a renewal was interrupted; its refresh token is not used again",
                            job->ehr->name);

    if (job->usable) {
        return rc;
    }
    sl_log(&rt->log, SL_LOG_WARN, err->id, "%s", err->text);
    return end(rt, job, err->text, NULL, err);
}

static sl_rc_t later(const sl_token_view_t *view, const sl_renewal_job_t *job, sl_err_t *err)
{
    apr_time_t wait = view->retry_at - apr_time_now();

    sl_err_set(err, SL_BUSY, "SL4548", "%s: a renewal failed a moment ago", job->ehr->name);
    err->retry_after = (int)(wait > 0 ? apr_time_sec(wait) + 1 : RETRY_MIN);
    return SL_BUSY;
}

static sl_rc_t judge(sl_token_view_t *out, const sl_runtime_t *rt, const sl_renewal_job_t *job,
                     sl_leased_t *got, leased_t *leased, apr_pool_t *p, sl_err_t *err)
{
    leased->view = &got->view;
    leased->ahead = apr_time_now() - got->view.now;

    sl_grant_our_time(&got->view);
    switch (got->outcome) {
    case SL_LEASE_WON:
        return renew(out, rt, job, leased, p, err);
    case SL_LEASE_BUSY:
        return sl_err_set(err, SL_NONE, "SL4549", "%s: another host renews the token",
                          job->ehr->name);
    case SL_LEASE_NEWER:
        *out = got->view;
        sl_grant_remember(rt, out, false, leased->began);
        return SL_OK;
    case SL_LEASE_LATER:
        return later(&got->view, job, err);
    case SL_LEASE_INTERRUPTED:
        return interrupted(rt, job, err);
    case SL_LEASE_OVER:
        break;
    }
    sl_grant_forget(rt, job->launch, job->key_id);
    return sl_err_set(err, SL_EXPIRED, "SL4550", "%s: the token is over", job->ehr->name);
}

sl_rc_t sl_renew_lead(sl_token_view_t *out, const sl_runtime_t *rt, const sl_renewal_job_t *job,
                      apr_pool_t *p, sl_err_t *err)
{
    sl_lease_t lease = {job->launch, job->generation, NULL, sl_renew_lead_length(job->ehr)};
    leased_t leased = {0};
    sl_leased_t got;
    int left;
    sl_rc_t rc = name_lease(&lease.by, rt, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_journal_replay(&left, rt, job->launch, p, err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err->id, "%s", err->text);
    }
    settle_doubt(rt, job, p);
    leased.by = lease.by;
    leased.began = apr_time_now();
    rc = sl_store_token_lease(&got, rt->db, &lease, p, err);
    if (rc == SL_OK) {
        return judge(out, rt, job, &got, &leased, p, err);
    }
    if (rc == SL_NONE) {
        return err->rc = SL_EXPIRED;
    }
    leave_in_doubt(rt, job, lease.by, err);
    return rc;
}
