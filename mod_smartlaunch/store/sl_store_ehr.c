/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_ehr.h"

#include "base/sl_json.h"

static const sl_stmt_t MIRROR = {
    .name = "sl_ehr_mirror",
    .sql = "INSERT INTO smartlaunch.ehr AS e (name, issuer, profile, client_id)"
           " SELECT name, issuer, profile, client_id FROM jsonb_to_recordset($1::jsonb)"
           "  AS x (name text, issuer text, profile text, client_id text) ORDER BY name"
           " ON CONFLICT (name) DO UPDATE SET issuer = excluded.issuer,"
           "  profile = excluded.profile, client_id = excluded.client_id, updated_at = now()"
           " WHERE (e.issuer, e.profile, e.client_id)"
           "  IS DISTINCT FROM (excluded.issuer, excluded.profile, excluded.client_id)",
    .params = 1,
};

sl_rc_t sl_store_ehr_mirror(sl_db_t *db, const apr_array_header_t *ehrs, apr_pool_t *p,
                            sl_err_t *err)
{
    sl_json_t *array = sl_json_array(p);
    sl_db_param_t param;
    const sl_db_call_t call = {&MIRROR, &param};
    sl_rows_t *rows;

    for (int i = 0; i < ehrs->nelts; i++) {
        const sl_ehr_row_t *ehr = &APR_ARRAY_IDX(ehrs, i, const sl_ehr_row_t);
        sl_json_t *object = sl_json_object(p);

        sl_json_put_str(object, "name", ehr->name);
        sl_json_put_str(object, "issuer", ehr->issuer);
        sl_json_put_str(object, "profile", ehr->profile);
        sl_json_put_str(object, "client_id", ehr->client_id);
        sl_json_push(array, object);
    }
    param = sl_db_text(sl_json_text(p, array));
    return sl_db_run(&rows, db, &call, p, err);
}
