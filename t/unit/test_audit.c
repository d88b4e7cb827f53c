/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit's writer, with a PostgreSQL that does as it is told and a real journal: nothing is lost
 * by an outage, nobody waits for one twice, and what nobody can keep is refused or counted.
 */
#include "flow/sl_audit.h"
#include "flow/sl_audit_replay.h"
#include "store/sl_schema.h"
#include "tap.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_proc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY "a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define THREADS 16
#define EACH 25

/* PostgreSQL */
static apr_thread_mutex_t *mutex;
static apr_thread_cond_t *changed;
static sl_rc_t says;           /* of every call */
static bool hangs;             /* calls stay where they are */
static const char *culprit;    /* the table refuses this reference */
static int calls, rows_stored; /* statements that were begun; rows of those that were taken */
static int completed, completed_bytes;
static int crowds;          /* that came to this process */
static apr_pool_t *tables;  /* of `seen`; under the mutex like all this */
static apr_pool_t *threads; /* the main thread's */
static apr_hash_t *seen;    /* how often each reference was stored */

static void lock(void)
{
    (void)apr_thread_mutex_lock(mutex);
}

static void unlock(void)
{
    (void)apr_thread_mutex_unlock(mutex);
}

/** A text has a reference in each row, as "=R=reference=". */
static void note_rows(const char *json)
{
    for (const char *at = strstr(json, "=R="); at != NULL; at = strstr(at + 1, "=R=")) {
        const char *end = strchr(at + 3, '=');
        const char *name = apr_pstrmemdup(tables, at + 3, (apr_size_t)(end - at - 3));
        int *count = apr_hash_get(seen, name, APR_HASH_KEY_STRING);

        if (count == NULL) {
            count = apr_pcalloc(tables, sizeof(*count));
            apr_hash_set(seen, name, APR_HASH_KEY_STRING, count);
        }
        ++*count;
        rows_stored++;
    }
}

/** The answer to one statement, when it comes. The mutex is held. */
static sl_rc_t answer(void)
{
    calls++;
    (void)apr_thread_cond_broadcast(changed);
    while (hangs) {
        (void)apr_thread_cond_wait(changed, mutex);
    }
    return says;
}

const char *sl_store_access_json(apr_pool_t *p, const apr_array_header_t *rows)
{
    const char *text = "[";

    for (int i = 0; i < rows->nelts; i++) {
        const sl_access_t *row = &APR_ARRAY_IDX(rows, i, sl_access_t);

        text = apr_pstrcat(p, text, i > 0 ? "," : "", "{\"r\":\"=R=", row->reference,
                           "=\",\"p\":\"", row->patient != NULL ? row->patient : "", "\"}", NULL);
    }
    return apr_pstrcat(p, text, "]", NULL);
}

sl_rc_t sl_store_access_add(sl_db_t *db, const char *json, sl_err_t *err)
{
    sl_rc_t rc;

    lock();
    rc = answer();
    if (rc == SL_OK && culprit != NULL && strstr(json, culprit) != NULL) {
        rc = SL_INVALID;
    }
    if (rc == SL_OK) {
        note_rows(json);
    }
    unlock();
    (void)db;
    return rc == SL_OK ? rc : sl_err_set(err, rc, "SL0001", "told so");
}

sl_rc_t sl_store_access_complete(sl_db_t *db, const apr_array_header_t *rows, apr_pool_t *tmp,
                                 sl_err_t *err)
{
    sl_rc_t rc;

    (void)db, (void)tmp;
    lock();
    rc = answer();
    for (int i = 0; i < rows->nelts && rc == SL_OK; i++) {
        const sl_access_t *row = &APR_ARRAY_IDX(rows, i, sl_access_t);

        /* As the database does: there must be such a row. */
        completed += apr_hash_get(seen, row->reference, APR_HASH_KEY_STRING) != NULL ? 1 : 0;
        completed_bytes += (int)row->bytes;
    }
    (void)apr_thread_cond_broadcast(changed);
    unlock();
    return rc == SL_OK ? rc : sl_err_set(err, rc, "SL0001", "told so");
}

sl_rc_t sl_store_access_purge(bool *more, sl_db_t *db, apr_interval_time_t keep, apr_pool_t *p,
                              sl_err_t *err)
{
    (void)db, (void)keep, (void)p, (void)err;
    *more = false;
    return SL_OK;
}

