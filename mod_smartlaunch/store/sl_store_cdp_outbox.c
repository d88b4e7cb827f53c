/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_outbox.h"

#include "base/sl_json.h"
#include "base/sl_text.h"
#include "store/sl_store_sql.h"

/* clang-format off */

/* Its key is in the ring ($n), and so are those of all that waits before it for the same field. */
#define SQL_READY(ring)                                                                            \
    "o.key_id = ANY (string_to_array(" ring "::text, ' ')) AND NOT EXISTS ("                       \
    " SELECT 1 FROM smartlaunch.cdp_outbox e WHERE e.project = o.project"                          \
    "  AND e.record = o.record AND e.event = o.event AND e.instance = o.instance"                  \
    "  AND e.field = o.field AND e.seq < o.seq AND e.state = 'waiting'"                            \
    "  AND e.key_id <> ALL (string_to_array(" ring "::text, ' ')))"

/*
 * Whoever wants to deliver locks the oldest that waits, first, and looks at its lease afterwards:
 * what was waited for is seen as it is now. So two never have one record. Where the oldest has no
 * key here it is leased all the same, with what can go in its stead.
 */
static const sl_stmt_t CLAIM = {
    .name = "sl_cdp_outbox_claim",
    .sql = "WITH head AS ("
           " SELECT o.key, o.lease_until FROM smartlaunch.cdp_outbox o"
           "  WHERE o.project = $1::text AND o.record = $2::text AND o.state = 'waiting'"
           "  ORDER BY o.seq LIMIT 1 FOR UPDATE),"
           "first AS ("
           " SELECT o.decision, o.due_at FROM smartlaunch.cdp_outbox o, head h"
           "  WHERE (h.lease_until IS NULL OR h.lease_until < now()) AND o.project = $1::text"
           "   AND o.record = $2::text AND o.state = 'waiting' AND " SQL_READY("$7")
           "  ORDER BY o.seq LIMIT 1),"
           "go AS (SELECT f.decision FROM first f WHERE $6::boolean OR f.due_at <= now()),"
           "mine AS ("
           " UPDATE smartlaunch.cdp_outbox m SET lease_by = $3::text, aside_at = NULL,"
           "  lease_until = now() + " SQL_FOR("$4") ", tries = m.tries + 1"
           " WHERE m.state = 'waiting' AND m.key IN (SELECT o.key FROM go"
           "   JOIN smartlaunch.cdp_outbox o ON o.decision = go.decision"
           "    AND o.project = $1::text AND o.record = $2::text AND o.state = 'waiting'"
           "   WHERE " SQL_READY("$7") " ORDER BY o.seq LIMIT $5::integer)"
           " RETURNING m.*),"
           "held AS ("
           " UPDATE smartlaunch.cdp_outbox o SET lease_by = $3::text,"
           "  lease_until = now() + " SQL_FOR("$4")
           " FROM head h WHERE o.key = h.key AND EXISTS (SELECT 1 FROM mine)"
           "  AND NOT EXISTS (SELECT 1 FROM mine WHERE mine.key = h.key))"
           "SELECT key, event, instance, field, key_id, saved_by, value_sealed, tries"
           " FROM mine ORDER BY seq",
    .params = 7,
};

