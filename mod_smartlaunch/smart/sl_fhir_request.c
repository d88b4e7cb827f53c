/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_fhir_request.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* Longer paths are nobody's; deeper ones are taken for no interaction we know. */
#define MAX_PATH_BYTES 2048
#define MAX_SEGMENTS 6

typedef struct {
    const char *at[MAX_SEGMENTS];
    int n; /* more than MAX_SEGMENTS: only so many are kept */
} segments_t;

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

static const char *known_method(const char *method)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(method, methods[i]) == 0) {
            return methods[i];
        }
    }
    return NULL;
}

static bool is_segment(const char *text, apr_size_t len)
{
    if (len == 0 || (text[0] == '.' && (len == 1 || (len == 2 && text[1] == '.')))) {
        return false;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if (text[i] == '\0' || (!apr_isalnum(text[i]) && strchr("._$~:|=,+-", text[i]) == NULL)) {
            return false;
        }
    }
    return true;
}

/* `path` without its slashes at both ends. */
static bool split(segments_t *out, const char *path, apr_pool_t *p)
{
    out->n = 0;
    while (*path != '\0') {
        apr_size_t len = strcspn(path, "/");

        if (!is_segment(path, len)) {
            return false;
        }
        if (out->n < MAX_SEGMENTS) {
            out->at[out->n] = apr_pstrmemdup(p, path, len);
        }
        out->n++;
        path += len;
        if (*path == '/' && *++path == '\0') {
            return false;
        }
    }
    return true;
}

static bool is_type(const char *segment)
{
    for (const char *c = segment; *c != '\0'; c++) {
        if (!apr_isalpha(*c)) {
            return false;
        }
    }
    return strcmp(segment, "metadata") != 0;
}

/* `_history` and `$everything` are none, whatever an EHR allows in its ids. */
static bool is_id(const char *segment)
{
    return segment[0] != '_' && segment[0] != '$';
}

static bool is_operation(const char *segment)
{
    if (segment[0] != '$' || segment[1] == '\0') {
        return false;
    }
    for (const char *c = segment + 1; *c != '\0'; c++) {
        if (!apr_isalnum(*c) && *c != '-' && *c != '_') {
            return false;
        }
    }
    return true;
}

static bool is(const char *segment, const char *word)
{
    return strcmp(segment, word) == 0;
}

static bool is_get(const sl_fhir_request_t *out)
{
    return is(out->method, "GET") || is(out->method, "HEAD");
}

static sl_fhir_kind_t search(sl_fhir_request_t *out, bool by_post)
{
    out->is_read = is_get(out) || (by_post && is(out->method, "POST"));
    return out->is_read ? SL_FHIR_SEARCH : SL_FHIR_OTHER;
}

static sl_fhir_kind_t get_only(const sl_fhir_request_t *out, sl_fhir_kind_t kind)
{
    return is_get(out) ? kind : SL_FHIR_OTHER;
}

static sl_fhir_kind_t operation(sl_fhir_request_t *out, const char *name)
{
    out->operation = name;
    return is_get(out) || is(out->method, "POST") ? SL_FHIR_OPERATION : SL_FHIR_OTHER;
}

/* The base itself, and what begins with no type. */
static sl_fhir_kind_t on_base(sl_fhir_request_t *out, const segments_t *s)
{
    if (s->n == 0) {
        if (is(out->method, "POST")) {
            return SL_FHIR_BATCH;
        }
        return is_get(out) ? SL_FHIR_SEARCH : SL_FHIR_WRITE;
    }
    if (is(s->at[0], ".well-known") || (s->n == 1 && is(s->at[0], "metadata"))) {
        return get_only(out, SL_FHIR_CAPABILITIES);
    }
    if (s->n > 1) {
        return SL_FHIR_OTHER;
    }
    if (is(s->at[0], "_history")) {
        return get_only(out, SL_FHIR_HISTORY);
    }
    if (is(s->at[0], "_search")) {
        return search(out, true);
    }
    return is_operation(s->at[0]) ? operation(out, s->at[0]) : SL_FHIR_OTHER;
}

