/* SPDX-License-Identifier: Apache-2.0 */
/** How a project looks in REDCap, in shared memory for a minute, in as many pieces as it takes. */
#ifndef SL_CDP_REDCAP_MEMORY_H
#define SL_CDP_REDCAP_MEMORY_H

#include "flow/sl_cdp.h"

/** NULL: not remembered, or a piece has gone. */
const char *sl_cdp_redcap_recall(const sl_runtime_t *rt, const char *project, apr_pool_t *p);

/** Does nothing for what is larger than 2 MiB. */
void sl_cdp_redcap_remember(const sl_runtime_t *rt, const char *project, const char *text,
                            apr_pool_t *p);

#endif
