/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_page.h"
#include "httpd/sl_status.h"
#include "store/sl_schema.h"

#include <apr_strings.h>
#include <string.h>

#define FULL 90 /* per cent of shared memory */

static void add(apr_array_header_t *facts, const char *name, bool is_bad, const char *value)
{
    sl_page_fact_t *fact = apr_array_push(facts);

    fact->name = name;
    fact->value = value;
    fact->is_bad = is_bad;
}

static const char *number(const sl_status_t *status, int64_t count)
{
    return apr_psprintf(status->p, "%s%" APR_INT64_T_FMT, status->survey->is_cut ? "at least " : "",
                        (apr_int64_t)count);
}

static void add_counts(apr_array_header_t *facts, const sl_status_t *status,
                       const sl_survey_counts_t *counts)
{
    apr_pool_t *p = status->p;

    if (!status->survey->has_counts) {
        add(facts, "Live launches", false, "not known while PostgreSQL is away");
        return;
    }
    add(facts, "Live launches", false,
        apr_psprintf(p,
                     "%s: %" APR_INT64_T_FMT " linked, %" APR_INT64_T_FMT
                     " before the login to the app, %" APR_INT64_T_FMT " without links",
                     number(status, counts->live), (apr_int64_t)counts->linked,
                     (apr_int64_t)counts->pending, (apr_int64_t)counts->unlinked));
    if (counts->held > 0) {
        add(facts, "Held", false,
            apr_psprintf(p, "%s wait for the user to say who she is",
                         number(status, counts->held)));
    }
    add(facts, "Their tokens", false,
        apr_psprintf(p,
                     "%s good, %" APR_INT64_T_FMT " lapsed, %" APR_INT64_T_FMT
                     " need a new launch, %" APR_INT64_T_FMT " revoked",
                     number(status, counts->active), (apr_int64_t)counts->expired,
                     (apr_int64_t)counts->relaunch, (apr_int64_t)counts->revoked));
}

static void add_host(apr_array_header_t *facts, const sl_status_t *status)
{
    const sl_survey_t *survey = status->survey;
    apr_pool_t *p = status->p;

    add(facts, "Version", false, "mod_smartlaunch " SL_VERSION);
    add(facts, "Since", false, sl_status_time(p, status->since));
    add(facts, "PostgreSQL", survey->database != SL_SURVEY_UP,
        survey->problem != NULL
            ? survey->problem
            : apr_psprintf(p, "up, tables of version %d, %d connections, %d in use",
                           SL_SCHEMA_VERSION, survey->pulse.db_open, survey->pulse.db_busy));
    add(facts, "Key ring", false,
        apr_pstrcat(p, sl_keyring_active(status->rt->ring), " seals", NULL));
    add_counts(facts, status, &survey->counts);
}

static const char *keys_text(const sl_ehr_t *ehr, apr_pool_t *p)
{
    const char *text = NULL;

    for (int i = 0; ehr->keys != NULL && i < ehr->keys->nelts; i++) {
        const sl_signer_t *key = APR_ARRAY_IDX(ehr->keys, i, const sl_signer_t *);

        text = apr_pstrcat(p, text != NULL ? text : "", text != NULL ? ", " : "",
                           sl_signer_kid(key), " (", sl_status_alg(sl_signer_alg(key)), ")", NULL);
    }
    return text;
}

