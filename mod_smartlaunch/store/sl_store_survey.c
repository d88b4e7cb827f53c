/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_survey.h"

static const sl_stmt_t SURVEY = {
    .name = "sl_survey",
    .sql = "WITH l AS (SELECT id, ehr, state, link_state FROM smartlaunch.launch"
           " WHERE state IN ('held', 'live') AND expires_at > now() LIMIT $1::bigint)"
           "SELECT l.ehr, l.state, l.link_state,"
           " CASE WHEN t.launch IS NULL THEN 'none'"
           "  WHEN t.status = 'active' AND t.expires_at <= now() THEN 'expired'"
           "  ELSE t.status END AS token, count(*) AS count"
           " FROM l LEFT JOIN smartlaunch.token t ON t.launch = l.id"
           " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    .params = 1,
    .read_only = true,
};

sl_rc_t sl_store_survey(apr_array_header_t **out, sl_db_t *db, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_int(SL_STORE_SURVEY_MOST)};
    const sl_db_call_t call = {&SURVEY, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows) + 1, sizeof(sl_store_survey_row_t));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        sl_store_survey_row_t *row = apr_array_push(*out);

        row->ehr = sl_rows_text(rows, i, "ehr");
        row->state = sl_rows_text(rows, i, "state");
        row->link_state = sl_rows_text(rows, i, "link_state");
        row->token = sl_rows_text(rows, i, "token");
        row->count = sl_rows_int(rows, i, "count", 0);
    }
    return SL_OK;
}