sl_rc_t sl_schema_check(sl_db_t *db, apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc;

    (void)db, (void)p;
    lock();
    rc = says;
    unlock();
    return rc == SL_OK ? rc : sl_err_set(err, rc, "SL0001", "told so");
}

/** From now on PostgreSQL answers this. */
static void say(sl_rc_t rc, bool hang)
{
    lock();
    says = rc;
    hangs = hang;
    (void)apr_thread_cond_broadcast(changed);
    unlock();
}

/* The log */
static int logged[100];

static void log_line(void *data, sl_log_level_t level, const char *id, const char *text)
{
    (void)data, (void)level, (void)text;
    lock();
    logged[atoi(id + 4) % 100]++;
    unlock();
}

static int lines(int id)
{
    int n;

    lock();
    n = logged[id];
    unlock();
    return n;
}

/** Wait until `*what` is `n`, for so long at most. */
static bool comes_to_in(const int *what, int n, apr_interval_time_t most)
{
    apr_time_t end = apr_time_now() + most;
    bool is;

    lock();
    while (*what != n && apr_time_now() < end) {
        (void)apr_thread_cond_timedwait(changed, mutex, apr_time_from_msec(20));
    }
    is = *what == n;
    unlock();
    return is;
}

static bool comes_to(const int *what, int n)
{
    return comes_to_in(what, n, apr_time_from_sec(10));
}

static int times_stored(const char *reference)
{
    int *count;

    lock();
    count = apr_hash_get(seen, reference, APR_HASH_KEY_STRING);
    unlock();
    return count != NULL ? *count : 0;
}

/** Are there `rows` different ones, and each once? */
static bool each_once(int rows)
{
    int different, stored;

    lock();
    different = (int)apr_hash_count(seen);
    stored = rows_stored;
    unlock();
    if (different != rows || stored != rows) {
        diag("%d different rows, %d altogether, want %d", different, stored, rows);
    }
    return different == rows && stored == rows;
}

/* One process after the other, each with a pool; the journal outlives it. */
typedef struct {
    apr_pool_t *p;
    sl_audit_t *audit;
    sl_audit_options_t options;
    char dir[32];
} world_t;

static void open_journal(world_t *w)
{
    sl_keyring_t *ring = NULL;
    sl_err_t err = {0};

    if (sl_keyring_parse(&ring, sl_secret_str(w->p, KEY), w->p, &err) != SL_OK ||
        sl_spool_open(&w->options.spool, w->dir, ring, w->p, &err) != SL_OK) {
        diag("no journal: %s", err.text);
        abort();
    }
}

static world_t begin(sl_audit_mode_t mode, bool journal)
{
    world_t w = {.dir = "/tmp/test-audit-XXXXXX"};

    apr_pool_create(&w.p, NULL);
    lock();
    apr_pool_clear(tables);
    seen = apr_hash_make(tables);
    says = SL_OK;
    hangs = false;
    culprit = NULL;
    crowds = calls = rows_stored = completed = completed_bytes = 0;
    memset(logged, 0, sizeof(logged));
    unlock();
    w.options.mode = mode;
    w.options.log.write = log_line;
    if (mkdtemp(w.dir) == NULL) {
        abort();
    }
    if (journal) {
        open_journal(&w);
    }
    if (sl_audit_open(&w.audit, &w.options, w.p, NULL) != SL_OK) {
        abort();
    }
    return w;
}

/** The process ends; what comes after it finds its journal. */
static void stop(world_t *w)
{
    apr_pool_destroy(w->p);
    apr_pool_create(&w->p, NULL);
    w->audit = NULL;
    if (w->options.spool != NULL && access(w->dir, F_OK) == 0) {
        open_journal(w);
    }
}

/** Names in the journal that begin so. */
static int records(const world_t *w, const char *prefix)
{
    apr_dir_t *dir;
    apr_finfo_t entry;
    int n = 0;

    if (apr_dir_open(&dir, w->dir, w->p) != APR_SUCCESS) {
        return -1;
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        n += strncmp(entry.name, prefix, strlen(prefix)) == 0 ? 1 : 0;
    }
    (void)apr_dir_close(dir);
    return n;
}

