/* SPDX-License-Identifier: Apache-2.0 */
/** A decision about held values: states, outbox, log and the record's version, all or nothing. */
#ifndef SL_STORE_CDP_DECIDE_H
#define SL_STORE_CDP_DECIDE_H

#include "store/sl_store_cdp_sheet.h"

/** A value that goes to the app. */
typedef struct {
    int64_t value;
    const char *key; /* uuid */
    const char *event;
    int instance;
    const char *field;
    sl_bytes_t sealed; /* what is written into the field */
    const char *key_id;
} sl_store_cdp_choice_t;

typedef struct {
    sl_store_cdp_place_t place;
    int64_t version, seen; /* what the form was made from */
    const char *decision;  /* uuid */
    const char *by;
    const char *reference;                       /* or NULL */
    const apr_array_header_t *choose;            /* of sl_store_cdp_choice_t */
    const apr_array_header_t *exclude, *include; /* of apr_int64_t */
    const apr_array_header_t *unseen; /* of apr_int64_t: nobody could read them: not passed over */
} sl_store_cdp_decision_t;

typedef struct {
    int saved, passed, excluded, included;
} sl_store_cdp_decided_t;

/** SL_CONFLICT: the record has another version by now, or a value was replaced. Nothing is written
 * then. */
SL_MUST_USE sl_rc_t sl_store_cdp_decide(sl_store_cdp_decided_t *out, sl_db_t *db,
                                        const sl_store_cdp_decision_t *decision, apr_pool_t *p,
                                        sl_err_t *err);

/** How many of these ids (of apr_int64_t) are values of the record, whatever became of them. */
SL_MUST_USE sl_rc_t sl_store_cdp_known(int *n, sl_db_t *db, const sl_store_cdp_place_t *place,
                                       const apr_array_header_t *ids, apr_pool_t *p, sl_err_t *err);

#endif
