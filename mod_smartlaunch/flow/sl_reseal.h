/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A rotation of the key ring: what older keys sealed is sealed anew under the first one, row by
 * row, while httpd serves and renews. It has no state of its own: what is still to be done is what
 * names another key, so it may be killed at any instant and run again.
 */
#ifndef SL_RESEAL_H
#define SL_RESEAL_H

#include "flow/sl_runtime.h"

typedef struct {
    int tokens, pendings; /* sealed anew */
    int moved;            /* changed by somebody else at this very moment: come again */
    int closed;           /* cannot be opened: altered, or their key is not in the ring */
} sl_reseal_done_t;

/** One pass over all rows, adding up in `done`. SL_UNAVAILABLE and the like: run it again. */
SL_MUST_USE sl_rc_t sl_reseal_pass(sl_reseal_done_t *done, const sl_runtime_t *rt, apr_pool_t *p,
                                   sl_err_t *err);

#endif
