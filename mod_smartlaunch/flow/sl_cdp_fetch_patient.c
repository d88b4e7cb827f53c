/* SPDX-License-Identifier: Apache-2.0 */
/* Who has this MRN? Asked with one token after the other, and believed only where it is certain. */
#include "flow/sl_cdp_fetch_run.h"

#include <apr_strings.h>
#include <string.h>

#define MOST_PAGES 4 /* of a search that should find one */

sl_cdp_reading_t sl_cdp_fetch_reading(const sl_cdp_project_t *project)
{
    const sl_cdp_reading_t reading = {project->mrn_system, sl_cdp_when_at(apr_time_now())};

    return reading;
}

static sl_rc_t protected_patient(const sl_cdp_asking_t *asking, bool *is_protected, sl_err_t *err)
{
    *is_protected = true;
    return sl_err_set(err, SL_DENIED, "SL8121", "%s: the patient is protected (break the glass)",
                      asking->project->ehr->name);
}

static sl_rc_t nobody(const sl_cdp_asking_t *asking, sl_err_t *err)
{
    return sl_err_set(err, SL_NONE, "SL8122", "%s knows no patient with this number",
                      asking->project->ehr->name);
}

/** Only one, and with this very MRN (C5). */
static sl_rc_t judge(const sl_cdp_asking_t *asking, const sl_cdp_page_t *page,
                     const sl_cdp_found_t *found, const char *mrn, sl_err_t *err)
{
    const sl_cdp_reading_t reading = sl_cdp_fetch_reading(asking->project);

    if (page->patients > 1) {
        return sl_err_set(err, SL_CONFLICT, "SL8123",
                          "%s has several patients with this number: which one is meant?",
                          asking->project->ehr->name);
    }
    if (found->resource == NULL || !sl_cdp_read_has_mrn(found->resource, mrn, &reading)) {
        return nobody(asking, err);
    }
    return SL_OK;
}

static void keep(sl_cdp_found_t *found, const sl_cdp_page_t *page, apr_pool_t *p)
{
    if (found->resource == NULL && page->patient != NULL) {
        found->resource = page->patient;
        found->id = apr_pstrdup(p, page->patient_id);
    }
    found->told =
        found->told == NULL ? page->warnings : apr_array_append(p, found->told, page->warnings);
}

/** What is on pages that cannot be had might be another patient. `url` NULL: this was the last. */
static sl_rc_t next_page(const char **url, const sl_cdp_asking_t *asking, const sl_cdp_page_t *page,
                         int n, sl_err_t *err)
{
    const sl_ehr_t *ehr = asking->project->ehr;

    *url = page->next;
    if (*url != NULL && (n + 1 >= MOST_PAGES || !sl_cdp_may_follow(ehr->issuer, *url, asking->p))) {
        return sl_err_set(err, SL_UPSTREAM, "SL8126",
                          "%s: the search for the patient has pages that cannot be followed",
                          ehr->name);
    }
    return SL_OK;
}

/** With the one token that `asking` has. The few pages stay in its pool. */
static sl_rc_t search(sl_cdp_found_t *out, bool *is_protected, sl_cdp_asking_t *asking,
                      const char *mrn, sl_err_t *err)
{
    apr_pool_t *p = asking->p;
    const sl_cdp_request_t request = {
        .category = SL_CDP_PATIENT, .type = "Patient", .wants = apr_array_make(p, 1, 1)};
    sl_cdp_reader_t *reader = sl_cdp_reader_new(&request, &(sl_cdp_subject_t){0}, false, p);
    const char *url = sl_cdp_fetch_url(asking->project->ehr,
                                       sl_cdp_plan_patient(asking->project->mrn_system, mrn, p), p);
    sl_cdp_page_t page = {0};
    sl_rc_t rc = SL_OK;

    memset(out, 0, sizeof(*out));
    for (int i = 0; rc == SL_OK && url != NULL; i++) {
        sl_cdp_answer_t answer;

        rc = sl_cdp_ask(&answer, asking, url, "Patient", p, err);
        if (rc == SL_OK) {
            rc = sl_cdp_reader_page(&page, reader, answer.json, p, err);
        }
        if (answer.is_protected || (rc == SL_OK && page.is_protected)) {
            return protected_patient(asking, is_protected, err);
        }
        if (rc == SL_OK) {
            keep(out, &page, p);
            rc = next_page(&url, asking, &page, i, err);
        }
    }
    if (rc == SL_INVALID || (rc == SL_OK && page.patients == 0 && page.has_failed)) {
        rc = sl_err_set(err, SL_UPSTREAM, "SL8124", "%s: the search for the patient failed",
                        asking->project->ehr->name);
    }
    return rc == SL_OK ? judge(asking, &page, out, mrn, err) : rc;
}

static sl_rc_t other_chart(const sl_cdp_asking_t *asking, sl_err_t *err)
{
    return sl_err_set(err, SL_EXPIRED, "SL8125",
                      "%s: the user's tokens are of other patients: open this patient's chart, or "
                      "sign in without one",
                      asking->project->ehr->name);
}

/** Does the next token make sense? What this one saw is in `rc`. */
static bool is_final(sl_rc_t *rc, const sl_cdp_asking_t *asking, const sl_cdp_found_t *found,
                     sl_err_t *err)
{
    const char *bound = asking->token.bound;

    if (bound == NULL) {
        return *rc != SL_EXPIRED && *rc != SL_DENIED;
    }
    if (*rc == SL_OK && strcmp(bound, found->id) == 0) {
        return true;
    }
    if (*rc == SL_OK || *rc == SL_NONE || *rc == SL_DENIED) {
        *rc = other_chart(asking, err);
    }
    return *rc != SL_EXPIRED;
}

sl_rc_t sl_cdp_fetch_patient(sl_cdp_found_t *out, bool *is_protected, sl_cdp_asking_t *asking,
                             const apr_array_header_t *tokens, const char *mrn, sl_err_t *err)
{
    sl_rc_t rc = SL_EXPIRED;

    *is_protected = false;
    for (int i = 0; i < tokens->nelts; i++) {
        asking->token = APR_ARRAY_IDX(tokens, i, sl_cdp_token_t);
        rc = search(out, is_protected, asking, mrn, err);
        if (*is_protected || is_final(&rc, asking, out, err)) {
            break;
        }
    }
    return rc;
}
