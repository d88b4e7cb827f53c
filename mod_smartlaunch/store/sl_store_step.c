/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_step.h"

#include "base/sl_json.h"
#include "store/sl_store_sql.h"

static const sl_stmt_t ADD = {
    .name = "sl_steps_add",
    .sql = "WITH " SQL_NOTED("$1::uuid", "", "$2") " SELECT 1",
    .params = 2,
};

static const sl_stmt_t FIND = {
    .name = "sl_steps_find",
    .sql = "WITH found AS ("
           " SELECT id FROM smartlaunch.launch_step"
           " WHERE reference = $1::text AND launch IS NULL"
           " UNION ALL SELECT s.id FROM smartlaunch.launch_step s"
           " WHERE s.launch IN (SELECT h.launch FROM smartlaunch.launch_step h"
           "  WHERE h.reference = $1 AND h.launch IS NOT NULL))"
           "SELECT s.launch, " SQL_US(
               "s.at") " AS at, s.step, s.outcome, s.http_status, s.ms,"
                       " s.detail, s.reference"
                       " FROM found JOIN smartlaunch.launch_step s USING (id) ORDER BY s.at, s.id",
    .params = 1,
    .read_only = true,
};

static const sl_stmt_t OF_LAUNCH = {
    .name = "sl_steps_of",
    .sql = "SELECT s.launch, " SQL_US(
        "s.at") " AS at, s.step, s.outcome, s.http_status, s.ms,"
                " s.detail, s.reference FROM smartlaunch.launch_step s WHERE s.launch = $1::uuid"
                " ORDER BY s.at, s.id",
    .params = 1,
    .read_only = true,
};

const char *sl_store_steps_json(const sl_steps_t *steps, apr_pool_t *p)
{
    sl_json_t *array;

    if (steps == NULL || steps->nelts == 0) {
        return "[]";
    }
    array = sl_json_array(p);
    for (int i = 0; i < steps->nelts; i++) {
        const sl_step_t *step = &APR_ARRAY_IDX(steps, i, const sl_step_t);
        sl_json_t *object = sl_json_object(p);

        sl_json_put_int(object, "at", step->at);
        sl_json_put_str(object, "step", step->step);
        sl_json_put_str(object, "outcome", step->outcome);
        if (step->http_status > 0) {
            sl_json_put_int(object, "http_status", step->http_status);
        }
        if (step->ms >= 0) {
            sl_json_put_int(object, "ms", step->ms);
        }
        sl_json_put_str(object, "detail", step->detail);
        sl_json_put_str(object, "reference", step->reference);
        sl_json_push(array, object);
    }
    return sl_json_text(p, array);
}

sl_rc_t sl_store_steps_add(sl_db_t *db, const char *launch, const sl_steps_t *steps, apr_pool_t *p,
                           sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(launch), sl_db_text(sl_store_steps_json(steps, p))};
    const sl_db_call_t call = {&ADD, params};
    sl_rows_t *rows;

    return steps == NULL || steps->nelts == 0 ? SL_OK : sl_db_run(&rows, db, &call, p, err);
}

static sl_rc_t read_steps(apr_array_header_t **out, sl_db_t *db, const sl_stmt_t *stmt,
                          const char *by, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(by)};
    const sl_db_call_t call = {stmt, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows) + 1, sizeof(sl_step_row_t));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        sl_step_row_t *row = apr_array_push(*out);

        row->launch = sl_rows_text(rows, i, "launch");
        row->step.at = sl_rows_time(rows, i, "at");
        row->step.step = sl_rows_text(rows, i, "step");
        row->step.outcome = sl_rows_text(rows, i, "outcome");
        row->step.http_status = (int)sl_rows_int(rows, i, "http_status", 0);
        row->step.ms = (int)sl_rows_int(rows, i, "ms", -1);
        row->step.detail = sl_rows_text(rows, i, "detail");
        row->step.reference = sl_rows_text(rows, i, "reference");
    }
    return SL_OK;
}

sl_rc_t sl_store_steps_find(apr_array_header_t **out, sl_db_t *db, const char *reference,
                            apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = read_steps(out, db, &FIND, reference, p, err);

    if (rc == SL_OK && (*out)->nelts == 0) {
        return sl_err_set(err, SL_NONE, "SL3030", "no step has this reference");
    }
    return rc;
}

sl_rc_t sl_store_steps_of(apr_array_header_t **out, sl_db_t *db, const char *launch, apr_pool_t *p,
                          sl_err_t *err)
{
    return read_steps(out, db, &OF_LAUNCH, launch, p, err);
}
