/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_audit_writer.h"

#include "base/sl_digest.h"
#include "flow/sl_audit_replay.h"
#include "store/sl_schema.h"
#include <apr_strings.h>
#include <string.h>

#define LINGER apr_time_from_msec(100) /* rows wait this long for others to go along */
#define RETRY apr_time_from_sec(1)
#define SPILL ((apr_size_t)4 * 1024 * 1024) /* from here on the journal takes what waits */
#define MINUTE apr_time_from_sec(60)

#define NEVER APR_INT64_MAX

typedef enum { WRITE, COMPLETE, PROBE, JOURNAL, END } todo_t;

/** What the writer does next, and when. */
typedef struct {
    todo_t what;
    apr_time_t at;
} plan_t;

/** Is it a minute since this was said? */
static bool may_say(sl_audit_t *audit, sl_audit_says_t what)
{
    apr_time_t now = apr_time_now();

    if (audit->said_at[what] != 0 && now - audit->said_at[what] < MINUTE) {
        return false;
    }
    audit->said_at[what] = now;
    return true;
}

void sl_audit_lose(sl_audit_t *audit, int rows)
{
    audit->stats.lost += (apr_uint64_t)rows;
    if (rows > 0 && may_say(audit, SL_AUDIT_SAYS_LOST)) {
        sl_log(&audit->options.log, SL_LOG_ERROR, "SL4612",
               "%" APR_UINT64_T_FMT " rows of the audit were lost in this process so far: neither "
               "PostgreSQL nor the journal took them",
               audit->stats.lost);
    }
}

static sl_rc_t new_name(char name[SL_AUDIT_RECORD_NAME], const char *kind, sl_err_t *err)
{
    unsigned char random[12];
    sl_rc_t rc = sl_digest_random(random, sizeof(random), err);
    char *end = name + apr_snprintf(name, SL_AUDIT_RECORD_NAME, "%s.", kind);

    for (size_t i = 0; i < sizeof(random); i++) {
        end += apr_snprintf(end, 3, "%02x", random[i]);
    }
    return rc;
}

static sl_rc_t put(sl_audit_t *audit, const char *name, const char *json, apr_pool_t *tmp,
                   sl_err_t *err)
{
    if (audit->options.spool == NULL) {
        return sl_err_set(err, SL_UNAVAILABLE, "SL4614", "there is no journal");
    }
    return sl_spool_put(audit->options.spool, name, sl_secret_str(tmp, json), tmp, err);
}

/** Rows that nobody changes meanwhile become a record of the journal. */
static sl_rc_t put_record(sl_audit_t *audit, const char *kind, const sl_audit_queue_t *rows,
                          char name[SL_AUDIT_RECORD_NAME])
{
    bool is_late = strcmp(kind, SL_AUDIT_LATE) == 0;
    apr_pool_t *tmp = NULL;
    apr_array_header_t *all;
    sl_err_t err = {0};
    sl_rc_t rc;

    audit->is_journalling = true;
    (void)apr_thread_mutex_unlock(audit->mutex);
    apr_pool_create(&tmp, NULL); /* the child's own is one thread's in the prefork MPM */
    all = sl_audit_queue_rows(rows, tmp);
    rc = new_name(name, kind, &err);
    if (rc == SL_OK) {
        rc =
            put(audit, name,
                is_late ? sl_audit_late_json(tmp, all) : sl_store_access_json(tmp, all), tmp, &err);
    }
    apr_pool_destroy(tmp);
    (void)apr_thread_mutex_lock(audit->mutex);
    audit->is_journalling = false;
    if (rc == SL_OK) {
        audit->has_journalled = true;
        audit->stats.journalled += is_late ? 0 : (apr_uint64_t)rows->count;
    } else {
        audit->journal_at = apr_time_now() + RETRY;
        if (may_say(audit, SL_AUDIT_SAYS_JOURNAL)) {
            sl_log(&audit->options.log, SL_LOG_ERROR, "SL4613",
                   "the journal takes no rows of the audit: %s (%s)", err.text, err.id);
        }
    }
    (void)apr_thread_cond_broadcast(audit->known);
    return rc;
}

static void journal_queue(sl_audit_t *audit)
{
    char name[SL_AUDIT_RECORD_NAME];
    sl_audit_queue_t part;

    sl_audit_queue_take(&part, &audit->queue, SL_AUDIT_BATCH_ROWS);
    if (put_record(audit, SL_AUDIT_ROWS, &part, name) == SL_OK) {
        sl_audit_queue_tell(&part, SL_OK);
        sl_audit_queue_free(&part);
        return;
    }
    /* Nobody waits for a disk that is full; rows that nobody waits for have time. */
    sl_audit_queue_refuse(&part, SL_UNAVAILABLE);
    sl_audit_queue_refuse(&audit->queue, SL_UNAVAILABLE);
    sl_audit_queue_put_back(&audit->queue, &part);
}

