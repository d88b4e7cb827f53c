/* SPDX-License-Identifier: Apache-2.0 */
/** The searches behind lists: which source comes from which. */
#ifndef SL_CDP_PLAN_LIST_H
#define SL_CDP_PLAN_LIST_H

#include "cdp/sl_cdp_plan.h"

/** Which search a list comes from; SL_CDP_PATIENT: `source` is no list. */
sl_cdp_category_t sl_cdp_plan_list_category(const char *source);

/** Label, type, query and fallback of a category of lists. */
void sl_cdp_plan_list_request(sl_cdp_request_t *out, sl_cdp_category_t category,
                              const char *patient, apr_pool_t *p);

#endif
