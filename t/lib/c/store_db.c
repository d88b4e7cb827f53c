/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of connections: bounds, time-outs, outages; how statements are told apart; size */
#include "store.h"
#include "store/sl_schema.h"
#include "store/sl_store_access.h"
#include "tap.h"

#include <apr_strings.h>
#include <stdlib.h>

static const sl_stmt_t SLEEP = {"t_sleep", "SELECT pg_sleep($1::float8)::text AS x", 1, true};
static const sl_stmt_t SLEEP_WRITE = {"t_sleep_w", "SELECT pg_sleep($1::float8)::text AS x", 1,
                                      false};
/* These wait until the owner lets go of the lock. */
static const sl_stmt_t HELD = {"t_held", "SELECT pg_advisory_xact_lock_shared($1)::text AS held", 1,
                               true};
static const sl_stmt_t HELD_WRITE = {
    "t_held_w", "SELECT pg_advisory_xact_lock_shared($1)::text AS held", 1, false};
static const sl_stmt_t ECHO = {"t_echo",
                               "SELECT $1::text AS t, $2::bigint AS n, $3::bytea AS b,"
                               " $4::boolean AS yes, NULL::text AS nothing",
                               4, true};
static const sl_stmt_t PID = {"t_pid", "SELECT pg_backend_pid() AS n", 0, false};
static const sl_stmt_t BAD = {"t_bad", "SELECT nosuch FROM smartlaunch.launch", 0, true};
static const sl_stmt_t DATA = {"t_data", "SELECT $1::uuid AS x", 1, true};
static const sl_stmt_t EHR = {"t_ehr",
                              "INSERT INTO smartlaunch.ehr (name, issuer, profile, client_id)"
                              " VALUES ('twice', 'x', 'x', 'x')",
                              0, false};

static sl_db_t *open_pool(sl_db_options_t options)
{
    sl_db_t *made = NULL;
    sl_err_t err = {0};

    return sl_db_open(&made, getenv("SL_STORE_DB"), &options, pool, &err) == SL_OK ? made : NULL;
}

static sl_rc_t nap(sl_db_t *on, const sl_stmt_t *stmt, const char *seconds, apr_pool_t *p,
                   sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(seconds)};
    const sl_db_call_t call = {stmt, params};
    sl_rows_t *rows;

    return sl_db_run(&rows, on, &call, p, err);
}

static int backend(sl_db_t *on)
{
    const sl_db_call_t call = {&PID, NULL};
    sl_err_t err = {0};
    sl_rows_t *rows;

    return sl_db_run(&rows, on, &call, pool, &err) == SL_OK ? (int)sl_rows_int(rows, 0, "n", 0)
                                                            : -1;
}

static void values(void)
{
    static const unsigned char BYTES[] = {0, 1, 255, '\\', '\'', 0};
    const sl_db_param_t params[] = {sl_db_text("it's ✓"), sl_db_int(INT64_MIN),
                                    sl_db_bytes((sl_bytes_t){BYTES, sizeof(BYTES)}),
                                    sl_db_bool(true)};
    const sl_db_param_t nulls[] = {sl_db_text(NULL), sl_db_int(0), sl_db_hash(NULL),
                                   sl_db_bool(false)};
    sl_db_call_t call = {&ECHO, params};
    sl_err_t err = {0};
    sl_rows_t *rows;
    sl_bytes_t bytes;

    if (!ok(sl_db_run(&rows, db, &call, pool, &err) == SL_OK, "a statement runs %s", err.text)) {
        return;
    }
    is_str(sl_rows_text(rows, 0, "t"), "it's ✓", "text comes back");
    ok(sl_rows_int(rows, 0, "n", 0) == INT64_MIN, "numbers do");
    bytes = sl_rows_bytes(rows, 0, "b");
    ok(bytes.len == sizeof(BYTES) && memcmp(bytes.bytes, BYTES, sizeof(BYTES)) == 0, "bytes do");
    ok(sl_rows_bool(rows, 0, "yes"), "truth does");
    ok(sl_rows_text(rows, 0, "nothing") == NULL && sl_rows_text(rows, 1, "t") == NULL &&
           sl_rows_text(rows, 0, "wrong") == NULL && sl_rows_int(rows, 0, "nothing", 7) == 7,
       "null, a row too many and a wrong name are nothing");
    call.params = nulls;
    ok(sl_db_run(&rows, db, &call, pool, &err) == SL_OK && sl_rows_text(rows, 0, "t") == NULL &&
           sl_rows_bytes(rows, 0, "b").bytes == NULL && !sl_rows_bool(rows, 0, "yes"),
       "nulls are nulls");
}

