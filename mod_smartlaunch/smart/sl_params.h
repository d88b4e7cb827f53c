/* SPDX-License-Identifier: Apache-2.0 */
/** Parameters of a query string or a form body (application/x-www-form-urlencoded). */
#ifndef SL_PARAMS_H
#define SL_PARAMS_H

#include "base/sl_rc.h"
#include <apr_pools.h>
#include <apr_tables.h>

#define SL_PARAMS_MAX_BYTES 65536
#define SL_PARAMS_MAX_PAIRS 64

/* of a long form: a sheet with all of its fields */
#define SL_PARAMS_LONG_BYTES (1024 * 1024)
#define SL_PARAMS_LONG_PAIRS 20000

typedef struct {
    const char *name;
    const char *value;
} sl_param_t;

typedef struct {
    const apr_array_header_t *pairs; /* of sl_param_t, in the order they came */
} sl_params_t;

/**
 * Decode `len` bytes. Each name and value is valid UTF-8 without NUL. NULL or empty text has no
 * parameters. SL_INVALID: more than SL_PARAMS_MAX_BYTES or SL_PARAMS_MAX_PAIRS, a bad escape.
 */
SL_MUST_USE sl_rc_t sl_params_parse(sl_params_t **out, const char *text, apr_size_t len,
                                    apr_pool_t *p, sl_err_t *err);

/** The same for a long form: SL_PARAMS_LONG_BYTES, SL_PARAMS_LONG_PAIRS. */
SL_MUST_USE sl_rc_t sl_params_parse_long(sl_params_t **out, const char *text, apr_size_t len,
                                         apr_pool_t *p, sl_err_t *err);

/** Both, first `a` then `b`, so that a name given in the query and in the body counts twice. */
SL_MUST_USE sl_rc_t sl_params_merge(sl_params_t **out, const sl_params_t *a, const sl_params_t *b,
                                    apr_pool_t *p, sl_err_t *err);

/** How often the name was given. */
int sl_params_count(const sl_params_t *params, const char *name);

/** The value when the name was given exactly once (it may be empty), else NULL. */
const char *sl_params_one(const sl_params_t *params, const char *name);

#endif
