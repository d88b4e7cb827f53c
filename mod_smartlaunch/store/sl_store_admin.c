/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_admin.h"

#include "store/sl_store_sql.h"

/* clang-format off */
#define SQL_WHOSE                                                                                  \
    " WHERE ($1::text IS NULL OR app = $1) AND ($2::text IS NULL OR ehr = $2)"                     \
    "  AND ($3::text IS NULL OR app_user = $3)"
#define SQL_AT(column) SQL_US(column) " AS " column

#define SQL_LAUNCH                                                                                 \
    "id, app, ehr, kind, state, link_state, link, app_user, ehr_user, patient, encounter,"         \
    " " SQL_AT("created_at") ", " SQL_AT("last_seen_at") ", " SQL_AT("expires_at") ","             \
    " " SQL_AT("ended_at") ", end_reason"

static const sl_stmt_t LINKS = {
    .name = "sl_admin_links",
    .sql = "SELECT id, app, ehr, ehr_user, app_user, fhir_user, issuer, sub, source, how, status,"
           " " SQL_AT("linked_at") ", " SQL_AT("last_launch_at") ", " SQL_AT("revoked_at") ","
           " revoked_by, revoke_reason FROM smartlaunch.link_status v" SQL_WHOSE
           "  AND ($4::text IS NULL OR ehr_user = $4) AND ($5::boolean OR status = 'active')"
           " ORDER BY v.linked_at DESC, id LIMIT $6::integer",
    .params = 6,
    .read_only = true,
};

static const sl_stmt_t LAUNCHES = {
    .name = "sl_admin_launches",
    .sql = "SELECT " SQL_LAUNCH " FROM smartlaunch.launch_status v" SQL_WHOSE
           "  AND ($4::text IS NULL OR ehr_user = $4)"
           "  AND ($5::boolean OR state IN ('pending', 'claimed', 'held', 'live'))"
           " ORDER BY v.created_at DESC, id LIMIT $6::integer",
    .params = 6,
    .read_only = true,
};

static const sl_stmt_t ONE_LAUNCH = {
    .name = "sl_admin_one_launch",
    .sql = "SELECT " SQL_LAUNCH " FROM smartlaunch.launch_status v WHERE id = $1::uuid",
    .params = 1,
    .read_only = true,
};

static const sl_stmt_t CALLS = {
    .name = "sl_admin_calls",
    .sql = "SELECT " SQL_AT("at") ", via, caller, app, app_user, ehr, method, resource, status, ms,"
           " launch FROM smartlaunch.access_of($1::text, $2::integer * interval '1 day')",
    .params = 2,
    .read_only = true,
};

static const sl_stmt_t TOKENS = {
    .name = "sl_admin_tokens",
    .sql = "SELECT launch, link, app, ehr, app_user, patient, scope_asked, scope_granted,"
           " " SQL_AT("issued_at") ", " SQL_AT("expires_at") ", status, can_renew, generation,"
           " renewals, " SQL_AT("lease_until") ", lease_by, key_id, last_error,"
           " " SQL_AT("retry_at") " FROM smartlaunch.token_status v" SQL_WHOSE
           "  AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM smartlaunch.launch_status l"
           "   WHERE l.id = v.launch AND l.ehr_user = $4))"
           "  AND ($5::boolean OR status = 'active' OR (status = 'expired' AND can_renew))"
           " ORDER BY v.issued_at DESC, launch LIMIT $6::integer",
    .params = 6,
    .read_only = true,
};

/* Looked at first: the functions cannot tell "not there" from "revoked before". */
static const sl_stmt_t LINK = {
    .name = "sl_admin_link",
    .sql = "SELECT k.id, k.status = 'active' AS active, (SELECT count(*)"
           "  FROM smartlaunch.launch_status l WHERE l.link = k.id AND l.state IN ('held', 'live'))"
           "  AS launches FROM smartlaunch.link_status k"
           " WHERE CASE WHEN $1::text IS NOT NULL THEN k.id = $1::uuid ELSE k.app = $2::text"
           "  AND k.ehr = $3::text AND k.ehr_user = $4::text AND k.status = 'active' END",
    .params = 4,
    .read_only = true,
};

static const sl_stmt_t REVOKE_LINK = {
    .name = "sl_admin_revoke_link",
    .sql = "SELECT smartlaunch.revoke_link($1::uuid, $2::text)",
    .params = 2,
    .read_only = true, /* the second time finds it done */
};

static const sl_stmt_t LAUNCH = {
    .name = "sl_admin_launch",
    .sql = "SELECT state NOT IN ('pending', 'claimed', 'held', 'live') AS was_over"
           " FROM smartlaunch.launch_status WHERE id = $1::uuid",
    .params = 1,
    .read_only = true,
};

static const sl_stmt_t END_LAUNCH = {
    .name = "sl_admin_end_launch",
    .sql = "SELECT smartlaunch.revoke_launch($1::uuid, $2::text)",
    .params = 2,
    .read_only = true, /* as above */
};

