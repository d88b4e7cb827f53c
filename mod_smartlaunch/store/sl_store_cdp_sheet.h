/* SPDX-License-Identifier: Apache-2.0 */
/** What is read for the adjudication screen, and the log of who was shown it. */
#ifndef SL_STORE_CDP_SHEET_H
#define SL_STORE_CDP_SHEET_H

#include "store/sl_store_cdp_key.h"

typedef struct {
    const char *project, *record;
} sl_store_cdp_place_t;

/** A value that waits for a decision, is excluded, or was saved and refused by the app. */
typedef struct {
    int64_t id, mapping;
    int instance;
    const char *taken_at; /* as sl_cdp_when_text() has it; NULL: not by time */
    const char *print;    /* value_print in hexadecimal */
    const char *unit;     /* NULL: none */
    const char *state;
    const char *key_id;
    sl_bytes_t sealed;
} sl_store_cdp_open_t;

/** Of sl_store_cdp_open_t, by time. An excluded value that the EHR has replaced is not among them.
 */
SL_MUST_USE sl_rc_t sl_store_cdp_open(apr_array_header_t **out, sl_db_t *db,
                                      const sl_store_cdp_place_t *place, apr_pool_t *p,
                                      sl_err_t *err);

/** The last value saved for a field of a record, on its way or there. */
typedef struct {
    const char *key;
    const char *event;
    int instance;
    const char *field;
    const char *state;
    bool is_aside; /* it, or what waits before it for this field: its key is not in the key ring */
    const char *key_id;
    sl_bytes_t sealed;   /* bytes NULL: erased */
    const char *revised; /* "corrected" or "withdrawn" by the EHR since it was saved; NULL */
    const char *reason_key;
    sl_bytes_t reason_sealed;
    sl_store_cdp_open_t value; /* without its own seal and print; mapping 0: it is gone */
} sl_store_cdp_last_t;

/** Of sl_store_cdp_last_t: the newest of each field. */
SL_MUST_USE sl_rc_t sl_store_cdp_last(apr_array_header_t **out, sl_db_t *db,
                                      const sl_store_cdp_place_t *place, apr_pool_t *p,
                                      sl_err_t *err);

/** Dates of the record as the app gave them. SL_NONE: it is asked for them. */
SL_MUST_USE sl_rc_t sl_store_cdp_dates(sl_cdp_sealed_t *out, sl_db_t *db,
                                       const sl_store_cdp_place_t *place, apr_pool_t *p,
                                       sl_err_t *err);

typedef struct {
    const char *project, *record, *user;
    const char *launch, *reference;   /* or NULL */
    const apr_array_header_t *values; /* of apr_int64_t */
} sl_store_cdp_view_t;

/** A row for each shown value, in one statement. SL_CONFLICT: one of them is gone, and has none. */
SL_MUST_USE sl_rc_t sl_store_cdp_view_add(sl_db_t *db, const sl_store_cdp_view_t *view,
                                          apr_pool_t *p, sl_err_t *err);

/** Ids (of apr_int64_t) as an array of PostgreSQL: "{1,2,3}". */
const char *sl_store_cdp_ids(const apr_array_header_t *ids, apr_pool_t *p);

#endif
