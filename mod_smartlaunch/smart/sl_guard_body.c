/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard_body.h"

#include "base/sl_text.h"
#include "smart/sl_guard_names.h"
#include "smart/sl_guard_params.h"
#include "smart/sl_guard_ref.h"
#include <apr_strings.h>
#include <string.h>

/* What stands between the names of a FHIRPath expression. */
#define NOT_IN_NAMES ".()[]'`\" =,&|+-*/<>!~"

/* Members whose text is never a reference. */
static const char *const plain[] = {"code", "display", "div", "profile", "system", "url"};

static sl_rc_t walk(sl_guard_t *g, const char *key, const sl_json_t *value);

static size_t count_members(const sl_json_t *value)
{
    struct json_object_iterator at, end;
    size_t count = 0;

    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            count += count_members(json_object_array_get_idx(value, i));
        }
        return count;
    }
    if (!json_object_is_type(value, json_type_object)) {
        return 0;
    }
    end = json_object_iter_end(value);
    for (at = json_object_iter_begin((sl_json_t *)value); !json_object_iter_equal(&at, &end);
         json_object_iter_next(&at)) {
        count += 1 + count_members(json_object_iter_peek_value(&at));
    }
    return count;
}

/* Colons outside of strings, in what is valid JSON. */
static size_t count_colons(const char *text, apr_size_t len)
{
    size_t count = 0;
    bool in_string = false;

    for (apr_size_t i = 0; i < len; i++) {
        if (in_string && text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            in_string = !in_string;
        } else if (!in_string && text[i] == ':') {
            count++;
        }
    }
    return count;
}

const sl_json_t *sl_guard_body_parse(sl_guard_t *g, const char *text, apr_size_t len,
                                     apr_size_t max, bool allow_array)
{
    sl_json_t *value = NULL;
    sl_rc_t rc = allow_array ? sl_json_parse_any(&value, text, len, g->p, NULL)
                             : sl_json_parse_long(&value, text, len, max, g->p, NULL);

    return rc == SL_OK && count_members(value) == count_colons(text, len) ? value : NULL;
}

const char *sl_guard_body_type(const sl_json_t *resource)
{
    const char *type = sl_json_str(resource, "resourceType");

    return type != NULL ? type : "";
}

