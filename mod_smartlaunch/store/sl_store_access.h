/* SPDX-License-Identifier: Apache-2.0 */
/** The audit: rows of fhir_access (design sections 4 and 11). Added, never changed. */
#ifndef SL_STORE_ACCESS_H
#define SL_STORE_ACCESS_H

#include "store/sl_db.h"
#include <apr_tables.h>

typedef enum { SL_VIA_NONE, SL_VIA_SESSION, SL_VIA_USER, SL_VIA_SYSTEM } sl_access_via_t;

/** One FHIR call. Texts may be NULL where the table says so. */
typedef struct {
    apr_time_t at;
    sl_access_via_t via;
    const char *caller, *app, *app_user;
    const char *session_print; /* first half of the session hash, 32 hexadecimal digits */
    const char *ehr, *patient, *asked_patient;
    const char *method, *resource;
    int status;
    apr_int64_t bytes; /* -1: not known yet */
    int ms;            /* -1: not known yet */
    const char *reference;
} sl_access_t;

/**
 * JSON text of rows, for sl_store_access_add and for the journal. `rows`: of sl_access_t. Bytes
 * that are not UTF-8 become "?".
 */
const char *sl_store_access_json(apr_pool_t *p, const apr_array_header_t *rows);

/**
 * Insert all of `json` in one statement. SL_INVALID: it has a row that the table refuses, and none
 * is stored. SL_UNAVAILABLE: they may have been stored; a second try may double them.
 */
SL_MUST_USE sl_rc_t sl_store_access_add(sl_db_t *db, const char *json, sl_err_t *err);

/** Bytes and milliseconds follow, for rows (of sl_access_t) that were committed without. */
SL_MUST_USE sl_rc_t sl_store_access_complete(sl_db_t *db, const apr_array_header_t *rows,
                                             apr_pool_t *tmp, sl_err_t *err);

/**
 * One step: drop the oldest month that is older than `keep` (at least 31 days) as a whole, or some
 * such rows outside of partitions. SL_BUSY: somebody reads the table now.
 * @param more there may be more to do: call again
 */
SL_MUST_USE sl_rc_t sl_store_access_purge(bool *more, sl_db_t *db, apr_interval_time_t keep,
                                          apr_pool_t *p, sl_err_t *err);

#endif