static void clear_journal(const world_t *w)
{
    apr_dir_t *dir;
    apr_finfo_t entry;

    if (apr_dir_open(&dir, w->dir, w->p) == APR_SUCCESS) {
        while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
            (void)apr_file_remove(apr_pstrcat(w->p, w->dir, "/", entry.name, NULL), w->p);
        }
        (void)apr_dir_close(dir);
    }
    (void)apr_dir_remove(w->dir, w->p);
}

static void end(world_t *w)
{
    if (w->audit != NULL) {
        stop(w);
    }
    clear_journal(w);
    apr_pool_destroy(w->p);
}

static int replay(const world_t *w)
{
    sl_err_t err = {0};
    int left = -1;
    sl_rc_t rc = sl_audit_replay(&left, &w->options, w->p, &err);

    if (rc != SL_OK) {
        diag("replay: %s", err.text);
    }
    return rc == SL_OK ? left : -1;
}

/* Rows */
static sl_access_t row_of(const char *reference)
{
    const sl_access_t row = {
        .at = apr_time_now(),
        .via = SL_VIA_SESSION,
        .app = "app",
        .patient = "p1",
        .method = "GET",
        .resource = "Patient",
        .status = 200,
        .bytes = -1,
        .ms = -1,
        .reference = reference,
    };

    return row;
}

static void add(const world_t *w, const char *reference)
{
    sl_access_t row = row_of(reference);

    sl_audit_add(w->audit, &row);
}

static sl_rc_t commit(const world_t *w, const char *reference)
{
    sl_access_t row = row_of(reference);
    sl_err_t err = {0};

    return sl_audit_commit(w->audit, &row, &err);
}

static void complete(const world_t *w, const char *reference, int bytes)
{
    sl_access_t row = row_of(reference);

    row.bytes = bytes;
    row.ms = 5;
    sl_audit_complete(w->audit, &row);
}

/** Until so many rows have come and have fared in no way yet. */
static bool all_wait(const world_t *w, int n)
{
    apr_time_t until = apr_time_now() + apr_time_from_sec(10);
    sl_audit_stats_t stats = {0};

    while ((int)stats.waiting != n && apr_time_now() < until) {
        apr_thread_yield();
        sl_audit_stats(w->audit, &stats);
    }
    return (int)stats.waiting == n;
}

/* Many callers */
typedef struct {
    const world_t *w;
    int no, rows;
    bool waits;          /* for each row */
    int refused, unkept; /* rows that were; rows said to be kept that nobody had then */
} caller_t;

static void *APR_THREAD_FUNC call(apr_thread_t *thread, void *data)
{
    caller_t *caller = data;
    char reference[40];

    (void)thread;
    for (int i = 0; i < caller->rows; i++) {
        apr_snprintf(reference, sizeof(reference), "c%d-%d", caller->no, i);
        if (!caller->waits) {
            add(caller->w, reference);
        } else if (commit(caller->w, reference) != SL_OK) {
            caller->refused++;
        } else if (caller->w->options.spool == NULL && times_stored(reference) != 1) {
            caller->unkept++;
        }
        memset(reference, 'x', sizeof(reference)); /* a row was copied, or is home */
    }
    return NULL;
}

typedef struct {
    caller_t callers[THREADS];
    apr_thread_t *threads[THREADS];
} crowd_t;

static void come(crowd_t *crowd, const world_t *w, int rows, bool waits)
{
    memset(crowd, 0, sizeof(*crowd));
    for (int i = 0; i < THREADS; i++) {
        crowd->callers[i] =
            (caller_t){.w = w, .no = crowds * THREADS + i, .rows = rows, .waits = waits};
        if (apr_thread_create(&crowd->threads[i], NULL, call, &crowd->callers[i], threads) !=
            APR_SUCCESS) {
            abort();
        }
    }
    crowds++;
}

static void gone(crowd_t *crowd)
{
    apr_status_t status;

    for (int i = 0; i < THREADS; i++) {
        (void)apr_thread_join(&status, crowd->threads[i]);
    }
}

static int sum(const crowd_t *crowd, bool refused)
{
    int n = 0;

    for (int i = 0; i < THREADS; i++) {
        n += refused ? crowd->callers[i].refused : crowd->callers[i].unkept;
    }
    return n;
}

