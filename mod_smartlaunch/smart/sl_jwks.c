/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_jwks.h"

#include "base/sl_json.h"
#include <apr_tables.h>
#include <string.h>

struct sl_jwks {
    apr_array_header_t *keys; /* of const sl_jwk_t * */
};

sl_rc_t sl_jwks_parse(sl_jwks_t **out, const char *text, apr_size_t len, apr_pool_t *p,
                      sl_err_t *err)
{
    sl_json_t *doc;
    sl_json_t *list;
    sl_jwks_t *set = apr_palloc(p, sizeof(*set));

    if (len > SL_JWKS_MAX_BYTES || sl_json_parse(&doc, text, len, p, NULL) != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL2301", "the EHR's key set is no JSON object");
    }
    list = sl_json_get(doc, "keys");
    if (list == NULL || !json_object_is_type(list, json_type_array) ||
        json_object_array_length(list) > SL_JWKS_MAX_KEYS) {
        return sl_err_set(err, SL_UPSTREAM, "SL2302",
                          "the EHR's key set has no list of keys, or too long a one");
    }
    set->keys = apr_array_make(p, 4, sizeof(const sl_jwk_t *));
    for (apr_size_t i = 0; i < json_object_array_length(list); i++) {
        sl_jwk_t *key;

        if (sl_jwk_parse(&key, json_object_array_get_idx(list, i), p, NULL) == SL_OK) {
            APR_ARRAY_PUSH(set->keys, const sl_jwk_t *) = key;
        }
    }
    *out = set;
    return SL_OK;
}

int sl_jwks_count(const sl_jwks_t *keys)
{
    return keys->keys->nelts;
}

sl_rc_t sl_jwks_select(const sl_jwk_t **out, const sl_jwks_t *keys, const char *kid, sl_alg_t alg,
                       sl_err_t *err)
{
    bool is_known = kid == NULL;
    int fitting = 0;

    for (int i = 0; i < keys->keys->nelts; i++) {
        const sl_jwk_t *key = APR_ARRAY_IDX(keys->keys, i, const sl_jwk_t *);
        const char *name = sl_jwk_kid(key);

        if (kid != NULL && (name == NULL || strcmp(name, kid) != 0)) {
            continue;
        }
        is_known = true;
        if (sl_jwk_fits(key, alg)) {
            *out = key;
            fitting++;
        }
    }
    if (!is_known) {
        return sl_err_set(err, SL_NONE, "SL2303", "the EHR's key set has no key of this kid");
    }
    if (fitting != 1) {
        return sl_err_set(err, SL_DENIED, "SL2304",
                          "%d keys of the EHR fit the signature, and it must be one", fitting);
    }
    return SL_OK;
}
