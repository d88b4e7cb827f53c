/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries of the Clinical Data Pull against a real PostgreSQL and a stand-in for the app: a
 * command per line of input (cells apart by tabs), its outcome as one line of JSON. The project is
 * in the environment: CDP_DB, CDP_RING (text of a key ring), CDP_PROTOCOL (redcap, http), CDP_URL,
 * CDP_SECRET; and may have CDP_ACCESS, CDP_CA, CDP_PROJECT (its name).
 */
#include "base/sl_text.h"
#include "flow/sl_cdp_deliver.h"
#include "flow/sl_cdp_right.h"
#include "flow/sl_cdp_setup.h"
#include "flow/sl_cdp_vault.h"

#include <apr_strings.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SHM_BYTES (4 * 1024 * 1024)
#define CELLS 12
#define THREADS 8

static apr_pool_t *pool;
static sl_runtime_t rt;
static sl_cdp_project_t project = {.name = "study", .app = "app"};
static sl_cdp_t cdp;

static void log_line(void *data, sl_log_level_t level, const char *id, const char *text)
{
    (void)data;
    if (level <= SL_LOG_WARN) {
        (void)printf("# log %s %s\n", id, text);
    }
}

static void say(sl_json_t *json, sl_rc_t rc, const sl_err_t *err, apr_pool_t *p)
{
    sl_json_put_str(json, "rc", sl_rc_name(rc));
    if (rc != SL_OK && rc != SL_NONE) {
        sl_json_put_str(json, "id", err->id);
        sl_json_put_str(json, "text", err->text);
    }
    (void)printf("%s\n", sl_json_text(p, json));
}

static void put_counts(sl_json_t *json, const sl_cdp_delivered_t *counts)
{
    sl_json_put_int(json, "delivered", counts->delivered);
    sl_json_put_int(json, "refused", counts->refused);
    sl_json_put_int(json, "waiting", counts->waiting);
}

/* deliver RECORD; due LIMIT */
static void deliver(const char *const *cell, apr_pool_t *p)
{
    sl_cdp_delivered_t counts = {0};
    sl_json_t *json = sl_json_object(p);
    sl_err_t err = {0};
    sl_rc_t rc = strcmp(cell[0], "due") == 0
                     ? sl_cdp_deliver_due(&counts, &cdp, &project, atoi(cell[1]), p, &err)
                     : sl_cdp_deliver_record(&counts, &cdp, &project, cell[1], p, &err);

    put_counts(json, &counts);
    say(json, rc, &err, p);
}

typedef struct {
    const char *record;
    pthread_barrier_t *start;
    sl_cdp_delivered_t counts;
    sl_rc_t rc;
} runner_t;

static void *run(void *data)
{
    runner_t *runner = data;
    apr_pool_t *p;
    sl_err_t err = {0};

    if (apr_pool_create(&p, NULL) == APR_SUCCESS) {
        (void)pthread_barrier_wait(runner->start);
        runner->rc =
            sl_cdp_deliver_record(&runner->counts, &cdp, &project, runner->record, p, &err);
        apr_pool_destroy(p);
    }
    return NULL;
}

