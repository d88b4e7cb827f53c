/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_trace.h"
#include "ctl/sl_ctl_table.h"
#include "store/sl_store_admin.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#define DAYS 7 /* how far back refused FHIR calls are looked for */

#define REFERENCE_LEN 10 /* letters and digits of a reference id, a hyphen in the middle */

/** What was found. */
typedef struct {
    sl_ctl_t *ctl;
    sl_db_t *db;
    apr_array_header_t *steps; /* of sl_step_row_t; of one launch together */
    sl_rows_t *calls;
} story_t;

static const char *stamp(apr_pool_t *p, apr_time_t at)
{
    apr_time_exp_t t;

    (void)apr_time_exp_gmt(&t, at);
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_usec / 1000);
}

static bool has_launch(const apr_array_header_t *steps, const char *launch)
{
    for (int i = 0; i < steps->nelts; i++) {
        const char *id = APR_ARRAY_IDX(steps, i, sl_step_row_t).launch;

        if (id != NULL && strcmp(id, launch) == 0) {
            return true;
        }
    }
    return false;
}

/** The steps of the reference; its FHIR calls; and the launches these belong to. */
static sl_rc_t gather(story_t *story, const char *reference, sl_err_t *err)
{
    apr_pool_t *p = story->ctl->p;
    sl_err_t none = {0};
    sl_rc_t rc = sl_store_steps_find(&story->steps, story->db, reference, p, &none);

    if (rc == SL_NONE) {
        story->steps = apr_array_make(p, 8, sizeof(sl_step_row_t));
    } else if (rc != SL_OK) {
        *err = none;
        return rc;
    }
    rc = sl_store_admin_calls(&story->calls, story->db, reference, DAYS, p, err);
    for (int i = 0; rc == SL_OK && i < sl_rows_count(story->calls); i++) {
        const char *launch = sl_rows_text(story->calls, i, "launch");
        apr_array_header_t *more = NULL;

        if (launch != NULL && !has_launch(story->steps, launch)) {
            rc = sl_store_steps_of(&more, story->db, launch, p, err);
            if (rc == SL_OK) {
                apr_array_cat(story->steps, more);
            }
        }
    }
    if (rc == SL_OK && story->steps->nelts == 0 && sl_rows_count(story->calls) == 0) {
        *err = none;
        return SL_NONE;
    }
    return rc;
}

static void print_step(const sl_step_row_t *row, apr_pool_t *p)
{
    const sl_step_t *step = &row->step;

    (void)printf("%s  %-10s  %-10s", stamp(p, step->at), sl_ctl_plain(p, step->reference),
                 step->step);
    (void)printf("  %-6s  %4s  %8s  %s\n", step->outcome,
                 step->http_status > 0 ? apr_itoa(p, step->http_status) : "",
                 step->ms >= 0 ? apr_psprintf(p, "%d ms", step->ms) : "",
                 sl_ctl_trace_step(step, p));
}

/** The launch that the steps from here on are of. */
typedef struct {
    const char *id;
    sl_rows_t
        *rows; /* NULL: purged, or never more than a request: its steps speak for themselves */
} turn_t;

/** SL_OK: the step is the first of another launch. SL_NONE: of the same, or of none. */
static sl_rc_t turn_to(turn_t *turn, const story_t *story, const sl_step_row_t *row, sl_err_t *err)
{
    sl_rc_t rc;

    if (row->launch == NULL || (turn->id != NULL && strcmp(row->launch, turn->id) == 0)) {
        return SL_NONE;
    }
    turn->id = row->launch;
    rc = sl_store_admin_launch(&turn->rows, story->db, row->launch, story->ctl->p, err);
    turn->rows = rc == SL_OK ? turn->rows : NULL;
    return rc == SL_NONE ? SL_OK : rc;
}

static sl_rc_t print_text(const story_t *story, sl_err_t *err)
{
    apr_pool_t *p = story->ctl->p;
    turn_t turn = {NULL, NULL};

    for (int i = 0; i < story->steps->nelts; i++) {
        const sl_step_row_t *row = &APR_ARRAY_IDX(story->steps, i, sl_step_row_t);
        sl_rc_t rc = turn_to(&turn, story, row, err);

        if (rc != SL_OK && rc != SL_NONE) {
            return rc;
        }
        if (rc == SL_OK) {
            (void)printf("launch %s\n%s", turn.id,
                         turn.rows != NULL ? sl_ctl_trace_launch(turn.rows, p) : "");
        }
        print_step(row, p);
    }
    for (int i = 0; i < sl_rows_count(story->calls); i++) {
        (void)printf("%s  %s\n", stamp(p, sl_rows_time(story->calls, i, "at")),
                     sl_ctl_trace_call(story->calls, i, p));
    }
    return SL_OK;
}

