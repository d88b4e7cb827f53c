/* SPDX-License-Identifier: Apache-2.0 */
/** What starts with each child: after the core's, whose connections it uses. */
#ifndef SL_CDP_CHILD_H
#define SL_CDP_CHILD_H

#include "httpd/sl_cdp_conf.h"

/** Hook child_init. */
void sl_cdp_child_init(apr_pool_t *pchild, server_rec *s);

#endif
