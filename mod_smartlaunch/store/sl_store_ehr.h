/* SPDX-License-Identifier: Apache-2.0 */
/** Table ehr: the configured EHRs, written down so that a DBA's joins read well. Never read. */
#ifndef SL_STORE_EHR_H
#define SL_STORE_EHR_H

#include "store/sl_db.h"
#include <apr_tables.h>

typedef struct {
    const char *name, *issuer, *profile, *client_id;
} sl_ehr_row_t;

/** Write the configuration's EHRs (array of sl_ehr_row_t); rows that are right stay untouched. */
SL_MUST_USE sl_rc_t sl_store_ehr_mirror(sl_db_t *db, const apr_array_header_t *ehrs, apr_pool_t *p,
                                        sl_err_t *err);

#endif
