/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_listen.h"

#include "store/sl_db_conn.h"
#include <apr_strings.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

/* How long a host may take to answer the connect, unless the connection string says. */
#define CONNECT apr_time_from_sec(2)
/* How long an outage is believed before it is tried again. */
#define RETRY apr_time_from_sec(3)
/* A peer that is gone without a word is found out by asking. */
#define ASK_EVERY apr_time_from_sec(30)
#define ASK_WITHIN apr_time_from_sec(5)
/* Hints of one turn; more stay with libpq until the next. */
#define BATCH 1000

#define CHANNEL "smartlaunch"
#define WORD "launch "
#define UUID_LEN 36
#define KEY_LEN 32

struct sl_listen {
    const char *conninfo;
    sl_log_t log;
    sl_db_conn_t conn;
    bool told;           /* the log knows that nobody listens */
    apr_time_t retry_at; /* no connection: the first instant at which to try again */
    apr_time_t opened_at;
    apr_time_t heard_at; /* the server showed that it is there */
};

static const sl_stmt_t LISTEN = {.name = "sl_listen", .sql = "LISTEN " CHANNEL};
static const sl_stmt_t ASK = {.name = "sl_listen_ask", .sql = "SELECT 1"};

static apr_status_t close_it(void *data)
{
    sl_listen_t *listen = data;

    sl_db_conn_close(&listen->conn);
    return APR_SUCCESS;
}

sl_listen_t *sl_listen_new(apr_pool_t *p, const char *conninfo, const sl_log_t *log)
{
    sl_listen_t *listen = apr_pcalloc(p, sizeof(*listen));

    listen->conninfo = apr_pstrdup(p, conninfo);
    if (log != NULL) {
        listen->log = *log;
    }
    apr_pool_cleanup_register(p, listen, close_it, apr_pool_cleanup_null);
    return listen;
}

/** Without a name: there is one connection, and each statement is run once. */
static sl_rc_t run(sl_listen_t *listen, const sl_stmt_t *stmt, sl_err_t *err)
{
    const sl_db_call_t call = {stmt, NULL};
    const sl_db_order_t order = {&call, ASK_WITHIN, true};
    PGresult *result = NULL;
    sl_db_fate_t fate;
    sl_rc_t rc = sl_db_conn_run(&result, &listen->conn, &order, &fate, err);

    PQclear(result);
    if (rc == SL_OK) {
        listen->heard_at = apr_time_now();
    }
    return rc;
}

static void give_up(sl_listen_t *listen, const sl_err_t *why)
{
    sl_db_conn_close(&listen->conn);
    listen->retry_at = apr_time_now() + RETRY;
    if (!listen->told) {
        sl_log(&listen->log, SL_LOG_INFO, "SL3420",
               "changes on other hosts are noticed after seconds: no LISTEN (%s)", why->text);
    }
    listen->told = true;
}

static sl_rc_t reconnect(sl_listen_t *listen, sl_err_t *err)
{
    sl_err_t why = {0};
    sl_rc_t rc = sl_db_conn_open(&listen->conn, listen->conninfo, CONNECT, &why);

    if (rc == SL_OK) {
        rc = run(listen, &LISTEN, &why);
    }
    if (rc != SL_OK) {
        give_up(listen, &why);
        return sl_err_set(err, SL_UNAVAILABLE, "SL3421", "nobody listens: %.150s", why.text);
    }
    if (listen->told) {
        sl_log(&listen->log, SL_LOG_INFO, "SL3422",
               "changes on other hosts are noticed at once again");
    }
    listen->told = false;
    listen->opened_at = apr_time_now();
    return SL_OK;
}