static void add_ehr(apr_array_header_t *facts, const sl_status_t *status,
                    const sl_survey_ehr_t *ehr)
{
    const sl_http_gate_stats_t *gate = &ehr->gate;
    apr_pool_t *p = status->p;
    const char *keys = keys_text(ehr->ehr, p);
    bool is_bad = gate->recent_failed > 0 || gate->recent_busy > 0;

    add(facts, NULL, false, apr_pstrcat(p, "EHR ", ehr->ehr->name, NULL));
    add(facts, "Address", false, ehr->ehr->issuer);
    add(facts, "Waiting now", gate->taken >= gate->places,
        apr_psprintf(p, "%d of %d places", gate->taken, gate->places));
    add(facts, "Last 5 minutes", is_bad,
        is_bad ? apr_psprintf(p, "%d failed, %d times busy (429, 503)", gate->recent_failed,
                              gate->recent_busy)
               : "nothing failed");
    add(facts, "Since the start", false,
        apr_psprintf(p,
                     "%" APR_INT64_T_FMT " answered, %" APR_INT64_T_FMT " failed, %" APR_INT64_T_FMT
                     " busy, %" APR_INT64_T_FMT " found no place",
                     (apr_int64_t)gate->answered, (apr_int64_t)gate->failed,
                     (apr_int64_t)gate->busy, (apr_int64_t)gate->refused));
    if (gate->failed_at != 0) {
        add(facts, "Last failure", false, sl_status_time(p, gate->failed_at));
    }
    if (keys != NULL) {
        add(facts, "Client keys", false, keys);
    }
    add_counts(facts, status, &ehr->counts);
}

static void add_memory(apr_array_header_t *facts, const sl_status_t *status)
{
    const sl_shm_stats_t *shm = &status->survey->shm;
    int full = shm->blocks > 0 ? (int)(100 * shm->blocks_used / shm->blocks) : 0;

    add(facts, NULL, false, "Shared memory");
    add(facts, "Filled", full >= FULL,
        apr_psprintf(status->p, "%d %% of %" APR_UINT64_T_FMT " MB, %" APR_UINT64_T_FMT " entries",
                     full, (apr_uint64_t)(shm->blocks * shm->block_bytes / (1024 * 1024)),
                     (apr_uint64_t)shm->entries));
    add(facts, "Pushed out", false,
        apr_psprintf(status->p, "%" APR_UINT64_T_FMT " before their time", shm->evictions));
}

static void add_audit(apr_array_header_t *facts, const sl_status_t *status)
{
    const sl_survey_t *survey = status->survey;
    const sl_pulse_sum_t *pulse = &survey->pulse;
    apr_pool_t *p = status->p;

    if (status->rt->audit != NULL) {
        add(facts, NULL, false, "Audit");
        add(facts, "Rows", pulse->totals.audit_lost > 0,
            apr_psprintf(
                p,
                "%" APR_INT64_T_FMT " written, %" APR_INT64_T_FMT " waiting, %" APR_INT64_T_FMT
                " by way of the journal, %" APR_INT64_T_FMT " lost",
                (apr_int64_t)pulse->totals.audit_written, (apr_int64_t)pulse->audit_waiting,
                (apr_int64_t)pulse->totals.audit_journalled,
                (apr_int64_t)pulse->totals.audit_lost));
    }
    if (survey->has_journal) {
        add(facts, NULL, false, "Journal");
        add(facts, "Records", survey->journal.set_aside > 0,
            apr_psprintf(p, "%d wait for PostgreSQL, %d set aside as bad", survey->journal.records,
                         survey->journal.set_aside));
    }
}

int sl_status_page(request_rec *r, const sl_status_t *status)
{
    const apr_array_header_t *ehrs = status->survey->ehrs;
    apr_array_header_t *facts = apr_array_make(r->pool, 64, sizeof(sl_page_fact_t));
    sl_page_t page;

    add_host(facts, status);
    for (int i = 0; i < ehrs->nelts; i++) {
        add_ehr(facts, status, &APR_ARRAY_IDX(ehrs, i, sl_survey_ehr_t));
    }
    add_memory(facts, status);
    add_audit(facts, status);
    memset(&page, 0, sizeof(page));
    page.status = HTTP_OK;
    page.title = sl_survey_is_well(status->survey) ? "All is well" : "Something needs a look";
    page.facts = facts;
    page.ancestors = "'none'";
    page.after = "For programs: format=json or format=prometheus behind a question mark";
    return sl_page_send(r, &page);
}
