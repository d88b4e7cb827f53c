/* SPDX-License-Identifier: Apache-2.0 */
/** What the CDP does without a request: refetch what is due, deliver what waits, let go of what is
 * kept too long. Any number of hosts do it side by side. */
#ifndef SL_CDP_TURN_H
#define SL_CDP_TURN_H

#include "flow/sl_cdp.h"

/** One turn, a few seconds at most; back soon after `*stop` became non-zero. */
void sl_cdp_turn(const sl_cdp_t *cdp, const volatile apr_uint32_t *stop, apr_pool_t *tmp);

#endif
