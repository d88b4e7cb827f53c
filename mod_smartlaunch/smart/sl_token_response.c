/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_token_response.h"

#include "base/sl_text.h"
#include "smart/sl_token_error.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define ACCESS_MAX 65536
#define SCOPE_MAX 16384

const char *sl_token_response_error(const char *body, apr_size_t len, apr_pool_t *tmp)
{
    sl_token_error_t error;

    sl_token_error_read(&error, body, len, tmp);
    return error.code;
}

/* `before` and `text`, or nothing. */
static const char *maybe(apr_pool_t *p, const char *before, const char *text)
{
    return text == NULL ? "" : apr_pstrcat(p, before, text, NULL);
}

/* An error by its status or in its body, with what mostly lies behind it. */
static sl_rc_t refused(const char *id, const sl_ehr_t *ehr, const sl_token_answer_t *answer,
                       apr_pool_t *tmp, sl_err_t *err)
{
    const sl_token_asked_t asked = {ehr, answer->status, answer->is_renewal};
    sl_token_error_t error;
    bool is_oauth;

    sl_token_error_read(&error, answer->body, answer->len, tmp);
    is_oauth = strcmp(error.code, "none") != 0;
    return sl_err_set(err, SL_UPSTREAM, id, "EHR %s: the token endpoint refused (%d): %s%s%s%s%s",
                      ehr->name, answer->status, error.code,
                      maybe(tmp, ", by ", is_oauth ? NULL : error.body),
                      maybe(tmp, "; likely: ", sl_token_error_hint(&error, &asked)),
                      maybe(tmp, "; it refers to ", error.uri),
                      maybe(tmp, "; its correlation id: ", answer->correlation));
}

/* Take a token out of the object, and wipe json-c's own copy. */
static const sl_secret_t *take_token(sl_json_t *doc, const char *name, apr_pool_t *p)
{
    sl_json_t *member = sl_json_get(doc, name);
    const char *text = sl_json_str(doc, name);
    const sl_secret_t *token = NULL;

    if (text != NULL && text[0] != '\0') {
        token = sl_secret_str(p, text);
    }
    if (member != NULL && json_object_is_type(member, json_type_string)) {
        sl_secret_wipe((char *)json_object_get_string(member),
                       (apr_size_t)json_object_get_string_len(member));
    }
    json_object_object_del(doc, name);
    return token;
}

/* What can stand behind "Bearer ": no blank, no control character. */
static bool is_bearer_value(const sl_secret_t *token)
{
    const char *text = token == NULL ? "" : sl_secret_reveal(token);

    return sl_text_is_header_safe(text, ACCESS_MAX) && strchr(text, ' ') == NULL;
}

static bool is_bearer_type(const sl_json_t *doc, const sl_ehr_t *ehr)
{
    const char *type = sl_json_str(doc, "token_type");

    if (sl_json_get(doc, "token_type") == NULL) {
        return ehr->quirks.bare_token == SL_SWITCH_ON;
    }
    return type != NULL && strcasecmp(type, "bearer") == 0;
}

/* A number of seconds, also written as a string of digits; 0 when it is none. */
static int64_t seconds(const sl_json_t *value)
{
    const char *text;

    if (json_object_is_type(value, json_type_int)) {
        return json_object_get_int64(value);
    }
    if (json_object_is_type(value, json_type_double)) {
        double number = json_object_get_double(value);

        return number >= 1.0 ? (int64_t)(number < 1e15 ? number : 1e15) : 0;
    }
    if (value == NULL || !json_object_is_type(value, json_type_string)) {
        return 0;
    }
    text = json_object_get_string((sl_json_t *)value);
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text)) {
        return 0;
    }
    return strlen(text) > 15 ? INT64_MAX : (int64_t)apr_atoi64(text);
}

