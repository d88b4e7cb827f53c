/* SPDX-License-Identifier: Apache-2.0 */
/* The text format of Prometheus, 0.0.4. */
#include "httpd/sl_status.h"
#include "store/sl_schema.h"

#include <apr_strings.h>

typedef struct {
    apr_array_header_t *lines; /* of const char * */
    apr_pool_t *p;
} text_t;

static void head(const text_t *text, const char *name, const char *type, const char *help)
{
    APR_ARRAY_PUSH(text->lines, const char *) = apr_psprintf(
        text->p, "# HELP smartlaunch_%s %s\n# TYPE smartlaunch_%s %s\n", name, help, name, type);
}

/** @param labels as `ehr="epic"`: names of ours only, which need no escapes; "" for none */
static void value(const text_t *text, const char *name, const char *labels, int64_t number)
{
    APR_ARRAY_PUSH(text->lines, const char *) = apr_psprintf(
        text->p, "smartlaunch_%s%s%s%s %" APR_INT64_T_FMT "\n", name, labels[0] != '\0' ? "{" : "",
        labels, labels[0] != '\0' ? "}" : "", (apr_int64_t)number);
}

static void one(const text_t *text, const char *name, const char *type, int64_t number,
                const char *help)
{
    head(text, name, type, help);
    value(text, name, "", number);
}

static void launches(const text_t *text, const sl_survey_t *survey)
{
    head(text, "launches", "gauge", "Launches that are not over, by EHR and state");
    for (int i = 0; i < survey->ehrs->nelts; i++) {
        const sl_survey_ehr_t *ehr = &APR_ARRAY_IDX(survey->ehrs, i, sl_survey_ehr_t);
        const struct {
            const char *state;
            int64_t count;
        } states[] = {{"held", ehr->counts.held},
                      {"linked", ehr->counts.linked},
                      {"pending", ehr->counts.pending},
                      {"unlinked", ehr->counts.unlinked}};

        for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++) {
            value(text, "launches",
                  apr_psprintf(text->p, "ehr=\"%s\",state=\"%s\"", ehr->ehr->name, states[k].state),
                  states[k].count);
        }
    }
}

static void tokens(const text_t *text, const sl_survey_t *survey)
{
    head(text, "tokens", "gauge", "Tokens of launches that are not over, by EHR and status");
    for (int i = 0; i < survey->ehrs->nelts; i++) {
        const sl_survey_ehr_t *ehr = &APR_ARRAY_IDX(survey->ehrs, i, sl_survey_ehr_t);
        const struct {
            const char *status;
            int64_t count;
        } states[] = {{"active", ehr->counts.active},
                      {"expired", ehr->counts.expired},
                      {"relaunch", ehr->counts.relaunch},
                      {"revoked", ehr->counts.revoked}};

        for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++) {
            value(
                text, "tokens",
                apr_psprintf(text->p, "ehr=\"%s\",status=\"%s\"", ehr->ehr->name, states[k].status),
                states[k].count);
        }
    }
}

static void requests(const text_t *text, const sl_survey_t *survey)
{
    head(text, "ehr_requests_total", "counter",
         "Requests to an EHR by what came of them: busy is 429 or 503, no_place was not sent");
    for (int i = 0; i < survey->ehrs->nelts; i++) {
        const sl_survey_ehr_t *ehr = &APR_ARRAY_IDX(survey->ehrs, i, sl_survey_ehr_t);
        const struct {
            const char *outcome;
            int64_t count;
        } outcomes[] = {{"answered", ehr->gate.answered},
                        {"failed", ehr->gate.failed},
                        {"busy", ehr->gate.busy},
                        {"no_place", ehr->gate.refused}};

        for (size_t k = 0; k < sizeof(outcomes) / sizeof(outcomes[0]); k++) {
            value(text, "ehr_requests_total",
                  apr_psprintf(text->p, "ehr=\"%s\",outcome=\"%s\"", ehr->ehr->name,
                               outcomes[k].outcome),
                  outcomes[k].count);
        }
    }
}

