/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_json.h"
#include "httpd/sl_status.h"
#include "store/sl_schema.h"

static void put_counts(sl_json_t *out, const sl_survey_counts_t *counts, apr_pool_t *p)
{
    sl_json_t *launches = sl_json_object(p);
    sl_json_t *tokens = sl_json_object(p);

    sl_json_put_int(launches, "live", counts->live);
    sl_json_put_int(launches, "held", counts->held);
    sl_json_put_int(launches, "linked", counts->linked);
    sl_json_put_int(launches, "pending", counts->pending);
    sl_json_put_int(launches, "unlinked", counts->unlinked);
    sl_json_put(out, "launches", launches);
    sl_json_put_int(tokens, "active", counts->active);
    sl_json_put_int(tokens, "expired", counts->expired);
    sl_json_put_int(tokens, "relaunch", counts->relaunch);
    sl_json_put_int(tokens, "revoked", counts->revoked);
    sl_json_put(out, "tokens", tokens);
}

static sl_json_t *keys(const sl_ehr_t *ehr, apr_pool_t *p)
{
    sl_json_t *out = sl_json_array(p);

    for (int i = 0; ehr->keys != NULL && i < ehr->keys->nelts; i++) {
        const sl_signer_t *key = APR_ARRAY_IDX(ehr->keys, i, const sl_signer_t *);
        sl_json_t *one = sl_json_object(p);

        sl_json_put_str(one, "kid", sl_signer_kid(key));
        sl_json_put_str(one, "alg", sl_status_alg(sl_signer_alg(key)));
        sl_json_push(out, one);
    }
    return out;
}

static sl_json_t *one_ehr(const sl_status_t *status, const sl_survey_ehr_t *ehr)
{
    const sl_http_gate_stats_t *gate = &ehr->gate;
    apr_pool_t *p = status->p;
    sl_json_t *out = sl_json_object(p);
    sl_json_t *requests = sl_json_object(p);

    sl_json_put_str(out, "name", ehr->ehr->name);
    sl_json_put_str(out, "issuer", ehr->ehr->issuer);
    sl_json_put_int(out, "places", gate->places);
    sl_json_put_int(out, "taken", gate->taken);
    sl_json_put_int(requests, "answered", gate->answered);
    sl_json_put_int(requests, "failed", gate->failed);
    sl_json_put_int(requests, "busy", gate->busy);
    sl_json_put_int(requests, "no_place", gate->refused);
    sl_json_put_int(requests, "recent_failed", gate->recent_failed);
    sl_json_put_int(requests, "recent_busy", gate->recent_busy);
    sl_json_put_str(requests, "failed_at", sl_status_time(p, gate->failed_at));
    sl_json_put(out, "requests", requests);
    sl_json_put(out, "keys", keys(ehr->ehr, p));
    if (status->survey->has_counts) {
        put_counts(out, &ehr->counts, p);
    }
    return out;
}

static sl_json_t *database(const sl_status_t *status)
{
    const sl_survey_t *survey = status->survey;
    sl_json_t *out = sl_json_object(status->p);

    sl_json_put_bool(out, "up", survey->database == SL_SURVEY_UP);
    sl_json_put_str(out, "problem", survey->problem);
    sl_json_put_int(out, "schema", SL_SCHEMA_VERSION);
    sl_json_put_int(out, "connections", survey->pulse.db_open);
    sl_json_put_int(out, "busy", survey->pulse.db_busy);
    sl_json_put_int(out, "statements", survey->pulse.totals.db_statements);
    sl_json_put_int(out, "refused", survey->pulse.totals.db_refused);
    return out;
}

static sl_json_t *cache(const sl_shm_stats_t *shm, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_int(out, "bytes", (int64_t)(shm->blocks * shm->block_bytes));
    sl_json_put_int(out, "used", (int64_t)(shm->blocks_used * shm->block_bytes));
    sl_json_put_int(out, "entries", (int64_t)shm->entries);
    sl_json_put_int(out, "hits", (int64_t)shm->hits);
    sl_json_put_int(out, "misses", (int64_t)shm->misses);
    sl_json_put_int(out, "evictions", (int64_t)shm->evictions);
    return out;
}

static sl_json_t *audit(const sl_pulse_sum_t *pulse, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_int(out, "waiting", pulse->audit_waiting);
    sl_json_put_int(out, "written", pulse->totals.audit_written);
    sl_json_put_int(out, "journalled", pulse->totals.audit_journalled);
    sl_json_put_int(out, "lost", pulse->totals.audit_lost);
    return out;
}

static sl_json_t *journal(const sl_survey_t *survey, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    if (!survey->has_journal) {
        return NULL;
    }
    sl_json_put_int(out, "records", survey->journal.records);
    sl_json_put_int(out, "set_aside", survey->journal.set_aside);
    return out;
}

const char *sl_status_json(const sl_status_t *status)
{
    const sl_survey_t *survey = status->survey;
    apr_pool_t *p = status->p;
    sl_json_t *out = sl_json_object(p);
    sl_json_t *list = sl_json_array(p);

    sl_json_put_str(out, "status", sl_survey_is_well(survey) ? "ok" : "degraded");
    sl_json_put_str(out, "version", SL_VERSION);
    sl_json_put_str(out, "since", sl_status_time(p, status->since));
    sl_json_put_int(out, "children", survey->pulse.children);
    sl_json_put_str(out, "sealing_key", sl_keyring_active(status->rt->ring));
    sl_json_put(out, "database", database(status));
    if (survey->has_counts) {
        put_counts(out, &survey->counts, p);
        sl_json_put_bool(out, "at_least", survey->is_cut);
    }
    for (int i = 0; i < survey->ehrs->nelts; i++) {
        sl_json_push(list, one_ehr(status, &APR_ARRAY_IDX(survey->ehrs, i, sl_survey_ehr_t)));
    }
    sl_json_put(out, "ehrs", list);
    sl_json_put(out, "cache", cache(&survey->shm, p));
    sl_json_put(out, "audit", audit(&survey->pulse, p));
    sl_json_put(out, "journal", journal(survey, p));
    return sl_json_text(p, out);
}