static bool is_plain(const char *key)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (strcmp(key, plain[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Written as a reference is, case and all; a text that mentions one is none. */
static bool looks_like_ref(const char *text)
{
    return strpbrk(text, " \t\r\n") == NULL &&
           (strstr(text, "Patient/") != NULL || strstr(text, "Patient?") != NULL ||
            strstr(text, "Group/") != NULL || strstr(text, "Group?") != NULL);
}

static sl_rc_t walk_string(sl_guard_t *g, const char *key, const sl_json_t *value)
{
    const char *text = json_object_get_string((sl_json_t *)value);
    apr_size_t len = (apr_size_t)json_object_get_string_len(value);
    bool is_ref = strcmp(key, "reference") == 0;

    if (is_plain(key)) {
        return SL_OK;
    }
    if (is_ref && (strlen(text) != len || strpbrk(text, "% \\") != NULL)) {
        return sl_guard_deny(g, SL_GUARD_RESOURCE);
    }
    if (!is_ref && !looks_like_ref(text)) {
        return SL_OK;
    }
    return sl_guard_ref_read(g, text, len) == SL_GUARD_REF_PATIENT
               ? sl_guard_deny(g, SL_GUARD_RESOURCE)
               : SL_OK;
}

/* Members that hold the patient, and nobody else. */
static bool is_patient_key(const char *key)
{
    return sl_guard_is(key, "patient") || sl_guard_is(key, "subject") ||
           sl_guard_is(key, "beneficiary") || sl_guard_is(key, "for");
}

static bool is_person_type(const char *type)
{
    const char *name = type != NULL ? strrchr(type, '/') : NULL;

    name = name != NULL ? name + 1 : type;
    return name != NULL && (sl_guard_is(name, "Patient") || sl_guard_is(name, "Group"));
}

/*
 * A Reference to a patient: by an identifier or an id without type it could be to anybody. What
 * points into the same Bundle (urn:uuid) or resource (#) is looked at there.
 */
static sl_rc_t walk_patient(sl_guard_t *g, const sl_json_t *value)
{
    const char *ref = sl_json_str(value, "reference");

    if (ref == NULL) {
        return sl_json_get(value, "identifier") == NULL ? SL_OK
                                                        : sl_guard_deny(g, SL_GUARD_RESOURCE);
    }
    return sl_guard_ref_read(g, ref, strlen(ref)) == SL_GUARD_REF_BARE && ref[0] != '#' &&
                   !sl_text_has_prefix(ref, "urn:uuid:")
               ? sl_guard_deny(g, SL_GUARD_RESOURCE)
               : SL_OK;
}

static sl_rc_t walk_object(sl_guard_t *g, const char *key, const sl_json_t *value)
{
    struct json_object_iterator at, end = json_object_iter_end(value);
    sl_rc_t rc = SL_OK;

    /* A patient inside: only ours, and only as an entry; what is contained is nobody's record. */
    if (sl_guard_is(sl_guard_body_type(value), "Patient") && key[0] != '\0') {
        const char *id = sl_json_str(value, "id");

        if (strcmp(key, "resource") != 0 || id == NULL ||
            !sl_guard_ref_is_our_id(g, id, strlen(id))) {
            return sl_guard_deny(g, SL_GUARD_RESOURCE);
        }
    }
    if (is_patient_key(key) || is_person_type(sl_json_str(value, "type"))) {
        rc = walk_patient(g, value);
    }
    for (at = json_object_iter_begin((sl_json_t *)value);
         rc == SL_OK && !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        rc = walk(g, json_object_iter_peek_name(&at), json_object_iter_peek_value(&at));
    }
    return rc;
}

/* Down to where sl_json lets a value be deep. */
static sl_rc_t walk(sl_guard_t *g, const char *key, const sl_json_t *value)
{
    sl_rc_t rc = SL_OK;

    if (json_object_is_type(value, json_type_object)) {
        return walk_object(g, key, value);
    }
    if (json_object_is_type(value, json_type_string)) {
        return walk_string(g, key, value);
    }
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; rc == SL_OK && i < json_object_array_length(value); i++) {
            rc = walk(g, key, json_object_array_get_idx(value, i));
        }
    }
    return rc;
}

sl_rc_t sl_guard_body_resource(sl_guard_t *g, const sl_json_t *resource)
{
    if (sl_guard_is(sl_guard_body_type(resource), "Patient")) {
        const char *id = sl_json_str(resource, "id");

        if (sl_json_get(resource, "id") != NULL &&
            (id == NULL || !sl_guard_ref_is_our_id(g, id, strlen(id)))) {
            return sl_guard_deny(g, SL_GUARD_RESOURCE);
        }
    }
    return walk(g, "", resource);
}

/* Does a JSON Pointer go to, or into, a member that holds the patient? */
static bool is_patient_path(const char *path, apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, path);
    const char *step;

    for (step = apr_strtok(rest, "/", &rest); step != NULL; step = apr_strtok(NULL, "/", &rest)) {
        if (is_patient_key(step)) {
            return true;
        }
    }
    return false;
}

/* The value there is the reference itself. */
static bool is_reference_path(const char *path)
{
    return strcmp(strrchr(path, '/'), "/reference") == 0;
}

/* What is put where the patient is must be our patient, written out. */
static sl_rc_t patch_patient(sl_guard_t *g, const sl_json_t *value)
{
    const char *ref = json_object_is_type(value, json_type_string)
                          ? json_object_get_string((sl_json_t *)value)
                          : sl_json_str(value, "reference");

    return ref != NULL && sl_guard_ref_read(g, ref, strlen(ref)) == SL_GUARD_REF_OURS
               ? SL_OK
               : sl_guard_deny(g, SL_GUARD_RESOURCE);
}

static sl_rc_t patch_one(sl_guard_t *g, const sl_json_t *operation)
{
    const char *path = sl_json_str(operation, "path");
    const sl_json_t *value = sl_json_get(operation, "value");
    sl_rc_t rc = SL_OK;

    if (path == NULL || path[0] != '/') {
        return sl_guard_deny(g, SL_GUARD_BODY_JSON);
    }
    if (is_patient_path(path, g->p)) {
        rc = patch_patient(g, value);
    }
    if (rc == SL_OK && is_reference_path(path)) {
        rc = walk(g, "reference", value);
    }
    return rc == SL_OK ? walk(g, "operation", operation) : rc;
}

sl_rc_t sl_guard_body_patch(sl_guard_t *g, const sl_json_t *patch)
{
    sl_rc_t rc = SL_OK;

    if (!json_object_is_type(patch, json_type_array)) {
        return sl_guard_deny(g, SL_GUARD_BODY_JSON);
    }
    for (size_t i = 0; rc == SL_OK && i < json_object_array_length(patch); i++) {
        rc = patch_one(g, json_object_array_get_idx(patch, i));
    }
    return rc;
}

