/* SPDX-License-Identifier: Apache-2.0 */
/** Rows of the audit that wait in the journal, and how they get home. */
#ifndef SL_AUDIT_REPLAY_H
#define SL_AUDIT_REPLAY_H

#include "flow/sl_audit.h"

/* Kinds of records. */
#define SL_AUDIT_ROWS "access"   /* rows as sl_store_access_json() writes them */
#define SL_AUDIT_LATE "complete" /* bytes and milliseconds of rows that were written before */

/** The text of a SL_AUDIT_LATE record. `rows`: of sl_access_t. */
const char *sl_audit_late_json(apr_pool_t *p, const apr_array_header_t *rows);

/**
 * Store what earlier processes, and this one, left in the journal: for the watchdog. A record that
 * cannot be opened or that the table refuses is put aside, and logged.
 * SL_UNAVAILABLE, SL_BUSY, SL_FAILED: come again.
 * @param left records that wait; those of a full turn count, not all
 */
SL_MUST_USE sl_rc_t sl_audit_replay(int *left, const sl_audit_options_t *with, apr_pool_t *p,
                                    sl_err_t *err);

#endif
