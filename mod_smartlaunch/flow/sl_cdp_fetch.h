/* SPDX-License-Identifier: Apache-2.0 */
/** Real-time fetch of one record by its medical record number (C3 to C14). */
#ifndef SL_CDP_FETCH_H
#define SL_CDP_FETCH_H

#include "flow/sl_cdp_hold.h"

typedef struct {
    const sl_cdp_project_t *project;
    const char *record;
    const char *mrn;                 /* NULL: the one that is known */
    const apr_array_header_t *dates; /* of sl_cdp_date_t; NULL: ask the app, or those we have */
} sl_cdp_fetch_ask_t;

typedef struct {
    const char *outcome;                /* as sl_cdp_record_t */
    const apr_array_header_t *warnings; /* of sl_cdp_warning_t */
    sl_cdp_held_t held;
    int fresh; /* targets with new items now */
    apr_time_t fetched_at;
} sl_cdp_fetched_t;

typedef struct {
    const char *source;  /* which category: "laboratory results and vital signs" */
    const char *message; /* plain text */
} sl_cdp_warning_t;

/** For "is this the patient?": source, label and value of each preview field. */
typedef struct {
    const char *source, *label;
    const char *value; /* NULL: the chart has none */
} sl_cdp_preview_t;

/** Who has an MRN, as far as the EHR tells. */
typedef struct {
    const char *patient;          /* id in the EHR */
    apr_array_header_t *previews; /* of sl_cdp_preview_t */
    bool is_protected;            /* SL_DENIED, and the EHR said why (C14) */
} sl_cdp_lookup_t;

/**
 * Look for the patient and read the preview fields; nothing is stored.
 * SL_NONE: no such patient. SL_CONFLICT: several. SL_DENIED: protected, or the EHR refuses.
 * SL_EXPIRED: no token that may be used for this patient: launch again. SL_UPSTREAM, SL_TIMEOUT,
 * SL_BUSY, SL_UNAVAILABLE.
 */
SL_MUST_USE sl_rc_t sl_cdp_find(sl_cdp_lookup_t *out, const sl_cdp_t *cdp,
                                const sl_cdp_project_t *project, const char *mrn,
                                const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err);

/**
 * Fetch and hold. SL_OK with outcome "ok" or "partial". All others as sl_cdp_find(), with `out`
 * filled in and older items untouched; SL_BUSY also: a fetch of this record is under way.
 */
SL_MUST_USE sl_rc_t sl_cdp_fetch(sl_cdp_fetched_t *out, const sl_cdp_t *cdp,
                                 const sl_cdp_fetch_ask_t *ask, const sl_cdp_actor_t *actor,
                                 apr_pool_t *p, sl_err_t *err);

/** The same for a record that the watchdog claimed: token of its last fetcher while he may still
 * adjudicate, else the system's where the EHR has a SmartSystemScope. Ends between two pages when
 * `*stop` (may be NULL) became non-zero: the record is due again at once. */
SL_MUST_USE sl_rc_t sl_cdp_fetch_claimed(sl_cdp_fetched_t *out, const sl_cdp_t *cdp,
                                         sl_cdp_claim_t *claim, const volatile apr_uint32_t *stop,
                                         apr_pool_t *p, sl_err_t *err);

/** The user's sign-in at the project's EHR, for the screen. SL_NONE: launch first. */
typedef struct {
    apr_time_t expires_at; /* 0: renewed as needed, no end known */
    bool can_renew;
} sl_cdp_signin_t;
SL_MUST_USE sl_rc_t sl_cdp_signin(sl_cdp_signin_t *out, const sl_cdp_t *cdp,
                                  const sl_cdp_project_t *project, const sl_cdp_actor_t *actor,
                                  apr_pool_t *p, sl_err_t *err);

#endif
