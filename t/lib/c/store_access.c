/* SPDX-License-Identifier: Apache-2.0 */
/* The audit's rows: written, completed once, and dropped by the month. */
#include "store.h"
#include "store/sl_store_access.h"
#include "tap.h"

#include <apr_strings.h>
#include <libpq-fe.h>
#include <stdlib.h>

#define DAY (24 * HOUR)
#define AT (apr_time_from_sec(1700000000) + 123456)

static sl_access_t a_row(const char *reference)
{
    return (sl_access_t){
        .at = apr_time_now(),
        .via = SL_VIA_SESSION,
        .caller = "redcap",
        .app = "app",
        .app_user = "alice",
        .session_print = "0123456789abcdef0123456789abcdef",
        .ehr = "epic",
        .patient = "p1",
        .asked_patient = "p1",
        .method = "GET",
        .resource = "Observation",
        .status = 200,
        .bytes = 5000000000,
        .ms = 12,
        .reference = reference,
    };
}

static apr_array_header_t *rows_of(int count, const sl_access_t *rows)
{
    apr_array_header_t *out = apr_array_make(pool, count + 1, sizeof(sl_access_t));

    for (int i = 0; i < count; i++) {
        APR_ARRAY_PUSH(out, sl_access_t) = rows[i];
    }
    return out;
}

static const char *json_of(const sl_access_t *row)
{
    return sl_store_access_json(pool, rows_of(1, row));
}

static const char *stored(const char *reference)
{
    return owner("SELECT concat_ws('|', via, coalesce(caller, '-'), coalesce(app, '-'),"
                 " coalesce(app_user, '-'), coalesce(session_print, '-'), coalesce(ehr, '-'),"
                 " coalesce(patient, '-'), coalesce(asked_patient, '-'), method,"
                 " coalesce(resource, '-'), status, coalesce(bytes, -1), coalesce(ms, -1))"
                 " FROM smartlaunch.fhir_access WHERE reference = '%s'",
                 reference);
}

static void writes_json(void)
{
    sl_access_t row = {
        .at = AT, .method = "GET", .status = 401, .bytes = -1, .ms = -1, .reference = "r-1"};

    is_str(sl_store_access_json(pool, rows_of(0, NULL)), "[]", "no rows");
    is_str(json_of(&row),
           "[{\"at\":1700000000123456,\"via\":\"none\",\"method\":\"GET\",\"status\":401,"
           "\"reference\":\"r-1\"}]",
           "what is not known is not there");
    row.patient = "\x01\"\\\x1f/\xc3\xa9";
    row.bytes = 0;
    row.ms = 0;
    is_str(
        json_of(&row),
        "[{\"at\":1700000000123456,\"via\":\"none\",\"patient\":\"\\u0001\\\"\\\\\\u001f/\xc3\xa9"
        "\",\"method\":\"GET\",\"status\":401,\"bytes\":0,\"ms\":0,\"reference\":\"r-1\"}]",
        "what JSON cannot hold as it is, is escaped");
    row.patient = "p\xff\xc3\xa9";
    ok(strstr(json_of(&row), "\"patient\":\"p???\"") != NULL, "what is not UTF-8 loses no row");
}

