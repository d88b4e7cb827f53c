/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_introspection.h"

#include "base/sl_json.h"
#include "base/sl_text.h"
#include "smart/sl_token_response.h"
#include <string.h>

#define SCOPE_MAX 16384
#define YEAR_9999 253402300799 /* what is later is no time */

/** Seconds since 1970, by RFC 7662 an integer; some write a fraction. */
static apr_time_t read_time(const sl_json_t *value)
{
    int64_t seconds = 0;

    if (json_object_is_type(value, json_type_int)) {
        seconds = json_object_get_int64(value);
    } else if (json_object_is_type(value, json_type_double)) {
        double number = json_object_get_double(value);

        seconds = number > 0 && number < YEAR_9999 ? (int64_t)number : 0;
    }
    return seconds > 0 && seconds < YEAR_9999 ? apr_time_from_sec(seconds) : 0;
}

sl_rc_t sl_introspection_parse(sl_introspection_t *out, const sl_ehr_t *ehr,
                               const sl_introspection_answer_t *answer, apr_pool_t *p,
                               sl_err_t *err)
{
    const sl_json_t *active;
    sl_json_t *doc = NULL;
    const char *scope;

    memset(out, 0, sizeof(*out));
    if (answer->status != 200) {
        return sl_err_set(err, SL_UPSTREAM, "SL2161",
                          "EHR %s: the introspection endpoint refused (%d): %s", ehr->name,
                          answer->status, sl_token_response_error(answer->body, answer->len, p));
    }
    if (answer->body == NULL || answer->len > SL_INTROSPECTION_MAX_BYTES ||
        sl_json_parse(&doc, answer->body, answer->len, p, NULL) != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL2162",
                          "EHR %s: the answer of the introspection endpoint is no JSON object",
                          ehr->name);
    }
    active = sl_json_get(doc, "active");
    if (!json_object_is_type(active, json_type_boolean)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2163",
                          "EHR %s: the introspection endpoint does not say whether the token is "
                          "active",
                          ehr->name);
    }
    out->is_active = json_object_get_boolean(active);
    if (out->is_active) {
        scope = sl_json_str(doc, "scope");
        out->scope = scope != NULL && sl_text_is_header_safe(scope, SCOPE_MAX) ? scope : NULL;
        out->expires_at = read_time(sl_json_get(doc, "exp"));
    }
    return SL_OK;
}
