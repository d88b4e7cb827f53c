/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_db_conn.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARAMS 40

typedef enum { ANSWERED, LATE, LOST } wait_t;

/** Parameters in the form libpq takes them; numbers are written into `digits`. */
typedef struct {
    const char *values[MAX_PARAMS];
    int lengths[MAX_PARAMS];
    int formats[MAX_PARAMS];
    char digits[MAX_PARAMS][24];
} args_t;

/* The server's notices would end up on httpd's stderr. */
static void ignore(void *data, const PGresult *result)
{
    (void)data;
    (void)result;
}

/** Copy the first line, printable ASCII only. */
static void one_line(char *out, size_t size, const char *text)
{
    size_t n = 0;

    while (n + 1 < size && text[n] != '\0' && text[n] != '\n') {
        out[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
        n++;
    }
    out[n] = '\0';
}

sl_rc_t sl_db_conn_open(sl_db_conn_t *conn, const char *conninfo, apr_interval_time_t timeout,
                        sl_err_t *err)
{
    char seconds[16];
    char why[160];
    /* What stands before dbname are defaults, which the connection string overrides. */
    const char *const words[] = {"fallback_application_name", "client_encoding", "connect_timeout",
                                 "dbname", NULL};
    const char *const values[] = {"mod_smartlaunch", "UTF8", seconds, conninfo, NULL};

    (void)snprintf(seconds, sizeof(seconds), "%" PRId64, (int64_t)apr_time_sec(timeout));
    conn->prepared_count = 0;
    conn->pg = PQconnectdbParams(words, values, 1);
    if (conn->pg == NULL || PQstatus(conn->pg) != CONNECTION_OK ||
        PQsetnonblocking(conn->pg, 1) != 0) {
        one_line(why, sizeof(why), conn->pg == NULL ? "out of memory" : PQerrorMessage(conn->pg));
        sl_db_conn_close(conn);
        return sl_err_set(err, SL_UNAVAILABLE, "SL3010", "PostgreSQL cannot be reached: %s", why);
    }
    (void)PQsetNoticeReceiver(conn->pg, ignore, NULL);
    return SL_OK;
}

void sl_db_conn_close(sl_db_conn_t *conn)
{
    PQfinish(conn->pg);
    conn->pg = NULL;
    conn->prepared_count = 0;
}

bool sl_db_conn_is_alive(sl_db_conn_t *conn)
{
    struct pollfd fd = {.fd = PQsocket(conn->pg), .events = POLLIN};

    if (fd.fd < 0 || PQstatus(conn->pg) != CONNECTION_OK) {
        return false;
    }
    /* A server that speaks unasked says goodbye, or something not worth a connection. */
    return poll(&fd, 1, 0) == 0;
}

static wait_t wait_for(PGconn *pg, short events, apr_time_t deadline)
{
    for (;;) {
        struct pollfd fd = {.fd = PQsocket(pg), .events = events};
        apr_interval_time_t left = deadline - apr_time_now();
        int n;

        if (fd.fd < 0) {
            return LOST;
        }
        if (left <= 0) {
            return LATE;
        }
        n = poll(&fd, 1, (int)apr_time_as_msec(left) + 1);
        if (n > 0) {
            return ANSWERED;
        }
        if (n < 0 && errno != EINTR) {
            return LOST;
        }
    }
}

/** Send what is queued; read meanwhile, since a server that cannot write does not read. */
static wait_t flush(PGconn *pg, apr_time_t deadline)
{
    for (;;) {
        wait_t waited;
        int rc = PQflush(pg);

        if (rc <= 0) {
            return rc == 0 ? ANSWERED : LOST;
        }
        waited = wait_for(pg, POLLIN | POLLOUT, deadline);
        if (waited != ANSWERED) {
            return waited;
        }
        if (PQconsumeInput(pg) == 0) {
            return LOST;
        }
    }
}

/** The first result of what was sent; the others, of which there should be none, are dropped. */
static wait_t receive(PGresult **out, PGconn *pg, apr_time_t deadline)
{
    wait_t waited = flush(pg, deadline);
    PGresult *result;

    *out = NULL;
    while (waited == ANSWERED) {
        if (PQisBusy(pg) != 0) {
            waited = wait_for(pg, POLLIN, deadline);
            if (waited == ANSWERED && PQconsumeInput(pg) == 0) {
                waited = LOST;
            }
            continue;
        }
        result = PQgetResult(pg);
        if (result == NULL) {
            break;
        }
        if (*out == NULL) {
            *out = result;
        } else {
            PQclear(result);
        }
    }
    if (waited == ANSWERED && *out == NULL) {
        waited = LOST;
    }
    /* An error on a dying connection (57P01) is told by the connection, and more surely. */
    if (waited == ANSWERED && PQstatus(pg) != CONNECTION_OK) {
        waited = LOST;
    }
    if (waited != ANSWERED) {
        PQclear(*out);
        *out = NULL;
    }
    return waited;
}

static bool is_class(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

/** What an SQLSTATE means to us. */
static sl_rc_t meaning(const char *state, sl_db_fate_t *fate)
{
    if (strcmp(state, "23505") == 0) {
        return SL_CONFLICT;
    }
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0) {
        fate->again = true;
        return SL_BUSY;
    }
    if (strcmp(state, "55P03") == 0) {
        return SL_BUSY;
    }
    if (strcmp(state, "26000") == 0 || strcmp(state, "42P05") == 0) {
        fate->unprepared = true;
        return SL_FAILED;
    }
    /* A server that may not write is a standby: connect anew, to whoever leads now. */
    if (strcmp(state, "25006") == 0 || is_class(state, "08") || is_class(state, "57P")) {
        fate->lost = true;
        return SL_UNAVAILABLE;
    }
    if (is_class(state, "53") || strcmp(state, "57014") == 0) {
        return SL_UNAVAILABLE;
    }
    return SL_FAILED;
}

/**
 * Only errors of class 42 (names, rights, syntax) are quoted: in all others the server may repeat
 * a value.
 */
static sl_rc_t refused(const PGresult *result, const sl_stmt_t *stmt, sl_db_fate_t *fate,
                       sl_err_t *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char why[120] = "";

    if (state == NULL) {
        fate->lost = true;
        return sl_err_set(err, SL_UNAVAILABLE, "SL3011", "PostgreSQL: no SQLSTATE for %s",
                          stmt->name);
    }
    if (is_class(state, "42") && said != NULL) {
        why[0] = ' ';
        one_line(why + 1, sizeof(why) - 1, said);
    }
    return sl_err_set(err, meaning(state, fate), "SL3007", "PostgreSQL refused %s: SQLSTATE %s%s",
                      stmt->name, state, why);
}

/** Wait for the answer to what was sent and judge it. */
static sl_rc_t answer(PGresult **out, sl_db_conn_t *conn, const sl_stmt_t *stmt,
                      apr_time_t deadline, sl_db_fate_t *fate, sl_err_t *err)
{
    PGresult *result;
    wait_t waited = receive(&result, conn->pg, deadline);
    ExecStatusType status;
    sl_rc_t rc;

    if (waited != ANSWERED) {
        fate->lost = true;
        fate->late = waited == LATE;
        return fate->late ? sl_err_set(err, SL_UNAVAILABLE, "SL3005",
                                       "PostgreSQL did not answer %s in time", stmt->name)
                          : sl_err_set(err, SL_UNAVAILABLE, "SL3006",
                                       "the connection to PostgreSQL broke under %s", stmt->name);
    }
    status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        *out = result;
        return SL_OK;
    }
    rc = refused(result, stmt, fate, err);
    PQclear(result);
    return rc;
}

