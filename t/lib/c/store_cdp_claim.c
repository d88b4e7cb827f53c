/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is: by a person, by the clock, by several hosts at once. */
#include "store_cdp.h"

#include "store/sl_store_cdp_record.h"
#include "tap.h"

#include <apr_strings.h>

#define RECORDS 60
#define HOSTS 6

static const cdp_item_t NAME[] = {{"first", "Morris", ""}};

static sl_rc_t due(sl_cdp_claim_t *claim)
{
    sl_err_t err = {0};

    return sl_cdp_hold_claim_due(claim, &cdp, &study, pool, &err);
}

/** Nothing is due, or give back what is. */
static bool is_due(void)
{
    sl_cdp_claim_t claim = {0};

    if (due(&claim) != SL_OK) {
        return false;
    }
    if (cdp_finish(&claim, "ok") != SL_OK) {
        diag("a record cannot be given back");
    }
    return true;
}

/** Let so many hours have passed since the last fetch and the last work. */
static void age(int fetched, int active)
{
    (void)owner("UPDATE smartlaunch.cdp_record SET fetched_at = now() - %d * interval '1 hour',"
                " active_at = now() - %d * interval '1 hour', state = 'idle', due_at = NULL,"
                " has_future = false",
                fetched, active);
}

static void one_at_a_time(void)
{
    sl_cdp_claim_t first = {0};
    sl_cdp_claim_t second = {0};

    cdp_begin();
    is_int(cdp_claim(&first, "1", NULL), SL_NONE, "C3 without a number there is nothing to fetch");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_record"), 0, "… and nothing is stored");
    is_int(cdp_claim(&first, "1", "  "), SL_INVALID, "C3 blanks are no number");
    is_int(cdp_claim(&first, "a/b", MRN), SL_INVALID, "C3 nor is that a record");
    is_int(cdp_claim(&first, "1", " " MRN "\n"), SL_OK, "C3 a number with blanks around");
    is_str(first.mrn, MRN, "… is trimmed");
    is_int(cdp_claim(&second, "1", MRN), SL_BUSY, "H8 a second fetch waits");
    is_int(cdp_claim(&second, "1", NULL), SL_BUSY, "… whether it knows the number or not");
    is_int(cdp_claim(&second, "2", MRN), SL_OK, "… of another record it does not");
    ok(!is_due(), "H8 nor does the watchdog take it");
    is_int(cdp_finish(&first, "ok"), SL_OK, "the first ends");
    is_int(cdp_finish(&first, "ok"), SL_EXPIRED, "… once");
    is_int(cdp_claim(&second, "1", NULL), SL_OK, "H8 then the second");
    is_str(second.mrn, MRN, "… which has the number");
    (void)owner("UPDATE smartlaunch.cdp_record SET lease_until = now() - interval '1 second'");
    is_int(cdp_claim(&first, "1", NULL), SL_OK, "H8 a process that died keeps nobody away");
}

