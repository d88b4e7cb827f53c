/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_audit_writer.h"

#include <signal.h>
#include <string.h>

#define BUFFER ((apr_size_t)8 * 1024 * 1024)
#define STATS_TRIES 20 /* a millisecond apart */
#define STOP_WITHIN apr_time_from_sec(2) /* after three httpd tells a child again */

/**
 * The mutex, within a second: in the prefork MPM a signal ends the child in the middle of whatever
 * its one thread does, and that may be holding the mutex.
 */
static bool lock_to_stop(sl_audit_t *audit)
{
    for (int i = 0; i < 100; i++) {
        if (apr_thread_mutex_trylock(audit->mutex) == APR_SUCCESS) {
            return true;
        }
        apr_sleep(apr_time_from_msec(10));
    }
    return false;
}

/** PostgreSQL keeps the writer waiting: what it has and what is behind it goes to the journal. */
static void rescue(sl_audit_t *audit)
{
    int before;

    do {
        while (audit->is_journalling) {
            (void)apr_thread_cond_wait(audit->known, audit->mutex);
        }
        before = audit->queue.count;
        sl_audit_journal(audit);
        /* Until that has brought home what is in flight, or the disk takes no more. */
    } while (before > 0 && audit->queue.count < before);
}

static apr_status_t stop(void *data)
{
    sl_audit_t *audit = data;
    apr_status_t result;
    bool is_rescued = false;

    if (!lock_to_stop(audit)) {
        return APR_SUCCESS;
    }
    audit->is_stopping = true;
    audit->stop_by = apr_time_now() + STOP_WITHIN;
    (void)apr_thread_cond_signal(audit->work);
    while (!audit->has_ended) {
        (void)apr_thread_cond_timedwait(audit->known, audit->mutex, SL_AUDIT_PATIENCE);
        if (!audit->has_ended && !is_rescued && apr_time_now() >= audit->stop_by) {
            rescue(audit);
            is_rescued = true;
        }
    }
    (void)apr_thread_mutex_unlock(audit->mutex);
    (void)apr_thread_join(&result, audit->thread);
    return APR_SUCCESS;
}

/** Signals are for the main thread, which knows what to do with them. */
static apr_status_t start(sl_audit_t *audit)
{
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t all, before;
    apr_status_t status;

    (void)sigfillset(&all);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        (void)sigdelset(&all, faults[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status = apr_thread_create(&audit->thread, NULL, sl_audit_write, audit, audit->pool);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

sl_rc_t sl_audit_open(sl_audit_t **out, const sl_audit_options_t *options, apr_pool_t *p,
                      sl_err_t *err)
{
    sl_audit_t *audit = apr_pcalloc(p, sizeof(*audit));

    audit->options = *options;
    audit->pool = p;
    if (apr_thread_mutex_create(&audit->mutex, APR_THREAD_MUTEX_DEFAULT, p) != APR_SUCCESS ||
        apr_thread_cond_create(&audit->work, p) != APR_SUCCESS ||
        apr_thread_cond_create(&audit->known, p) != APR_SUCCESS || start(audit) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL4617", "no thread for the audit");
    }
    apr_pool_pre_cleanup_register(p, audit, stop);
    *out = audit;
    return SL_OK;
}

/** Is there room? Whoever finds none makes some: the disk takes part of what waits. */
static bool make_room(sl_audit_t *audit)
{
    while (audit->queue.bytes + audit->late.bytes >= BUFFER) {
        if (audit->is_journalling) {
            (void)apr_thread_cond_timedwait(audit->known, audit->mutex, SL_AUDIT_PATIENCE);
        } else if (audit->options.spool != NULL && audit->queue.count > 0 &&
                   apr_time_now() >= audit->journal_at) {
            sl_audit_journal(audit);
        } else {
            return false;
        }
    }
    return true;
}

/** Call the writer for a first row, or a full batch; in between it comes by itself. */
static void call_writer(sl_audit_t *audit)
{
    if (audit->has_ended) {
        sl_audit_journal(audit);
    } else if (audit->queue.count == 1 || audit->queue.count == SL_AUDIT_BATCH_ROWS) {
        (void)apr_thread_cond_signal(audit->work);
    }
}

void sl_audit_add(sl_audit_t *audit, const sl_access_t *row)
{
    (void)apr_thread_mutex_lock(audit->mutex);
    if (make_room(audit) && sl_audit_queue_add(&audit->queue, row, NULL)) {
        call_writer(audit);
    } else {
        sl_audit_lose(audit, 1);
    }
    (void)apr_thread_mutex_unlock(audit->mutex);
}

/** Until the row has fared somehow; as long as PostgreSQL is away, by way of the journal. */
static void wait_for(sl_audit_t *audit, const sl_audit_verdict_t *verdict)
{
    apr_time_t patient_until = apr_time_now() + SL_AUDIT_PATIENCE;

    while (!verdict->is_known) {
        apr_time_t now = apr_time_now();

        /* Those who come while it is slow need not find that out by waiting, too. */
        audit->is_away = audit->is_away || now >= patient_until;
        if (!audit->is_away) {
            (void)apr_thread_cond_timedwait(audit->known, audit->mutex, patient_until - now);
        } else if (audit->is_journalling) {
            (void)apr_thread_cond_timedwait(audit->known, audit->mutex, SL_AUDIT_PATIENCE);
        } else {
            sl_audit_journal(audit);
        }
    }
}

sl_rc_t sl_audit_commit(sl_audit_t *audit, const sl_access_t *row, sl_err_t *err)
{
    sl_audit_verdict_t verdict = {false, SL_OK};

    (void)apr_thread_mutex_lock(audit->mutex);
    if (sl_audit_queue_add(&audit->queue, row, &verdict)) {
        call_writer(audit);
        wait_for(audit, &verdict);
    } else {
        verdict.rc = SL_UNAVAILABLE;
    }
    (void)apr_thread_mutex_unlock(audit->mutex);
    if (verdict.rc != SL_OK) {
        return sl_err_set(err, SL_UNAVAILABLE, "SL4618",
                          "SmartAudit required: neither PostgreSQL nor the journal took the row of "
                          "this call");
    }
    return SL_OK;
}

void sl_audit_complete(sl_audit_t *audit, const sl_access_t *row)
{
    (void)apr_thread_mutex_lock(audit->mutex);
    /* Without room the row stays as it is; nothing that matters is lost. */
    if (make_room(audit) && sl_audit_queue_add(&audit->late, row, NULL) && audit->late.count == 1) {
        (void)apr_thread_cond_signal(audit->work);
    }
    (void)apr_thread_mutex_unlock(audit->mutex);
}

bool sl_audit_is_required(const sl_audit_t *audit)
{
    return audit->options.mode == SL_AUDIT_REQUIRED;
}

bool sl_audit_stats(sl_audit_t *audit, sl_audit_stats_t *out)
{
    for (int i = 0; i < STATS_TRIES; i++) {
        if (apr_thread_mutex_trylock(audit->mutex) == APR_SUCCESS) {
            *out = audit->stats;
            out->waiting = (apr_uint64_t)(audit->queue.count + audit->flight.count);
            (void)apr_thread_mutex_unlock(audit->mutex);
            return true;
        }
        apr_sleep(apr_time_from_msec(1));
    }
    return false;
}
