/* SPDX-License-Identifier: Apache-2.0 */
/** Records of a project: what is known of their patient, and whose turn it is to fetch them. */
#ifndef SL_STORE_CDP_RECORD_H
#define SL_STORE_CDP_RECORD_H

#include "store/sl_store_cdp_key.h"

typedef struct {
    const char *record;
    const char *patient; /* NULL: not found yet */
    const char *state;   /* "idle", "queued", "fetching" */
    apr_time_t fetched_at;
    const char *fetched_by, *outcome; /* NULL: none yet */
    sl_cdp_sealed_t warnings;         /* bytes NULL: none */
    int64_t version;
    int fresh; /* targets with a new value */
} sl_store_cdp_record_t;

/** SL_NONE. */
SL_MUST_USE sl_rc_t sl_store_cdp_record(sl_store_cdp_record_t *out, sl_db_t *db,
                                        const char *project, const char *record, apr_pool_t *p,
                                        sl_err_t *err);

typedef struct {
    const char *project;
    const char *after; /* NULL: the first page */
    int limit;
    bool only_fresh;
} sl_store_cdp_page_t;
/** Of sl_store_cdp_record_t: those with new values first, then by name. */
SL_MUST_USE sl_rc_t sl_store_cdp_records(apr_array_header_t **out, sl_db_t *db,
                                         const sl_store_cdp_page_t *page, apr_pool_t *p,
                                         sl_err_t *err);

/** SL_NONE: no record, or it has none. */
SL_MUST_USE sl_rc_t sl_store_cdp_mrn(sl_cdp_sealed_t *out, sl_db_t *db, const char *project,
                                     const char *record, apr_pool_t *p, sl_err_t *err);

/** What a claim got. */
typedef struct {
    const char *record;
    int64_t lease;                    /* another than asked: somebody else has it */
    sl_cdp_sealed_t mrn, dates;       /* dates: bytes NULL: none */
    const char *patient, *fetched_by; /* NULL: none */
} sl_store_cdp_claimed_t;

typedef struct {
    const char *project, *record;
    const sl_cdp_sealed_t *mrn;   /* NULL: the one that is there */
    const char *print;            /* hexadecimal, with mrn */
    const sl_cdp_sealed_t *dates; /* NULL: those that are there */
    const char *by, *host;
    int64_t lease;
    apr_interval_time_t length;
} sl_store_cdp_claim_t;
/** SL_NONE: no MRN is given, and none is there. */
SL_MUST_USE sl_rc_t sl_store_cdp_claim(sl_store_cdp_claimed_t *out, sl_db_t *db,
                                       const sl_store_cdp_claim_t *claim, apr_pool_t *p,
                                       sl_err_t *err);

typedef struct {
    const char *project, *host;
    apr_interval_time_t every; /* 0: only what is queued */
    apr_interval_time_t inactive;
    int64_t lease;
    apr_interval_time_t length;
} sl_store_cdp_due_t;
/** One that is due and that nobody else is taking. SL_NONE. */
SL_MUST_USE sl_rc_t sl_store_cdp_claim_due(sl_store_cdp_claimed_t *out, sl_db_t *db,
                                           const sl_store_cdp_due_t *due, apr_pool_t *p,
                                           sl_err_t *err);

/** Of a record that is being fetched. */
typedef struct {
    const char *project, *record;
    int64_t lease;
    const char *by;
} sl_store_cdp_lease_t;

/** SL_EXPIRED: the claim is not ours any more. */
SL_MUST_USE sl_rc_t sl_store_cdp_patient(sl_db_t *db, const sl_store_cdp_lease_t *lease,
                                         const char *patient, sl_err_t *err);

typedef struct {
    const char *outcome;
    sl_cdp_sealed_t warnings; /* bytes NULL: none */
    bool has_future;
    apr_interval_time_t again; /* 0: as usual */
    bool unattended;
} sl_store_cdp_finish_t;
/** SL_EXPIRED as above. */
SL_MUST_USE sl_rc_t sl_store_cdp_finish(sl_db_t *db, const sl_store_cdp_lease_t *lease,
                                        const sl_store_cdp_finish_t *finish, sl_err_t *err);

SL_MUST_USE sl_rc_t sl_store_cdp_touch(sl_db_t *db, const char *project, const char *record,
                                       sl_err_t *err);

/** Dates for the fetch after the one that is under way. @param n 0: the record has another medical
 * record number than the claim */
SL_MUST_USE sl_rc_t sl_store_cdp_redate(int *n, sl_db_t *db, const sl_store_cdp_claim_t *claim,
                                        sl_err_t *err);

/** One that is being fetched is due again afterwards. @param record NULL: all of the project that
 * have a patient */
SL_MUST_USE sl_rc_t sl_store_cdp_queue(int *n, sl_db_t *db, const char *project, const char *record,
                                       sl_err_t *err);

#endif