static const sl_stmt_t MARK = {
    .name = "sl_cdp_outbox_mark",
    .sql = "WITH n AS ("
           " SELECT * FROM jsonb_to_recordset($1::jsonb) AS n"
           "  (key uuid, state text, reason text, reason_key text)),"
           "done AS ("
           " UPDATE smartlaunch.cdp_outbox o SET state = n.state, aside_at = NULL,"
           "  lease_until = NULL, lease_by = NULL, reason_sealed = decode(n.reason, 'hex'),"
           "  reason_key = n.reason_key,"
           "  value_sealed = CASE WHEN n.state <> 'delivered' THEN o.value_sealed END,"
           "  delivered_at = CASE WHEN n.state = 'delivered' THEN now() END,"
           "  due_at = CASE WHEN n.state = 'waiting' THEN now() + " SQL_FOR("$3")
           "   ELSE o.due_at END"
           " FROM n WHERE o.key = n.key AND o.lease_by = $2::text AND o.state = 'waiting'"
           " RETURNING o.*),"
           "freed AS (" /* the oldest, which was held for the record */
           " UPDATE smartlaunch.cdp_outbox o SET lease_until = NULL, lease_by = NULL"
           " WHERE o.project = $4::text AND o.record = $5::text AND o.state = 'waiting'"
           "  AND o.lease_by = $2::text AND o.key NOT IN (SELECT n.key FROM n)),"
           "once AS (" /* fetched anew while it was put aside: it is there by now */
           " UPDATE smartlaunch.cdp_value v SET state = 'saved', value_sealed = NULL,"
           "  decided_at = now(), decided_by = d.saved_by, decision = d.decision"
           " FROM done d WHERE d.state = 'delivered' AND v.id = d.value_id AND v.state = 'new'),"
           "told AS ("
           " INSERT INTO smartlaunch.cdp_log (project, record, app_user, what, value, source,"
           "  event, instance, field, taken_at, date_only)"
           " SELECT d.project, d.record, d.saved_by, d.state, d.value_id, m.source, d.event,"
           "  d.instance, d.field, v.taken_at, coalesce(v.date_only, false)"
           " FROM done d LEFT JOIN smartlaunch.cdp_value v ON v.id = d.value_id"
           "  LEFT JOIN smartlaunch.cdp_mapping m ON m.id = v.mapping"
           " WHERE d.state <> 'waiting' ORDER BY d.seq)"
           "SELECT count(*) AS n FROM done",
    .params = 5,
};

static const sl_stmt_t ASIDE = {
    .name = "sl_cdp_outbox_aside",
    .sql = "WITH put AS ("
           " UPDATE smartlaunch.cdp_outbox o SET aside_at = now()"
           " WHERE o.project = $1::text AND ($2::text IS NULL OR o.record = $2::text)"
           "  AND o.state = 'waiting' AND o.aside_at IS NULL"
           "  AND (o.lease_until IS NULL OR o.lease_until < now())"
           "  AND o.key_id <> ALL (string_to_array($3::text, ' '))"
           " RETURNING o.*),"
           "told AS ("
           " INSERT INTO smartlaunch.cdp_log (project, record, app_user, what, value, source,"
           "  event, instance, field, detail)"
           " SELECT p.project, p.record, 'SYSTEM', 'put aside', p.value_id, m.source, p.event,"
           "  p.instance, p.field, 'its key is not in the key ring: ' || p.key_id"
           " FROM put p LEFT JOIN smartlaunch.cdp_value v ON v.id = p.value_id"
           "  LEFT JOIN smartlaunch.cdp_mapping m ON m.id = v.mapping ORDER BY p.seq)"
           "SELECT count(*) AS n FROM put",
    .params = 3,
    .read_only = true, /* what was done is not found again */
};

static const sl_stmt_t WAITING = {
    .name = "sl_cdp_outbox_waiting",
    .sql = "SELECT count(*) AS n FROM smartlaunch.cdp_outbox"
           " WHERE project = $1::text AND record = $2::text AND state = 'waiting'",
    .params = 2,
    .read_only = true,
};

static const sl_stmt_t DUE = {
    .name = "sl_cdp_outbox_due",
    .sql = "SELECT f.record FROM ("
           " SELECT DISTINCT ON (o.record) o.record, o.due_at"
           " FROM smartlaunch.cdp_outbox o WHERE o.project = $1::text AND o.state = 'waiting'"
           "  AND " SQL_READY("$3")
           " ORDER BY o.record, o.seq) f"
           " WHERE f.due_at <= now() AND NOT EXISTS (SELECT 1 FROM smartlaunch.cdp_outbox l"
           "  WHERE l.project = $1::text AND l.record = f.record AND l.state = 'waiting'"
           "   AND l.lease_until >= now())"
           " ORDER BY f.due_at LIMIT $2::integer",
    .params = 3,
    .read_only = true,
};
/* clang-format on */

