/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_params.h"

#include "base/sl_text.h"
#include <string.h>

/* One name or value; NULL when it is no clean text. */
static const char *decode(apr_pool_t *p, const char *text, apr_size_t len)
{
    char *plain = sl_text_unform(p, text, len);

    return plain != NULL && sl_text_is_utf8(plain, strlen(plain)) ? plain : NULL;
}

static bool push_pair(apr_array_header_t *pairs, const char *text, apr_size_t len)
{
    const char *equals = memchr(text, '=', len);
    apr_size_t name_len = equals == NULL ? len : (apr_size_t)(equals - text);
    sl_param_t *param = apr_array_push(pairs);

    param->name = decode(pairs->pool, text, name_len);
    param->value = equals == NULL ? "" : decode(pairs->pool, equals + 1, len - name_len - 1);
    return param->name != NULL && param->value != NULL;
}

typedef struct {
    apr_size_t bytes;
    int pairs;
} bound_t;

static sl_rc_t parse(sl_params_t **out, const char *text, apr_size_t len, const bound_t *most,
                     apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *pairs = apr_array_make(p, 8, sizeof(sl_param_t));
    apr_size_t at = 0;

    if (text != NULL && len > most->bytes) {
        return sl_err_set(err, SL_INVALID, "SL2001", "the parameters are too long");
    }
    while (text != NULL && at < len) {
        const char *amp = memchr(text + at, '&', len - at);
        apr_size_t pair_len = amp == NULL ? len - at : (apr_size_t)(amp - (text + at));

        if (pair_len > 0 && pairs->nelts == most->pairs) {
            return sl_err_set(err, SL_INVALID, "SL2002", "there are too many parameters");
        }
        if (pair_len > 0 && !push_pair(pairs, text + at, pair_len)) {
            return sl_err_set(err, SL_INVALID, "SL2003",
                              "a parameter has a bad escape, a NUL or invalid UTF-8");
        }
        at += pair_len + 1;
    }
    *out = apr_palloc(p, sizeof(**out));
    (*out)->pairs = pairs;
    return SL_OK;
}

sl_rc_t sl_params_parse(sl_params_t **out, const char *text, apr_size_t len, apr_pool_t *p,
                        sl_err_t *err)
{
    static const bound_t most = {SL_PARAMS_MAX_BYTES, SL_PARAMS_MAX_PAIRS};

    return parse(out, text, len, &most, p, err);
}

sl_rc_t sl_params_parse_long(sl_params_t **out, const char *text, apr_size_t len, apr_pool_t *p,
                             sl_err_t *err)
{
    static const bound_t most = {SL_PARAMS_LONG_BYTES, SL_PARAMS_LONG_PAIRS};

    return parse(out, text, len, &most, p, err);
}

sl_rc_t sl_params_merge(sl_params_t **out, const sl_params_t *a, const sl_params_t *b,
                        apr_pool_t *p, sl_err_t *err)
{
    if (a->pairs->nelts + b->pairs->nelts > SL_PARAMS_MAX_PAIRS) {
        return sl_err_set(err, SL_INVALID, "SL2004",
                          "query and body together have too many parameters");
    }
    *out = apr_palloc(p, sizeof(**out));
    (*out)->pairs = apr_array_append(p, a->pairs, b->pairs);
    return SL_OK;
}

int sl_params_count(const sl_params_t *params, const char *name)
{
    int count = 0;

    for (int i = 0; i < params->pairs->nelts; i++) {
        count += strcmp(APR_ARRAY_IDX(params->pairs, i, sl_param_t).name, name) == 0;
    }
    return count;
}

const char *sl_params_one(const sl_params_t *params, const char *name)
{
    const char *value = NULL;

    for (int i = 0; i < params->pairs->nelts; i++) {
        const sl_param_t *param = &APR_ARRAY_IDX(params->pairs, i, sl_param_t);

        if (strcmp(param->name, name) != 0) {
            continue;
        }
        if (value != NULL) {
            return NULL;
        }
        value = param->value;
    }
    return value;
}
