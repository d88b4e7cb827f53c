/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The key of the fingerprints, and the exchange of what is sealed in the tables of the Clinical
 * Data Pull for the same under another key: only onto the very bytes that were read.
 */
#ifndef SL_STORE_CDP_KEY_H
#define SL_STORE_CDP_KEY_H

#include "store/sl_db.h"
#include <apr_tables.h>

/** Sealed bytes, and the key of the key ring that sealed them. */
typedef struct {
    const char *key_id;
    sl_bytes_t bytes;
} sl_cdp_sealed_t;

/** SL_NONE: it was not made yet. */
SL_MUST_USE sl_rc_t sl_store_cdp_print(sl_cdp_sealed_t *out, sl_db_t *db, apr_pool_t *p,
                                       sl_err_t *err);
/** Keep it, unless another one came first; `out` is the one that is kept. */
SL_MUST_USE sl_rc_t sl_store_cdp_print_make(sl_cdp_sealed_t *out, sl_db_t *db,
                                            const sl_cdp_sealed_t *made, apr_pool_t *p,
                                            sl_err_t *err);

/** Which sealed column. */
typedef enum {
    SL_CDP_SEALED_PRINT,
    SL_CDP_SEALED_MRN,
    SL_CDP_SEALED_DATES,
    SL_CDP_SEALED_WARNINGS,
    SL_CDP_SEALED_VALUE,
    SL_CDP_SEALED_OUTBOX,
    SL_CDP_SEALED_REASON,
    SL_CDP_SEALED_COLUMNS /* how many */
} sl_cdp_sealed_column_t;

/** One sealed value, with all that its seal may cover; what a column does not have is NULL or 0. */
typedef struct {
    sl_cdp_sealed_column_t column;
    const char *at; /* its place in the order of the batches */
    const char *key_id;
    sl_bytes_t sealed;
    const char *project, *record;
    int64_t mapping;
    int instance;
    const char *taken_at; /* "2024-03-15", "2024-03-15 10:51:00", "" without a time */
    const char *print;    /* hexadecimal */
    const char *unit;     /* of a value; NULL: none */
    const char *event, *field, *key;
} sl_store_cdp_sealed_t;

typedef struct {
    sl_cdp_sealed_column_t column;
    const char *active; /* rows that have another key */
    const char *after;  /* "": from the beginning */
    int limit;
} sl_store_cdp_batch_t;

/** Of sl_store_cdp_sealed_t, in order of `at`. Empty: none are left. */
SL_MUST_USE sl_rc_t sl_store_cdp_sealed(apr_array_header_t **out, sl_db_t *db,
                                        const sl_store_cdp_batch_t *batch, apr_pool_t *p,
                                        sl_err_t *err);

/** @param done false: the row is not as it was read any more */
SL_MUST_USE sl_rc_t sl_store_cdp_reseal(bool *done, sl_db_t *db, const sl_store_cdp_sealed_t *was,
                                        const sl_cdp_sealed_t *now, sl_err_t *err);

/** How much is sealed under a key. */
typedef struct {
    const char *key_id;
    int64_t count;
} sl_store_cdp_key_use_t;

/** Of sl_store_cdp_key_use_t: one for each key that sealed anything here. */
SL_MUST_USE sl_rc_t sl_store_cdp_key_use(apr_array_header_t **out, sl_db_t *db, apr_pool_t *p,
                                         sl_err_t *err);

#endif