/* TRS-2; some servers say when instead of how long */
static int life(bool *says_life, const sl_json_t *doc, const sl_ehr_t *ehr,
                const sl_token_answer_t *answer)
{
    const sl_json_t *said = sl_json_get(doc, "expires_in");
    int64_t left = seconds(said);
    int64_t unsaid = ehr->token_life > 0 ? apr_time_sec(ehr->token_life) : SL_TOKEN_LIFE_DEFAULT;

    if (said == NULL) {
        left = seconds(sl_json_get(doc, "expires_at"));
        left = left > 0 ? left - apr_time_sec(answer->now) : 0;
    }
    *says_life = left > 0;
    if (left <= 0) {
        sl_notice_add(answer->notices, "SL2121",
                      "it does not say how long its token lives; taken as %ld seconds",
                      (long)unsaid);
        left = unsaid > 0 ? unsaid : 1;
    }
    return left > SL_TOKEN_LIFE_MAX ? SL_TOKEN_LIFE_MAX : (int)left;
}

/* TRS-3; SL_INVALID when it does not fit into a header */
static sl_rc_t read_scope(const char **out, const sl_json_t *doc, apr_array_header_t *notices)
{
    const char *said = sl_json_str(doc, "scope");

    *out = said;
    if (said == NULL) {
        sl_notice_add(notices, "SL2122",
                      "it does not say which scopes it granted; taken as those asked for");
        return SL_OK;
    }
    return said[0] == '\0' || sl_text_is_header_safe(said, SCOPE_MAX) ? SL_OK : SL_INVALID;
}

static sl_rc_t read_tokens(sl_token_response_t *out, const sl_ehr_t *ehr, const char *type_problem,
                           sl_err_t *err)
{
    if (type_problem != NULL) {
        return sl_err_set(err, SL_UPSTREAM, "SL2131", "EHR %s: the token response has %s",
                          ehr->name, type_problem);
    }
    if (!is_bearer_value(out->access)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2132",
                          "EHR %s: the token response has no usable access_token", ehr->name);
    }
    return SL_OK;
}

static sl_rc_t read_object(sl_token_response_t *out, const sl_ehr_t *ehr,
                           const sl_token_answer_t *answer, apr_pool_t *p, sl_err_t *err)
{
    static const char no_type[] =
        "no token_type (if it never has: SmartProfile NAME bare-token=on)";
    sl_json_t *doc = out->json;
    const char *type_problem = is_bearer_type(doc, ehr)                 ? NULL
                               : sl_json_get(doc, "token_type") == NULL ? no_type
                                                                        : "another token_type";
    sl_rc_t rc;

    out->access = take_token(doc, "access_token", p);
    out->refresh = take_token(doc, "refresh_token", p);
    out->id_token = take_token(doc, "id_token", p);
    if (sl_json_get(doc, "error") != NULL) {
        return refused("SL2133", ehr, answer, p, err);
    }
    rc = read_tokens(out, ehr, type_problem, err);
    if (rc != SL_OK) {
        return rc;
    }
    out->expires_in = life(&out->says_life, doc, ehr, answer);
    if (read_scope(&out->scope, doc, answer->notices) != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL2134",
                          "EHR %s: the scope in the token response is malformed", ehr->name);
    }
    return SL_OK;
}

sl_rc_t sl_token_response_parse(sl_token_response_t *out, const sl_ehr_t *ehr,
                                const sl_token_answer_t *answer, apr_pool_t *p, sl_err_t *err)
{
    sl_token_error_t error;

    memset(out, 0, sizeof(*out));
    if (answer->status == 429 || answer->status == 503) {
        return sl_err_set(err, SL_BUSY, "SL2135", "EHR %s: the token endpoint is busy (%d)",
                          ehr->name, answer->status);
    }
    if (answer->status < 200 || answer->status > 299) {
        return refused("SL2136", ehr, answer, p, err);
    }
    if (answer->body == NULL || answer->len > SL_TOKEN_RESPONSE_MAX_BYTES ||
        sl_json_parse(&out->json, answer->body, answer->len, p, NULL) != SL_OK) {
        sl_token_error_read(&error, answer->body, answer->len, p);
        return sl_err_set(err, SL_UPSTREAM, "SL2137",
                          "EHR %s: the token response is no JSON object, but %s", ehr->name,
                          error.body);
    }
    return read_object(out, ehr, answer, p, err);
}
