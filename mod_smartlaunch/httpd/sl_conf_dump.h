/* SPDX-License-Identifier: Apache-2.0 */
/** `httpd -t -D DUMP_SMARTLAUNCH`: the resolved configuration as JSON, for smartlaunchctl. */
#ifndef SL_CONF_DUMP_H
#define SL_CONF_DUMP_H

#include "httpd/sl_conf.h"

/** The test_config hook: one JSON object on standard output. No client secret is in it. */
void sl_conf_dump(apr_pool_t *pconf, server_rec *s);

#endif