static void places(const text_t *text, const sl_survey_t *survey)
{
    head(text, "ehr_places", "gauge", "SmartOutbound max=: requests that may wait for an EHR");
    for (int i = 0; i < survey->ehrs->nelts; i++) {
        const sl_survey_ehr_t *ehr = &APR_ARRAY_IDX(survey->ehrs, i, sl_survey_ehr_t);

        value(text, "ehr_places", apr_psprintf(text->p, "ehr=\"%s\"", ehr->ehr->name),
              ehr->gate.places);
    }
    head(text, "ehr_places_taken", "gauge", "Requests that wait for an EHR now");
    for (int i = 0; i < survey->ehrs->nelts; i++) {
        const sl_survey_ehr_t *ehr = &APR_ARRAY_IDX(survey->ehrs, i, sl_survey_ehr_t);

        value(text, "ehr_places_taken", apr_psprintf(text->p, "ehr=\"%s\"", ehr->ehr->name),
              ehr->gate.taken);
    }
}

static void cache(const text_t *text, const sl_shm_stats_t *shm)
{
    one(text, "cache_bytes", "gauge", (int64_t)(shm->blocks * shm->block_bytes),
        "Shared memory for entries (SmartCache)");
    one(text, "cache_used_bytes", "gauge", (int64_t)(shm->blocks_used * shm->block_bytes),
        "Of these, taken");
    one(text, "cache_entries", "gauge", (int64_t)shm->entries, "Entries, lapsed ones too");
    one(text, "cache_hits_total", "counter", (int64_t)shm->hits, "Look-ups that found something");
    one(text, "cache_misses_total", "counter", (int64_t)shm->misses, "Look-ups that found nothing");
    one(text, "cache_evictions_total", "counter", (int64_t)shm->evictions,
        "Entries that made room before their time");
}

static void upkeep(const text_t *text, const sl_survey_t *survey)
{
    const sl_pulse_sum_t *pulse = &survey->pulse;

    one(text, "database_up", "gauge", survey->database == SL_SURVEY_UP,
        "PostgreSQL answers and has the tables of this version");
    one(text, "database_connections", "gauge", pulse->db_open, "Connections of all children");
    one(text, "database_connections_busy", "gauge", pulse->db_busy, "Of these, in use");
    one(text, "database_statements_total", "counter", pulse->totals.db_statements,
        "Statements that were answered");
    one(text, "database_refused_total", "counter", pulse->totals.db_refused,
        "Calls that found PostgreSQL away or no free connection");
    one(text, "audit_waiting", "gauge", pulse->audit_waiting, "Rows of the audit in memory");
    one(text, "audit_written_total", "counter", pulse->totals.audit_written,
        "Rows of the audit that were committed");
    one(text, "audit_lost_total", "counter", pulse->totals.audit_lost,
        "Rows of the audit that are lost");
    if (survey->has_journal) {
        one(text, "journal_records", "gauge", survey->journal.records,
            "Records in SmartStateDir that wait for PostgreSQL");
        one(text, "journal_set_aside", "gauge", survey->journal.set_aside,
            "Records in SmartStateDir that cannot be brought home");
    }
}

const char *sl_status_metrics(const sl_status_t *status)
{
    const sl_survey_t *survey = status->survey;
    const text_t text = {apr_array_make(status->p, 128, sizeof(const char *)), status->p};

    head(&text, "info", "gauge", "Version of the module and of its tables");
    value(&text, "info",
          apr_psprintf(status->p, "version=\"%s\",schema=\"%d\"", SL_VERSION, SL_SCHEMA_VERSION),
          1);
    one(&text, "start_time_seconds", "gauge", apr_time_sec(status->since),
        "When httpd was last (re)started");
    upkeep(&text, survey);
    if (survey->has_counts) {
        launches(&text, survey);
        tokens(&text, survey);
    }
    places(&text, survey);
    requests(&text, survey);
    cache(&text, &survey->shm);
    return apr_array_pstrcat(status->p, text.lines, '\0');
}
