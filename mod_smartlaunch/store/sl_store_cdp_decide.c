/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_decide.h"

#include "base/sl_json.h"
#include "base/sl_text.h"
#include "store/sl_store_sql.h"

/* clang-format off */
static const sl_stmt_t DECIDE = {
    .name = "sl_cdp_decide",
    .sql = "SELECT saved, passed, excluded, included"
           " FROM smartlaunch.cdp_decide($1::text, $2::text, $3::uuid, $4::jsonb)",
    .params = 4,
};

static const sl_stmt_t KNOWN = {
    .name = "sl_cdp_known",
    .sql = "SELECT count(*) AS n FROM smartlaunch.cdp_value v"
           " WHERE v.id = ANY ($3::bigint[]) AND v.project = $1::text AND v.record = $2::text",
    .params = 3,
    .read_only = true,
};
/* clang-format on */

static sl_json_t *choice_json(const sl_store_cdp_choice_t *choice, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);

    sl_json_put_int(json, "value", choice->value);
    sl_json_put_str(json, "key", choice->key);
    sl_json_put_str(json, "event", choice->event);
    sl_json_put_int(json, "instance", choice->instance);
    sl_json_put_str(json, "field", choice->field);
    sl_json_put_str(json, "sealed", sl_text_base64(p, choice->sealed.bytes, choice->sealed.len));
    sl_json_put_str(json, "key_id", choice->key_id);
    return json;
}

static sl_json_t *ids_json(const apr_array_header_t *ids, apr_pool_t *p)
{
    sl_json_t *json = sl_json_array(p);

    for (int i = 0; i < ids->nelts; i++) {
        json_object_array_add(json, json_object_new_int64(APR_ARRAY_IDX(ids, i, apr_int64_t)));
    }
    return json;
}

static const char *ask(const sl_store_cdp_decision_t *decision, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);
    sl_json_t *choose = sl_json_array(p);

    for (int i = 0; i < decision->choose->nelts; i++) {
        sl_json_push(choose,
                     choice_json(&APR_ARRAY_IDX(decision->choose, i, sl_store_cdp_choice_t), p));
    }
    sl_json_put_int(json, "version", decision->version);
    sl_json_put_int(json, "seen", decision->seen);
    sl_json_put_str(json, "by", decision->by);
    sl_json_put_str(json, "reference", decision->reference);
    sl_json_put(json, "choose", choose);
    sl_json_put(json, "exclude", ids_json(decision->exclude, p));
    sl_json_put(json, "include", ids_json(decision->include, p));
    sl_json_put(json, "unseen", ids_json(decision->unseen, p));
    return sl_json_text(p, json);
}

sl_rc_t sl_store_cdp_decide(sl_store_cdp_decided_t *out, sl_db_t *db,
                            const sl_store_cdp_decision_t *decision, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(decision->place.project),
                                    sl_db_text(decision->place.record),
                                    sl_db_text(decision->decision), sl_db_text(ask(decision, p))};
    const sl_db_call_t call = {&DECIDE, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return sl_err_set(err, SL_CONFLICT, "SL8050",
                          "somebody else decided about this record meanwhile");
    }
    out->saved = (int)sl_rows_int(rows, 0, "saved", 0);
    out->passed = (int)sl_rows_int(rows, 0, "passed", 0);
    out->excluded = (int)sl_rows_int(rows, 0, "excluded", 0);
    out->included = (int)sl_rows_int(rows, 0, "included", 0);
    return SL_OK;
}

sl_rc_t sl_store_cdp_known(int *n, sl_db_t *db, const sl_store_cdp_place_t *place,
                           const apr_array_header_t *ids, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(place->project), sl_db_text(place->record),
                                    sl_db_text(sl_store_cdp_ids(ids, p))};
    const sl_db_call_t call = {&KNOWN, params};

    return sl_store_count(n, db, &call, p, err);
}