static void journal_flight(sl_audit_t *audit)
{
    sl_rc_t rc = put_record(audit, SL_AUDIT_ROWS, &audit->flight, audit->flight_record);

    audit->is_flight_kept = rc == SL_OK;
    sl_audit_queue_tell(&audit->flight, rc == SL_OK ? SL_OK : SL_UNAVAILABLE);
}

void sl_audit_journal(sl_audit_t *audit)
{
    if (audit->queue.count > 0) {
        journal_queue(audit);
    } else if (audit->flight.count > 0 && !audit->is_flight_kept) {
        journal_flight(audit);
    }
}

static void say_refused(sl_audit_t *audit, sl_rc_t rc, const sl_err_t *err)
{
    /* That PostgreSQL is away is said elsewhere. */
    if (rc != SL_UNAVAILABLE && rc != SL_BUSY && may_say(audit, SL_AUDIT_SAYS_STORE)) {
        sl_log(&audit->options.log, SL_LOG_ERROR, "SL4611",
               "PostgreSQL refuses rows of the audit: %s (%s)", err->text, err->id);
    }
}

/** One row that the table does not take must not keep the others waiting: then each goes alone. */
static void find_culprit(sl_audit_t *audit)
{
    if (audit->flight.count > 1) {
        audit->singly = audit->flight.count;
        sl_audit_queue_put_back(&audit->queue, &audit->flight);
        return;
    }
    sl_audit_queue_tell(&audit->flight, SL_UNAVAILABLE);
    sl_audit_lose(audit, audit->flight.count);
    sl_audit_queue_free(&audit->flight);
}

/** The statement has ended; somebody may have put its rows into the journal in the meantime. */
static void settle(sl_audit_t *audit, sl_rc_t rc)
{
    while (audit->is_journalling) {
        (void)apr_thread_cond_wait(audit->known, audit->mutex);
    }
    audit->is_away = rc != SL_OK && rc != SL_INVALID;
    audit->probe_at = apr_time_now() + RETRY;
    if (rc == SL_OK) {
        audit->stats.written += (apr_uint64_t)audit->flight.count;
    }
    if (audit->is_flight_kept) {
        if (rc == SL_OK) {
            audit->stats.journalled -= (apr_uint64_t)audit->flight.count;
            sl_spool_del(audit->options.spool, audit->flight_record);
        }
        sl_audit_queue_free(&audit->flight);
        audit->is_flight_kept = false;
    } else if (rc == SL_OK) {
        sl_audit_queue_tell(&audit->flight, SL_OK);
        sl_audit_queue_free(&audit->flight);
    } else if (rc == SL_INVALID) {
        find_culprit(audit);
    } else {
        sl_audit_queue_put_back(&audit->queue, &audit->flight);
    }
    (void)apr_thread_cond_broadcast(audit->known);
}

static void write_rows(sl_audit_t *audit, apr_pool_t *tmp)
{
    bool alone = audit->singly > 0;
    sl_err_t err = {0};
    sl_rc_t rc;

    audit->singly -= alone ? 1 : 0;
    sl_audit_queue_take(&audit->flight, &audit->queue, alone ? 1 : SL_AUDIT_BATCH_ROWS);
    (void)apr_thread_mutex_unlock(audit->mutex);
    rc = sl_store_access_add(audit->options.db,
                             sl_store_access_json(tmp, sl_audit_queue_rows(&audit->flight, tmp)),
                             &err);
    (void)apr_thread_mutex_lock(audit->mutex);
    if (rc != SL_OK) {
        say_refused(audit, rc, &err);
    }
    settle(audit, rc);
}

/** Rows in the journal get their figures only when they are home. */
static bool are_rows_home(sl_audit_t *audit, apr_pool_t *tmp)
{
    apr_array_header_t *names = NULL;
    sl_err_t err;

    return audit->options.spool == NULL ||
           (sl_spool_list(&names, audit->options.spool, SL_AUDIT_ROWS ".", 1, tmp, &err) == SL_OK &&
            names->nelts == 0);
}

static void complete_rows(sl_audit_t *audit, apr_pool_t *tmp)
{
    bool look = audit->has_journalled;
    bool is_home = true;
    sl_audit_queue_t part;
    sl_err_t err = {0};
    sl_rc_t rc = SL_BUSY;

    sl_audit_queue_take(&part, &audit->late, SL_AUDIT_BATCH_ROWS);
    audit->has_journalled = false;
    (void)apr_thread_mutex_unlock(audit->mutex);
    if (look) {
        is_home = are_rows_home(audit, tmp);
    }
    if (is_home) {
        rc =
            sl_store_access_complete(audit->options.db, sl_audit_queue_rows(&part, tmp), tmp, &err);
    }
    (void)apr_thread_mutex_lock(audit->mutex);
    audit->has_journalled = audit->has_journalled || !is_home;
    if (is_home && rc == SL_UNAVAILABLE) {
        audit->is_away = true;
        audit->probe_at = apr_time_now() + RETRY;
    }
    if (rc == SL_UNAVAILABLE || rc == SL_BUSY) {
        audit->late_at = apr_time_now() + RETRY;
        sl_audit_queue_put_back(&audit->late, &part);
        return;
    }
    if (rc != SL_OK) {
        say_refused(audit, rc, &err);
    }
    sl_audit_queue_free(&part);
}

