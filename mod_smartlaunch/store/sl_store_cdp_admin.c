/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_cdp_admin.h"

#include "store/sl_store_sql.h"

/* clang-format off */
#define SQL_CONFIGURED                                                                             \
    "conf AS (SELECT c.*, c.deliver->>'protocol' AS protocol FROM jsonb_to_recordset($1::jsonb)"   \
    "  AS c (name text, app text, ehr text, deliver jsonb, refetch_every bigint,"                  \
    "   refetch_inactive bigint))"

static const sl_stmt_t PROJECTS = {
    .name = "sl_cdp_admin_projects",
    .sql = "WITH " SQL_CONFIGURED ", known AS (SELECT name AS project FROM conf"
           "  UNION SELECT project FROM smartlaunch.cdp_project"
           "  UNION SELECT project FROM smartlaunch.cdp_right"
           "  UNION SELECT project FROM smartlaunch.cdp_status)"
           "SELECT k.project, CASE WHEN $1 IS NOT NULL THEN c.name IS NOT NULL END AS configured,"
           " c.app, coalesce(c.ehr, s.ehr) AS ehr, c.protocol AS deliver,"
           " CASE WHEN s.project IS NOT NULL THEN (SELECT count(*) FROM smartlaunch.cdp_mapping m"
           "  WHERE m.project = k.project AND m.removed_at IS NULL AND NOT m.is_identifier) END"
           "  AS fields, s.revision, " SQL_US("s.updated_at") " AS updated_at, s.updated_by,"
           " r.setup, r.adjudicate, v.records, v.new_values, v.waiting"
           " FROM known k LEFT JOIN conf c ON c.name = k.project"
           " LEFT JOIN smartlaunch.cdp_project s ON s.project = k.project"
           " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE may = 'setup') AS setup,"
           "  count(*) FILTER (WHERE may = 'adjudicate') AS adjudicate"
           "  FROM smartlaunch.cdp_right WHERE project = k.project) r"
           " CROSS JOIN LATERAL (SELECT count(*) AS records,"
           "  coalesce(sum(new_values), 0)::bigint AS new_values,"
           "  coalesce(sum(waiting), 0)::bigint AS waiting"
           "  FROM smartlaunch.cdp_status WHERE project = k.project) v"
           " WHERE $2::text IS NULL OR k.project = $2"
           " ORDER BY k.project COLLATE \"C\" LIMIT $3::integer",
    .params = 3,
    .read_only = true,
};

/* When a record is due is what sl_store_cdp_record.c says. */
static const sl_stmt_t STATUS = {
    .name = "sl_cdp_admin_status",
    .sql = "WITH " SQL_CONFIGURED ", known AS (SELECT name AS project FROM conf"
           "  UNION SELECT project FROM smartlaunch.cdp_project"
           "  UNION SELECT project FROM smartlaunch.cdp_record),"
           " ring AS (SELECT string_to_array($4::text, ' ') AS ids)"
           "SELECT k.project, r.*, v.new_values, o.waiting, "
           SQL_US("o.oldest") " AS oldest_waiting, o.tries, o.aside, o.missing_keys, o.refused,"
           " r0.unreadable + v.unreadable + o.unreadable AS unreadable"
           " FROM known k LEFT JOIN conf c ON c.name = k.project CROSS JOIN ring"
           " CROSS JOIN LATERAL (SELECT count(*) AS records,"
           "  count(*) FILTER (WHERE mrn_sealed IS NOT NULL AND coalesce(due_at <= now(), true)"
           "   AND (state = 'queued' OR (state = 'fetching' AND lease_until < now())"
           "    OR (state = 'idle' AND c.refetch_every > 0 AND outcome IS DISTINCT FROM 'relaunch'"
           "     AND (fetched_at IS NULL"
           "      OR fetched_at <= now() - c.refetch_every * interval '1 second')"
           "     AND (has_future"
           "      OR active_at > now() - c.refetch_inactive * interval '1 second')))) AS due,"
           "  count(*) FILTER (WHERE state = 'fetching' AND lease_until >= now()) AS fetching,"
           "  count(*) FILTER (WHERE state = 'queued' AND due_at > now()) AS put_off,"
           "  count(*) FILTER (WHERE outcome = 'relaunch') AS relaunch,"
           "  count(*) FILTER (WHERE outcome = 'failed') AS failed,"
           "  " SQL_US("max(fetched_at)") " AS last_fetch"
           "  FROM smartlaunch.cdp_record WHERE project = k.project) r"
           " CROSS JOIN LATERAL (SELECT CASE WHEN ring.ids IS NOT NULL THEN"
           "   count(*) FILTER (WHERE mrn_key <> ALL (ring.ids))"
           "   + count(*) FILTER (WHERE dates_key <> ALL (ring.ids))"
           "   + count(*) FILTER (WHERE warnings_key <> ALL (ring.ids)) END AS unreadable"
           "  FROM smartlaunch.cdp_record WHERE project = k.project) r0"
           " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE state = 'new') AS new_values,"
           "  CASE WHEN ring.ids IS NOT NULL THEN count(*) FILTER (WHERE key_id <> ALL (ring.ids))"
           "   END AS unreadable"
           "  FROM smartlaunch.cdp_value WHERE project = k.project"
           "   AND state IN ('new', 'excluded')) v"
           " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,"
           "  min(created_at) FILTER (WHERE state = 'waiting') AS oldest,"
           "  coalesce(max(tries) FILTER (WHERE state = 'waiting'), 0) AS tries,"
           "  count(*) FILTER (WHERE aside_at IS NOT NULL) AS aside,"
           "  string_agg(DISTINCT key_id, ' ') FILTER (WHERE aside_at IS NOT NULL)"
           "   AS missing_keys,"
           "  count(*) FILTER (WHERE state = 'refused' AND value_sealed IS NOT NULL) AS refused,"
           "  CASE WHEN ring.ids IS NOT NULL THEN"
           "   count(*) FILTER (WHERE value_sealed IS NOT NULL AND key_id <> ALL (ring.ids))"
           "   + count(*) FILTER (WHERE reason_key <> ALL (ring.ids)) END AS unreadable"
           "  FROM smartlaunch.cdp_outbox WHERE project = k.project) o"
           " WHERE $2::text IS NULL OR k.project = $2"
           " ORDER BY k.project COLLATE \"C\" LIMIT $3::integer",
    .params = 4,
    .read_only = true,
};
/* clang-format on */

sl_rc_t sl_store_cdp_admin_projects(sl_rows_t **out, sl_db_t *db, const sl_store_cdp_of_t *of,
                                    apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(of->configured), sl_db_text(of->project),
                                    sl_db_int(of->limit)};
    const sl_db_call_t call = {&PROJECTS, params};

    return sl_db_run(out, db, &call, p, err);
}

sl_rc_t sl_store_cdp_admin_status(sl_rows_t **out, sl_db_t *db, const sl_store_cdp_of_t *of,
                                  apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(of->configured), sl_db_text(of->project),
                                    sl_db_int(of->limit), sl_db_text(of->keys)};
    const sl_db_call_t call = {&STATUS, params};

    return sl_db_run(out, db, &call, p, err);
}