/* SmartAudit on */

static void batches(void)
{
    world_t w = begin(SL_AUDIT_ON, false);
    sl_audit_stats_t stats;
    crowd_t crowd;

    come(&crowd, &w, EACH, false);
    gone(&crowd);
    ok(comes_to(&rows_stored, THREADS * EACH), "on: all rows arrive");
    ok(each_once(THREADS * EACH), "on: each once, though the callers went on");
    ok(calls <= THREADS * EACH / 10, "on: many in one statement (%d statements)", calls);
    add(&w, "alone");
    ok(comes_to(&rows_stored, THREADS * EACH + 1), "on: a row that is alone arrives, too");
    sl_audit_stats(w.audit, &stats);
    is_int((int)stats.lost, 0, "on: none is lost");
    end(&w);
}

static void stop_writes(void)
{
    world_t w = begin(SL_AUDIT_ON, false);

    for (int i = 0; i < 500; i++) {
        add(&w, apr_itoa(w.p, i));
    }
    stop(&w);
    ok(each_once(500), "on: what waits when the process ends is written");
    end(&w);
}

static void outage(void)
{
    world_t w = begin(SL_AUDIT_ON, true);

    say(SL_UNAVAILABLE, false);
    for (int i = 0; i < 500; i++) {
        add(&w, apr_itoa(w.p, i));
    }
    ok(comes_to(&calls, 1), "on, away: it is tried");
    say(SL_OK, false);
    ok(comes_to(&rows_stored, 500), "on, away: rows wait and arrive when it is back");
    is_int(records(&w, "access."), 0, "… the journal was not needed");
    say(SL_UNAVAILABLE, false);
    add(&w, "last");
    stop(&w);
    is_int(records(&w, "access."), 1, "on, away: what waits when the process ends is journalled");
    is_int(times_stored("last"), 0, "… and nowhere else");
    say(SL_OK, false);
    is_int(replay(&w), 0, "… another process brings it home");
    ok(each_once(501), "… once");
    is_int(records(&w, ""), 2, "… and the journal is empty but for . and ..");
    end(&w);
}

static void buffer_without_journal(void)
{
    world_t w = begin(SL_AUDIT_ON, false);
    sl_audit_stats_t stats;
    char *much = apr_palloc(w.p, 20001);
    sl_access_t row = row_of("big");

    memset(much, 'x', 20000);
    much[20000] = '\0';
    row.resource = much;
    say(SL_UNAVAILABLE, false);
    for (int i = 0; i < 600; i++) {
        sl_audit_add(w.audit, &row);
    }
    sl_audit_stats(w.audit, &stats);
    ok(stats.lost > 0 && stats.lost < 300, "without a journal rows beyond the buffer are lost");
    is_int((int)(stats.lost + stats.waiting), 600, "… and counted");
    is_int(lines(12), 1, "SL4612: … and it is said once");
    end(&w);
}

static void buffer_with_journal(void)
{
    world_t w = begin(SL_AUDIT_ON, true);
    char *much = apr_palloc(w.p, 20001);

    memset(much, 'x', 20000);
    much[20000] = '\0';
    say(SL_UNAVAILABLE, false);
    for (int i = 0; i < 600; i++) {
        sl_access_t row = row_of(apr_itoa(w.p, i));

        row.patient = much;
        sl_audit_add(w.audit, &row);
    }
    stop(&w);
    is_int(lines(12), 0, "with a journal no row is lost for want of room");
    say(SL_OK, false);
    while (replay(&w) > 0) {
    }
    ok(each_once(600), "… all are brought home, each once");
    end(&w);
}

static void culprits(void)
{
    world_t w = begin(SL_AUDIT_ON, false);
    sl_audit_stats_t stats;

    culprit = "=R=17=";
    for (int i = 0; i < 50; i++) {
        add(&w, apr_itoa(w.p, i));
    }
    ok(comes_to(&rows_stored, 49), "a row that the table refuses does not keep the others");
    sl_audit_stats(w.audit, &stats);
    add(&w, "more");
    ok(comes_to(&rows_stored, 50), "… nor those that follow");
    stop(&w);
    ok(each_once(50), "… each once");
    is_int(lines(11), 1, "SL4611: … it is said");
    is_int(lines(12), 1, "SL4612: … and counted as lost");
    end(&w);
}

