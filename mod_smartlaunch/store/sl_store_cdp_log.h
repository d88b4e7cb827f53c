/* SPDX-License-Identifier: Apache-2.0 */
/** Who did what to a record of the Clinical Data Pull, and who saw it. No values. */
#ifndef SL_STORE_CDP_LOG_H
#define SL_STORE_CDP_LOG_H

#include "store/sl_store_cdp_sheet.h"

typedef struct {
    apr_time_t at;
    const char *user, *what;
    const char *source, *event, *field; /* NULL: about the whole record */
    int instance;
    const char *taken_at; /* as sl_cdp_when_text() has it; NULL: none */
    const char *detail;   /* NULL: none */
} sl_store_cdp_entry_t;

/** Of sl_store_cdp_entry_t, the newest `limit`, newest first: what was done, and what was viewed.
 */
SL_MUST_USE sl_rc_t sl_store_cdp_log(apr_array_header_t **out, sl_db_t *db,
                                     const sl_store_cdp_place_t *place, int limit, apr_pool_t *p,
                                     sl_err_t *err);

/** A field of a record. */
typedef struct {
    const char *event;
    int instance;
    const char *field;
} sl_store_cdp_field_t;

/** Of sl_store_cdp_field_t: those for which anything was ever saved, whatever became of it, and of
 * whichever patient it was. */
SL_MUST_USE sl_rc_t sl_store_cdp_ever_saved(apr_array_header_t **out, sl_db_t *db,
                                            const sl_store_cdp_place_t *place, apr_pool_t *p,
                                            sl_err_t *err);

#endif
