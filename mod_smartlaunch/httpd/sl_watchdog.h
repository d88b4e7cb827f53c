/* SPDX-License-Identifier: Apache-2.0 */
/** The caretaker (flow/sl_caretaker.h) in mod_watchdog's thread, in one child at a time. */
#ifndef SL_WATCHDOG_H
#define SL_WATCHDOG_H

#include "httpd/sl_conf.h"

/** Hook: before mod_watchdog's own, which counts those who registered. */
int sl_watchdog_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** The child's end waits for what is being done and begins nothing else. Needs main->runtime. */
void sl_watchdog_child_init(apr_pool_t *pchild, server_rec *s);

#endif