/* SmartAudit required */

static void group_commit(void)
{
    world_t w = begin(SL_AUDIT_REQUIRED, false);
    apr_time_t begun;
    crowd_t crowd;
    int kept = 0;

    say(SL_OK, true);
    come(&crowd, &w, 1, true);
    ok(comes_to(&calls, 1) && all_wait(&w, THREADS), "required: the first row goes at once");
    lock();
    is_int(rows_stored, 0, "required: nobody is let go before its row is committed");
    unlock();
    say(SL_OK, false);
    gone(&crowd);
    ok(each_once(THREADS), "required: all rows are stored, each once");
    ok(calls <= 3, "required: many share one commit (%d commits)", calls);
    is_int(sum(&crowd, true), 0, "required: no call is refused");
    come(&crowd, &w, EACH, true);
    gone(&crowd);
    is_int(sum(&crowd, false), 0, "required: every row was committed when its caller went on");
    begun = apr_time_now();
    for (int i = 0; i < 40; i++) {
        kept += commit(&w, apr_itoa(w.p, i)) == SL_OK ? 1 : 0;
    }
    is_int(kept, 40, "required: one after the other");
    ok(apr_time_now() - begun < apr_time_from_sec(2), "required: no row waits for others to come");
    end(&w);
}

static void required_outage(void)
{
    world_t w = begin(SL_AUDIT_REQUIRED, true);
    apr_time_t begun;
    crowd_t crowd;

    say(SL_UNAVAILABLE, false);
    begun = apr_time_now();
    come(&crowd, &w, 5, true);
    gone(&crowd);
    ok(apr_time_now() - begun < apr_time_from_sec(2), "required, away: nobody waits for it");
    is_int(sum(&crowd, true), 0, "required, away: calls go on");
    ok(records(&w, "access.") > 0, "… their rows are in the journal");
    ok(records(&w, "access.") < THREADS * 5, "… many in one record");
    lock();
    is_int(rows_stored, 0, "… and nowhere else");
    unlock();
    say(SL_OK, false);
    is_int(replay(&w), 0, "… they are brought home");
    ok(each_once(THREADS * 5), "… each once");
    begun = apr_time_now();
    while (times_stored("back") == 0 && apr_time_now() - begun < apr_time_from_sec(10)) {
        is_int(commit(&w, "back"), SL_OK, "required, back: a call goes on");
        (void)replay(&w);
    }
    begun = apr_time_now();
    while (records(&w, "access.") > 0 && apr_time_now() - begun < apr_time_from_sec(10)) {
        (void)replay(&w);
    }
    is_int(commit(&w, "committed"), SL_OK, "required, back: calls are committed again");
    end(&w);
}

static void required_hang(bool commits)
{
    world_t w = begin(SL_AUDIT_REQUIRED, true);
    const char *how = commits ? "answers late" : "is gone";
    apr_time_t begun = apr_time_now();
    crowd_t crowd;

    say(commits ? SL_OK : SL_UNAVAILABLE, true);
    come(&crowd, &w, 1, true);
    gone(&crowd);
    ok(apr_time_now() - begun < apr_time_from_sec(4),
       "required, PostgreSQL hangs: it is waited for a moment only");
    is_int(sum(&crowd, true), 0, "… the journal takes the rows");
    begun = apr_time_now();
    is_int(commit(&w, "next"), SL_OK, "… and the next");
    ok(apr_time_now() - begun < apr_time_from_msec(500), "… which does not wait at all");
    lock();
    is_int(calls, 1, "… though the first statement has not been answered");
    hangs = false;
    (void)apr_thread_cond_broadcast(changed);
    unlock();
    stop(&w);
    say(SL_OK, false);
    is_int(replay(&w), 0, "… later the journal is brought home");
    ok(each_once(THREADS + 1), "PostgreSQL %s: each row is there once", how);
    end(&w);
}

