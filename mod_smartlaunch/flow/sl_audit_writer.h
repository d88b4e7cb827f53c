/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The thread of sl_audit that brings rows home, and the way into the journal that it shares with
 * the threads that wait for it. Everything here is called with the mutex held, and lets go of it
 * while PostgreSQL or the disk works.
 */
#ifndef SL_AUDIT_WRITER_H
#define SL_AUDIT_WRITER_H

#include "flow/sl_audit.h"
#include "flow/sl_audit_queue.h"
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

/** How long somebody waits for PostgreSQL before the journal has to do. */
#define SL_AUDIT_PATIENCE apr_time_from_sec(1)

#define SL_AUDIT_RECORD_NAME 48

/** What is said at most once a minute. */
typedef enum { SL_AUDIT_SAYS_LOST, SL_AUDIT_SAYS_STORE, SL_AUDIT_SAYS_JOURNAL } sl_audit_says_t;

struct sl_audit {
    sl_audit_options_t options;
    apr_pool_t *pool;
    apr_thread_t *thread;
    apr_thread_mutex_t *mutex; /* over everything below */
    apr_thread_cond_t *work;   /* for the writer */
    apr_thread_cond_t *known;  /* for all others: a row fared somehow, a record is written, … */

    sl_audit_queue_t queue;  /* rows that wait */
    sl_audit_queue_t flight; /* rows of the statement that PostgreSQL has before it */
    sl_audit_queue_t late;   /* bytes and milliseconds of rows that are home */
    int singly;              /* rows that go one by one, since one of them is refused */

    bool is_away;        /* PostgreSQL does not take rows now */
    bool is_journalling; /* somebody writes a record; rows of `flight` stay where they are */
    bool is_flight_kept; /* what is in flight is in the journal, too: as `flight_record` */
    bool has_journalled; /* rows that late figures belong to may still be in the journal */
    bool is_stopping, has_ended;
    char flight_record[SL_AUDIT_RECORD_NAME];

    apr_time_t probe_at, journal_at, late_at, stop_by; /* the first instant to try (again) */
    apr_time_t said_at[3];
    sl_audit_stats_t stats;
};

/** The thread. */
void *APR_THREAD_FUNC sl_audit_write(apr_thread_t *thread, void *audit);

/** Put the first rows that wait into the journal, or those in flight when none waits. */
void sl_audit_journal(sl_audit_t *audit);

/** Rows that nobody will see. */
void sl_audit_lose(sl_audit_t *audit, int rows);

#endif