/* "Observation.subject.where(…)": a member of that name behind the type? */
static bool is_patient_expression(const char *path, apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, path);
    const char *step = apr_strtok(rest, NOT_IN_NAMES, &rest);

    while (step != NULL && (step = apr_strtok(NULL, NOT_IN_NAMES, &rest)) != NULL) {
        if (is_patient_key(step)) {
            return true;
        }
    }
    return false;
}

/* One operation: what it would put where the patient is cannot be told part by part. */
static bool changes_patient(const sl_json_t *operation, apr_pool_t *p)
{
    const sl_json_t *parts = sl_json_get(operation, "part");

    for (size_t i = 0;
         json_object_is_type(parts, json_type_array) && i < json_object_array_length(parts); i++) {
        const sl_json_t *part = json_object_array_get_idx(parts, i);
        const char *name = sl_json_str(part, "name");
        const char *text = sl_json_str(part, "valueString");

        if (name == NULL || text == NULL) {
            continue;
        }
        if (strcmp(name, "path") == 0 ? is_patient_expression(text, p)
                                      : strcmp(name, "name") == 0 && is_patient_key(text)) {
            return true;
        }
    }
    return false;
}

sl_rc_t sl_guard_body_fhirpath(sl_guard_t *g, const sl_json_t *parameters)
{
    const sl_json_t *list = sl_json_get(parameters, "parameter");

    if (!sl_guard_is(sl_guard_body_type(parameters), "Parameters")) {
        return sl_guard_deny(g, SL_GUARD_BODY_JSON);
    }
    for (size_t i = 0;
         json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        if (changes_patient(json_object_array_get_idx(list, i), g->p)) {
            return sl_guard_deny(g, SL_GUARD_RESOURCE);
        }
    }
    return sl_guard_body_resource(g, parameters);
}

/* How many value[x] a part has, and the text of the last one or of the reference in it. */
static int value_of(const sl_json_t *part, const char **text)
{
    struct json_object_iterator at = json_object_iter_begin((sl_json_t *)part);
    struct json_object_iterator end = json_object_iter_end(part);
    int count = 0;

    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        sl_json_t *value = json_object_iter_peek_value(&at);

        if (sl_text_has_prefix(json_object_iter_peek_name(&at), "value")) {
            count++;
            *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value)
                                                                 : sl_json_str(value, "reference");
        }
    }
    return count;
}

static sl_rc_t judge_parts(sl_guard_t *g, sl_guard_found_t *found, const char *type,
                           const sl_json_t *parts);

/* A value as the parameter of that name; parts and Parameters inside alike. */
static sl_rc_t judge_part(sl_guard_t *g, sl_guard_found_t *found, const char *type,
                          const sl_json_t *part)
{
    const char *name = sl_json_str(part, "name"), *text = NULL;
    const sl_json_t *resource = sl_json_get(part, "resource");
    int values = name != NULL ? value_of(part, &text) : 0;
    sl_rc_t rc = SL_OK;

    if (name == NULL || values > 1) {
        return sl_guard_deny(g, SL_GUARD_BODY_JSON);
    }
    if (text != NULL) {
        rc = sl_guard_param(g, found, type, name, text);
    } else if (values > 0 && sl_guard_name_of(name) == SL_GUARD_NAME_PATIENT) {
        rc = sl_guard_deny(g, SL_GUARD_RESOURCE);
    }
    if (rc == SL_OK) {
        rc = judge_parts(g, found, type, sl_json_get(part, "part"));
    }
    return rc == SL_OK && sl_guard_is(sl_guard_body_type(resource), "Parameters")
               ? sl_guard_body_parameters(g, found, type, resource)
               : rc;
}

static sl_rc_t judge_parts(sl_guard_t *g, sl_guard_found_t *found, const char *type,
                           const sl_json_t *parts)
{
    sl_rc_t rc = SL_OK;

    if (parts != NULL && !json_object_is_type(parts, json_type_array)) {
        return sl_guard_deny(g, SL_GUARD_BODY_JSON);
    }
    for (size_t i = 0; rc == SL_OK && parts != NULL && i < json_object_array_length(parts); i++) {
        rc = judge_part(g, found, type, json_object_array_get_idx(parts, i));
    }
    return rc;
}

sl_rc_t sl_guard_body_parameters(sl_guard_t *g, sl_guard_found_t *found, const char *type,
                                 const sl_json_t *parameters)
{
    return judge_parts(g, found, type, sl_json_get(parameters, "parameter"));
}
