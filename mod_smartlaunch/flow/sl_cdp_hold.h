/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The holding area: records and the values fetched for them, sealed (AAD over project, record,
 * mapping, instance and time), told apart by a keyed fingerprint. Nothing is offered twice,
 * whatever became of it; an unchanged chart makes no new row (C12).
 */
#ifndef SL_CDP_HOLD_H
#define SL_CDP_HOLD_H

#include "cdp/sl_cdp_read.h"
#include "flow/sl_cdp.h"

typedef enum { SL_CDP_IDLE, SL_CDP_QUEUED, SL_CDP_FETCHING } sl_cdp_fetch_state_t;

typedef struct {
    const char *record;
    const char *patient; /* FHIR id; NULL: not found yet */
    sl_cdp_fetch_state_t state;
    apr_time_t fetched_at;  /* 0: never */
    const char *fetched_by; /* whose token a refetch uses */
    const char *outcome;    /* of the last fetch: "ok", "partial", "failed", "protected",
                               "not_found", "ambiguous", "relaunch"; NULL: none yet */
    const char *warnings;   /* JSON array of {"source", "message"}; NULL: none */
    apr_int64_t version;    /* of what a form was made from: decisions, a new MRN, a new mapping */
    int fresh;              /* targets with at least one new candidate */
} sl_cdp_record_t;

/** SL_NONE: there is no such record here. */
SL_MUST_USE sl_rc_t sl_cdp_hold_record(sl_cdp_record_t *out, const sl_cdp_t *cdp,
                                       const char *project, const char *record, apr_pool_t *p,
                                       sl_err_t *err);

/** Records of a project, those with new items first: of sl_cdp_record_t. */
typedef struct {
    const char *after; /* name of the last one seen; NULL: the first page */
    int limit;
    bool only_fresh;
} sl_cdp_record_page_t;
SL_MUST_USE sl_rc_t sl_cdp_hold_records(apr_array_header_t **out, const sl_cdp_t *cdp,
                                        const char *project, const sl_cdp_record_page_t *page,
                                        apr_pool_t *p, sl_err_t *err);

/** The MRN of a record, opened. SL_NONE: it has none. SL_DENIED: unreadable. */
SL_MUST_USE sl_rc_t sl_cdp_hold_mrn(const char **mrn, const sl_cdp_t *cdp, const char *project,
                                    const char *record, apr_pool_t *p, sl_err_t *err);

/** A fetch that has the record for itself, over all hosts, until it is given back or its lease
 * ends. */
typedef struct {
    const sl_cdp_project_t *project;
    const char *record;
    const char *mrn;                 /* opened */
    const char *patient;             /* as known so far; NULL */
    const char *by;                  /* whose token */
    const apr_array_header_t *dates; /* of sl_cdp_date_t as the app gave them with its last fetch
                                        (http); NULL: ask the app */
    apr_int64_t lease;               /* nonce of this claim */
    bool unattended;
} sl_cdp_claim_t;

/**
 * Take a record for a fetch by a person. With an `mrn` that is not the record's own, everything
 * that was held of the old patient is purged in the same transaction, never mixed (C12). SL_BUSY:
 * somebody is fetching it right now; with other dates it is fetched once more afterwards. SL_NONE:
 * no `mrn`, and none is known. SL_INVALID: no name of a record, or no medical record number.
 * SL_DENIED: what is known cannot be opened.
 */
typedef struct {
    const sl_cdp_project_t *project;
    const char *record;
    const char *mrn;                 /* NULL: the one we have */
    const apr_array_header_t *dates; /* NULL: those we have */
    const char *by;
    apr_interval_time_t lease;
} sl_cdp_claim_ask_t;
SL_MUST_USE sl_rc_t sl_cdp_hold_claim(sl_cdp_claim_t *out, const sl_cdp_t *cdp,
                                      const sl_cdp_claim_ask_t *ask, apr_pool_t *p, sl_err_t *err);