static void nowhere(void)
{
    world_t w = begin(SL_AUDIT_REQUIRED, false);
    apr_time_t begun;
    crowd_t crowd;

    say(SL_UNAVAILABLE, false);
    (void)commit(&w, "first");
    begun = apr_time_now();
    come(&crowd, &w, 3, true);
    gone(&crowd);
    is_int(sum(&crowd, true), THREADS * 3, "required, no journal, away: every call is refused");
    ok(apr_time_now() - begun < apr_time_from_sec(1), "… at once");
    stop(&w);
    lock();
    is_int(rows_stored, 0, "… none of their rows turns up");
    unlock();
    end(&w);

    w = begin(SL_AUDIT_REQUIRED, true);
    clear_journal(&w);
    say(SL_UNAVAILABLE, false);
    add(&w, "patient");
    is_int(commit(&w, "x"), SL_UNAVAILABLE, "required, the journal's directory is gone: refused");
    is_int(commit(&w, "y"), SL_UNAVAILABLE, "… again");
    is_int(lines(13), 1, "SL4613: … and it is said once");
    say(SL_OK, false);
    ok(comes_to(&rows_stored, 1), "… a row that nobody waited for had time");
    is_int(times_stored("patient"), 1, "… and is stored");
    end(&w);
}

static void required_culprit(void)
{
    world_t w = begin(SL_AUDIT_REQUIRED, true);
    crowd_t crowd;

    culprit = "=R=c3-0=";
    say(SL_OK, true);
    come(&crowd, &w, 1, true);
    ok(comes_to(&calls, 1) && all_wait(&w, THREADS), "required, one row is refused: under way");
    say(SL_OK, false);
    gone(&crowd);
    is_int(sum(&crowd, true), 1, "… one call is refused");
    is_int(crowd.callers[3].refused, 1, "… that one");
    ok(each_once(THREADS - 1), "… the others are committed, each once");
    end(&w);
}

/** Calls until one is committed and not journalled; they bear the name b2. */
static bool is_back(const world_t *w)
{
    apr_time_t until = apr_time_now() + apr_time_from_sec(10);

    while (times_stored("b2") == 0 && apr_time_now() < until) {
        if (commit(w, "b2") != SL_OK) {
            return false;
        }
        (void)comes_to_in(&rows_stored, -1, apr_time_from_msec(100));
    }
    return times_stored("b2") > 0;
}

static void figures(void)
{
    world_t w = begin(SL_AUDIT_REQUIRED, true);

    is_int(commit(&w, "a"), SL_OK, "a row without bytes and milliseconds");
    complete(&w, "a", 11);
    ok(comes_to(&completed, 1), "they follow");
    say(SL_UNAVAILABLE, false);
    is_int(commit(&w, "b"), SL_OK, "a row in the journal");
    complete(&w, "b", 22);
    say(SL_OK, false);
    ok(is_back(&w), "PostgreSQL is back, the row still in the journal");
    complete(&w, "b2", 33);
    ok(!comes_to_in(&completed, 2, apr_time_from_msec(500)), "its figures wait for the row");
    is_int(replay(&w), 0, "the row comes home");
    ok(comes_to(&completed, 3), "and then its figures");
    say(SL_UNAVAILABLE, false);
    is_int(commit(&w, "d"), SL_OK, "a row in the journal");
    complete(&w, "d", 44);
    stop(&w);
    is_int(records(&w, "complete."), 1, "figures are journalled, too, when the process ends");
    say(SL_OK, false);
    is_int(replay(&w), 0, "another process brings both home");
    is_int(completed, 4, "the row first, then its figures");
    is_int(completed_bytes, 110, "with their values");
    is_int(records(&w, ""), 2, "and the journal is empty but for . and ..");
    end(&w);
}

/* The end of a process while PostgreSQL hangs */

static void *APR_THREAD_FUNC stop_it(apr_thread_t *thread, void *data)
{
    (void)thread;
    stop(data);
    return NULL;
}

