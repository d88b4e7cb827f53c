/* SPDX-License-Identifier: Apache-2.0 */
/** Searches for observations: windows on the same codes that overlap are one (W9). */
#ifndef SL_CDP_PLAN_OBSERVATION_H
#define SL_CDP_PLAN_OBSERVATION_H

#include "cdp/sl_cdp_plan.h"

#define SL_CDP_PLAN_CODES 50 /* of one search */

/**
 * Add the searches for `wants` (of sl_cdp_want_t, all of them observations with a window) to
 * `requests`. Days are asked for as a whole, and one more on both sides where times count as they
 * were sent, whatever their zone: what is outside a window is left out when it is read.
 */
void sl_cdp_plan_observations(apr_array_header_t *requests, const apr_array_header_t *wants,
                              const char *patient, bool convert_gmt, apr_pool_t *p);

/** Where a code may be a component of others' (blood pressure, oxygen): the codes of those, NULL
 * at the end; NULL: nowhere. */
const char *const *sl_cdp_plan_panels(const char *code);

#endif
