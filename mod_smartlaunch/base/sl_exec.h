/* SPDX-License-Identifier: Apache-2.0 */
/** SmartClientSecret exec: (design section 12, "Keys"). */
#ifndef SL_EXEC_H
#define SL_EXEC_H

#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include <apr_pools.h>

/**
 * Run a command (absolute path and arguments, no shell) for at most 10 seconds; its first line of
 * output is the secret. SL_FAILED: it could not be run, failed, took too long or said nothing.
 */
SL_MUST_USE sl_rc_t sl_exec_secret(sl_secret_t **out, const char *command, apr_pool_t *p,
                                   sl_err_t *err);

#endif
