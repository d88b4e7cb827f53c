/* SPDX-License-Identifier: Apache-2.0 */
/** The key ring's file: lines are put in or moved, and it is never half-written. */
#ifndef SL_CTL_RING_FILE_H
#define SL_CTL_RING_FILE_H

#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include <apr_pools.h>

/** From now until this process ends nobody else who asks so changes the file: before it is read. */
SL_MUST_USE sl_rc_t sl_ctl_ring_lock(const char *path, sl_err_t *err);

/** `text` with the line on top, or at its end. */
sl_secret_t *sl_ctl_ring_put(const sl_secret_t *text, const sl_secret_t *line, bool last,
                             apr_pool_t *p);

/** `text` with the line of this key on top. NULL: there is no such line. */
sl_secret_t *sl_ctl_ring_first(const sl_secret_t *text, const char *id, apr_pool_t *p);

/**
 * Replace the file, links followed, by one that has its owner and mode: written, fsynced, renamed.
 * SL_INVALID: the text is no key ring, and the file stays; SL_FAILED.
 */
SL_MUST_USE sl_rc_t sl_ctl_ring_write(const char *path, const sl_secret_t *text, apr_pool_t *p,
                                      sl_err_t *err);

#endif