static void adds(void)
{
    sl_access_t rows[3] = {a_row("a-1"), a_row("a-2"), a_row("a-3")};
    sl_err_t err = {0};

    rows[1] = (sl_access_t){.at = apr_time_now(),
                            .method = "POST",
                            .status = 401,
                            .bytes = -1,
                            .ms = -1,
                            .reference = "a-2"};
    rows[2].via = SL_VIA_USER;
    rows[2].patient = "it's \"x\" \\ \x01 ✓";
    is_int(sl_store_access_add(db, sl_store_access_json(pool, rows_of(3, rows)), &err), SL_OK,
           "three rows at once");
    is_str(stored("a-1"),
           "session|redcap|app|alice|0123456789abcdef0123456789abcdef|epic|p1|p1|GET|Observation|"
           "200|5000000000|12",
           "a row has everything");
    is_str(stored("a-2"), "none|-|-|-|-|-|-|-|POST|-|401|-1|-1",
           "a refused call has what there is");
    is_str(owner("SELECT patient FROM smartlaunch.fhir_access WHERE reference = 'a-3'"),
           "it's \"x\" \\ \x01 ✓", "texts come through as they are");
    is_str(owner("SELECT concat_ws('|', via, extract(epoch FROM at) * 1000000 = %" APR_TIME_T_FMT
                 ", tableoid::regclass::text ~ '_[0-9]{6}$') FROM smartlaunch.fhir_access"
                 " WHERE reference = 'a-3'",
                 rows[2].at),
           "user|t|t", "… to the microsecond, in the month's partition");
    rows[0].via = SL_VIA_SYSTEM;
    rows[0].at = apr_time_from_sec(1000000000);
    rows[0].reference = "a-4";
    is_int(sl_store_access_add(db, json_of(&rows[0]), &err), SL_OK, "a row of a month long ago");
    is_str(owner("SELECT via || tableoid::regclass::text FROM smartlaunch.fhir_access"
                 " WHERE reference = 'a-4'"),
           "systemsmartlaunch.fhir_access_other", "… is kept, too");
    is_int(sl_store_access_add(db, "[]", &err), SL_OK, "no rows are no trouble");
}

static void refuses(void)
{
    sl_access_t rows[2] = {a_row("f-1"), a_row("f-2")};
    sl_err_t err = {0};

    rows[1].method = NULL;
    is_int(sl_store_access_add(db, sl_store_access_json(pool, rows_of(2, rows)), &err), SL_INVALID,
           "a row the table refuses");
    ok(strstr(err.text, "23502") != NULL && strstr(err.text, "p1") == NULL,
       "SEC: … the log says why, and not whose");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.fhir_access WHERE reference ~ '^f'"), 0,
           "… and nothing of the batch is stored");
    is_int(sl_store_access_add(db, "[{\"at\":1,", &err), SL_INVALID, "half a text");
    is_int(sl_store_access_add(db, "{\"at\":1}", &err), SL_INVALID, "something else");
}

static void completes(void)
{
    sl_access_t rows[4] = {a_row("c-1"), a_row("c-2"), a_row("c-3"), a_row("c-4")};
    sl_err_t err = {0};

    rows[0].bytes = -1;
    rows[0].ms = -1;
    is_int(sl_store_access_add(db, sl_store_access_json(pool, rows_of(2, rows)), &err), SL_OK,
           "a row whose size is not known yet, and one that is complete");
    rows[0].bytes = 77;
    rows[0].ms = 5;
    rows[0].app_user = "mallory";
    rows[0].status = 500;
    rows[1].bytes = 1;
    rows[1].ms = 1;
    is_int(sl_store_access_complete(db, rows_of(4, rows), pool, &err), SL_OK,
           "both are completed, and two that are not there");
    is_str(stored("c-1"),
           "session|redcap|app|alice|0123456789abcdef0123456789abcdef|epic|p1|p1|GET|Observation|"
           "200|77|5",
           "SEC: bytes and milliseconds are filled in, nothing else is changed");
    is_str(owner("SELECT concat_ws('|', bytes, ms) FROM smartlaunch.fhir_access"
                 " WHERE reference = 'c-2'"),
           "5000000000|12", "SEC: what is known stays as it is");
    rows[0].bytes = 78;
    is_int(sl_store_access_complete(db, rows_of(1, rows), pool, &err), SL_OK, "once more");
    is_str(owner("SELECT concat_ws('|', bytes, ms) FROM smartlaunch.fhir_access"
                 " WHERE reference = 'c-1'"),
           "77|5", "SEC: … is once too often");
    rows[2].ms = -1;
    is_int(sl_store_access_add(db, json_of(&rows[2]), &err), SL_OK, "a row that lacks one of them");
    rows[2].bytes = 1;
    rows[2].ms = 9;
    is_int(sl_store_access_complete(db, rows_of(4, rows), pool, &err), SL_OK, "… gets it");
    is_str(owner("SELECT concat_ws('|', bytes, ms) FROM smartlaunch.fhir_access"
                 " WHERE reference = 'c-3'"),
           "5000000000|9", "SEC: … and keeps the other");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.fhir_access WHERE reference = 'c-4'"), 0,
           "SEC: no row is made");
}