static sl_json_t *step_json(const sl_step_row_t *row, apr_pool_t *p)
{
    const sl_step_t *step = &row->step;
    sl_json_t *object = sl_json_object(p);

    sl_json_put_str(object, "at", stamp(p, step->at));
    sl_json_put_str(object, "launch", row->launch);
    sl_json_put_str(object, "reference", step->reference);
    sl_json_put_str(object, "step", step->step);
    sl_json_put_str(object, "outcome", step->outcome);
    if (step->http_status > 0) {
        sl_json_put_int(object, "http_status", step->http_status);
    }
    if (step->ms >= 0) {
        sl_json_put_int(object, "ms", step->ms);
    }
    sl_json_put_str(object, "detail", step->detail);
    sl_json_put_str(object, "words", sl_ctl_trace_step(step, p));
    return object;
}

static void put_texts(sl_json_t *object, const sl_rows_t *rows, int i, const char *const *names)
{
    for (; *names != NULL; names++) {
        sl_json_put_str(object, *names, sl_rows_text(rows, i, *names));
    }
}

static sl_json_t *launch_json(const sl_rows_t *rows, apr_pool_t *p)
{
    static const char *const names[] = {"id",         "app",      "ehr",      "kind",       "state",
                                        "link_state", "ehr_user", "app_user", "end_reason", NULL};
    sl_json_t *object = sl_json_object(p);

    put_texts(object, rows, 0, names);
    sl_json_put_str(object, "created_at", sl_ctl_stamp(p, sl_rows_time(rows, 0, "created_at")));
    sl_json_put_str(object, "expires_at", sl_ctl_stamp(p, sl_rows_time(rows, 0, "expires_at")));
    return object;
}

static sl_json_t *call_json(const sl_rows_t *rows, int i, apr_pool_t *p)
{
    static const char *const names[] = {"via",    "caller",   "app",    "app_user", "ehr",
                                        "method", "resource", "launch", NULL};
    sl_json_t *object = sl_json_object(p);

    sl_json_put_str(object, "at", stamp(p, sl_rows_time(rows, i, "at")));
    put_texts(object, rows, i, names);
    sl_json_put_int(object, "status", sl_rows_int(rows, i, "status", 0));
    sl_json_put_int(object, "ms", sl_rows_int(rows, i, "ms", 0));
    sl_json_put_str(object, "words", sl_ctl_trace_call(rows, i, p));
    return object;
}

static sl_rc_t print_json(const story_t *story, sl_err_t *err)
{
    apr_pool_t *p = story->ctl->p;
    sl_json_t *all = sl_json_object(p), *launches = sl_json_array(p);
    sl_json_t *steps = sl_json_array(p), *calls = sl_json_array(p);
    turn_t turn = {NULL, NULL};

    for (int i = 0; i < story->steps->nelts; i++) {
        const sl_step_row_t *row = &APR_ARRAY_IDX(story->steps, i, sl_step_row_t);
        sl_rc_t rc = turn_to(&turn, story, row, err);

        if (rc != SL_OK && rc != SL_NONE) {
            return rc;
        }
        if (rc == SL_OK && turn.rows != NULL) {
            sl_json_push(launches, launch_json(turn.rows, p));
        }
        sl_json_push(steps, step_json(row, p));
    }
    for (int i = 0; i < sl_rows_count(story->calls); i++) {
        sl_json_push(calls, call_json(story->calls, i, p));
    }
    sl_json_put(all, "launches", launches);
    sl_json_put(all, "steps", steps);
    sl_json_put(all, "calls", calls);
    sl_ctl_print_json(story->ctl, all);
    return SL_OK;
}

/** As it was read out on the telephone: in small letters, the hyphen elsewhere or left out. */
static const char *reference_of(const char *said, apr_pool_t *p)
{
    char letters[REFERENCE_LEN + 1];
    size_t len = 0;

    for (const char *c = said; *c != '\0'; c++) {
        if (*c == '-' || *c == ' ') {
            continue;
        }
        if (len == REFERENCE_LEN || !apr_isalnum(*c)) {
            return said;
        }
        letters[len++] = (char)apr_toupper(*c);
    }
    letters[len] = '\0';
    return len < REFERENCE_LEN ? said
                               : apr_psprintf(p, "%.*s-%s", REFERENCE_LEN / 2, letters,
                                              letters + REFERENCE_LEN / 2);
}

int sl_ctl_trace(sl_ctl_t *ctl)
{
    story_t story = {.ctl = ctl};
    sl_err_t err = {0};
    sl_rc_t rc;

    if (ctl->args[0] == NULL || ctl->args[1] != NULL) {
        return sl_ctl_usage();
    }
    rc = sl_ctl_open(&story.db, ctl, &err);
    if (rc != SL_OK) {
        return sl_ctl_fail(&err);
    }
    rc = gather(&story, reference_of(ctl->args[0], ctl->p), &err);
    if (rc == SL_OK) {
        rc = ctl->json ? print_json(&story, &err) : print_text(&story, &err);
    }
    return rc == SL_OK ? SL_CTL_OK : sl_ctl_missing(&err);
}
