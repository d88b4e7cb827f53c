/* SPDX-License-Identifier: Apache-2.0 */
/** SmartStateDir: the directory of the journal. */
#ifndef SL_STATE_DIR_H
#define SL_STATE_DIR_H

#include "httpd/sl_conf.h"

/** Where it is. */
const char *sl_state_dir_path(const sl_main_t *main);

/**
 * At start, with the rights that httpd starts with: make it where it is missing, 0700 and owned by
 * httpd's User. SL_DENIED: what is there is unsafe; SL_FAILED: it cannot be made. `err` says what
 * to do.
 */
SL_MUST_USE sl_rc_t sl_state_dir_prepare(const sl_main_t *main, apr_pool_t *tmp, sl_err_t *err);

#endif
