/* SPDX-License-Identifier: Apache-2.0 */
/** What starts with the server and with each child. */
#ifndef SL_CHILD_H
#define SL_CHILD_H

#include "httpd/sl_conf.h"

/** Hook: shared memory, secrets that come from a command, sites. */
int sl_child_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** Hook: the child's connections; nothing is opened before. */
void sl_child_init(apr_pool_t *pchild, server_rec *s);

/**
 * Are the tables there and of our version? Then the table of EHRs is brought up to date, else the
 * error log says what to run. Does nothing once they were seen: for children that started without.
 */
void sl_child_look_at_database(server_rec *s, apr_pool_t *p);

#endif
