/* SPDX-License-Identifier: Apache-2.0 */
/** Rows of the audit that wait, each a copy of its own. Whoever shares one holds a mutex. */
#ifndef SL_AUDIT_QUEUE_H
#define SL_AUDIT_QUEUE_H

#include "store/sl_store_access.h"

/** What became of a row that somebody waits for; on the waiting caller's stack. */
typedef struct {
    bool is_known;
    sl_rc_t rc;
} sl_audit_verdict_t;

typedef struct sl_audit_row sl_audit_row_t;

/** Zeroed: empty. */
typedef struct {
    sl_audit_row_t *first, *last;
    int count;
    apr_size_t bytes;
    apr_time_t since; /* when the oldest of them came */
} sl_audit_queue_t;

/** What one record of the journal, or one statement, takes. */
#define SL_AUDIT_BATCH_ROWS 200
#define SL_AUDIT_BATCH_BYTES ((apr_size_t)100 * 1024)

/** Copy a row to the end. false: no memory. @param verdict NULL: nobody waits for it */
bool sl_audit_queue_add(sl_audit_queue_t *queue, const sl_access_t *row,
                        sl_audit_verdict_t *verdict);

/** Move the first rows, at most `rows` and about SL_AUDIT_BATCH_BYTES, into the empty `out`. */
void sl_audit_queue_take(sl_audit_queue_t *out, sl_audit_queue_t *queue, int rows);

/** Move all of `back` to the front of `queue`. */
void sl_audit_queue_put_back(sl_audit_queue_t *queue, sl_audit_queue_t *back);

/** Tell all who wait how their rows fared; nobody waits for them then. */
void sl_audit_queue_tell(sl_audit_queue_t *queue, sl_rc_t rc);

/** Tell all who wait `rc` and free their rows; those that nobody waits for stay. */
void sl_audit_queue_refuse(sl_audit_queue_t *queue, sl_rc_t rc);

/** Free all. */
void sl_audit_queue_free(sl_audit_queue_t *queue);

/** The rows, of sl_access_t; their texts stay the queue's. */
apr_array_header_t *sl_audit_queue_rows(const sl_audit_queue_t *queue, apr_pool_t *p);

#endif
