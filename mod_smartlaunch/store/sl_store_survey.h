/* SPDX-License-Identifier: Apache-2.0 */
/** Live launches and their tokens in numbers, for the status page. */
#ifndef SL_STORE_SURVEY_H
#define SL_STORE_SURVEY_H

#include "store/sl_db.h"
#include <apr_tables.h>

#define SL_STORE_SURVEY_MOST 20000 /* launches that are looked at: the page must not cost more */

typedef struct {
    const char *ehr;        /* NULL: sessions without an EHR */
    const char *state;      /* held, live */
    const char *link_state; /* linked, pending, none */
    const char *token;      /* active, expired, relaunch, revoked, none */
    int64_t count;
} sl_store_survey_row_t;

/**
 * The launches that are not over, grouped: array of sl_store_survey_row_t. Where there are more
 * than SL_STORE_SURVEY_MOST, the numbers are those of so many of them.
 */
SL_MUST_USE sl_rc_t sl_store_survey(apr_array_header_t **out, sl_db_t *db, apr_pool_t *p,
                                    sl_err_t *err);

#endif
