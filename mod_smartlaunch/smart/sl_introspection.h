/* SPDX-License-Identifier: Apache-2.0 */
/** The introspection endpoint's answer (RFC 7662 section 2.2; SEC-11). */
#ifndef SL_INTROSPECTION_H
#define SL_INTROSPECTION_H

#include "base/sl_rc.h"
#include "smart/sl_ehr.h"
#include <apr_pools.h>
#include <apr_time.h>

#define SL_INTROSPECTION_MAX_BYTES 65536

typedef struct {
    int status;
    const char *body;
    apr_size_t len;
} sl_introspection_answer_t;

typedef struct {
    bool is_active;        /* false: the token opens nothing, and nothing else is known of it */
    apr_time_t expires_at; /* 0: not said */
    const char *scope;     /* NULL: not said, or it does not fit into a header */
} sl_introspection_t;

/**
 * Read the answer; what else it says is ignored. SL_UPSTREAM: a status other than 200, or no JSON
 * object whose `active` is true or false.
 */
SL_MUST_USE sl_rc_t sl_introspection_parse(sl_introspection_t *out, const sl_ehr_t *ehr,
                                           const sl_introspection_answer_t *answer, apr_pool_t *p,
                                           sl_err_t *err);

#endif
