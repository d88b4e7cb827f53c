/* SPDX-License-Identifier: Apache-2.0 */
/** Secret files of the administrator. */
#ifndef SL_FILE_H
#define SL_FILE_H

#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include <apr_pools.h>

/**
 * Read a whole file of at most 64 KiB that nobody but its owner may read (REG-4).
 * SL_NONE: not there; SL_DENIED: group or others may read or write it; SL_INVALID: empty, too
 * large or not a regular file. The text of `err` says what to do.
 */
SL_MUST_USE sl_rc_t sl_file_secret(sl_secret_t **out, const char *path, apr_pool_t *p,
                                   sl_err_t *err);

/** The same, without the line end that editors leave behind. */
SL_MUST_USE sl_rc_t sl_file_secret_line(sl_secret_t **out, const char *path, apr_pool_t *p,
                                        sl_err_t *err);

#endif
