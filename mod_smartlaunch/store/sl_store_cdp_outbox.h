/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cdp_outbox on its way out: rows are put in with the decision (sl_store_cdp_decide.h); here they
 * are claimed for a delivery, by one host at a time per record and in order, and marked.
 */
#ifndef SL_STORE_CDP_OUTBOX_H
#define SL_STORE_CDP_OUTBOX_H

#include "store/sl_db.h"

#include <apr_tables.h>

typedef struct {
    const char *project, *record;
    const char *by; /* of this delivery alone: the lease is in this name */
    apr_interval_time_t lease;
    int most;         /* rows */
    bool not_due;     /* also what was put off */
    const char *ring; /* names of the keys, blanks between: nothing else can be sent from here */
} sl_cdp_outbox_claim_t;

typedef struct {
    const char *key, *event;
    int instance;
    const char *field, *key_id, *saved_by;
    sl_bytes_t value_sealed;
    int tries; /* this one included */
} sl_cdp_outbox_row_t;

/**
 * Claim the oldest that wait for this record and were saved with one click: of sl_cdp_outbox_row_t,
 * in order. Empty: nothing waits that could go, it is not due, or somebody else is delivering. What
 * has no key in the ring is passed by, and whatever waits behind it for the same field.
 */
SL_MUST_USE sl_rc_t sl_store_cdp_outbox_claim(apr_array_header_t **out, sl_db_t *db,
                                              const sl_cdp_outbox_claim_t *claim, apr_pool_t *p,
                                              sl_err_t *err);

/** What became of a row. */
typedef enum { SL_OUTBOX_WAITS, SL_OUTBOX_DELIVERED, SL_OUTBOX_REFUSED } sl_cdp_outbox_state_t;
typedef struct {
    const char *key;
    sl_cdp_outbox_state_t state;
    sl_bytes_t reason_sealed; /* REFUSED */
    const char *reason_key;
} sl_cdp_outbox_mark_t;

/**
 * End the lease. Delivered values are erased; refused ones stay, sealed; both go into cdp_log.
 * Rows that are not in our name any more are left alone.
 * @param marks of sl_cdp_outbox_mark_t
 * @param wait those that wait are not due before
 */
SL_MUST_USE sl_rc_t sl_store_cdp_outbox_mark(sl_db_t *db, const sl_cdp_outbox_claim_t *claim,
                                             const apr_array_header_t *marks,
                                             apr_interval_time_t wait, apr_pool_t *p,
                                             sl_err_t *err);

typedef struct {
    const char *project;
    const char *record; /* NULL: any */
    const char *ring;   /* as above */
} sl_cdp_outbox_of_t;

/** Note what has no key in the ring as put aside, each once. @param n how many that were */
SL_MUST_USE sl_rc_t sl_store_cdp_outbox_aside(int *n, sl_db_t *db, const sl_cdp_outbox_of_t *of,
                                              apr_pool_t *p, sl_err_t *err);

/** How many wait for this record. */
SL_MUST_USE sl_rc_t sl_store_cdp_outbox_waiting(int *n, sl_db_t *db, const char *project,
                                                const char *record, apr_pool_t *p, sl_err_t *err);

/** Records of which something is due: of const char *, the longest due first. */
SL_MUST_USE sl_rc_t sl_store_cdp_outbox_due(apr_array_header_t **out, sl_db_t *db,
                                            const sl_cdp_outbox_of_t *of, int limit, apr_pool_t *p,
                                            sl_err_t *err);

#endif
