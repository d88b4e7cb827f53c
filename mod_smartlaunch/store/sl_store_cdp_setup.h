/* SPDX-License-Identifier: Apache-2.0 */
/** The mapping of a project, as one JSON text: it is read and written as a whole. */
#ifndef SL_STORE_CDP_SETUP_H
#define SL_STORE_CDP_SETUP_H

#include "store/sl_db.h"

/**
 * {"revision", "ehr", "day_offset", "direction", "convert_gmt", "adjudication", "preview": [source
 * …], "fields": [{"id", "is_identifier", "source", "event", "field", "temporal_field", "preselect",
 * "unit", "day_offset", "direction"} …]}, fields in order. SL_NONE: nobody has saved one.
 */
SL_MUST_USE sl_rc_t sl_store_cdp_setup_load(const char **json, sl_db_t *db, const char *project,
                                            apr_pool_t *p, sl_err_t *err);

/** Who saved it last, and when. SL_NONE: nobody has. */
SL_MUST_USE sl_rc_t sl_store_cdp_setup_last(const char **by, apr_time_t *at, sl_db_t *db,
                                            const char *project, apr_pool_t *p, sl_err_t *err);

typedef struct {
    const char *project, *by;
    int64_t revision; /* -1: whatever it is */
    const char *json; /* the same, with "position" for "id", and without "revision" */
} sl_store_cdp_setup_t;

/** SL_CONFLICT: the revision is another. */
SL_MUST_USE sl_rc_t sl_store_cdp_setup_save(sl_db_t *db, const sl_store_cdp_setup_t *setup,
                                            apr_pool_t *p, sl_err_t *err);

#endif
