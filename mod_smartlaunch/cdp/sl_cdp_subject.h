/* SPDX-License-Identifier: Apache-2.0 */
/** Whose a resource is. */
#ifndef SL_CDP_SUBJECT_H
#define SL_CDP_SUBJECT_H

#include "base/sl_json.h"
#include "cdp/sl_cdp_read.h"

typedef enum {
    SL_CDP_OURS,
    SL_CDP_OTHERS,   /* another patient's, or it does not say */
    SL_CDP_ELSEWHERE /* it names a patient of another server: the same id is another person there */
} sl_cdp_whose_t;

/**
 * By `subject`, or `patient`: "Patient/<id>", or the same below the EHR's own FHIR base, with or
 * without a version. Of what a server says of itself (fullUrl, the self link) nothing counts: it
 * comes along with the very resource that is judged.
 */
sl_cdp_whose_t sl_cdp_subject_whose(const sl_json_t *resource, const sl_cdp_subject_t *subject,
                                    apr_pool_t *tmp);

#endif