static void fill(args_t *args, const sl_db_call_t *call)
{
    for (int i = 0; i < call->stmt->params; i++) {
        const sl_db_param_t *param = &call->params[i];

        args->values[i] = NULL;
        args->lengths[i] = 0;
        args->formats[i] = 0;
        switch (param->type) {
        case SL_DB_NULL:
            break;
        case SL_DB_TEXT:
            args->values[i] = param->text;
            break;
        case SL_DB_INT:
            (void)snprintf(args->digits[i], sizeof(args->digits[i]), "%" PRId64, param->number);
            args->values[i] = args->digits[i];
            break;
        case SL_DB_BYTES:
            args->values[i] = (const char *)param->bytes.bytes;
            args->lengths[i] = (int)param->bytes.len;
            args->formats[i] = 1;
            break;
        }
    }
}

/** Two modules may have the statement, each its own copy of it. */
static bool is_prepared(const sl_db_conn_t *conn, const sl_stmt_t *stmt)
{
    for (int i = 0; i < conn->prepared_count; i++) {
        if (conn->prepared[i] == stmt || strcmp(conn->prepared[i]->name, stmt->name) == 0) {
            return true;
        }
    }
    return false;
}

/** Prepare on this connection, once. */
static sl_rc_t prepare(sl_db_conn_t *conn, const sl_stmt_t *stmt, apr_time_t deadline,
                       sl_db_fate_t *fate, sl_err_t *err)
{
    PGresult *result = NULL;
    sl_rc_t rc;

    if (PQsendPrepare(conn->pg, stmt->name, stmt->sql, stmt->params, NULL) != 1) {
        fate->lost = true;
        return sl_err_set(err, SL_UNAVAILABLE, "SL3012", "PostgreSQL takes no more statements");
    }
    rc = answer(&result, conn, stmt, deadline, fate, err);
    if (rc == SL_OK) {
        PQclear(result);
        conn->prepared[conn->prepared_count++] = stmt;
    }
    return rc;
}

sl_rc_t sl_db_conn_run(PGresult **result, sl_db_conn_t *conn, const sl_db_order_t *order,
                       sl_db_fate_t *fate, sl_err_t *err)
{
    const sl_stmt_t *stmt = order->call->stmt;
    apr_time_t deadline = apr_time_now() + order->timeout;
    bool named = !order->unprepared &&
                 (is_prepared(conn, stmt) || conn->prepared_count < SL_DB_CONN_PREPARED);
    args_t args;
    int sent;

    memset(fate, 0, sizeof(*fate));
    if (stmt->params > MAX_PARAMS) {
        return sl_err_set(err, SL_FAILED, "SL3013", "%s has too many parameters", stmt->name);
    }
    fill(&args, order->call);
    if (named && !is_prepared(conn, stmt)) {
        sl_rc_t rc = prepare(conn, stmt, deadline, fate, err);

        if (rc != SL_OK) {
            return rc;
        }
    }
    sent = named ? PQsendQueryPrepared(conn->pg, stmt->name, stmt->params, args.values,
                                       args.lengths, args.formats, 0)
                 : PQsendQueryParams(conn->pg, stmt->sql, stmt->params, NULL, args.values,
                                     args.lengths, args.formats, 0);
    if (sent != 1) {
        fate->lost = true;
        return sl_err_set(err, SL_UNAVAILABLE, "SL3014", "PostgreSQL did not take %s", stmt->name);
    }
    return answer(result, conn, stmt, deadline, fate, err);
}
