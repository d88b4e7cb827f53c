/* SPDX-License-Identifier: Apache-2.0 */
/** One connection of the pool in sl_db: opened, asked with a deadline, closed. Not thread safe. */
#ifndef SL_DB_CONN_H
#define SL_DB_CONN_H

#include "store/sl_db.h"

#define SL_DB_CONN_PREPARED 160

typedef struct {
    PGconn *pg; /* NULL: closed */
    const sl_stmt_t *prepared[SL_DB_CONN_PREPARED];
    int prepared_count;
} sl_db_conn_t;

/** How a try to run a statement ended, as far as the pool has to know. */
typedef struct {
    bool lost;       /* the connection is of no use any more: close it */
    bool late;       /* … because the deadline passed */
    bool again;      /* nothing happened, and the next try may fare better (deadlock) */
    bool unprepared; /* nothing happened: a pooler lost our prepared statement */
} sl_db_fate_t;

/** Connect; waits `timeout` per host at most. SL_UNAVAILABLE. */
SL_MUST_USE sl_rc_t sl_db_conn_open(sl_db_conn_t *conn, const char *conninfo,
                                    apr_interval_time_t timeout, sl_err_t *err);

/** Close, if open. */
void sl_db_conn_close(sl_db_conn_t *conn);

/** Is this idle connection still open, as far as can be known without asking the server? */
bool sl_db_conn_is_alive(sl_db_conn_t *conn);

/** Run a call. `unprepared`: without a named statement. Results as sl_db_run has them. */
typedef struct {
    const sl_db_call_t *call;
    apr_interval_time_t timeout;
    bool unprepared;
} sl_db_order_t;
SL_MUST_USE sl_rc_t sl_db_conn_run(PGresult **result, sl_db_conn_t *conn,
                                   const sl_db_order_t *order, sl_db_fate_t *fate, sl_err_t *err);

#endif