static void stop_in_a_hang(void)
{
    world_t w = begin(SL_AUDIT_ON, true);
    world_t look = w;
    apr_thread_t *thread;
    apr_status_t status;
    apr_time_t until;

    apr_pool_create(&look.p, NULL);
    say(SL_OK, true);
    add(&w, "in flight");
    ok(comes_to(&calls, 1), "a statement hangs");
    add(&w, "behind it");
    if (apr_thread_create(&thread, NULL, stop_it, &w, threads) != APR_SUCCESS) {
        abort();
    }
    until = apr_time_now() + apr_time_from_sec(8);
    while (records(&look, "access.") < 2 && apr_time_now() < until) {
        lock();
        (void)apr_thread_cond_timedwait(changed, mutex, apr_time_from_msec(20));
        unlock();
    }
    is_int(records(&look, "access."), 2, "the process ends: both rows are in the journal in time");
    say(SL_OK, false);
    (void)apr_thread_join(&status, thread);
    is_int(replay(&w), 0, "the journal is brought home");
    ok(each_once(2), "each row is there once, though the statement did happen");
    apr_pool_destroy(look.p);
    end(&w);
}

static void bad_records(void)
{
    world_t w = begin(SL_AUDIT_ON, true);
    apr_file_t *file;

    stop(&w);
    is_int(
        sl_spool_put(w.options.spool, "access.01",
                     sl_secret_str(w.p, "[{\"r\":\"=R=1=\"},{\"r\":\"=R=2=\"},{\"r\":\"=R=3=\"}]"),
                     w.p, NULL),
        SL_OK, "a record");
    is_int((int)apr_file_open(&file, apr_pstrcat(w.p, w.dir, "/access.02", NULL),
                              APR_FOPEN_WRITE | APR_FOPEN_CREATE, APR_FPROT_UREAD, w.p),
           APR_SUCCESS, "and one that is none");
    (void)apr_file_close(file);
    culprit = "=R=2=";
    is_int(replay(&w), 0, "both are done with");
    is_int(records(&w, "bad.access."), 2, "both stay aside");
    is_int(lines(16), 2, "SL4616: and it is said");
    ok(times_stored("1") == 1 && times_stored("2") == 0 && times_stored("3") == 1,
       "the rows that the table takes are stored");
    say(SL_UNAVAILABLE, false);
    is_int(sl_spool_put(w.options.spool, "access.03", sl_secret_str(w.p, "[]"), w.p, NULL), SL_OK,
           "another record");
    is_int(replay(&w), -1, "PostgreSQL is away: so it says");
    is_int(records(&w, "access."), 1, "and the record stays");
    end(&w);
}

/** A signal that ends the process must find the thread that handles it. */
static void signals(void)
{
    world_t w = begin(SL_AUDIT_ON, false);
    apr_dir_t *dir;
    apr_finfo_t entry;
    int blocked = 0, all = 0;

    /* While a thread is being made all signals are blocked in it. */
    add(&w, "alive");
    ok(comes_to(&rows_stored, 1), "the writer works");
    if (apr_dir_open(&dir, "/proc/self/task", w.p) != APR_SUCCESS) {
        ok(true, "no /proc here");
        end(&w);
        return;
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        FILE *status =
            entry.name[0] == '.'
                ? NULL
                : fopen(apr_pstrcat(w.p, "/proc/self/task/", entry.name, "/status", NULL), "r");
        char line[256];

        all += status != NULL ? 1 : 0;
        while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
            if (strncmp(line, "SigBlk:", 7) == 0) {
                unsigned long mask = strtoul(line + 7, NULL, 16);

                blocked += (mask & 1UL << (SIGTERM - 1)) != 0 ? 1 : 0;
                blocked += (mask & 1UL << (SIGSEGV - 1)) != 0 ? 100 : 0;
            }
        }
        if (status != NULL) {
            (void)fclose(status);
        }
    }
    (void)apr_dir_close(dir);
    is_int(blocked, all - 1, "SIGTERM is for the main thread only");
    end(&w);
}

int main(void)
{
    apr_pool_t *root;

    apr_initialize();
    apr_pool_create(&root, NULL);
    apr_pool_create(&tables, root);
    apr_pool_create(&threads, root);
    if (apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, root) != APR_SUCCESS ||
        apr_thread_cond_create(&changed, root) != APR_SUCCESS) {
        return 1;
    }
    batches();
    stop_writes();
    outage();
    buffer_without_journal();
    buffer_with_journal();
    culprits();
    group_commit();
    required_outage();
    required_hang(true);
    required_hang(false);
    nowhere();
    required_culprit();
    figures();
    stop_in_a_hang();
    bad_records();
    signals();
    return tap_done();
}