static void count_lines(void *data, sl_log_level_t level, const char *id, const char *text)
{
    (void)level;
    (void)id;
    (void)text;
    ++*(int *)data;
}

/** Another module that is linked with the same library has statements of its own, equal ones. */
static void twins(void)
{
    static const sl_stmt_t TWIN = {"t_pid", "SELECT pg_backend_pid() AS n", 0, false};
    int lines = 0;
    const sl_db_options_t options = {.max = 1, .log = {count_lines, &lines}};
    sl_db_t *one = open_pool(options);
    const sl_db_call_t call = {&TWIN, NULL};
    int before = backend(one);
    sl_err_t err = {0};
    sl_rows_t *rows;

    ok(sl_db_run(&rows, one, &call, pool, &err) == SL_OK && sl_rows_int(rows, 0, "n", 0) == before,
       "a statement that another module prepared on this connection %s", err.text);
    is_int(lines, 0, "is used as it is: no pooler is suspected");
}

static void refusals(void)
{
    const sl_db_param_t secret[] = {sl_db_text("eyJ-a-token")};
    const sl_db_call_t bad = {&BAD, NULL};
    const sl_db_call_t data = {&DATA, secret};
    const sl_db_call_t twice = {&EHR, NULL};
    sl_err_t err = {0};
    sl_rows_t *rows;

    is_int(sl_db_run(&rows, db, &bad, pool, &err), SL_FAILED, "a wrong statement fails");
    ok(strstr(err.text, "42703") != NULL && strstr(err.text, "nosuch") != NULL,
       "… and the log says what is wrong");
    is_int(sl_db_run(&rows, db, &data, pool, &err), SL_FAILED, "a wrong value fails");
    ok(strstr(err.text, "22P02") != NULL && strstr(err.text, "eyJ") == NULL,
       "SEC: … and the log does not repeat it");
    is_int(sl_db_run(&rows, db, &twice, pool, &err), SL_OK, "a unique name");
    is_int(sl_db_run(&rows, db, &twice, pool, &err), SL_CONFLICT, "… is taken once");
    (void)owner("DELETE FROM smartlaunch.ehr WHERE name = 'twice'");
    is_int(sl_db_check_conninfo("host=x password", pool, &err), SL_INVALID, "a malformed conninfo");
    is_int(sl_db_check_conninfo("host=x nosuchword=hunter2", pool, &err), SL_INVALID,
           "… or a wrong word");
    ok(strstr(err.text, "hunter2") == NULL, "SEC: … is not repeated");
    is_int(sl_db_check_conninfo("postgresql://a,b/c?target_session_attrs=primary", pool, &err),
           SL_OK, "a URI with several hosts is one");
    is_int(sl_schema_check(db, pool, &err), SL_OK, "the tables are the right ones");
    (void)owner("INSERT INTO smartlaunch.schema_version (version) VALUES (999)");
    is_int(sl_schema_check(db, pool, &err), SL_FAILED, "newer ones are not");
    (void)owner("DELETE FROM smartlaunch.schema_version WHERE version = 999");
    (void)owner("UPDATE smartlaunch.schema_version SET version = 0 WHERE version = %d",
                SL_SCHEMA_VERSION);
    is_int(sl_schema_check(db, pool, &err), SL_FAILED, "older ones are not");
    ok(strstr(err.text, "smartlaunchctl schema upgrade") != NULL, "… and it says what to run");
    (void)owner("UPDATE smartlaunch.schema_version SET version = %d WHERE version = 0",
                SL_SCHEMA_VERSION);
}

static int busy_count, fine_count;