/* Type, and Type/… without an id. */
static sl_fhir_kind_t on_type(sl_fhir_request_t *out, const segments_t *s)
{
    if (s->n == 1) {
        return is_get(out) ? SL_FHIR_SEARCH : SL_FHIR_WRITE;
    }
    if (s->n > 2) {
        return SL_FHIR_OTHER;
    }
    if (is(s->at[1], "_history")) {
        return get_only(out, SL_FHIR_HISTORY);
    }
    if (is(s->at[1], "_search")) {
        return search(out, true);
    }
    return is_operation(s->at[1]) ? operation(out, s->at[1]) : SL_FHIR_OTHER;
}

/* Type/id/_history, Type/id/_history/vid, Type/id/_history/vid/$meta */
static sl_fhir_kind_t on_history(sl_fhir_request_t *out, const segments_t *s)
{
    if (s->n == 3) {
        return is(out->method, "DELETE") ? SL_FHIR_WRITE : get_only(out, SL_FHIR_HISTORY);
    }
    if (!is_id(s->at[3])) {
        return SL_FHIR_OTHER;
    }
    if (s->n == 4) {
        return is(out->method, "DELETE") ? SL_FHIR_WRITE : get_only(out, SL_FHIR_READ);
    }
    return s->n == 5 && is_operation(s->at[4]) ? operation(out, s->at[4]) : SL_FHIR_OTHER;
}

/* Type/id and what is below. */
static sl_fhir_kind_t on_instance(sl_fhir_request_t *out, const segments_t *s)
{
    out->id = s->at[1];
    if (s->n == 2) {
        if (is_get(out)) {
            return SL_FHIR_READ;
        }
        return is(out->method, "POST") ? SL_FHIR_OTHER : SL_FHIR_WRITE;
    }
    if (is(s->at[2], "_history")) {
        return on_history(out, s);
    }
    if (is_type(s->at[2]) && (s->n == 3 || (s->n == 4 && is(s->at[3], "_search")))) {
        out->in = s->at[2];
        return search(out, s->n == 4);
    }
    return s->n == 3 && is_operation(s->at[2]) ? operation(out, s->at[2]) : SL_FHIR_OTHER;
}

/* `path` begins with a slash or is empty; one slash at its end goes. */
static const char *below_base(const char *path, apr_pool_t *p)
{
    const char *below = path[0] == '/' ? path + 1 : path;
    apr_size_t len = strlen(below);

    return len > 1 && below[len - 1] == '/' ? apr_pstrmemdup(p, below, len - 1) : below;
}

sl_rc_t sl_fhir_request_parse(sl_fhir_request_t *out, const char *method, const char *path,
                              apr_pool_t *p, sl_err_t *err)
{
    static const sl_fhir_request_t nothing = {.kind = SL_FHIR_OTHER};
    segments_t s;

    *out = nothing;
    out->method = known_method(method);
    if (out->method == NULL) {
        return sl_err_set(err, SL_INVALID, "SL2621", "a method that FHIR does not have");
    }
    if ((path[0] != '\0' && path[0] != '/') || strlen(path) > MAX_PATH_BYTES) {
        return sl_err_set(err, SL_INVALID, "SL2622",
                          "the path is too long or does not begin with /");
    }
    out->path = below_base(apr_pstrdup(p, path), p);
    if (!split(&s, out->path, p)) {
        return sl_err_set(err, SL_INVALID, "SL2623", "the path has what FHIR paths do not have");
    }
    out->is_read = is_get(out);
    if (s.n == 0 || !is_type(s.at[0])) {
        out->kind = on_base(out, &s);
        return SL_OK;
    }
    out->type = s.at[0];
    out->kind = s.n > 1 && is_id(s.at[1]) ? on_instance(out, &s) : on_type(out, &s);
    return SL_OK;
}
