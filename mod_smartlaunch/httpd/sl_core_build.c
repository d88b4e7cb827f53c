/* SPDX-License-Identifier: Apache-2.0 */
/* In both modules: each says what it was built with. */
#include "httpd/sl_core.h"

#include <string.h>

const sl_core_build_t sl_core_build = {
    SL_VERSION,
    {sizeof(sl_core_t), sizeof(sl_core_who_t), sizeof(sl_runtime_t), sizeof(sl_ehr_t),
     sizeof(sl_err_t), sizeof(sl_access_t), sizeof(sl_http_request_t), sizeof(apr_time_t)}};

bool sl_core_is_ours(const sl_core_t *core)
{
    return core->version == SL_CORE_VERSION && core->size == sizeof(*core) &&
           strcmp(core->build->version, sl_core_build.version) == 0 &&
           memcmp(core->build->sizes, sl_core_build.sizes, sizeof(sl_core_build.sizes)) == 0;
}