sl_rc_t sl_store_cdp_outbox_claim(apr_array_header_t **out, sl_db_t *db,
                                  const sl_cdp_outbox_claim_t *claim, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(claim->project), sl_db_text(claim->record),
                                    sl_db_text(claim->by),      sl_db_int(claim->lease),
                                    sl_db_int(claim->most),     sl_db_bool(claim->not_due),
                                    sl_db_text(claim->ring)};
    const sl_db_call_t call = {&CLAIM, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows), sizeof(sl_cdp_outbox_row_t));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        sl_cdp_outbox_row_t *row = apr_array_push(*out);

        row->key = sl_rows_text(rows, i, "key");
        row->event = sl_rows_text(rows, i, "event");
        row->instance = (int)sl_rows_int(rows, i, "instance", 0);
        row->field = sl_rows_text(rows, i, "field");
        row->key_id = sl_rows_text(rows, i, "key_id");
        row->saved_by = sl_rows_text(rows, i, "saved_by");
        row->value_sealed = sl_rows_bytes(rows, i, "value_sealed");
        row->tries = (int)sl_rows_int(rows, i, "tries", 0);
    }
    return SL_OK;
}

static const char *state_word(sl_cdp_outbox_state_t state)
{
    switch (state) {
    case SL_OUTBOX_DELIVERED:
        return "delivered";
    case SL_OUTBOX_REFUSED:
        return "refused";
    case SL_OUTBOX_WAITS:
        break;
    }
    return "waiting";
}

sl_rc_t sl_store_cdp_outbox_mark(sl_db_t *db, const sl_cdp_outbox_claim_t *claim,
                                 const apr_array_header_t *marks, apr_interval_time_t wait,
                                 apr_pool_t *p, sl_err_t *err)
{
    sl_json_t *rows = sl_json_array(p);
    sl_db_param_t params[5];
    const sl_db_call_t call = {&MARK, params};

    for (int i = 0; i < marks->nelts; i++) {
        const sl_cdp_outbox_mark_t *mark = &APR_ARRAY_IDX(marks, i, sl_cdp_outbox_mark_t);
        sl_json_t *row = sl_json_object(p);

        sl_json_put_str(row, "key", mark->key);
        sl_json_put_str(row, "state", state_word(mark->state));
        if (mark->state == SL_OUTBOX_REFUSED && mark->reason_key != NULL) {
            sl_json_put_str(row, "reason",
                            sl_text_hex(p, mark->reason_sealed.bytes, mark->reason_sealed.len));
            sl_json_put_str(row, "reason_key", mark->reason_key);
        }
        sl_json_push(rows, row);
    }
    params[0] = sl_db_text(sl_json_text(p, rows));
    params[1] = sl_db_text(claim->by);
    params[2] = sl_db_int(wait);
    params[3] = sl_db_text(claim->project);
    params[4] = sl_db_text(claim->record);
    return sl_store_do(db, &call, err);
}

sl_rc_t sl_store_cdp_outbox_aside(int *n, sl_db_t *db, const sl_cdp_outbox_of_t *of, apr_pool_t *p,
                                  sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(of->project), sl_db_text(of->record),
                                    sl_db_text(of->ring)};
    const sl_db_call_t call = {&ASIDE, params};

    return sl_store_count(n, db, &call, p, err);
}

sl_rc_t sl_store_cdp_outbox_waiting(int *n, sl_db_t *db, const char *project, const char *record,
                                    apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(project), sl_db_text(record)};
    const sl_db_call_t call = {&WAITING, params};

    return sl_store_count(n, db, &call, p, err);
}

sl_rc_t sl_store_cdp_outbox_due(apr_array_header_t **out, sl_db_t *db, const sl_cdp_outbox_of_t *of,
                                int limit, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(of->project), sl_db_int(limit),
                                    sl_db_text(of->ring)};
    const sl_db_call_t call = {&DUE, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, sl_rows_count(rows), sizeof(const char *));
    for (int i = 0; i < sl_rows_count(rows); i++) {
        APR_ARRAY_PUSH(*out, const char *) = sl_rows_text(rows, i, "record");
    }
    return SL_OK;
}
