/* SPDX-License-Identifier: Apache-2.0 */
/** Parts of the verb keyring, for one another only. */
#ifndef SL_CTL_KEYRING_H
#define SL_CTL_KEYRING_H

#include "ctl/sl_ctl.h"
#include "flow/sl_runtime.h"

/** keyring rotate. */
int sl_ctl_keyring_rotate(sl_ctl_t *ctl);

/** keyring status. */
int sl_ctl_keyring_status(sl_ctl_t *ctl);

/** What needs which key. */
typedef struct {
    const char *id;
    bool in_ring, seals;
    int64_t tokens, launches, others, journal;
    int64_t held;     /* by the Clinical Data Pull */
    apr_time_t until; /* of launches and others; 0: none */
} sl_ctl_key_t;

/** Keys of the ring, first first, then those that are missing from it (array of sl_ctl_key_t). */
SL_MUST_USE sl_rc_t sl_ctl_keys(apr_array_header_t **out, const sl_runtime_t *rt, apr_pool_t *p,
                                sl_err_t *err);

/** "yes", "no", "until …": whether its line has to stay in the ring. */
const char *sl_ctl_key_need(const sl_ctl_key_t *key, apr_pool_t *p);

/** A table of them, or the value of a JSON member. */
void sl_ctl_keys_print(const apr_array_header_t *keys, apr_pool_t *p);
sl_json_t *sl_ctl_keys_json(const apr_array_header_t *keys, apr_pool_t *p);

#endif
