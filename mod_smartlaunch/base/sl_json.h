/* SPDX-License-Identifier: Apache-2.0 */
/** JSON that comes from outside: bounded, strict, and tied to a pool. */
#ifndef SL_JSON_H
#define SL_JSON_H

#include "base/sl_rc.h"
#include <apr_pools.h>
#include <json-c/json.h>

typedef struct json_object sl_json_t;

#define SL_JSON_MAX_DEPTH 32
#define SL_JSON_MAX_BYTES (1024 * 1024)

/**
 * Parse one JSON object: valid UTF-8, no NUL, no depth over SL_JSON_MAX_DEPTH, nothing after it;
 * of a repeated member the last one counts. Any failure is SL_INVALID.
 * @param out owned by the pool, like everything reached from it
 */
SL_MUST_USE sl_rc_t sl_json_parse(sl_json_t **out, const char *text, apr_size_t len, apr_pool_t *p,
                                  sl_err_t *err);

/** The same for an object of up to `max` bytes, where the usual bound of 1 MiB is too low. */
SL_MUST_USE sl_rc_t sl_json_parse_long(sl_json_t **out, const char *text, apr_size_t len,
                                       apr_size_t max, apr_pool_t *p, sl_err_t *err);

/** The same for any JSON value (array, string, …). */
SL_MUST_USE sl_rc_t sl_json_parse_any(sl_json_t **out, const char *text, apr_size_t len,
                                      apr_pool_t *p, sl_err_t *err);

/** A new empty object or array, released with the pool. */
sl_json_t *sl_json_object(apr_pool_t *p);
sl_json_t *sl_json_array(apr_pool_t *p);

/** The member, or NULL when absent or null. */
sl_json_t *sl_json_get(const sl_json_t *object, const char *name);

/** The member when it is a string without NUL, else NULL. Owned by the object. */
const char *sl_json_str(const sl_json_t *object, const char *name);

/** Add members; a NULL string adds null. */
void sl_json_put_str(sl_json_t *object, const char *name, const char *value);
void sl_json_put_int(sl_json_t *object, const char *name, int64_t value);
void sl_json_put_bool(sl_json_t *object, const char *name, bool value);
/** Add `value` (a reference of its own is taken). */
void sl_json_put(sl_json_t *object, const char *name, sl_json_t *value);
void sl_json_push(sl_json_t *array, sl_json_t *value);
void sl_json_push_str(sl_json_t *array, const char *value);

/** Compact text, `/` unescaped; a pool string. */
const char *sl_json_text(apr_pool_t *p, const sl_json_t *value);

#endif