static void by_the_clock(void)
{
    sl_cdp_claim_t claim = {0};
    sl_err_t err = {0};
    int n = 0;

    cdp_begin();
    (void)cdp_fetch("1", MRN, ITEMS(NAME));
    ok(!is_due(), "H8 fetched just now: not due");
    age(25, 1);
    ok(is_due(), "H8 after a day with recent work: due");
    ok(!is_due(), "… once");
    age(25, 24 * 8);
    ok(!is_due(), "H8 nobody has worked on it for a week: not due");
    is_int(sl_cdp_hold_touch(&cdp, study.name, "1", &err), SL_OK, "somebody opens it");
    ok(is_due(), "H8 due again");
    age(25, 24 * 8);
    (void)owner("UPDATE smartlaunch.cdp_record SET has_future = true");
    ok(is_due(), "H8 a date that lies ahead keeps it due");
    age(25, 1);
    (void)owner("UPDATE smartlaunch.cdp_record SET outcome = 'relaunch'");
    ok(!is_due(), "H8 without a token it waits for somebody to fetch");
    is_int(sl_cdp_hold_queue(&n, &cdp, study.name, "1", &err), SL_OK, "asked for");
    is_int(n, 1, "… one");
    ok(is_due(), "H8 what is asked for is due at once");
    is_int(sl_cdp_hold_queue(&n, &cdp, study.name, NULL, &err), SL_OK, "all of them");
    study.every = 0;
    ok(is_due(), "H8 without SmartCDPRefetch only what is asked for");
    age(24 * 30, 0);
    ok(!is_due(), "… and nothing else");
    study.every = 24 * HOUR;
    study.name = "another";
    ok(!is_due(), "H8 nor for another project");
    study.name = "study";
    is_int(due(&claim), SL_OK, "a claim by the clock");
    is_str(claim.mrn, MRN, "… knows the number");
    is_str(claim.by, "alice", "… and whose token");
    ok(claim.unattended, "… and that nobody waits");
    is_int(cdp_finish(&claim, "ok"), SL_OK, "… ends");
    is_str(owner("SELECT string_agg(app_user || ' ' || detail, ', ' ORDER BY id) FROM"
                 " (SELECT * FROM smartlaunch.cdp_log ORDER BY id DESC LIMIT 1) l"),
           "SYSTEM ok", "C13 the log knows who did not");
}

static void after_trouble(void)
{
    const sl_cdp_finish_t later = {.outcome = "partial", .again = HOUR};
    sl_cdp_claim_t claim = {0};
    sl_cdp_record_t record = {0};
    sl_err_t err = {0};

    cdp_begin();
    is_int(cdp_claim(&claim, "1", MRN), SL_OK, "a fetch");
    is_int(sl_cdp_hold_finish(&cdp, &claim, &later, &err), SL_OK, "… is not complete");
    is_int(sl_cdp_hold_record(&record, &cdp, study.name, "1", pool, &err), SL_OK, "C11 it is");
    is_int(record.state, SL_CDP_QUEUED, "… queued");
    ok(!is_due(), "… and not tried again at once");
    (void)owner("UPDATE smartlaunch.cdp_record SET due_at = now() - interval '1 second'");
    (void)owner("UPDATE smartlaunch.cdp_record SET active_at = now() - interval '8 days'");
    ok(!is_due(), "C11 nor for ever");
    (void)owner("UPDATE smartlaunch.cdp_record SET active_at = now()");
    ok(is_due(), "C11 but later");
    (void)owner("UPDATE smartlaunch.cdp_record SET state = 'fetching', lease = 1,"
                " lease_until = now() - interval '1 second'");
    ok(is_due(), "H8 the fetch of a process that died is done by another");
}

static void what_is_noted(void)
{
    static const char WARNING[] = "[{\"source\":\"laboratory results\",\"message\":\"away\"}]";
    const sl_cdp_date_t visit = {"event_1", 2, "visit_date", "2031-01-02 10:30"};
    apr_array_header_t *dates = apr_array_make(pool, 1, sizeof(sl_cdp_date_t));
    sl_cdp_claim_ask_t ask = {&study, "1", MRN, dates, "alice", MINUTE};
    const sl_cdp_finish_t finish = {.outcome = "ok", .warnings = WARNING, .has_future = true};
    sl_cdp_claim_t claim = {0};
    sl_cdp_record_t record = {0};
    const sl_cdp_date_t *date;
    sl_err_t err = {0};

    cdp_begin();
    APR_ARRAY_PUSH(dates, sl_cdp_date_t) = visit;
    is_int(sl_cdp_hold_claim(&claim, &cdp, &ask, pool, &err), SL_OK, "a fetch with dates");
    is_int(sl_cdp_hold_finish(&cdp, &claim, &finish, &err), SL_OK, "… and a warning");
    is_int(sl_cdp_hold_record(&record, &cdp, study.name, "1", pool, &err), SL_OK, "C11 the record");
    is_str(record.warnings, WARNING, "… has the warning");
    is_str(record.outcome, "ok", "… the outcome");
    is_str(record.fetched_by, "alice", "… who fetched it");
    ok(record.fetched_at > 0, "… and when");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_record WHERE has_future"), 1, "… H8");
    ask.dates = NULL;
    is_int(sl_cdp_hold_claim(&claim, &cdp, &ask, pool, &err), SL_OK, "C6 fetched again");
    date = claim.dates != NULL && claim.dates->nelts == 1
               ? &APR_ARRAY_IDX(claim.dates, 0, sl_cdp_date_t)
               : NULL;
    ok(date != NULL && date->instance == 2 && strcmp(date->event, "event_1") == 0 &&
           strcmp(date->field, "visit_date") == 0 && strcmp(date->value, visit.value) == 0,
       "… it has the dates of the last time");
    is_int(cdp_finish(&claim, "failed"), SL_OK, "it fails");
    is_int(sl_cdp_hold_record(&record, &cdp, study.name, "1", pool, &err), SL_OK, "the record");
    is_str(record.outcome, "failed", "C11 … says so");
    is_int(sl_cdp_hold_record(&record, &cdp, study.name, "9", pool, &err), SL_NONE, "no record 9");
}