static void all_busy(int index, apr_pool_t *p, void *data)
{
    sl_err_t err = {0};
    sl_db_t *on = data;
    sl_db_stats_t stats = {0};

    if (index < 2) {
        (void)nap(on, &HELD, "1", p, &err);
        return;
    }
    for (int i = 0; i < 10000 && stats.busy < 2; i++) {
        sl_db_stats(on, &stats);
        apr_sleep(1000);
    }
    (void)__sync_fetch_and_add(&busy_count, nap(on, &SLEEP, "0", p, &err) == SL_BUSY);
    if (__sync_add_and_fetch(&fine_count, 1) == 2) {
        (void)owner("SELECT pg_advisory_unlock(1)");
    }
}

static void waits_its_turn(int index, apr_pool_t *p, void *data)
{
    sl_err_t err = {0};

    (void)index;
    if (nap(data, &SLEEP, "0.02", p, &err) == SL_OK) {
        (void)__sync_fetch_and_add(&fine_count, 1);
    }
}

static void bounds(void)
{
    sl_db_t *two = open_pool((sl_db_options_t){.max = 2, .wait = apr_time_from_msec(300)});
    sl_db_stats_t stats;
    sl_err_t err = {0};
    apr_time_t start;

    (void)owner("SELECT pg_advisory_lock(1)");
    together(4, all_busy, two);
    is_int(busy_count, 2, "with all connections busy, the others are told so");
    fine_count = 0;
    two = open_pool((sl_db_options_t){.max = 2});
    together(16, waits_its_turn, two);
    is_int(fine_count, 16, "sixteen threads share two connections");
    sl_db_stats(two, &stats);
    ok(stats.open == 2 && stats.connects == 2 && stats.busy == 0, "… and two it stays");
    two = open_pool((sl_db_options_t){.max = 2, .query = apr_time_from_sec(1)});
    start = apr_time_now();
    is_int(nap(two, &SLEEP, "30", pool, &err), SL_UNAVAILABLE, "a slow answer is not waited for");
    is_str(err.id, "SL3005", "… it says so");
    ok(apr_time_now() - start < apr_time_from_sec(5), "… and is not asked for again");
    is_int(nap(two, &SLEEP, "0", pool, &err), SL_OK, "the next statement has a new connection");
}

/* A server that was restarted has closed the connections that were idle. */
static void idle_connection(void)
{
    sl_db_t *one = open_pool((sl_db_options_t){.max = 1});
    int before = backend(one);
    int after;

    ok(before > 0, "a connection");
    (void)owner("SELECT pg_terminate_backend(%d)", before);
    ok(eventually(apr_psprintf(
           pool, "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = %d)", before)),
       "… is closed by the server");
    after = backend(one);
    ok(after > 0 && after != before, "idle connection lost: a statement that writes has another");
}

#define WAITING                                                                                    \
    " FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"

static void killed_under_it(int index, apr_pool_t *p, void *data)
{
    sl_err_t err = {0};
    sl_rc_t *rc = data;

    if (index < 2) {
        rc[index] = nap(db, index == 0 ? &HELD : &HELD_WRITE, "2", p, &err);
        return;
    }
    (void)eventually("SELECT count(*) = 2" WAITING);
    (void)owner("SELECT pg_terminate_backend(pid)" WAITING);
    (void)owner("SELECT pg_advisory_unlock(2)");
}

static void broken_connection(void)
{
    sl_rc_t rc[2] = {SL_FAILED, SL_FAILED};

    (void)owner("SELECT pg_advisory_lock(2)");
    together(3, killed_under_it, rc);
    is_int(rc[0], SL_OK, "connection lost under it: what only reads is asked again");
    is_int(rc[1], SL_UNAVAILABLE, "… what writes is not");
}

int test_db(void)
{
    values();
    twins();
    refusals();
    bounds();
    idle_connection();
    broken_connection();
    return tap_done();
}

