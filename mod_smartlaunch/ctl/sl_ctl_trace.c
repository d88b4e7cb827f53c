/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_json.h"
#include "ctl/sl_ctl.h"
#include "store/sl_schema.h"
#include "store/sl_store_step.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

static const char *stamp(apr_pool_t *p, apr_time_t at)
{
    apr_time_exp_t t;

    (void)apr_time_exp_gmt(&t, at);
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_usec / 1000);
}

static void print_text(const sl_step_row_t *row, apr_pool_t *p)
{
    const sl_step_t *step = &row->step;

    (void)printf("%s  %-10s  %-10s", stamp(p, step->at), step->reference, step->step);
    (void)printf("  %-6s  %4s  %8s  %s\n", step->outcome,
                 step->http_status > 0 ? apr_itoa(p, step->http_status) : "",
                 step->ms >= 0 ? apr_psprintf(p, "%d ms", step->ms) : "",
                 step->detail == NULL ? "" : step->detail);
}

static sl_json_t *as_json(const sl_step_row_t *row, apr_pool_t *p)
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
    return object;
}

static void print_steps(const sl_ctl_t *ctl, const apr_array_header_t *steps)
{
    sl_json_t *array = sl_json_array(ctl->p);
    const char *launch = "";

    for (int i = 0; i < steps->nelts; i++) {
        const sl_step_row_t *row = &APR_ARRAY_IDX(steps, i, sl_step_row_t);

        if (ctl->json) {
            sl_json_push(array, as_json(row, ctl->p));
            continue;
        }
        if (row->launch != NULL && strcmp(row->launch, launch) != 0) {
            (void)printf("launch %s\n", row->launch);
            launch = row->launch;
        }
        print_text(row, ctl->p);
    }
    if (ctl->json) {
        (void)puts(sl_json_text(ctl->p, array));
    }
}

int sl_ctl_trace(sl_ctl_t *ctl)
{
    const sl_db_options_t options = {.max = 1};
    apr_array_header_t *steps;
    const char *conninfo;
    sl_err_t err = {0};
    sl_db_t *db;
    sl_rc_t rc;

    if (ctl->args[0] == NULL || ctl->args[1] != NULL) {
        return sl_ctl_usage();
    }
    if (sl_ctl_database(&conninfo, ctl, &err) != SL_OK ||
        sl_db_open(&db, conninfo, &options, ctl->p, &err) != SL_OK ||
        sl_schema_check(db, ctl->p, &err) != SL_OK) {
        return sl_ctl_fail(&err);
    }
    rc = sl_store_steps_find(&steps, db, ctl->args[0], ctl->p, &err);
    if (rc == SL_NONE) {
        (void)fprintf(stderr, "smartlaunchctl: %s\n", err.text);
        return SL_CTL_NOT_THERE;
    }
    if (rc != SL_OK) {
        return sl_ctl_fail(&err);
    }
    print_steps(ctl, steps);
    return SL_CTL_OK;
}
