/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_fetch.h"

#include "flow/sl_cdp_fetch_run.h"
#include "flow/sl_cdp_right.h"

#include <string.h>

#define LEASE apr_time_from_sec(90)       /* of a fetch that somebody waits for */
#define LONGEST apr_time_from_sec(8 * 60) /* of an unattended one: within its lease */

/** Who it is, and the same one as last time, or everything held of the other goes. */
static sl_rc_t identify(sl_cdp_run_t *run, sl_cdp_found_t *found)
{
    const sl_cdp_token_ask_t ask = {.cdp = run->cdp,
                                    .project = run->project,
                                    .actor = run->actor,
                                    .patient = run->claim->patient,
                                    .is_unattended = run->claim->unattended};
    apr_array_header_t *tokens = NULL;
    bool is_protected = false;
    sl_rc_t rc = sl_cdp_token_list(&tokens, &ask, run->p, &run->err);

    if (rc == SL_OK) {
        rc = sl_cdp_fetch_patient(found, &is_protected, &run->asking, tokens, run->claim->mrn,
                                  &run->err);
    }
    if (is_protected) {
        run->course = SL_CDP_IS_PROTECTED;
    }
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_cdp_hold_patient(run->cdp, run->claim, found->id, &run->err);
    if (rc != SL_OK) {
        run->course = SL_CDP_IS_LOST;
        return rc;
    }
    run->claim->patient = found->id;
    run->asking.patient = found->id;
    return SL_OK;
}

static void tell_bad_dates(sl_cdp_run_t *run, const sl_cdp_plan_t *plan)
{
    for (int i = 0; i < plan->without_window->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(plan->without_window, i, sl_cdp_fault_t);

        sl_cdp_fetch_warn(run, fault->name != NULL ? fault->name : "dates of the record",
                          fault->reason, NULL);
    }
}

static void hold_patient_fields(sl_cdp_run_t *run, const sl_cdp_plan_t *plan,
                                const sl_cdp_found_t *found)
{
    const sl_cdp_reading_t reading = sl_cdp_fetch_reading(run->project);
    sl_cdp_gain_t gain = {0};

    for (int i = 0; i < found->told->nelts; i++) {
        sl_cdp_fetch_warn(run, "patient", APR_ARRAY_IDX(found->told, i, const char *), NULL);
    }
    if (plan->patient.wants == NULL || plan->patient.wants->nelts == 0) {
        return;
    }
    run->asked++;
    gain.items = sl_cdp_read_patient(found->resource, &plan->patient, &reading, run->p);
    if (sl_cdp_fetch_hold(run, &gain, run->p)) {
        run->got++;
    }
}

/** One category after the other; what there is no use in asking for is named. */
static void fetch_all(sl_cdp_run_t *run, const sl_cdp_plan_t *plan)
{
    for (int i = 0; i < plan->requests->nelts && run->course != SL_CDP_IS_LOST; i++) {
        const sl_cdp_request_t *request = &APR_ARRAY_IDX(plan->requests, i, sl_cdp_request_t);

        if (run->course == SL_CDP_GOES_ON) {
            sl_cdp_fetch_category(run, request);
        } else if (run->course == SL_CDP_WAS_CUT) {
            sl_cdp_fetch_miss(run, request);
            sl_cdp_fetch_warn(run, request->label, "There was no time for this yet.", NULL);
        } else {
            sl_cdp_fetch_miss(run, request);
            sl_cdp_fetch_warn(run, request->label, "This was not asked for any more.", NULL);
        }
    }
}

/** `patient` NULL: nobody was found, but a date that lies ahead counts all the same (H8). */
static void make_plan(sl_cdp_plan_t *plan, sl_cdp_run_t *run, const char *patient)
{
    sl_cdp_plan(plan,
                &(sl_cdp_plan_ask_t){.mapping = run->mapping,
                                     .dates = run->dates,
                                     .patient = patient,
                                     .today = sl_cdp_when_at(apr_time_now())},
                run->p);
    run->has_future = run->has_future || plan->has_future;
}

static sl_rc_t run_all(sl_cdp_run_t *run, const apr_array_header_t *given)
{
    sl_cdp_plan_t plan = {0};
    sl_cdp_found_t found = {0};
    sl_rc_t rc = identify(run, &found);

    sl_cdp_fetch_dates(run, given);
    make_plan(&plan, run, rc == SL_OK ? found.id : NULL);
    if (rc != SL_OK) {
        return rc;
    }
    tell_bad_dates(run, &plan);
    hold_patient_fields(run, &plan, &found);
    if (run->course == SL_CDP_GOES_ON) {
        fetch_all(run, &plan);
    }
    if (run->course == SL_CDP_IS_LOST || run->course == SL_CDP_IS_PROTECTED) {
        return run->rc;
    }
    if (run->asked == 0 || run->got > 0) {
        return SL_OK;
    }
    return run->rc != SL_OK
               ? run->rc
               : sl_err_set(&run->err, SL_TIMEOUT, "SL8145", "%s: there was no time for anything",
                            run->project->ehr->name);
}

