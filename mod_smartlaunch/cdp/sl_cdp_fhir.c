/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_fhir.h"

#include <apr_strings.h>
#include <string.h>

#define ABSENT "http://terminology.hl7.org/CodeSystem/data-absent-reason"
#define ELLIPSIS "\xe2\x80\xa6"

int sl_cdp_fhir_count(const sl_json_t *array)
{
    return json_object_is_type(array, json_type_array) ? (int)json_object_array_length(array) : 0;
}

sl_json_t *sl_cdp_fhir_at(const sl_json_t *array, int i)
{
    return i < sl_cdp_fhir_count(array) ? json_object_array_get_idx(array, (size_t)i) : NULL;
}

sl_json_t *sl_cdp_fhir_first(const sl_json_t *object, const char *name)
{
    return sl_cdp_fhir_at(sl_json_get(object, name), 0);
}

bool sl_cdp_fhir_is(const sl_json_t *object, const char *name, const char *value)
{
    const char *got = sl_json_str(object, name);

    return got != NULL && strcmp(got, value) == 0;
}

bool sl_cdp_fhir_is_true(const sl_json_t *object, const char *name)
{
    sl_json_t *value = sl_json_get(object, name);

    return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

/* Bytes of a control character or line separator of Unicode at `at`; 0: it is none. */
static apr_size_t control(const unsigned char *at, const unsigned char *end)
{
    if (*at < 0x20 || *at == 0x7f) {
        return 1;
    }
    if (end - at >= 2 && at[0] == 0xc2 && at[1] < 0xa0) {
        return 2;
    }
    return end - at >= 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9) ? 3
                                                                                               : 0;
}

const char *sl_cdp_fhir_clean(apr_pool_t *p, const char *bytes, apr_size_t len, bool keep_lines)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + len;
    char *text = apr_palloc(p, len + 1);
    char *to = text;

    while (at < end) {
        apr_size_t skip = control(at, end);
        bool is_line_end = *at == '\n' || (*at == '\r' && (at + 1 == end || at[1] != '\n'));

        if (skip == 0) {
            *to++ = (char)*at++;
            continue;
        }
        if (keep_lines && is_line_end) {
            *to++ = '\n';
        } else if (!(keep_lines && *at == '\r')) {
            *to++ = ' ';
        }
        at += skip;
    }
    while (to > text && (to[-1] == ' ' || to[-1] == '\n')) {
        to--;
    }
    *to = '\0';
    text += strspn(text, " \n");
    return *text == '\0' ? NULL : text;
}

const char *sl_cdp_fhir_cut(apr_pool_t *p, const char *text, apr_size_t max)
{
    if (text == NULL || strlen(text) <= max) {
        return text;
    }
    max -= strlen(ELLIPSIS);
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80) {
        max--;
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, text, max), ELLIPSIS, NULL);
}

/* Only the beginning of a huge text is looked at. */
static const char *label_of(apr_pool_t *p, sl_json_t *value)
{
    apr_size_t len;
    const char *bytes;

    if (!json_object_is_type(value, json_type_string)) {
        return NULL;
    }
    bytes = json_object_get_string(value);
    len = (apr_size_t)json_object_get_string_len(value);
    if (len > 4 * SL_CDP_FHIR_LABEL) {
        len = 4 * SL_CDP_FHIR_LABEL;
        while (len > 0 && ((unsigned char)bytes[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    return sl_cdp_fhir_cut(p, sl_cdp_fhir_clean(p, bytes, len, false), SL_CDP_FHIR_LABEL);
}

const char *sl_cdp_fhir_label(apr_pool_t *p, const sl_json_t *object, const char *name)
{
    return label_of(p, sl_json_get(object, name));
}

/* The first of its codings that has the member. */
static const char *first_of_codings(apr_pool_t *p, const sl_json_t *concept, const char *name)
{
    const sl_json_t *codings = sl_json_get(concept, "coding");

    for (int i = 0; i < sl_cdp_fhir_count(codings); i++) {
        const char *text = sl_cdp_fhir_label(p, sl_cdp_fhir_at(codings, i), name);

        if (text != NULL) {
            return text;
        }
    }
    return NULL;
}

const char *sl_cdp_fhir_concept(apr_pool_t *p, const sl_json_t *concept)
{
    const char *text = sl_cdp_fhir_label(p, concept, "text");

    text = text != NULL ? text : first_of_codings(p, concept, "display");
    return text != NULL ? text : first_of_codings(p, concept, "code");
}

const char *sl_cdp_fhir_code(const sl_json_t *concept)
{
    const sl_json_t *codings = sl_json_get(concept, "coding");

    for (int i = 0; i < sl_cdp_fhir_count(codings); i++) {
        const char *code = sl_json_str(sl_cdp_fhir_at(codings, i), "code");

        if (code != NULL && *code != '\0') {
            return code;
        }
    }
    return NULL;
}

bool sl_cdp_fhir_has_code(const sl_json_t *concept, const char *system, const char *code)
{
    const sl_json_t *codings = sl_json_get(concept, "coding");

    for (int i = 0; i < sl_cdp_fhir_count(codings); i++) {
        const sl_json_t *coding = sl_cdp_fhir_at(codings, i);

        if ((system == NULL || sl_cdp_fhir_is(coding, "system", system)) &&
            sl_cdp_fhir_is(coding, "code", code)) {
            return true;
        }
    }
    return false;
}

bool sl_cdp_fhir_is_absent(const sl_json_t *concept)
{
    const sl_json_t *codings = sl_json_get(concept, "coding");

    for (int i = 0; i < sl_cdp_fhir_count(codings); i++) {
        if (sl_cdp_fhir_is(sl_cdp_fhir_at(codings, i), "system", ABSENT)) {
            return true;
        }
    }
    return false;
}

sl_json_t *sl_cdp_fhir_extension(const sl_json_t *element, const char *url)
{
    const sl_json_t *extensions = sl_json_get(element, "extension");

    for (int i = 0; i < sl_cdp_fhir_count(extensions); i++) {
        sl_json_t *extension = sl_cdp_fhir_at(extensions, i);

        if (sl_cdp_fhir_is(extension, "url", url)) {
            return extension;
        }
    }
    return NULL;
}

bool sl_cdp_fhir_has_modifier(const sl_json_t *element)
{
    const sl_json_t *extensions = sl_json_get(element, "modifierExtension");

    return extensions != NULL &&
           (!json_object_is_type(extensions, json_type_array) || sl_cdp_fhir_count(extensions) > 0);
}

/* The "/" before `end`; NULL: none. */
static const char *slash_before(const char *text, const char *end)
{
    while (end > text) {
        if (*--end == '/') {
            return end;
        }
    }
    return NULL;
}

const char *sl_cdp_fhir_target(apr_pool_t *p, const char *reference)
{
    const char *end, *slash;

    if (reference == NULL || reference[0] == '#' || strpbrk(reference, "?#") != NULL) {
        return NULL;
    }
    end = strstr(reference, "/_history/");
    end = end == NULL ? reference + strlen(reference) : end;
    slash = slash_before(reference, end);
    if (slash == NULL || slash + 1 == end || slash == reference) {
        return NULL;
    }
    slash = slash_before(reference, slash);
    reference = slash == NULL ? reference : slash + 1;
    return apr_pstrmemdup(p, reference, (apr_size_t)(end - reference));
}
