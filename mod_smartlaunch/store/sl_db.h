/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A bounded pool of PostgreSQL connections, one per process, used by all its threads.
 *
 * Nobody waits longer than the options say: for a free connection `wait`, for a statement `query`,
 * for connecting `connect` per host of the connection string. While the database is away one
 * caller at a time tries to reach it, everybody else is told SL_UNAVAILABLE at once; a lost
 * connection comes back by itself. Statements leave no state in a session, so a pooler in
 * transaction mode may stand between. Parameters are never logged.
 */
#ifndef SL_DB_H
#define SL_DB_H

#include "base/sl_keyring.h"
#include "base/sl_log.h"
#include "base/sl_rc.h"
#include "store/sl_rows.h"
#include <apr_pools.h>
#include <apr_time.h>

/** The log id that says the server is away: every process finds that out, and one may say it. */
extern const char sl_db_is_away[];

typedef struct sl_db sl_db_t;

/** Zero in a field is its default. */
typedef struct {
    int max;                   /* connections; 4 */
    apr_interval_time_t wait;  /* for a free connection; 2 s */
    apr_interval_time_t query; /* for the answer to one statement; 5 s */
    apr_interval_time_t
        connect;               /* per host, unless conninfo has connect_timeout; 2 s (the least) */
    apr_interval_time_t retry; /* how long an outage is believed before one caller tries; 1 s */
    bool unprepared;           /* no named statements: for PgBouncer before 1.21 */
    sl_log_t log;              /* outages and recoveries: SL3001, SL3002 */
} sl_db_options_t;

/** A statement of ours. Static and constant; its name stands for it. */
typedef struct {
    const char *name; /* of the prepared statement; unique */
    const char *sql;  /* $1 … $n, schema-qualified */
    int params;
    bool read_only; /* may be sent again when the connection broke under it */
} sl_stmt_t;

typedef enum { SL_DB_NULL, SL_DB_TEXT, SL_DB_INT, SL_DB_BYTES } sl_db_type_t;

typedef struct {
    sl_db_type_t type;
    const char *text;
    int64_t number;
    sl_bytes_t bytes;
} sl_db_param_t;

/** A NULL text or NULL bytes is an SQL NULL. Nothing is copied. */
sl_db_param_t sl_db_text(const char *text);
sl_db_param_t sl_db_int(int64_t number);
sl_db_param_t sl_db_bool(bool value);
sl_db_param_t sl_db_bytes(sl_bytes_t bytes);
/** A fingerprint of SL_SHA256_LEN bytes. */
sl_db_param_t sl_db_hash(const unsigned char *hash);

typedef struct {
    const sl_stmt_t *stmt;
    const sl_db_param_t *params; /* stmt->params of them */
} sl_db_call_t;

/** Is this a connection string libpq understands? For configtest; opens nothing. SL_INVALID. */
SL_MUST_USE sl_rc_t sl_db_check_conninfo(const char *conninfo, apr_pool_t *p, sl_err_t *err);

/**
 * A pool, without a connection yet; call after fork. Connections are closed with `pool`.
 * SL_INVALID: the connection string is malformed.
 */
SL_MUST_USE sl_rc_t sl_db_open(sl_db_t **db, const char *conninfo, const sl_db_options_t *options,
                               apr_pool_t *pool, sl_err_t *err);

/**
 * Run one statement in a transaction of its own. Thread safe.
 * @param rows owned by `p`
 * @return SL_OK; SL_UNAVAILABLE: the database is away, or did not answer in time (a statement
 * that is not read_only may or may not have happened); SL_BUSY: no free connection in time;
 * SL_CONFLICT: a unique name is taken; SL_FAILED: refused, `err` has the SQLSTATE
 */
SL_MUST_USE sl_rc_t sl_db_run(sl_rows_t **rows, sl_db_t *db, const sl_db_call_t *call,
                              apr_pool_t *p, sl_err_t *err);

/** What the pool is doing, for status pages. */
typedef struct {
    int open, busy;
    bool away;          /* the last try to reach the database failed */
    int64_t statements; /* answered */
    int64_t connects;   /* connections made */
    int64_t refused;    /* calls told SL_UNAVAILABLE or SL_BUSY */
} sl_db_stats_t;
/**
 * False: they could not be had within some milliseconds. It does not wait longer, as in the prefork
 * MPM a signal ends the child in the middle of whatever its one thread does.
 */
bool sl_db_stats(sl_db_t *db, sl_db_stats_t *stats);

#endif
