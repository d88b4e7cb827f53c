/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_survey.h"
#include "flow/sl_pack.h"
#include "store/sl_schema.h"
#include "store/sl_store_survey.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_SURVEY 'Q'
#define JOURNAL_MOST 10000 /* files that are counted */
#define ROWS_MOST 2000     /* that are kept for the next who asks */

static bool is(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

static void count(sl_survey_counts_t *counts, const sl_store_survey_row_t *row)
{
    counts->live += is(row->state, "live") ? row->count : 0;
    counts->held += is(row->state, "held") ? row->count : 0;
    if (is(row->state, "live")) {
        counts->linked += is(row->link_state, "linked") ? row->count : 0;
        counts->pending += is(row->link_state, "pending") ? row->count : 0;
        counts->unlinked += is(row->link_state, "none") ? row->count : 0;
    }
    counts->active += is(row->token, "active") ? row->count : 0;
    counts->expired += is(row->token, "expired") ? row->count : 0;
    counts->relaunch += is(row->token, "relaunch") ? row->count : 0;
    counts->revoked += is(row->token, "revoked") ? row->count : 0;
}

static void count_rows(sl_survey_t *out, const apr_array_header_t *rows)
{
    int64_t all = 0;

    out->has_counts = true;
    for (int i = 0; i < rows->nelts; i++) {
        const sl_store_survey_row_t *row = &APR_ARRAY_IDX(rows, i, sl_store_survey_row_t);

        count(&out->counts, row);
        all += row->count;
        for (int k = 0; k < out->ehrs->nelts; k++) {
            sl_survey_ehr_t *ehr = &APR_ARRAY_IDX(out->ehrs, k, sl_survey_ehr_t);

            if (is(row->ehr, ehr->ehr->name)) {
                count(&ehr->counts, row);
            }
        }
    }
    out->is_cut = all >= SL_STORE_SURVEY_MOST;
}

static sl_shm_key_t key(void)
{
    return sl_shm_key(KIND_SURVEY, "", 0);
}

/** What somebody else found out a moment ago. */
static bool find_rows(apr_array_header_t **out, const sl_runtime_t *rt, apr_pool_t *p)
{
    const sl_shm_key_t name = key();
    sl_shm_entry_t entry;
    sl_unpack_t from;
    apr_int64_t rows;

    if (sl_shm_get(rt->shm, &name, apr_time_now(), &entry, p) != SL_OK) {
        return false;
    }
    from.at = (const char *)entry.value.bytes;
    from.end = from.at + entry.value.len;
    from.bad = false;
    rows = sl_unpack_int(&from);
    *out = apr_array_make(p, 8, sizeof(sl_store_survey_row_t));
    for (apr_int64_t i = 0; i < rows && !from.bad; i++) {
        sl_store_survey_row_t *row = apr_array_push(*out);

        row->ehr = sl_unpack_text(&from);
        row->state = sl_unpack_text(&from);
        row->link_state = sl_unpack_text(&from);
        row->token = sl_unpack_text(&from);
        row->count = sl_unpack_int(&from);
    }
    return !from.bad;
}

static void keep_rows(const apr_array_header_t *rows, const sl_runtime_t *rt, apr_pool_t *p)
{
    const sl_shm_key_t name = key();
    sl_pack_t pack = sl_pack_new(p);
    sl_shm_put_t put;
    sl_err_t err;

    if (rows->nelts > ROWS_MOST) {
        return;
    }
    sl_pack_int(&pack, rows->nelts);
    for (int i = 0; i < rows->nelts; i++) {
        const sl_store_survey_row_t *row = &APR_ARRAY_IDX(rows, i, sl_store_survey_row_t);

        sl_pack_text(&pack, row->ehr);
        sl_pack_text(&pack, row->state);
        sl_pack_text(&pack, row->link_state);
        sl_pack_text(&pack, row->token);
        sl_pack_int(&pack, row->count);
    }
    put.value.bytes = (const unsigned char *)pack.bytes;
    put.value.len = pack.len;
    put.now = apr_time_now();
    put.expires = put.now + SL_SURVEY_FRESH;
    put.rank = SL_SHM_LOW;
    if (sl_shm_put(rt->shm, &name, &put, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

static void ask_database(sl_survey_t *out, const sl_runtime_t *rt, apr_pool_t *p)
{
    apr_array_header_t *rows = NULL;
    sl_err_t err = {0};
    sl_rc_t rc = sl_schema_check(rt->db, p, &err);

    if (rc == SL_OK && !find_rows(&rows, rt, p)) {
        rc = sl_store_survey(&rows, rt->db, p, &err);
        if (rc == SL_OK) {
            keep_rows(rows, rt, p);
        }
    }
    out->database = rc == SL_OK ? SL_SURVEY_UP : rc == SL_FAILED ? SL_SURVEY_ODD : SL_SURVEY_AWAY;
    if (rc == SL_OK) {
        count_rows(out, rows);
    } else {
        /* What libpq says may name hosts and users, and is in the error log. */
        out->problem = rc == SL_FAILED ? "the tables are not those of this version"
                                       : "PostgreSQL cannot be asked";
    }
}

void sl_survey_take(sl_survey_t *out, const sl_runtime_t *rt, const apr_array_header_t *pids,
                    apr_pool_t *p)
{
    apr_time_t now = apr_time_now();
    sl_err_t err;

    memset(out, 0, sizeof(*out));
    out->ehrs = apr_array_make(p, rt->ehrs->nelts + 1, sizeof(sl_survey_ehr_t));
    for (int i = 0; i < rt->ehrs->nelts; i++) {
        sl_survey_ehr_t *one = apr_array_push(out->ehrs);

        memset(one, 0, sizeof(*one));
        one->ehr = APR_ARRAY_IDX(rt->ehrs, i, const sl_ehr_t *);
        sl_http_gate_stats(rt->gates[i], now, &one->gate);
    }
    ask_database(out, rt, p);
    sl_shm_stats(rt->shm, &out->shm);
    sl_pulse_gather(&out->pulse, rt, pids, p);
    out->has_journal =
        rt->spool != NULL && sl_spool_count(&out->journal, rt->spool, JOURNAL_MOST, &err) == SL_OK;
}

bool sl_survey_is_well(const sl_survey_t *survey)
{
    if (survey->database != SL_SURVEY_UP || survey->pulse.totals.audit_lost > 0 ||
        survey->journal.set_aside > 0) {
        return false;
    }
    for (int i = 0; i < survey->ehrs->nelts; i++) {
        const sl_http_gate_stats_t *gate = &APR_ARRAY_IDX(survey->ehrs, i, sl_survey_ehr_t).gate;

        if (gate->recent_failed > 0 || gate->recent_busy > 0) {
            return false;
        }
    }
    return true;
}
