/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_runtime.h"

#include <string.h>

const sl_ehr_t *sl_runtime_ehr(const apr_array_header_t *ehrs, const char *name)
{
    for (int i = 0; name != NULL && i < ehrs->nelts; i++) {
        const sl_ehr_t *ehr = APR_ARRAY_IDX(ehrs, i, const sl_ehr_t *);

        if (strcmp(ehr->name, name) == 0) {
            return ehr;
        }
    }
    return NULL;
}

sl_http_gate_t *sl_runtime_gate(const sl_runtime_t *rt, const sl_ehr_t *ehr)
{
    for (int i = 0; i < rt->ehrs->nelts; i++) {
        if (APR_ARRAY_IDX(rt->ehrs, i, const sl_ehr_t *) == ehr) {
            return rt->gates[i];
        }
    }
    return NULL;
}

void sl_runtime_tell(const sl_runtime_t *rt, sl_log_level_t level, const sl_ehr_t *ehr,
                     const apr_array_header_t *notices)
{
    for (int i = 0; i < notices->nelts; i++) {
        const sl_notice_t *notice = &APR_ARRAY_IDX(notices, i, sl_notice_t);

        sl_log(&rt->log, level, notice->id, "EHR %s: %s", ehr->name, notice->text);
    }
}
