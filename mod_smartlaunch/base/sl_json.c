/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_json.h"

#include "base/sl_json_check.h"
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

static apr_status_t release(void *data)
{
    (void)json_object_put(data);
    return APR_SUCCESS;
}

/* Tie a fresh value to the pool; json-c gives NULL for null and when memory ran out. */
static sl_json_t *keep(apr_pool_t *p, sl_json_t *value)
{
    if (value != NULL) {
        apr_pool_cleanup_register(p, value, release, apr_pool_cleanup_null);
    }
    return value;
}

static sl_json_t *made(sl_json_t *value)
{
    if (value == NULL) {
        abort();
    }
    return value;
}

/* json-c is lenient in ways that differ by version, so what it gets is checked first. */
static sl_rc_t parse(sl_json_t **out, const char *text, apr_size_t len, apr_pool_t *p,
                     sl_err_t *err)
{
    struct json_tokener *tokener;
    sl_json_t *value;
    enum json_tokener_error failure;

    /* One level over ours, for the value in the innermost array or object. */
    tokener = json_tokener_new_ex(SL_JSON_MAX_DEPTH + 2);
    if (tokener == NULL) {
        abort();
    }
    value = json_tokener_parse_ex(tokener, text, (int)len);
    failure = json_tokener_get_error(tokener);
    /* A bare number is complete only when something follows it. */
    if (failure == json_tokener_continue) {
        value = json_tokener_parse_ex(tokener, "", 1);
        failure = json_tokener_get_error(tokener);
    }
    json_tokener_free(tokener);
    *out = keep(p, value);
    return failure == json_tokener_success
               ? SL_OK
               : sl_err_set(err, SL_INVALID, "SL1302", "not usable JSON");
}

static sl_rc_t parse_below(sl_json_t **out, const char *text, apr_size_t len, apr_size_t max,
                           apr_pool_t *p, sl_err_t *err)
{
    return sl_json_is_strict(text, len, max)
               ? parse(out, text, len, p, err)
               : sl_err_set(err, SL_INVALID, "SL1301", "not valid JSON");
}

sl_rc_t sl_json_parse_any(sl_json_t **out, const char *text, apr_size_t len, apr_pool_t *p,
                          sl_err_t *err)
{
    return parse_below(out, text, len, SL_JSON_MAX_BYTES, p, err);
}

sl_rc_t sl_json_parse_long(sl_json_t **out, const char *text, apr_size_t len, apr_size_t max,
                           apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = parse_below(out, text, len, max, p, err);

    if (rc == SL_OK && !json_object_is_type(*out, json_type_object)) {
        return sl_err_set(err, SL_INVALID, "SL1303", "JSON, but not an object");
    }
    return rc;
}

sl_rc_t sl_json_parse(sl_json_t **out, const char *text, apr_size_t len, apr_pool_t *p,
                      sl_err_t *err)
{
    return sl_json_parse_long(out, text, len, SL_JSON_MAX_BYTES, p, err);
}

sl_json_t *sl_json_object(apr_pool_t *p)
{
    return keep(p, made(json_object_new_object()));
}

sl_json_t *sl_json_array(apr_pool_t *p)
{
    return keep(p, made(json_object_new_array()));
}

sl_json_t *sl_json_get(const sl_json_t *object, const char *name)
{
    sl_json_t *value = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, name, &value)) {
        return NULL;
    }
    return value;
}

const char *sl_json_str(const sl_json_t *object, const char *name)
{
    sl_json_t *value = sl_json_get(object, name);
    const char *text;

    if (!json_object_is_type(value, json_type_string)) {
        return NULL;
    }
    text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

/* Hand a value over to its container. */
static void add(sl_json_t *object, const char *name, sl_json_t *value)
{
    if (json_object_object_add(object, name, value) != 0) {
        abort();
    }
}

void sl_json_put_str(sl_json_t *object, const char *name, const char *value)
{
    add(object, name, value == NULL ? NULL : made(json_object_new_string(value)));
}

void sl_json_put_int(sl_json_t *object, const char *name, int64_t value)
{
    add(object, name, made(json_object_new_int64(value)));
}

void sl_json_put_bool(sl_json_t *object, const char *name, bool value)
{
    add(object, name, made(json_object_new_boolean(value)));
}

void sl_json_put(sl_json_t *object, const char *name, sl_json_t *value)
{
    add(object, name, json_object_get(value));
}

void sl_json_push(sl_json_t *array, sl_json_t *value)
{
    if (json_object_array_add(array, json_object_get(value)) != 0) {
        abort();
    }
}

void sl_json_push_str(sl_json_t *array, const char *value)
{
    if (json_object_array_add(array, json_object_new_string(value)) != 0) {
        abort();
    }
}

const char *sl_json_text(apr_pool_t *p, const sl_json_t *value)
{
    /* json-c keeps its print buffer in the value, which is why it wants it writable. */
    return apr_pstrdup(
        p, json_object_to_json_string_ext((sl_json_t *)value,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
