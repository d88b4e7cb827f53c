/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_db.h"

#include "store/sl_db_conn.h"
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <string.h>

const char sl_db_is_away[] = "SL3001";

#define STATS_TRIES 20 /* a millisecond apart */
#define DEFAULT_MAX 4
#define DEFAULT_WAIT apr_time_from_sec(2)
#define DEFAULT_QUERY apr_time_from_sec(5)
#define DEFAULT_CONNECT apr_time_from_sec(2)
#define DEFAULT_RETRY apr_time_from_sec(1)
#define TRIES 3

typedef struct {
    sl_db_conn_t conn;
    bool busy;
} slot_t;

struct sl_db {
    const char *conninfo;
    sl_db_options_t options;
    slot_t *slots;              /* options.max of them */
    apr_thread_mutex_t *mutex;  /* over everything below */
    apr_thread_cond_t *changed; /* a slot came free, or a try to connect ended */
    bool reached;               /* the last try to connect succeeded */
    bool away;                  /* … failed */
    bool probing;               /* somebody tries to connect, not knowing whether it will do */
    bool unprepared;
    apr_time_t retry_at;    /* away: the first instant at which to try again */
    apr_time_t answered_at; /* last statement that was answered */
    sl_db_stats_t stats;
};

sl_db_param_t sl_db_text(const char *text)
{
    return (sl_db_param_t){.type = text == NULL ? SL_DB_NULL : SL_DB_TEXT, .text = text};
}

sl_db_param_t sl_db_int(int64_t number)
{
    return (sl_db_param_t){.type = SL_DB_INT, .number = number};
}

sl_db_param_t sl_db_bool(bool value)
{
    return sl_db_text(value ? "t" : "f");
}

sl_db_param_t sl_db_bytes(sl_bytes_t bytes)
{
    return (sl_db_param_t){.type = bytes.bytes == NULL ? SL_DB_NULL : SL_DB_BYTES, .bytes = bytes};
}

sl_db_param_t sl_db_hash(const unsigned char *hash)
{
    return sl_db_bytes((sl_bytes_t){hash, SL_SHA256_LEN});
}

sl_rc_t sl_db_check_conninfo(const char *conninfo, apr_pool_t *p, sl_err_t *err)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &why);
    const char *text;

    if (options != NULL) {
        PQconninfoFree(options);
        return SL_OK;
    }
    /* libpq may quote what it did not understand, and that may be a password. */
    text = why != NULL && strstr(why, "missing \"=\"") != NULL ? "word=value is wanted"
                                                               : "see PostgreSQL's documentation";
    PQfreemem(why);
    (void)p;
    return sl_err_set(err, SL_INVALID, "SL3009", "the connection string is malformed (%s)", text);
}

static apr_status_t close_all(void *data)
{
    sl_db_t *db = data;

    for (int i = 0; i < db->options.max; i++) {
        sl_db_conn_close(&db->slots[i].conn);
    }
    return APR_SUCCESS;
}

static void fill_defaults(sl_db_options_t *options)
{
    options->max = options->max > 0 ? options->max : DEFAULT_MAX;
    options->wait = options->wait > 0 ? options->wait : DEFAULT_WAIT;
    options->query = options->query > 0 ? options->query : DEFAULT_QUERY;
    options->connect = options->connect > 0 ? options->connect : DEFAULT_CONNECT;
    options->retry = options->retry > 0 ? options->retry : DEFAULT_RETRY;
}