/** A partition of that many months ago, with a row. */
static void month_ago(int months)
{
    (void)owner(
        "DO $$ DECLARE low timestamp := date_trunc('month', now() AT TIME ZONE 'UTC')"
        "  - %d * interval '1 month'; BEGIN"
        " EXECUTE format('CREATE TABLE smartlaunch.fhir_access_%%s PARTITION OF"
        "  smartlaunch.fhir_access FOR VALUES FROM (%%L) TO (%%L)', to_char(low, 'YYYYMM'),"
        "  low AT TIME ZONE 'UTC', (low + interval '1 month') AT TIME ZONE 'UTC');"
        " INSERT INTO smartlaunch.fhir_access (at, via, method, status, reference) VALUES"
        "  ((low + interval '27 days') AT TIME ZONE 'UTC', 'none', 'GET', 200, 'm-%d'); END $$",
        months, months);
}

static const char *left(void)
{
    return owner("SELECT string_agg(reference, ' ' ORDER BY at) FROM smartlaunch.fhir_access"
                 " WHERE reference ~ '^m'");
}

static void purges(void)
{
    bool more = false;
    int rounds = 0;
    sl_err_t err = {0};
    sl_rc_t rc;

    for (int i = 3; i <= 6; i++) {
        month_ago(i);
    }
    (void)owner("INSERT INTO smartlaunch.fhir_access (at, via, method, status, reference)"
                " SELECT now() - interval '2 years', 'none', 'GET', 200, 'm-o' FROM"
                " generate_series(1, 1500) UNION ALL"
                " SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
                "  - interval '40 days', 'none', 'GET', 200, 'm-2'");
    is_int(sl_store_access_purge(&more, db, 30 * DAY, pool, &err), SL_FAILED,
           "SEC: the audit is kept for 31 days at least");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.fhir_access WHERE reference = 'm-o'"), 1500,
           "… whatever the module says");
    do {
        /* Five months ago at its first instant: that month is the oldest that stays. */
        rc = sl_store_access_purge(
            &more, db,
            owner_int("SELECT extract(epoch FROM now() - (date_trunc('month', now() AT TIME ZONE"
                      " 'UTC') - interval '4 months') AT TIME ZONE 'UTC')") *
                APR_USEC_PER_SEC,
            pool, &err);
        rounds++;
    } while (rc == SL_OK && more && rounds < 20);
    is_int(rc, SL_OK, "months are dropped");
    is_int(rounds, 5, "… one at a time, and what has no partition in batches");
    is_str(left(), "m-4 m-3 m-2", "… those that are older as a whole");
    is_int(
        owner_int("SELECT count(*) FROM pg_inherits WHERE inhparent ="
                  " 'smartlaunch.fhir_access'::regclass AND inhrelid::regclass::text ~ '_[0-9]+$'"
                  " AND to_date(right(inhrelid::regclass::text, 6), 'YYYYMM') < now() -"
                  " interval '5 months'"),
        0, "… with their tables");
}

static void purges_politely(void)
{
    PGconn *reader = PQconnectdb(getenv("SL_STORE_OWNER"));
    bool more = false;
    sl_err_t err = {0};
    apr_time_t start;

    PQclear(PQexec(reader, "BEGIN"));
    PQclear(PQexec(reader, "SELECT count(*) FROM smartlaunch.fhir_access"));
    start = apr_time_now();
    is_int(sl_store_access_purge(&more, db, 32 * DAY, pool, &err), SL_BUSY,
           "somebody reads the audit: later");
    ok(apr_time_now() - start < apr_time_from_sec(3), "… which is said soon");
    PQclear(PQexec(reader, "ROLLBACK"));
    PQfinish(reader);
    is_int(sl_store_access_purge(&more, db, 32 * DAY, pool, &err), SL_OK, "and then");
    ok(more, "… a month goes");
}

int test_access(void)
{
    clean();
    writes_json();
    adds();
    refuses();
    completes();
    clean();
    purges();
    purges_politely();
    clean();
    return tap_done();
}