/** Take one record that is due (queued, or past SmartCDPRefetch every, and active). SL_NONE.
 * SL_DENIED: it cannot be opened, and was given back. */
SL_MUST_USE sl_rc_t sl_cdp_hold_claim_due(sl_cdp_claim_t *out, const sl_cdp_t *cdp,
                                          const sl_cdp_project_t *project, apr_pool_t *p,
                                          sl_err_t *err);

/** The patient behind the MRN; where the record had another one, its values go. SL_EXPIRED: the
 * claim is not ours any more. */
SL_MUST_USE sl_rc_t sl_cdp_hold_patient(const sl_cdp_t *cdp, sl_cdp_claim_t *claim,
                                        const char *patient, sl_err_t *err);

typedef struct {
    int rows;      /* new ones */
    int settled;   /* equal to what the project has: nobody is asked */
    int unchanged; /* known */
} sl_cdp_held_t;

/** Where items go. */
typedef struct {
    const sl_cdp_t *cdp;
    const sl_cdp_claim_t *claim;
    const apr_array_header_t *current; /* of sl_cdp_current_t: what the project has; NULL */
    const sl_secret_t *print_key;      /* sl_cdp_vault_print_key() */
} sl_cdp_hold_t;

/** What one page gave. */
typedef struct {
    const apr_array_header_t *items; /* of sl_cdp_item_t */
    const apr_array_header_t
        *origins;                    /* of sl_cdp_origin_t: resources that were read; NULL: none */
    const sl_cdp_request_t *request; /* what was asked for; NULL without origins */
} sl_cdp_gain_t;

/**
 * Hold the items of one page, in one statement; adds up in `held`. A one-time value equal to the
 * current one is settled. What was held of one of the origins, and is not what it says now, is
 * superseded while it is new; a decided one is marked corrected or withdrawn. Only what the request
 * asked for is judged so, unless the origin is gone altogether. SL_EXPIRED as above.
 */
SL_MUST_USE sl_rc_t sl_cdp_hold_add(sl_cdp_held_t *held, const sl_cdp_hold_t *hold,
                                    const sl_cdp_gain_t *gain, apr_pool_t *p, sl_err_t *err);

/** Give the record back. */
typedef struct {
    const char *outcome;       /* as in sl_cdp_record_t */
    const char *warnings;      /* JSON; NULL: none */
    bool has_future;           /* a date lies ahead: stays due however inactive (H8) */
    apr_interval_time_t again; /* after a failure for the moment: not due before; 0: as usual */
} sl_cdp_finish_t;
SL_MUST_USE sl_rc_t sl_cdp_hold_finish(const sl_cdp_t *cdp, const sl_cdp_claim_t *claim,
                                       const sl_cdp_finish_t *finish, sl_err_t *err);

/** Somebody works on the record: SmartCDPRefetch inactive counts from now. */
SL_MUST_USE sl_rc_t sl_cdp_hold_touch(const sl_cdp_t *cdp, const char *project, const char *record,
                                      sl_err_t *err);

/** Make a record due at once (`record` NULL: all of the project); one that is being fetched, once
 * more after that. @param n how many */
SL_MUST_USE sl_rc_t sl_cdp_hold_queue(int *n, const sl_cdp_t *cdp, const char *project,
                                      const char *record, sl_err_t *err);

/** SmartCDPKeep, and claims of the dead: one step. `more`: come again. */
SL_MUST_USE sl_rc_t sl_cdp_hold_keep(bool *more, const sl_cdp_t *cdp,
                                     const sl_cdp_project_t *project, apr_pool_t *p, sl_err_t *err);

/** Key rotation: everything of the CDP that another key than the first sealed, a batch at a time;
 * counts like sl_reseal_pass(). */
typedef struct {
    int values, records, others, moved, closed;
} sl_cdp_resealed_t;
SL_MUST_USE sl_rc_t sl_cdp_hold_reseal(sl_cdp_resealed_t *done, const sl_runtime_t *rt,
                                       apr_pool_t *p, sl_err_t *err);

#endif