/* What the gateway asks for in a token's life. */
static bool gateway_round(const char *id, const char *user, const char *patient, sl_err_t *err)
{
    const sl_token_of_user_t who = {"app", "epic", user, patient};
    const sl_token_due_t due = {"epic", apr_time_from_sec(60), 20, 0};
    const sl_lease_t lease = {id, 1, "host:1", HOUR};
    const sl_token_release_t release = {id, "host:1", 1, 0, "later"};
    const sl_token_over_t over = {id, 2, "refused", "refused"};
    const sl_token_next_t next = {.launch = id,
                                  .follows = 1,
                                  .app_user = "alice",
                                  .access_sealed = sealed("next"),
                                  .key_id = "k1",
                                  .context = "{}"};
    sl_access_t row = {.at = apr_time_now(),
                       .method = "GET",
                       .status = 200,
                       .bytes = -1,
                       .ms = -1,
                       .reference = id};
    apr_array_header_t *rows = apr_array_make(pool, 1, sizeof(row));
    apr_array_header_t *list;
    sl_token_view_t view;
    sl_leased_t leased;

    APR_ARRAY_PUSH(rows, sl_access_t) = row;
    return sl_store_token_by_session(&view, db, hash(apr_pstrcat(pool, "session ", id, NULL)), pool,
                                     err) == SL_OK &&
           sl_store_token_by_launch(&view, db, id, pool, err) == SL_OK &&
           sl_store_token_by_user(&view, db, &who, pool, err) == SL_OK &&
           sl_store_token_due(&list, db, &due, pool, err) == SL_OK && list->nelts == due.limit &&
           sl_store_token_lease(&leased, db, &lease, pool, err) == SL_OK &&
           sl_store_token_release(db, &release, err) == SL_OK &&
           sl_store_token_renew(db, &next, err) == SL_OK &&
           sl_store_token_over(db, &over, err) == SL_OK &&
           sl_store_access_add(db, sl_store_access_json(pool, rows), err) == SL_OK &&
           sl_store_access_complete(db, rows, pool, err) == SL_OK;
}

/* One of everything, on tables with many rows. */
int test_scale(void)
{
    const sl_link_key_t key = {"app",       "epic",        "dr-smith", "https://ehr.example",
                               "sub-smith", "id_token:sub"};
    apr_array_header_t *steps;
    sl_link_user_t user;
    sl_link_t link;
    sl_token_t token;
    sl_err_t err = {0};

    for (int i = 0; i < 12; i++) {
        const char *browser = apr_psprintf(pool, "big-%d", i);
        const char *id = launch(apr_psprintf(pool, "big-%d", i), browser, browser);
        const sl_browser_query_t query = {hash(browser), "app", 12 * HOUR, 0};
        const sl_launch_end_t end = {id, hash(browser), NULL, "logout", true, NULL};
        sl_browser_t out;
        int ended;
        bool fine = sl_store_browser_launches(&out, db, &query, pool, &err) == SL_OK &&
                    out.launches->nelts == 1 && sl_store_launch_touch(db, id, &err) == SL_OK &&
                    sl_store_link_find(&link, db, &key, pool, &err) == SL_OK &&
                    sl_store_link_by_user(&user, db, &key, "alice", pool, &err) == SL_OK &&
                    sl_store_token_find(&token, db, id, pool, &err) == SL_OK &&
                    sl_store_steps_find(&steps, db, id, pool, &err) == SL_OK &&
                    sl_store_launch_end(&ended, db, &end, pool, &err) == SL_OK && ended == 1;
        const char *gate = apr_psprintf(pool, "gate-%d", i);
        const char *gated = launch(gate, gate, gate);

        fine = fine && (i % 2 == 0 ? gateway_round(gated, "alice", "p1", &err)
                                   : gateway_round(gated, "busy", "p10", &err));
        ok(fine, "round %d of everything %s", i, fine ? "" : err.text);
    }
    return tap_done();
}

int serve(void)
{
    char line[16];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        apr_time_t start = apr_time_now();
        sl_err_t err = {0};
        sl_rc_t rc = nap(db, line[0] == 'w' ? &SLEEP_WRITE : &SLEEP, "0", pool, &err);

        (void)printf("%s %d %s\n", sl_rc_name(rc), (int)apr_time_as_msec(apr_time_now() - start),
                     rc == SL_OK ? "" : err.id);
    }
    return 0;
}
