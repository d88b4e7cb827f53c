/* SPDX-License-Identifier: Apache-2.0 */
/** Turns of the Clinical Data Pull (flow/sl_cdp_turn.h) in mod_watchdog's thread: in one child of a
 * host at a time, on all hosts side by side. */
#ifndef SL_CDP_WATCHDOG_H
#define SL_CDP_WATCHDOG_H

#include "httpd/sl_cdp_conf.h"

/** Hook: before mod_watchdog's own, which counts those who registered. */
int sl_cdp_watchdog_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s);

/** The child's end waits for the turn that is under way, and none begins after it. Needs main->cdp.
 */
void sl_cdp_watchdog_child_init(apr_pool_t *pchild, server_rec *s);

#endif
