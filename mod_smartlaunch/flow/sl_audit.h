/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SmartAudit: a writer per process that brings rows to fhir_access in batches. While PostgreSQL is
 * away rows wait in a bounded buffer (and go to the journal when the process ends or the buffer is
 * full); under `required` a row is committed, or in the fsynced journal, before the call goes on.
 * No row is lost by an outage; one may be there twice, with the same `at` and `reference`, where
 * nobody can know whether PostgreSQL had committed it.
 */
#ifndef SL_AUDIT_H
#define SL_AUDIT_H

#include "base/sl_log.h"
#include "base/sl_spool.h"
#include "store/sl_store_access.h"

typedef enum { SL_AUDIT_UNSET = 0, SL_AUDIT_ON, SL_AUDIT_REQUIRED, SL_AUDIT_OFF } sl_audit_mode_t;

typedef struct sl_audit sl_audit_t;

typedef struct {
    sl_audit_mode_t mode;
    sl_db_t *db;
    sl_spool_t *spool; /* NULL: none; then nothing outlives the process */
    sl_log_t log;
} sl_audit_options_t;

typedef struct {
    apr_uint64_t written, waiting, journalled, lost;
} sl_audit_stats_t;

/**
 * Start the writer, after fork. When `p` ends (by a cleanup before its children's) it stops: what
 * waits is written, or journalled where PostgreSQL takes it not within seconds. SL_FAILED: no
 * thread.
 */
SL_MUST_USE sl_rc_t sl_audit_open(sl_audit_t **out, const sl_audit_options_t *options,
                                  apr_pool_t *p, sl_err_t *err);

/** SmartAudit required? */
bool sl_audit_is_required(const sl_audit_t *audit);

/**
 * `on`: hand a row over (it is copied) and go on. Rows beyond the buffer are journalled, else
 * counted as lost and logged. Under `required`: for rows that nothing depends on.
 */
void sl_audit_add(sl_audit_t *audit, const sl_access_t *row);

/**
 * `required`: back when the row is committed or journalled; many callers share one commit.
 * SL_UNAVAILABLE: neither; the call must be refused.
 */
SL_MUST_USE sl_rc_t sl_audit_commit(sl_audit_t *audit, const sl_access_t *row, sl_err_t *err);

/** `required`: bytes and milliseconds of a row that sl_audit_commit() took. */
void sl_audit_complete(sl_audit_t *audit, const sl_access_t *row);

/** False: they could not be had within some milliseconds, as in sl_db_stats(). */
bool sl_audit_stats(sl_audit_t *audit, sl_audit_stats_t *out);

#endif