sl_rc_t sl_db_open(sl_db_t **out, const char *conninfo, const sl_db_options_t *options,
                   apr_pool_t *pool, sl_err_t *err)
{
    sl_rc_t rc = sl_db_check_conninfo(conninfo, pool, err);
    sl_db_t *db;

    if (rc != SL_OK) {
        return rc;
    }
    db = apr_pcalloc(pool, sizeof(*db));
    db->conninfo = apr_pstrdup(pool, conninfo);
    if (options != NULL) {
        db->options = *options;
    }
    fill_defaults(&db->options);
    db->unprepared = db->options.unprepared;
    db->slots = apr_pcalloc(pool, sizeof(slot_t) * (apr_size_t)db->options.max);
    if (apr_thread_mutex_create(&db->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_thread_cond_create(&db->changed, pool) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL3015", "no mutex for the database connections");
    }
    apr_pool_cleanup_register(pool, db, close_all, apr_pool_cleanup_null);
    *out = db;
    return SL_OK;
}

static slot_t *find_slot(sl_db_t *db, bool open)
{
    for (int i = 0; i < db->options.max; i++) {
        if (!db->slots[i].busy && (db->slots[i].conn.pg != NULL) == open) {
            return &db->slots[i];
        }
    }
    return NULL;
}

static void lend(sl_db_t *db, slot_t *slot)
{
    slot->busy = true;
    db->stats.busy++;
}

static void give_back(sl_db_t *db, slot_t *slot)
{
    slot->busy = false;
    db->stats.busy--;
    (void)apr_thread_cond_broadcast(db->changed);
}

static void note_connect(sl_db_t *db, sl_rc_t rc, const sl_err_t *why)
{
    db->probing = false;
    if (rc == SL_OK) {
        if (db->away) {
            sl_log(&db->options.log, SL_LOG_INFO, "SL3002", "PostgreSQL is back");
        }
        db->stats.connects++;
        db->stats.open++;
    } else {
        if (!db->away) {
            sl_log(&db->options.log, SL_LOG_WARN, sl_db_is_away, "%s (%s)", why->text, why->id);
        }
        db->retry_at = apr_time_now() + db->options.retry;
    }
    db->away = rc != SL_OK;
    db->reached = rc == SL_OK;
}

/** Connect the (lent) slot without the mutex, which is held before and after. */
static sl_rc_t connect_slot(sl_db_t *db, slot_t *slot, sl_err_t *err)
{
    sl_err_t why = {0};
    sl_rc_t rc;

    db->probing = db->probing || !db->reached;
    (void)apr_thread_mutex_unlock(db->mutex);
    rc = sl_db_conn_open(&slot->conn, db->conninfo, db->options.connect, &why);
    (void)apr_thread_mutex_lock(db->mutex);
    note_connect(db, rc, &why);
    if (rc != SL_OK) {
        give_back(db, slot);
        if (err != NULL) {
            *err = why;
        }
    } else {
        (void)apr_thread_cond_broadcast(db->changed);
    }
    return rc;
}

typedef enum { TAKE_IDLE, CONNECT, WAIT, GIVE_UP } next_t;

/** What a caller without a connection does now. The mutex is held. */
static next_t decide(sl_db_t *db, slot_t **slot)
{
    apr_time_t now = apr_time_now();

    *slot = find_slot(db, true);
    if (*slot != NULL) {
        return TAKE_IDLE;
    }
    *slot = find_slot(db, false);
    if (*slot != NULL && !db->probing && !(db->away && now < db->retry_at)) {
        return CONNECT;
    }
    if (!db->away) {
        return WAIT;
    }
    /* It takes no new connection but answers on those we have: theirs will come free. */
    return db->stats.open > 0 && now - db->answered_at < 2 * db->options.retry ? WAIT : GIVE_UP;
}

static sl_rc_t take_locked(slot_t **out, sl_db_t *db, sl_err_t *err)
{
    apr_time_t deadline = apr_time_now() + db->options.wait;

    for (;;) {
        slot_t *slot;
        apr_interval_time_t left = deadline - apr_time_now();

        switch (decide(db, &slot)) {
        case TAKE_IDLE:
            lend(db, slot);
            *out = slot;
            return SL_OK;
        case CONNECT:
            lend(db, slot);
            *out = slot;
            return connect_slot(db, slot, err);
        case GIVE_UP:
            return sl_err_set(err, SL_UNAVAILABLE, "SL3004", "PostgreSQL is away");
        case WAIT:
            if (left <= 0) {
                return db->probing
                           ? sl_err_set(err, SL_UNAVAILABLE, "SL3016",
                                        "PostgreSQL is slow to take connections")
                           : sl_err_set(err, SL_BUSY, "SL3003",
                                        "all %d connections to PostgreSQL were busy for too long",
                                        db->options.max);
            }
            (void)apr_thread_cond_timedwait(db->changed, db->mutex, left);
            break;
        }
    }
}

static void drop(sl_db_t *db, slot_t *slot)
{
    sl_db_conn_close(&slot->conn);
    (void)apr_thread_mutex_lock(db->mutex);
    db->stats.open--;
    db->reached = false; /* so that one looks first whether it is still there */
    give_back(db, slot);
    (void)apr_thread_mutex_unlock(db->mutex);
}

/** A connection that works as far as one can know, lent to the caller. */
static sl_rc_t take(slot_t **out, sl_db_t *db, sl_err_t *err)
{
    for (;;) {
        sl_rc_t rc;

        (void)apr_thread_mutex_lock(db->mutex);
        rc = take_locked(out, db, err);
        if (rc != SL_OK) {
            db->stats.refused++;
        }
        (void)apr_thread_mutex_unlock(db->mutex);
        if (rc != SL_OK || sl_db_conn_is_alive(&(*out)->conn)) {
            return rc;
        }
        drop(db, *out);
    }
}

/** One try: take, run, give back. */
static sl_rc_t run_once(PGresult **result, sl_db_t *db, const sl_db_call_t *call,
                        sl_db_fate_t *fate, sl_err_t *err)
{
    sl_db_order_t order = {call, db->options.query, false};
    slot_t *slot = NULL;
    sl_rc_t rc;

    memset(fate, 0, sizeof(*fate));
    rc = take(&slot, db, err);
    if (rc != SL_OK) {
        return rc;
    }
    (void)apr_thread_mutex_lock(db->mutex);
    order.unprepared = db->unprepared;
    (void)apr_thread_mutex_unlock(db->mutex);
    rc = sl_db_conn_run(result, &slot->conn, &order, fate, err);
    if (fate->lost) {
        drop(db, slot);
        return rc;
    }
    (void)apr_thread_mutex_lock(db->mutex);
    db->answered_at = apr_time_now();
    db->stats.statements++;
    give_back(db, slot);
    (void)apr_thread_mutex_unlock(db->mutex);
    return rc;
}

/** A pooler in transaction mode hands our prepared statements to others: do without. */
static void do_without_names(sl_db_t *db)
{
    bool before;

    (void)apr_thread_mutex_lock(db->mutex);
    before = db->unprepared;
    db->unprepared = true;
    (void)apr_thread_mutex_unlock(db->mutex);
    if (!before) {
        sl_log(&db->options.log, SL_LOG_WARN, "SL3008",
               "SmartDatabase loses prepared statements, as a pooler in transaction mode does; "
               "this process goes on without them: say prepare=off");
    }
}

sl_rc_t sl_db_run(sl_rows_t **rows, sl_db_t *db, const sl_db_call_t *call, apr_pool_t *p,
                  sl_err_t *err)
{
    PGresult *result = NULL;
    sl_rc_t rc = SL_FAILED;

    *rows = NULL;
    for (int i = 0; i < TRIES; i++) {
        sl_db_fate_t fate;
        bool again;

        rc = run_once(&result, db, call, &fate, err);
        if (rc == SL_OK) {
            *rows = sl_rows_new(result, p);
            return SL_OK;
        }
        again = fate.again || (fate.lost && !fate.late && call->stmt->read_only) || fate.unprepared;
        if (fate.unprepared) {
            do_without_names(db);
        }
        if (!again) {
            break;
        }
    }
    return rc;
}

bool sl_db_stats(sl_db_t *db, sl_db_stats_t *stats)
{
    for (int i = 0; i < STATS_TRIES; i++) {
        if (apr_thread_mutex_trylock(db->mutex) == APR_SUCCESS) {
            *stats = db->stats;
            stats->away = db->away;
            (void)apr_thread_mutex_unlock(db->mutex);
            return true;
        }
        apr_sleep(apr_time_from_msec(1));
    }
    return false;
}