static const char *names(const sl_cdp_record_page_t *page)
{
    apr_array_header_t *rows = NULL;
    const char *all = "";
    sl_err_t err = {0};

    if (sl_cdp_hold_records(&rows, &cdp, study.name, page, pool, &err) != SL_OK) {
        return apr_pstrdup(pool, err.text);
    }
    for (int i = 0; i < rows->nelts; i++) {
        const sl_cdp_record_t *row = &APR_ARRAY_IDX(rows, i, sl_cdp_record_t);

        all = apr_psprintf(pool, "%s%s:%d ", all, row->record, row->fresh);
    }
    return all;
}

static void pages_of_records(void)
{
    static const cdp_item_t BOTH[] = {{"first", "Morris", ""}, {"last", "Lockman", ""}};

    cdp_begin();
    (void)cdp_fetch("b", MRN, ITEMS(BOTH));
    (void)cdp_fetch("a", MRN, NAME, 0);
    (void)cdp_fetch("d", MRN, ITEMS(NAME));
    (void)cdp_fetch("c", MRN, NAME, 0);
    is_str(names(&(sl_cdp_record_page_t){NULL, 10, false}), "b:2 d:1 a:0 c:0 ",
           "H2 records with something new first");
    is_str(names(&(sl_cdp_record_page_t){NULL, 10, true}), "b:2 d:1 ", "H2 or only those");
    is_str(names(&(sl_cdp_record_page_t){NULL, 3, false}), "b:2 d:1 a:0 ", "H2 page by page");
    is_str(names(&(sl_cdp_record_page_t){"d", 1, false}), "a:0 ", "… from the last one seen");
    is_str(names(&(sl_cdp_record_page_t){"a", 3, false}), "c:0 ", "… to the end");
}

