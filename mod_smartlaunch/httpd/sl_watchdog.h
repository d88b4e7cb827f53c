/* SPDX-License-Identifier: Apache-2.0 */
/** Housekeeping by mod_watchdog, in one child at a time: SmartKeep. */
#ifndef SL_WATCHDOG_H
#define SL_WATCHDOG_H

#include "httpd/sl_conf.h"

/** Hook: before mod_watchdog's own, which counts those who registered. */
int sl_watchdog_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** The child's end waits for the batch at work and begins no other. */
void sl_watchdog_child_init(apr_pool_t *pchild, sl_main_t *main);

#endif
