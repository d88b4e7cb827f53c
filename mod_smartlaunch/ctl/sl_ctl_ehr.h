/* SPDX-License-Identifier: Apache-2.0 */
/** The EHRs of httpd's configuration, made from its dump as the flows take them. */
#ifndef SL_CTL_EHR_H
#define SL_CTL_EHR_H

#include "base/sl_json.h"
#include "smart/sl_ehr.h"

typedef struct {
    sl_ehr_t ehr;
    const char *secret_source; /* "file:…" or "exec:…"; NULL: none */
    sl_err_t secret_err;       /* rc is not SL_OK: why secret or keys could not be read */
} sl_ctl_ehr_t;

/**
 * All EHRs of a dump, with their secrets and keys: array of sl_ctl_ehr_t *. SL_FAILED: the dump is
 * not one that this version understands.
 */
SL_MUST_USE sl_rc_t sl_ctl_ehrs(apr_array_header_t **out, const sl_json_t *dump, apr_pool_t *p,
                                sl_err_t *err);

/** The EHR of this name, or NULL. */
const sl_ctl_ehr_t *sl_ctl_ehr_find(const apr_array_header_t *ehrs, const char *name);

#endif