static void keeping(void)
{
    bool more = true;
    sl_cdp_claim_t claim = {0};
    sl_cdp_held_t held = {0};
    sl_err_t err = {0};

    cdp_begin();
    (void)cdp_fetch("1", MRN, ITEMS(NAME));
    (void)cdp_fetch("2", MRN, ITEMS(NAME));
    (void)cdp_fetch("3", MRN, ITEMS(NAME));
    (void)owner("UPDATE smartlaunch.cdp_value SET held_at = now() - interval '91 days'"
                " WHERE record <> '2'");
    (void)owner("UPDATE smartlaunch.cdp_value SET state = 'excluded' WHERE record = '3'");
    is_int(sl_cdp_hold_keep(&more, &cdp, &study, pool, &err), SL_OK, "4.5 without SmartCDPKeep");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_value"), 3, "… all stay");
    study.keep = 90 * 24 * HOUR;
    is_int(sl_cdp_hold_keep(&more, &cdp, &study, pool, &err), SL_OK, "4.5 with SmartCDPKeep 90d");
    study.keep = 0;
    ok(!more, "… in one step");
    is_str(owner("SELECT string_agg(record, ',' ORDER BY record) FROM smartlaunch.cdp_value"
                 " WHERE value_sealed IS NOT NULL"),
           "2,3", "… old ones that nobody decided on go");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE state = 'lapsed'"
                     " AND record = '1' AND decided_by = 'SYSTEM'"),
           1, "… and only that they were there stays");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_log WHERE what = 'purged'"), 1,
           "… which the log says");
    (void)owner("UPDATE smartlaunch.cdp_record SET state = 'queued' WHERE record = '1'");
    is_int(due(&claim), SL_OK, "4.5 an unattended fetch");
    is_int(cdp_hold(&held, &claim, ITEMS(NAME), NULL), SL_OK, "… brings the same");
    is_int(cdp_finish(&claim, "ok"), SL_OK, "… to its end");
    is_str(cdp_values("1"), "", "… and what lapsed is not offered again");
    is_int(cdp_fetch("1", MRN, ITEMS(NAME)).rows, 1, "4.5 somebody fetches: it is");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE state = 'lapsed'"), 0,
           "… like the first time");
}

typedef struct {
    sl_rc_t last[HOSTS];
    int got[HOSTS];
} hosts_t;

static void work(int index, apr_pool_t *p, void *data)
{
    hosts_t *hosts = data;
    sl_cdp_claim_t claim = {0};
    const sl_cdp_finish_t finish = {.outcome = "ok"};
    sl_err_t err = {0};

    while ((hosts->last[index] = sl_cdp_hold_claim_due(&claim, &cdp, &study, p, &err)) == SL_OK) {
        hosts->got[index]++;
        if (sl_cdp_hold_finish(&cdp, &claim, &finish, &err) != SL_OK) {
            hosts->got[index] += 1000;
        }
    }
}

/* Six hosts, sixty records: each is fetched, none twice. */
static void many_hosts(void)
{
    hosts_t hosts = {0};
    int all = 0;

    cdp_begin();
    for (int i = 0; i < RECORDS; i++) {
        (void)cdp_fetch(apr_itoa(pool, i), MRN, NAME, 0);
    }
    (void)owner("TRUNCATE smartlaunch.cdp_log");
    age(25, 1);
    together(HOSTS, work, &hosts);
    for (int i = 0; i < HOSTS; i++) {
        is_int(hosts.last[i], SL_NONE, "H8 a host works until nothing is due");
        all += hosts.got[i];
    }
    is_int(all, RECORDS, "H8 all records are fetched");
    is_int(owner_int("SELECT count(*) FROM (SELECT record FROM smartlaunch.cdp_log"
                     " WHERE what = 'fetched' GROUP BY record HAVING count(*) > 1) twice"),
           0, "… none twice");
}

typedef struct {
    sl_rc_t rc[HOSTS];
} people_t;

static void claim_one(int index, apr_pool_t *p, void *data)
{
    people_t *people = data;
    const sl_cdp_claim_ask_t ask = {&study, "1", MRN, NULL, "alice", MINUTE};
    sl_cdp_claim_t claim = {0};
    sl_err_t err = {0};

    people->rc[index] = sl_cdp_hold_claim(&claim, &cdp, &ask, p, &err);
}

static void many_people(void)
{
    int won = 0;
    int told = 0;

    for (int round = 0; round < 10; round++) {
        people_t people = {0};

        cdp_begin();
        together(HOSTS, claim_one, &people);
        for (int i = 0; i < HOSTS; i++) {
            won += people.rc[i] == SL_OK;
            told += people.rc[i] == SL_BUSY;
        }
    }
    is_int(won, 10, "H8 six people fetch a new record at once: one does");
    is_int(told, 10 * (HOSTS - 1), "… the others are told");
}

int test_cdp_claim(void)
{
    one_at_a_time();
    by_the_clock();
    after_trouble();
    what_is_noted();
    pages_of_records();
    keeping();
    many_hosts();
    many_people();
    return tap_done();
}
