/* SPDX-License-Identifier: Apache-2.0 */
/** A fetch under way: for the files of sl_cdp_fetch only. */
#ifndef SL_CDP_FETCH_RUN_H
#define SL_CDP_FETCH_RUN_H

#include "flow/sl_cdp_ask.h"
#include "flow/sl_cdp_fetch.h"

#define SL_CDP_FETCH_PATIENCE apr_time_from_sec(60) /* of somebody who waits */
#define SL_CDP_FETCH_UNATTENDED "watchdog"          /* in place of a request's reference */

/** How a fetch ended, where it is not the rc alone. */
typedef enum {
    SL_CDP_GOES_ON,
    SL_CDP_IS_OVER, /* nothing more can be had: the sign-in ended, the EHR is in trouble */
    SL_CDP_WAS_CUT, /* by the clock, or by the end of the process: the rest later */
    SL_CDP_IS_PROTECTED,
    SL_CDP_IS_LOST /* PostgreSQL, or the claim is not ours any more: hold_rc says */
} sl_cdp_course_t;

typedef struct {
    const sl_cdp_t *cdp;
    const sl_cdp_project_t *project;
    const sl_cdp_actor_t *actor;
    sl_cdp_claim_t *claim;
    const sl_cdp_mapping_t *mapping;
    const apr_array_header_t *dates;   /* of sl_cdp_date_t */
    const apr_array_header_t *current; /* of sl_cdp_current_t; NULL: the app does not tell */
    const sl_secret_t *print_key;      /* NULL: nothing was held yet */
    sl_cdp_asking_t asking;
    const volatile apr_uint32_t *stop; /* NULL: nobody says stop */
    apr_pool_t *p;

    /* what came of it */
    sl_cdp_course_t course;
    sl_cdp_held_t held;
    apr_array_header_t *warnings; /* of sl_cdp_warning_t */
    bool has_future;
    int asked, got; /* categories: wanted, and held as a whole or in part */
    int silent;     /* categories one after the other without any answer */
    bool is_partial;
    bool is_measured_in_part; /* the observations are not all there */
    bool is_doubted;          /* the project has another medical record number */
    sl_rc_t rc;               /* of what went wrong last */
    sl_err_t err;
    int again; /* seconds; 0: as usual */
} sl_cdp_run_t;

/** A Patient that was found by an MRN. */
typedef struct {
    const char *id;
    const sl_json_t *resource;
    const apr_array_header_t *told; /* of const char *: what the EHR said besides */
} sl_cdp_found_t;

/**
 * Look for the patient with the tokens there are; `asking->token` is the one that found it.
 * SL_NONE, SL_CONFLICT, SL_DENIED (`*is_protected`), SL_EXPIRED as sl_cdp_find().
 */
SL_MUST_USE sl_rc_t sl_cdp_fetch_patient(sl_cdp_found_t *out, bool *is_protected,
                                         sl_cdp_asking_t *asking, const apr_array_header_t *tokens,
                                         const char *mrn, sl_err_t *err);

const char *sl_cdp_fetch_reference(const sl_cdp_actor_t *actor);

/** The project's mapping. SL_INVALID: it has none yet. */
SL_MUST_USE sl_rc_t sl_cdp_fetch_mapping(sl_cdp_mapping_t *out, const sl_cdp_t *cdp,
                                         const sl_cdp_project_t *project, apr_pool_t *p,
                                         sl_err_t *err);

/** `query` below the EHR's FHIR base. */
const char *sl_cdp_fetch_url(const sl_ehr_t *ehr, const char *query, apr_pool_t *p);

/** Everything that is read of a Patient, now. */
sl_cdp_reading_t sl_cdp_fetch_reading(const sl_cdp_project_t *project);

/** Dates and current values of the record: from the app, from the caller, or as last time. */
void sl_cdp_fetch_dates(sl_cdp_run_t *run, const apr_array_header_t *given);

/** One category, page by page. Afterwards run->course says whether the next one makes sense. */
void sl_cdp_fetch_category(sl_cdp_run_t *run, const sl_cdp_request_t *request);

/** Put the HTML of clinical notes that the EHR keeps apart (Binary) into the page that names them.
 * What cannot be had for good is left out; any other rc is that of sl_cdp_ask(). */
SL_MUST_USE sl_rc_t sl_cdp_fetch_notes(sl_cdp_run_t *run, const sl_json_t *bundle, apr_pool_t *p,
                                       sl_err_t *err);

/** Something of this category is not there. */
void sl_cdp_fetch_miss(sl_cdp_run_t *run, const sl_cdp_request_t *request);

/** Hold what came; false: run->course says that it is over. */
bool sl_cdp_fetch_hold(sl_cdp_run_t *run, const sl_cdp_gain_t *gain, apr_pool_t *p);

/** A warning; `told`: what the EHR said of it, may be NULL. Texts are copied. */
void sl_cdp_fetch_warn(sl_cdp_run_t *run, const char *source, const char *message,
                       const char *told);

/** The word for the record's row. */
const char *sl_cdp_fetch_outcome(const sl_cdp_run_t *run, sl_rc_t rc);

/** Give the record back, and leave to the watchdog what there was no time for. @return `rc`, or
 * why that could not be stored */
SL_MUST_USE sl_rc_t sl_cdp_fetch_finish(sl_cdp_run_t *run, sl_rc_t rc, const char *outcome);

/** Save what needs nobody's eyes, where site and study say so (H7). */
void sl_cdp_fetch_decide(const sl_cdp_run_t *run);

void sl_cdp_fetch_report(sl_cdp_fetched_t *out, const sl_cdp_run_t *run, const char *outcome);

#endif