static bool is_uuid(const char *text)
{
    for (int i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-'
                 : text[i] == '\0' || strchr("0123456789abcdef", text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_key_id(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return len > 0 && len <= KEY_LEN && text[len] == '\0';
}

/** "launch <uuid> <key id>"; anything else, which others may well say here, is none of ours. */
static bool parse(sl_hint_t *hint, const char *payload, apr_pool_t *p)
{
    const char *id = payload + strlen(WORD);

    if (strncmp(payload, WORD, strlen(WORD)) != 0 || !is_uuid(id) || id[UUID_LEN] != ' ' ||
        !is_key_id(id + UUID_LEN + 1)) {
        return false;
    }
    hint->launch = apr_pstrndup(p, id, UUID_LEN);
    hint->key_id = apr_pstrdup(p, id + UUID_LEN + 1);
    return true;
}

/** What libpq has received so far. */
static void collect(sl_hints_t *out, sl_listen_t *listen, apr_pool_t *p)
{
    while (out->hints->nelts < BATCH) {
        PGnotify *notify = PQnotifies(listen->conn.pg);
        sl_hint_t hint;

        if (notify == NULL) {
            return;
        }
        if (strcmp(notify->relname, CHANNEL) == 0 && parse(&hint, notify->extra, p)) {
            APR_ARRAY_PUSH(out->hints, sl_hint_t) = hint;
        }
        PQfreemem(notify);
    }
}

/** Wait for the server to say something. False: the connection is gone. */
static bool receive(sl_listen_t *listen, apr_interval_time_t left)
{
    struct pollfd fd = {.fd = PQsocket(listen->conn.pg), .events = POLLIN};
    int n = fd.fd < 0 ? -1 : poll(&fd, 1, (int)((left + 999) / 1000));

    if (n == 0 || (n < 0 && fd.fd >= 0 && errno == EINTR)) {
        return true;
    }
    if (n < 0 || PQconsumeInput(listen->conn.pg) == 0) {
        return false;
    }
    listen->heard_at = apr_time_now();
    return PQstatus(listen->conn.pg) == CONNECTION_OK;
}

static sl_rc_t lost(sl_listen_t *listen, sl_err_t *err)
{
    sl_err_t why = {0};
    sl_rc_t rc = sl_err_set(&why, SL_UNAVAILABLE, "SL3423", "the connection for LISTEN broke");

    give_up(listen, &why);
    listen->retry_at = listen->opened_at + RETRY; /* it may be there again already */
    if (err != NULL) {
        *err = why;
    }
    return rc;
}

/** Hints until there is one, or the time is over. */
static sl_rc_t hear(sl_hints_t *out, sl_listen_t *listen, apr_time_t deadline, apr_pool_t *p,
                    sl_err_t *err)
{
    if (apr_time_now() - listen->heard_at > ASK_EVERY && run(listen, &ASK, NULL) != SL_OK) {
        return lost(listen, err);
    }
    for (;;) {
        apr_interval_time_t left;

        collect(out, listen, p);
        left = deadline - apr_time_now();
        if (out->hints->nelts > 0 || out->reconnected || left <= 0) {
            return SL_OK;
        }
        if (!receive(listen, left)) {
            return lost(listen, err);
        }
    }
}

/** While nobody is there: pass the time, so that a caller's loop does not spin. */
static sl_rc_t idle(const sl_listen_t *listen, apr_time_t deadline, sl_err_t *err)
{
    apr_time_t now = apr_time_now();
    apr_time_t until = listen->retry_at < deadline ? listen->retry_at : deadline;

    if (until > now) {
        apr_sleep(until - now);
    }
    return sl_err_set(err, SL_UNAVAILABLE, "SL3424", "nobody listens for the moment");
}

sl_rc_t sl_listen_next(sl_hints_t *out, sl_listen_t *listen, apr_interval_time_t wait,
                       apr_pool_t *p, sl_err_t *err)
{
    apr_time_t deadline = apr_time_now() + wait;

    out->hints = apr_array_make(p, 16, sizeof(sl_hint_t));
    out->reconnected = false;
    if (listen->conn.pg == NULL) {
        sl_rc_t rc;

        if (apr_time_now() < listen->retry_at) {
            return idle(listen, deadline, err);
        }
        rc = reconnect(listen, err);
        if (rc != SL_OK) {
            return rc;
        }
        out->reconnected = true;
    }
    return hear(out, listen, deadline, p, err);
}