static void probe(sl_audit_t *audit, apr_pool_t *tmp)
{
    sl_err_t err = {0};
    sl_rc_t rc;

    (void)apr_thread_mutex_unlock(audit->mutex);
    rc = sl_schema_check(audit->options.db, tmp, &err);
    (void)apr_thread_mutex_lock(audit->mutex);
    audit->is_away = rc != SL_OK;
    audit->probe_at = apr_time_now() + RETRY;
}

/** What PostgreSQL will not take now goes to the journal, or is lost. */
static void give_up(sl_audit_t *audit)
{
    char name[SL_AUDIT_RECORD_NAME];

    while (audit->queue.count > 0) {
        int before = audit->queue.count;

        while (audit->is_journalling) {
            (void)apr_thread_cond_wait(audit->known, audit->mutex);
        }
        sl_audit_journal(audit);
        if (audit->queue.count >= before) {
            break;
        }
    }
    sl_audit_queue_tell(&audit->queue, SL_UNAVAILABLE);
    sl_audit_lose(audit, audit->queue.count);
    sl_audit_queue_free(&audit->queue);
    while (audit->late.count > 0) {
        sl_audit_queue_t part;

        sl_audit_queue_take(&part, &audit->late, SL_AUDIT_BATCH_ROWS);
        if (put_record(audit, SL_AUDIT_LATE, &part, name) != SL_OK) {
            sl_audit_queue_free(&audit->late);
        }
        sl_audit_queue_free(&part);
    }
}

static plan_t plan_to_stop(const sl_audit_t *audit, apr_time_t now)
{
    bool may = !audit->is_away && now < audit->stop_by;

    if (may && audit->queue.count > 0) {
        return (plan_t){WRITE, now};
    }
    if (may && audit->late.count > 0 && !audit->has_journalled && now >= audit->late_at) {
        return (plan_t){COMPLETE, now};
    }
    return (plan_t){END, now};
}

static plan_t plan_while_away(const sl_audit_t *audit)
{
    if (audit->options.spool != NULL && audit->queue.bytes > SPILL && !audit->is_journalling) {
        apr_time_t at = audit->journal_at < audit->probe_at ? audit->journal_at : audit->probe_at;

        return (plan_t){at == audit->journal_at ? JOURNAL : PROBE, at};
    }
    return (plan_t){PROBE, audit->probe_at};
}

static plan_t plan_as_usual(const sl_audit_t *audit, apr_time_t now)
{
    apr_time_t rows = NEVER, late = NEVER;

    if (audit->queue.count > 0) {
        bool at_once = audit->options.mode == SL_AUDIT_REQUIRED || audit->singly > 0 ||
                       audit->queue.count >= SL_AUDIT_BATCH_ROWS;

        rows = at_once ? now : audit->queue.since + LINGER;
    }
    if (audit->late.count > 0) {
        late = audit->late.since + LINGER;
        late = late > audit->late_at ? late : audit->late_at;
    }
    return rows <= late ? (plan_t){WRITE, rows} : (plan_t){COMPLETE, late};
}

static plan_t plan(const sl_audit_t *audit, apr_time_t now)
{
    if (audit->is_stopping) {
        return plan_to_stop(audit, now);
    }
    return audit->is_away ? plan_while_away(audit) : plan_as_usual(audit, now);
}

/** Wait until there is something to do. */
static todo_t next(sl_audit_t *audit)
{
    for (;;) {
        apr_time_t now = apr_time_now();
        plan_t then = plan(audit, now);

        if (then.at <= now) {
            return then.what;
        }
        if (then.at == NEVER) {
            (void)apr_thread_cond_wait(audit->work, audit->mutex);
        } else {
            (void)apr_thread_cond_timedwait(audit->work, audit->mutex, then.at - now);
        }
    }
}

/** One thing. false: it was the last. */
static bool work(sl_audit_t *audit, apr_pool_t *tmp)
{
    switch (next(audit)) {
    case WRITE:
        write_rows(audit, tmp);
        return true;
    case COMPLETE:
        complete_rows(audit, tmp);
        return true;
    case PROBE:
        probe(audit, tmp);
        return true;
    case JOURNAL:
        sl_audit_journal(audit);
        return true;
    case END:
        break;
    }
    give_up(audit);
    return false;
}

void *APR_THREAD_FUNC sl_audit_write(apr_thread_t *thread, void *data)
{
    sl_audit_t *audit = data;
    apr_pool_t *tmp = NULL;

    (void)thread;
    apr_pool_create(&tmp, NULL);
    (void)apr_thread_mutex_lock(audit->mutex);
    while (work(audit, tmp)) {
        apr_pool_clear(tmp);
    }
    audit->has_ended = true;
    (void)apr_thread_cond_broadcast(audit->known);
    (void)apr_thread_mutex_unlock(audit->mutex);
    apr_pool_destroy(tmp);
    return NULL;
}
