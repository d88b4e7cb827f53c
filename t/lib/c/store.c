/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one group of the store's tests: SL_STORE_DB (module), SL_STORE_OWNER (owner). */
#include "store.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sl_db_t *db;
apr_pool_t *pool;
static PGconn *owner_conn;
static PGconn *dba; /* a connection of its own, made when it is first wanted */

const unsigned char *hash(const char *text)
{
    unsigned char *out;

    if (text == NULL) {
        return NULL;
    }
    out = apr_palloc(pool, SL_SHA256_LEN);
    sl_digest_sha256(text, strlen(text), out);
    return out;
}

sl_bytes_t sealed(const char *text)
{
    return (sl_bytes_t){(const unsigned char *)text, strlen(text)};
}

static void give_up(const char *what, const char *why)
{
    (void)printf("Bail out! %s: %s\n", what, why);
    exit(1);
}

static const char *ask_owner(const char *sql)
{
    PGresult *result = PQexec(owner_conn, sql);
    const char *value = "";

    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        give_up(sql, PQerrorMessage(owner_conn));
    }
    if (PQntuples(result) > 0 && PQnfields(result) > 0) {
        value = apr_pstrdup(pool, PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    return value;
}

bool as_dba(const char *sql)
{
    PGresult *result;
    bool fine;

    if (dba == NULL) {
        dba = PQconnectdb(getenv("SL_STORE_OWNER"));
    }
    result = PQexec(dba, sql);
    fine = PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return fine;
}

const char *owner(const char *sql, ...)
{
    va_list args;
    char *text;

    va_start(args, sql);
    text = apr_pvsprintf(pool, sql, args);
    va_end(args);
    return ask_owner(text);
}

int owner_int(const char *sql, ...)
{
    va_list args;
    char *text;

    va_start(args, sql);
    text = apr_pvsprintf(pool, sql, args);
    va_end(args);
    return atoi(ask_owner(text));
}

bool eventually(const char *sql)
{
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(30);

    while (strcmp(ask_owner(sql), "t") != 0) {
        if (apr_time_now() > deadline) {
            return false;
        }
        apr_sleep(apr_time_from_msec(2));
    }
    return true;
}

static sl_steps_t *one_step(const char *name, const char *reference)
{
    sl_steps_t *steps = apr_array_make(pool, 1, sizeof(sl_step_t));

    APR_ARRAY_PUSH(steps, sl_step_t) =
        (sl_step_t){apr_time_now(), name, "ok", 200, 3, "done", reference};
    return steps;
}

const char *begin(const char *state, const char *browser)
{
    sl_launch_new_t new = {
        .app = "app",
        .ehr = "epic",
        .kind = SL_KIND_EHR,
        .state_hash = hash(state),
        .browser_hash = hash(browser),
        .pending_sealed = sealed("sealed-verifier"),
        .key_id = "k1",
        .return_to = "/app/",
        .redirect_path = REDIRECT,
        .client_net = hash("net"),
        .steps = one_step("launch", state),
    };
    sl_err_t err = {0};

    if (sl_store_launch_id(&new.id, apr_time_now(), pool, &err) != SL_OK ||
        sl_store_launch_begin(db, &new, pool, &err) != SL_OK) {
        give_up("begin", err.text);
    }
    return new.id;
}

sl_launch_claimed_t claim(const char *state, const char *browser)
{
    const sl_launch_claim_t how = {hash(state), hash(browser), REDIRECT, 0};
    sl_launch_claimed_t out;
    sl_err_t err = {0};

    if (sl_store_launch_claim(&out, db, &how, pool, &err) != SL_OK) {
        give_up("claim", err.text);
    }
    return out;
}

finish_t finishing(const char *id, const char *browser, const char *new_browser)
{
    finish_t f = {
        .result =
            {
                .id = id,
                .browser_hash = hash(browser),
                .new_browser_hash = hash(new_browser),
                .handle_hash = hash(apr_pstrcat(pool, "handle ", id, NULL)),
                .session_hash = hash(apr_pstrcat(pool, "session ", id, NULL)),
                .app_user = "alice",
                .ehr_user = "dr-smith",
                .issuer = "https://ehr.example",
                .sub = "sub-smith",
                .source = "id_token:sub",
                .fhir_user = "https://ehr.example/fhir/Practitioner/1",
                .patient = "p1",
                .encounter = "e1",
                .context = "{\"intent\":\"review\"}",
                .link_state = SL_LINK_LINKED,
                .others = SL_OTHERS_END,
                .max = 12 * HOUR,
                .idle = HOUR / 2,
                .steps = one_step("token", id),
            },
        .token =
            {
                .access_sealed = sealed("sealed-access"),
                .refresh_sealed = sealed("sealed-refresh"),
                .key_id = "k1",
                .scope_asked = "launch openid",
                .scope_granted = "launch",
                .lifetime = HOUR,
            },
    };

    return f;
}

sl_rc_t finish(finish_t *f, sl_launch_finished_t *out)
{
    sl_launch_finished_t ignored;
    sl_err_t err = {0};
    sl_rc_t rc;

    f->result.token = &f->token;
    rc = sl_store_launch_finish(out == NULL ? &ignored : out, db, &f->result, pool, &err);
    if (rc == SL_FAILED || rc == SL_UNAVAILABLE) {
        give_up("finish", err.text);
    }
    return rc;
}

const char *launch(const char *state, const char *browser, const char *new_browser)
{
    const char *id = begin(state, browser);
    finish_t f = finishing(id, browser, new_browser);

    f.result.link_how = "same-name";
    if (claim(state, browser).outcome != SL_CLAIM_WON || finish(&f, NULL) != SL_OK) {
        give_up("launch", state);
    }
    return id;
}

const char *launch_pending(const char *state, const char *browser, const char *new_browser,
                           const char *ehr_user)
{
    const char *id = begin(state, browser);
    finish_t f = finishing(id, browser, new_browser);

    f.result.link_state = SL_LINK_PENDING;
    f.result.app_user = NULL;
    f.result.ehr_user = ehr_user;
    f.result.sub = apr_pstrcat(pool, "sub-", ehr_user, NULL);
    if (claim(state, browser).outcome != SL_CLAIM_WON || finish(&f, NULL) != SL_OK) {
        give_up("launch_pending", state);
    }
    return id;
}

void clean(void)
{
    (void)owner(
        "TRUNCATE smartlaunch.ticket, smartlaunch.launch, smartlaunch.token, smartlaunch.link,"
        " smartlaunch.launch_step, smartlaunch.fhir_access, smartlaunch.caretaker");
}

void age_move(const char *id, int seconds)
{
    (void)owner("UPDATE smartlaunch.launch SET moved_at = moved_at - %d * interval '1 second',"
                " authorized_at = authorized_at - %d * interval '1 second' WHERE id = '%s'",
                seconds, seconds, id);
}

typedef struct {
    int index;
    void (*run)(int index, apr_pool_t *p, void *data);
    void *data;
    pthread_barrier_t *start;
} runner_t;

static void *run_thread(void *data)
{
    runner_t *runner = data;
    apr_pool_t *p;

    if (apr_pool_create(&p, NULL) == APR_SUCCESS) {
        (void)pthread_barrier_wait(runner->start);
        runner->run(runner->index, p, runner->data);
        apr_pool_destroy(p);
    }
    return NULL;
}

void together(int count, void (*run)(int index, apr_pool_t *p, void *data), void *data)
{
    pthread_t *threads = apr_pcalloc(pool, sizeof(pthread_t) * (size_t)count);
    runner_t *runners = apr_pcalloc(pool, sizeof(runner_t) * (size_t)count);
    pthread_barrier_t start;

    (void)pthread_barrier_init(&start, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        runners[i] = (runner_t){i, run, data, &start};
        if (pthread_create(&threads[i], NULL, run_thread, &runners[i]) != 0) {
            give_up("together", "no thread");
        }
    }
    for (int i = 0; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    (void)pthread_barrier_destroy(&start);
}

static void log_line(void *data, sl_log_level_t level, const char *id, const char *text)
{
    (void)data;
    (void)level;
    (void)printf("# log %s %s\n", id, text);
}

static int open_all(const char *conninfo, const char *owner_conninfo)
{
    const sl_db_options_t options = {
        .max = 8,
        .unprepared = getenv("SL_STORE_UNPREPARED") != NULL,
        .log = {log_line, NULL},
    };
    sl_err_t err = {0};

    owner_conn = PQconnectdb(owner_conninfo);
    if (PQstatus(owner_conn) != CONNECTION_OK) {
        give_up("owner", PQerrorMessage(owner_conn));
    }
    (void)ask_owner("SET client_min_messages = error");
    if (sl_db_open(&db, conninfo, &options, pool, &err) != SL_OK) {
        give_up("sl_db_open", err.text);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        group_fn *run;
    } GROUPS[] = {{"db", test_db},
                  {"launch", test_launch},
                  {"finish", test_finish},
                  {"race", test_race},
                  {"link", test_link},
                  {"session", test_session},
                  {"token", test_token},
                  {"renew", test_renew},
                  {"access", test_access},
                  {"listen", test_listen},
                  {"scale", test_scale},
                  {"serve", serve},
                  {"cdp-setup", test_cdp_setup},
                  {"cdp-hold", test_cdp_hold},
                  {"cdp-claim", test_cdp_claim},
                  {"cdp-keys", test_cdp_keys},
                  {"cdp-decide", test_cdp_decide}};
    const char *conninfo = getenv("SL_STORE_DB");
    const char *owner_conninfo = getenv("SL_STORE_OWNER");
    int status = 2;

    if (argc != 2 || conninfo == NULL || owner_conninfo == NULL) {
        (void)fputs("usage: SL_STORE_DB=… SL_STORE_OWNER=… store GROUP\n", stderr);
        return status;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        open_all(conninfo, owner_conninfo) != 0) {
        return status;
    }
    for (size_t i = 0; i < sizeof(GROUPS) / sizeof(GROUPS[0]); i++) {
        if (strcmp(GROUPS[i].name, argv[1]) == 0) {
            status = GROUPS[i].run();
        }
    }
    PQfinish(owner_conn);
    PQfinish(dba);
    apr_pool_destroy(pool);
    apr_terminate();
    return status;
}