/* race RECORD: several deliver it at the same moment */
static void race(const char *const *cell, apr_pool_t *p)
{
    runner_t runners[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    sl_cdp_delivered_t sum = {0};
    sl_rc_t rc = SL_OK;
    sl_json_t *json = sl_json_object(p);
    sl_err_t err = {0};

    (void)pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        runners[i] = (runner_t){.record = cell[1], .start = &start};
        if (pthread_create(&threads[i], NULL, run, &runners[i]) != 0) {
            exit(1);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        sum.delivered += runners[i].counts.delivered;
        sum.refused += runners[i].counts.refused;
        rc = runners[i].rc != SL_OK ? runners[i].rc : rc;
    }
    (void)pthread_barrier_destroy(&start);
    put_counts(json, &sum);
    say(json, rc, &err, p);
}

static sl_cdp_outbox_place_t place(const char *const *cell)
{
    return (sl_cdp_outbox_place_t){.project = project.name,
                                   .record = cell[1],
                                   .event = cell[2],
                                   .instance = atoi(cell[3]),
                                   .field = cell[4],
                                   .key = cell[5]};
}

/* seal RECORD EVENT INSTANCE FIELD KEY VALUE: for a row of cdp_outbox */
static void seal(const char *const *cell, apr_pool_t *p)
{
    const sl_cdp_outbox_place_t where = place(cell);
    sl_cdp_sealed_t sealed = {0};
    sl_json_t *json = sl_json_object(p);
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_vault_seal_outbox(&sealed, rt.ring, &where, cell[6], p, &err);

    if (rc == SL_OK) {
        sl_json_put_str(json, "key_id", sealed.key_id);
        sl_json_put_str(json, "sealed", sl_text_hex(p, sealed.bytes.bytes, sealed.bytes.len));
    }
    say(json, rc, &err, p);
}

/* reason RECORD EVENT INSTANCE FIELD KEY KEY_ID BASE64: opens what the app said */
static void reason(const char *const *cell, apr_pool_t *p)
{
    sl_cdp_outbox_place_t where = place(cell);
    sl_cdp_sealed_t sealed = {.key_id = cell[6]};
    sl_json_t *json = sl_json_object(p);
    const char *text = NULL;
    sl_err_t err = {0};
    sl_rc_t rc;

    where.is_reason = true;
    sealed.bytes.bytes = sl_text_unbase64(p, cell[7], &sealed.bytes.len);
    rc = sl_cdp_vault_open_outbox(&text, rt.ring, &where, &sealed, p, &err);
    sl_json_put_str(json, "reason", text);
    say(json, rc, &err, p);
}

static void dictionary(const char *const *cell, apr_pool_t *p)
{
    sl_cdp_dictionary_t it = {0};
    sl_json_t *json = sl_json_object(p);
    sl_json_t *fields = sl_json_array(p);
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_app_dictionary(&it, &cdp, &project, p, &err);

    (void)cell;
    for (int i = 0; rc == SL_OK && i < it.fields->nelts; i++) {
        sl_json_push_str(fields, APR_ARRAY_IDX(it.fields, i, sl_cdp_field_t).name);
    }
    sl_json_put(json, "fields", fields);
    sl_json_put_int(json, "events", rc == SL_OK ? it.events->nelts : 0);
    say(json, rc, &err, p);
}

/* record RECORD, then pairs of EVENT and FIELD; a field with a slash has its date behind it */
static void record(const char *const *cell, apr_pool_t *p)
{
    apr_array_header_t *maps = apr_array_make(p, 4, sizeof(sl_cdp_map_t));
    sl_cdp_mapping_t mapping = {.fields = maps};
    apr_array_header_t *values = NULL;
    sl_json_t *json = sl_json_object(p);
    sl_json_t *out = sl_json_object(p);
    sl_err_t err = {0};
    sl_rc_t rc;

    for (int i = 2; i + 1 < CELLS && cell[i + 1] != NULL; i += 2) {
        sl_cdp_map_t *map = apr_array_push(maps);
        char *field = apr_pstrdup(p, cell[i + 1]);
        char *slash = strchr(field, '/');

        if (slash != NULL) {
            *slash = '\0';
            map->temporal_field = slash + 1;
        }
        map->event = cell[i];
        map->field = field;
    }
    rc = sl_cdp_app_record(&values, &cdp, &project, &mapping, cell[1], p, &err);
    for (int i = 0; rc == SL_OK && i < values->nelts; i++) {
        const sl_cdp_current_t *one = &APR_ARRAY_IDX(values, i, sl_cdp_current_t);

        sl_json_put_str(out, apr_psprintf(p, "%s/%d/%s", one->event, one->instance, one->field),
                        one->value);
    }
    sl_json_put(json, "values", out);
    say(json, rc, &err, p);
}

/* rights USER LAUNCH ("": none) */
static void rights(const char *const *cell, apr_pool_t *p)
{
    const sl_cdp_actor_t actor = {.user = cell[1], .launch = *cell[2] == '\0' ? NULL : cell[2]};
    sl_cdp_rights_t has = {0};
    sl_json_t *json = sl_json_object(p);
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_right_of(&has, &cdp, &project, &actor, p, &err);

    sl_json_put_bool(json, "setup", has.setup);
    sl_json_put_bool(json, "adjudicate", has.adjudicate);
    say(json, rc, &err, p);
}

static void obey(char *line, apr_pool_t *p)
{
    static const struct {
        const char *name;
        void (*run)(const char *const *cell, apr_pool_t *p);
        int cells;
    } COMMANDS[] = {{"deliver", deliver, 2}, {"due", deliver, 2},   {"race", race, 2},
                    {"seal", seal, 7},       {"reason", reason, 8}, {"dictionary", dictionary, 1},
                    {"record", record, 2},   {"rights", rights, 3}};
    const char *cell[CELLS + 1] = {NULL};
    int count = 0;

    for (char *next = line; next != NULL && count < CELLS; count++) {
        char *tab = strchr(next, '\t');

        cell[count] = next;
        if (tab != NULL) {
            *tab = '\0';
        }
        next = tab == NULL ? NULL : tab + 1;
    }
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
        if (strcmp(COMMANDS[i].name, cell[0]) == 0 && count >= COMMANDS[i].cells) {
            COMMANDS[i].run(cell, p);
            return;
        }
    }
    (void)printf("{\"rc\":\"no such command\"}\n");
}