static const sl_stmt_t TOKEN = {
    .name = "sl_admin_token",
    .sql = "SELECT status = 'revoked' AS was_over FROM smartlaunch.token_status"
           " WHERE launch = $1::uuid",
    .params = 1,
    .read_only = true,
};

static const sl_stmt_t REVOKE_TOKEN = {
    .name = "sl_admin_revoke_token",
    .sql = "SELECT smartlaunch.revoke_token($1::uuid, $2::text)",
    .params = 2,
    .read_only = true, /* as above */
};
/* clang-format on */

static sl_rc_t list(sl_rows_t **out, sl_db_t *db, const sl_stmt_t *stmt,
                    const sl_admin_filter_t *filter, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {
        sl_db_text(filter->app),      sl_db_text(filter->ehr), sl_db_text(filter->app_user),
        sl_db_text(filter->ehr_user), sl_db_bool(filter->all), sl_db_int(filter->limit),
    };
    const sl_db_call_t call = {stmt, params};

    return sl_db_run(out, db, &call, p, err);
}

sl_rc_t sl_store_admin_links(sl_rows_t **out, sl_db_t *db, const sl_admin_filter_t *filter,
                             apr_pool_t *p, sl_err_t *err)
{
    return list(out, db, &LINKS, filter, p, err);
}

sl_rc_t sl_store_admin_launches(sl_rows_t **out, sl_db_t *db, const sl_admin_filter_t *filter,
                                apr_pool_t *p, sl_err_t *err)
{
    return list(out, db, &LAUNCHES, filter, p, err);
}

sl_rc_t sl_store_admin_tokens(sl_rows_t **out, sl_db_t *db, const sl_admin_filter_t *filter,
                              apr_pool_t *p, sl_err_t *err)
{
    return list(out, db, &TOKENS, filter, p, err);
}

sl_rc_t sl_store_admin_launch(sl_rows_t **out, sl_db_t *db, const char *id, apr_pool_t *p,
                              sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(id)};
    const sl_db_call_t call = {&ONE_LAUNCH, params};
    sl_rc_t rc = sl_db_run(out, db, &call, p, err);

    if (rc == SL_OK && sl_rows_count(*out) == 0) {
        return sl_err_set(err, SL_NONE, "SL3604", "the launch is gone");
    }
    return rc;
}

sl_rc_t sl_store_admin_calls(sl_rows_t **out, sl_db_t *db, const char *reference, int days,
                             apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(reference), sl_db_int(days)};
    const sl_db_call_t call = {&CALLS, params};

    return sl_db_run(out, db, &call, p, err);
}

sl_rc_t sl_store_admin_revoke_link(sl_admin_done_t *out, sl_db_t *db, const sl_admin_link_t *link,
                                   apr_pool_t *p, sl_err_t *err)
{
    const sl_db_param_t which[] = {sl_db_text(link->id), sl_db_text(link->app),
                                   sl_db_text(link->ehr), sl_db_text(link->ehr_user)};
    const sl_db_call_t look = {&LINK, which};
    sl_rows_t *rows, *ignored;
    sl_rc_t rc = sl_db_run(&rows, db, &look, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return sl_err_set(err, SL_NONE, "SL3601", "there is no such link");
    }
    out->id = sl_rows_text(rows, 0, "id");
    out->first_time = sl_rows_bool(rows, 0, "active");
    out->launches = (int)sl_rows_int(rows, 0, "launches", 0);
    {
        const sl_db_param_t params[] = {sl_db_text(out->id), sl_db_text(link->reason)};
        const sl_db_call_t call = {&REVOKE_LINK, params};

        return sl_db_run(&ignored, db, &call, p, err);
    }
}

typedef struct {
    const sl_stmt_t *look, *act;
    const char *missing_id, *missing;
} way_t;

static sl_rc_t look_and_act(bool *was_over, sl_db_t *db, const way_t *way,
                            const sl_db_param_t params[2], apr_pool_t *p, sl_err_t *err)
{
    const sl_db_call_t look = {way->look, params}, act = {way->act, params};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &look, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (sl_rows_count(rows) == 0) {
        return sl_err_set(err, SL_NONE, way->missing_id, "%s", way->missing);
    }
    *was_over = sl_rows_bool(rows, 0, "was_over");
    return sl_db_run(&rows, db, &act, p, err);
}

sl_rc_t sl_store_admin_end_launch(bool *was_over, sl_db_t *db, const char *id, const char *reason,
                                  apr_pool_t *p, sl_err_t *err)
{
    static const way_t way = {&LAUNCH, &END_LAUNCH, "SL3602", "there is no such launch"};
    const sl_db_param_t params[] = {sl_db_text(id), sl_db_text(reason)};

    return look_and_act(was_over, db, &way, params, p, err);
}

sl_rc_t sl_store_admin_revoke_token(bool *was_revoked, sl_db_t *db, const char *launch,
                                    const char *reason, apr_pool_t *p, sl_err_t *err)
{
    static const way_t way = {&TOKEN, &REVOKE_TOKEN, "SL3603", "no launch of this id has a token"};
    const sl_db_param_t params[] = {sl_db_text(launch), sl_db_text(reason)};

    return look_and_act(was_revoked, db, &way, params, p, err);
}
