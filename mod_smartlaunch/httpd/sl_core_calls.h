/* SPDX-License-Identifier: Apache-2.0 */
/** Who calls a second module's API: by the rules of the gateway (design section 12). */
#ifndef SL_CORE_CALLS_H
#define SL_CORE_CALLS_H

#include "httpd/sl_core.h"

/** As sl_core_t says of who_calls. */
int sl_core_who_calls(sl_core_who_t *out, request_rec *r);

#endif
