/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_context.h"

#include "base/sl_text.h"
#include "smart/sl_notice.h"
#include "smart/sl_scope.h"
#include "smart/sl_url.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

bool sl_context_is_fhir_id(const char *text)
{
    apr_size_t len = text == NULL ? 0 : strlen(text);

    for (apr_size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x80 ||
            (!apr_isalnum(text[i]) && text[i] != '-' && text[i] != '.')) {
            return false;
        }
    }
    return len >= 1 && len <= 64;
}

const char *sl_context_banner(sl_banner_t banner)
{
    switch (banner) {
    case SL_BANNER_YES:
        return "true";
    case SL_BANNER_NO:
        return "false";
    case SL_BANNER_UNKNOWN:
        break;
    }
    return "unknown";
}

/* Who says who the patient is: the response, or where the EHR is known for it its id_token. */
static const sl_json_t *holder(const sl_context_input_t *input, const char *member)
{
    bool in_id_token = input->claims != NULL &&
                       input->quirks->patient_in_id_token == SL_SWITCH_ON &&
                       sl_json_get(input->response, member) == NULL;

    return in_id_token ? input->claims : input->response;
}

/* A resource id; with the quirk also "Type/id". */
static sl_rc_t read_id(const char **out, const sl_context_input_t *input, const char *member,
                       const char *type)
{
    const sl_json_t *from = holder(input, member);
    const char *said = sl_json_str(from, member);

    if (sl_json_get(from, member) == NULL) {
        return SL_OK;
    }
    if (said != NULL && input->quirks->patient_reference == SL_SWITCH_ON &&
        sl_text_has_prefix(said, type)) {
        said += strlen(type);
    }
    if (!sl_context_is_fhir_id(said)) {
        return SL_UPSTREAM;
    }
    *out = said;
    return SL_OK;
}

static void left_out(const sl_context_input_t *input, const char *member)
{
    sl_notice_add(input->notices, "SL2151",
                  "%s of the token response is malformed or unfit for a header; left out", member);
}

/* A text for people or for the app: whole, or not at all. */
static const char *read_text(const sl_context_input_t *input, const char *member)
{
    const char *said = sl_json_str(input->response, member);

    if (sl_json_get(input->response, member) == NULL || (said != NULL && said[0] == '\0')) {
        return NULL;
    }
    if (!sl_text_is_header_safe(said, SL_CONTEXT_MAX)) {
        left_out(input, member);
        return NULL;
    }
    return said;
}

static const char *read_style(const sl_context_input_t *input, apr_pool_t *p)
{
    const char *said = read_text(input, "smart_style_url");

    if (said != NULL && sl_url_check_endpoint(said, false, p, NULL) != SL_OK) {
        left_out(input, "smart_style_url");
        return NULL;
    }
    return said;
}

static sl_banner_t read_banner(const sl_context_input_t *input)
{
    sl_json_t *said = sl_json_get(input->response, "need_patient_banner");

    if (said != NULL && !json_object_is_type(said, json_type_boolean)) {
        left_out(input, "need_patient_banner");
        return SL_BANNER_UNKNOWN;
    }
    if (said == NULL) {
        return SL_BANNER_UNKNOWN;
    }
    return json_object_get_boolean(said) ? SL_BANNER_YES : SL_BANNER_NO;
}

static bool is_text(const sl_json_t *object, const char *name)
{
    const char *text = sl_json_str(object, name);

    return text != NULL && text[0] != '\0';
}

static bool is_absent_or_text(const sl_json_t *object, const char *name)
{
    return sl_json_get(object, name) == NULL || is_text(object, name);
}

/* An item of fhirContext as SMART App Launch 2.2 has it (CTX-5). */
static bool is_context_item(const sl_json_t *item)
{
    return json_object_is_type(item, json_type_object) &&
           (is_text(item, "reference") || is_text(item, "canonical") ||
            json_object_is_type(sl_json_get(item, "identifier"), json_type_object)) &&
           is_absent_or_text(item, "reference") && is_absent_or_text(item, "canonical") &&
           is_absent_or_text(item, "type") && is_absent_or_text(item, "role");
}

