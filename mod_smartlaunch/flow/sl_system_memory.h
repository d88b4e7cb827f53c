/* SPDX-License-Identifier: Apache-2.0 */
/** Inside of sl_system: tokens of backend services, and trouble with them, in shared memory. */
#ifndef SL_SYSTEM_MEMORY_H
#define SL_SYSTEM_MEMORY_H

#include "flow/sl_runtime.h"
#include <apr_time.h>

/** Which token: another EHR, client or scope in the configuration is another token. */
typedef struct {
    const sl_runtime_t *rt;
    const sl_ehr_t *ehr;
    sl_shm_key_t token, trouble, lease;
} sl_system_memory_t;

typedef struct {
    const sl_secret_t *access;
    const char *scope; /* granted; NULL: not said */
    apr_time_t issued_at, expires_at;
    apr_int64_t generation; /* never the same twice on a host */
    bool by_refusal;        /* got because the FHIR server had refused the one before */
} sl_system_token_t;

sl_system_memory_t sl_system_memory_of(const sl_runtime_t *rt, const sl_ehr_t *ehr,
                                       apr_pool_t *tmp);

/** False: none is known, or it cannot be opened. */
bool sl_system_memory_get(sl_system_token_t *out, const sl_system_memory_t *memory, apr_pool_t *p);

/** SL_FAILED: it could not be sealed. Trouble is over. */
SL_MUST_USE sl_rc_t sl_system_memory_put(const sl_system_memory_t *memory,
                                         const sl_system_token_t *token, apr_pool_t *tmp,
                                         sl_err_t *err);

/** Take the lease, for `life` at most. False: somebody else is at it. */
bool sl_system_memory_elect(const sl_system_memory_t *memory, apr_interval_time_t life);
void sl_system_memory_release(const sl_system_memory_t *memory);

/** It failed: nobody asks for a while, which doubles from one second to a minute. */
void sl_system_memory_failed(const sl_system_memory_t *memory, const sl_err_t *err,
                             apr_pool_t *tmp);

/** Did it fail a moment ago? Then `err` says how, and when it makes sense to come again. */
bool sl_system_memory_failure(const sl_system_memory_t *memory, apr_pool_t *tmp, sl_err_t *err);

#endif