static sl_rc_t fetch(sl_cdp_fetched_t *out, sl_cdp_run_t *run, const apr_array_header_t *given,
                     sl_err_t *err)
{
    const char *outcome;
    sl_rc_t rc;

    run->warnings = apr_array_make(run->p, 4, sizeof(sl_cdp_warning_t));
    rc = run_all(run, given);
    outcome = sl_cdp_fetch_outcome(run, rc);
    if (run->course != SL_CDP_IS_LOST || rc != SL_EXPIRED) {
        rc = sl_cdp_fetch_finish(run, rc, outcome);
    }
    if (run->course == SL_CDP_IS_LOST && rc == SL_EXPIRED) {
        rc = sl_err_set(&run->err, SL_BUSY, "SL8143",
                        "project %s: the record was taken away: another fetch, or a new mapping",
                        run->project->name);
    }
    if (rc == SL_OK) {
        sl_cdp_fetch_decide(run);
    }
    sl_cdp_fetch_report(out, run, outcome);
    if (rc != SL_OK) {
        *err = run->err;
    }
    return rc;
}

sl_rc_t sl_cdp_fetch(sl_cdp_fetched_t *out, const sl_cdp_t *cdp, const sl_cdp_fetch_ask_t *ask,
                     const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_claim_ask_t take = {.project = ask->project,
                                     .record = ask->record,
                                     .mrn = ask->mrn,
                                     .dates = ask->dates,
                                     .by = actor->user,
                                     .lease = LEASE};
    sl_cdp_mapping_t mapping;
    sl_cdp_claim_t claim = {0};
    sl_rc_t rc = sl_cdp_fetch_mapping(&mapping, cdp, ask->project, p, err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK) {
        rc = sl_cdp_hold_claim(&claim, cdp, &take, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    return fetch(out,
                 &(sl_cdp_run_t){.cdp = cdp,
                                 .project = ask->project,
                                 .actor = actor,
                                 .claim = &claim,
                                 .mapping = &mapping,
                                 .asking = {.cdp = cdp,
                                            .project = ask->project,
                                            .patient = claim.patient,
                                            .reference = sl_cdp_fetch_reference(actor),
                                            .until = apr_time_now() + SL_CDP_FETCH_PATIENCE,
                                            .p = p},
                                 .p = p},
                 ask->dates, err);
}

/** Who fetched last, if he still may; what he may see is seen with his token. */
static sl_rc_t actor_of(sl_cdp_actor_t *out, const sl_cdp_t *cdp, const sl_cdp_claim_t *claim,
                        apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_actor_t who = {.user = claim->by, .reference = SL_CDP_FETCH_UNATTENDED};
    sl_cdp_rights_t rights = {false, false};
    sl_rc_t rc = SL_OK;

    if (who.user != NULL && strcmp(who.user, SL_CDP_SYSTEM) != 0) {
        rc = sl_cdp_right_of(&rights, cdp, claim->project, &who, p, err);
    }
    *out = who;
    if (!rights.adjudicate) {
        out->user = SL_CDP_SYSTEM;
    }
    return rc;
}

sl_rc_t sl_cdp_fetch_claimed(sl_cdp_fetched_t *out, const sl_cdp_t *cdp, sl_cdp_claim_t *claim,
                             const volatile apr_uint32_t *stop, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_actor_t actor;
    sl_cdp_mapping_t mapping;
    sl_cdp_run_t run = {.cdp = cdp,
                        .project = claim->project,
                        .actor = &actor,
                        .claim = claim,
                        .mapping = &mapping,
                        .asking = {.cdp = cdp,
                                   .project = claim->project,
                                   .patient = claim->patient,
                                   .reference = SL_CDP_FETCH_UNATTENDED,
                                   .until = apr_time_now() + LONGEST,
                                   .is_unattended = true,
                                   .p = p},
                        .stop = stop,
                        .p = p};
    sl_rc_t rc = actor_of(&actor, cdp, claim, p, &run.err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK) {
        rc = sl_cdp_fetch_mapping(&mapping, cdp, claim->project, p, &run.err);
    }
    if (rc != SL_OK) {
        run.warnings = apr_array_make(p, 1, sizeof(sl_cdp_warning_t));
        run.has_future = true; /* nobody looked: it stays due as it was */
        *err = run.err;
        return sl_cdp_fetch_finish(&run, rc, "failed");
    }
    rc = fetch(out, &run, NULL, err);
    /* Not the EHR that is busy. */
    return rc == SL_BUSY && run.course == SL_CDP_IS_LOST ? SL_FAILED : rc;
}