/* The item in today's form; NULL when it is malformed. STU 2.0 had plain strings. */
static sl_json_t *context_item(sl_json_t *item, apr_pool_t *p)
{
    sl_json_t *object = item;

    if (json_object_is_type(item, json_type_string)) {
        object = sl_json_object(p);
        sl_json_put(object, "reference", item);
    }
    return is_context_item(object) ? object : NULL;
}

/* One UTF-8 character of valid text. @return its length */
static int code_point(const unsigned char *c, unsigned *point)
{
    if (c[0] < 0xe0) {
        *point = (unsigned)(c[0] & 0x1f) << 6 | (c[1] & 0x3f);
        return 2;
    }
    if (c[0] < 0xf0) {
        *point = (unsigned)(c[0] & 0x0f) << 12 | (unsigned)(c[1] & 0x3f) << 6 | (c[2] & 0x3f);
        return 3;
    }
    *point = (unsigned)(c[0] & 0x07) << 18 | (unsigned)(c[1] & 0x3f) << 12 |
             (unsigned)(c[2] & 0x3f) << 6 | (c[3] & 0x3f);
    return 4;
}

/* JSON text with every character over ASCII written as an escape, so that a header can hold it. */
static const char *ascii_json(apr_pool_t *p, const char *json)
{
    char *text = apr_palloc(p, 6 * strlen(json) + 1);
    char *to = text;
    unsigned point;

    for (const unsigned char *c = (const unsigned char *)json; *c != '\0';) {
        if (*c < 0x7f) {
            *to++ = (char)*c++;
            continue;
        }
        if (*c == 0x7f) {
            point = *c++;
        } else {
            c += code_point(c, &point);
        }
        if (point >= 0x10000) {
            to += apr_snprintf(to, 7, "\\u%04x", 0xd800 + ((point - 0x10000) >> 10));
            point = 0xdc00 + ((point - 0x10000) & 0x3ff);
        }
        to += apr_snprintf(to, 7, "\\u%04x", point);
    }
    *to = '\0';
    return text;
}

static const char *read_fhir_context(const sl_context_input_t *input, apr_pool_t *p)
{
    sl_json_t *said = sl_json_get(input->response, "fhirContext");
    sl_json_t *kept = sl_json_array(p);
    const char *text;

    if (said == NULL) {
        return NULL;
    }
    if (!json_object_is_type(said, json_type_array)) {
        left_out(input, "fhirContext");
        return NULL;
    }
    for (apr_size_t i = 0; i < json_object_array_length(said); i++) {
        sl_json_t *item = context_item(json_object_array_get_idx(said, i), p);

        if (item == NULL) {
            left_out(input, "an item of fhirContext");
        } else {
            sl_json_push(kept, item);
        }
    }
    text = ascii_json(p, sl_json_text(p, kept));
    if (!sl_text_is_header_safe(text, SL_CONTEXT_MAX)) {
        left_out(input, "fhirContext");
        return NULL;
    }
    return json_object_array_length(kept) == 0 ? NULL : text;
}

sl_rc_t sl_context_parse(sl_context_t *out, const sl_context_input_t *input, apr_pool_t *p,
                         sl_err_t *err)
{
    memset(out, 0, sizeof(*out));
    if (read_id(&out->patient, input, "patient", "Patient/") != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL2152",
                          "patient in the token response is no FHIR id (if it is Patient/ID: "
                          "SmartProfile NAME patient-reference=on)");
    }
    if (read_id(&out->encounter, input, "encounter", "Encounter/") != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL2153",
                          "encounter in the token response is no FHIR id");
    }
    out->need_banner = read_banner(input);
    out->intent = read_text(input, "intent");
    out->tenant = read_text(input, "tenant");
    out->style_url = read_style(input, p);
    out->fhir_context = read_fhir_context(input, p);
    return SL_OK;
}

sl_rc_t sl_context_check_patient(const sl_context_t *context, const char *scope_asked,
                                 sl_err_t *err)
{
    if (context->patient == NULL && sl_scope_has(scope_asked, "launch/patient")) {
        return sl_err_set(err, SL_DENIED, "SL2154",
                          "launch/patient was asked for, and the EHR named no patient");
    }
    return SL_OK;
}
