/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Renewed tokens on their way to PostgreSQL: on this host's disk (SmartStateDir) before they are
 * stored, so that a rotated refresh token is never lost (RFR-3). A record is only ever stored onto
 * the generation it follows.
 */
#ifndef SL_JOURNAL_H
#define SL_JOURNAL_H

#include "flow/sl_runtime.h"
#include "flow/sl_vault.h"

/** A next generation, with what its seal covers. */
typedef struct {
    sl_token_next_t next;
    sl_token_row_t row; /* row.generation is next.follows + 1 */
} sl_journal_entry_t;

/** On the disk when it returns. Without a journal SL_OK. SL_FAILED: disk full and the like. */
SL_MUST_USE sl_rc_t sl_journal_put(const sl_runtime_t *rt, const sl_journal_entry_t *entry,
                                   apr_pool_t *tmp, sl_err_t *err);

void sl_journal_del(const sl_runtime_t *rt, const sl_journal_entry_t *entry, apr_pool_t *tmp);

/**
 * Store a generation; sealed anew where the token got another user meanwhile. SL_USED: the row has
 * it already, or a later one. SL_CONFLICT: the row is behind the generation it follows.
 * SL_EXPIRED: revoked or gone. SL_UNAVAILABLE, SL_BUSY: later.
 */
SL_MUST_USE sl_rc_t sl_journal_store(const sl_runtime_t *rt, const sl_journal_entry_t *entry,
                                     apr_pool_t *p, sl_err_t *err);

/**
 * Bring home the records of one launch, or of all (`launch` NULL). What is revoked, outdated or
 * stored already goes; what cannot be read is put aside.
 * @param left records that have to wait
 */
SL_MUST_USE sl_rc_t sl_journal_replay(int *left, const sl_runtime_t *rt, const char *launch,
                                      apr_pool_t *p, sl_err_t *err);

#endif