static sl_rc_t open_runtime(sl_err_t *err)
{
    const sl_db_options_t options = {.max = THREADS + 2, .log = {log_line, NULL}};
    sl_keyring_t *ring = NULL;
    void *memory = mmap(NULL, SHM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sl_rc_t rc = sl_keyring_parse(&ring, sl_secret_str(pool, getenv("CDP_RING")), pool, err);

    rt.ring = ring;
    rt.log = (sl_log_t){log_line, NULL};
    rt.self = "a host of tests";
    rt.ehrs = apr_array_make(pool, 1, sizeof(const sl_ehr_t *));
    if (rc == SL_OK) {
        rc = sl_shm_format(&rt.shm, memory, SHM_BYTES, pool, err);
    }
    if (rc == SL_OK) {
        rc = sl_db_open(&rt.db, getenv("CDP_DB"), &options, pool, err);
    }
    if (rc == SL_OK) {
        rc = sl_http_init(err);
    }
    return rc == SL_OK ? sl_http_open(&rt.http, pool, err) : rc;
}

int main(void)
{
    char line[65536];
    sl_err_t err = {0};

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    if (getenv("CDP_RING") == NULL || open_runtime(&err) != SL_OK) {
        (void)printf("# %s\n", err.text);
        return 1;
    }
    project.delivery.protocol =
        strcmp(getenv("CDP_PROTOCOL"), "http") == 0 ? SL_CDP_TO_HTTP : SL_CDP_TO_REDCAP;
    project.delivery.url = getenv("CDP_URL");
    project.delivery.secret = sl_secret_str(pool, getenv("CDP_SECRET"));
    project.delivery.ca_file = getenv("CDP_CA");
    project.delivery.insecure_loopback = true;
    project.access_url = getenv("CDP_ACCESS");
    if (getenv("CDP_PROJECT") != NULL) {
        project.name = getenv("CDP_PROJECT");
    }
    cdp.rt = &rt;
    while (fgets(line, sizeof(line), stdin) != NULL) {
        apr_pool_t *p;

        line[strcspn(line, "\n")] = '\0';
        if (apr_pool_create(&p, pool) != APR_SUCCESS) {
            return 1;
        }
        obey(line, p);
        apr_pool_destroy(p);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
