/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_value.h"

#include "cdp/sl_cdp_fhir.h"
#include "cdp/sl_cdp_read.h"
#include <apr_strings.h>
#include <stdint.h>
#include <string.h>

#define TOO_LONG "The EHR's value is longer than 65,536 bytes."
#define NO_NUMBER "The EHR sent something that is no number."
#define TOO_LARGE "The EHR sent a whole number that is too large to be read exactly."
#define NO_COMPARATOR "The EHR sent a number with a comparator that is not known."

static bool problem(sl_cdp_value_t *out, const char *sentence)
{
    *out = (sl_cdp_value_t){.problem = sentence};
    return true;
}

/*
 * json-c keeps the text of a decimal with point or exponent, and makes others 64-bit integers,
 * the nearest there is for those that have no room. Those at the ends are therefore not believed.
 */
static bool is_cut(const sl_json_t *number)
{
    return json_object_get_int64(number) == INT64_MIN ||
           json_object_get_uint64(number) == UINT64_MAX;
}

/* @return the digits as sent; NULL, with `out->problem`: they cannot be had */
static const char *number_of(sl_cdp_value_t *out, sl_json_t *number, apr_pool_t *p)
{
    if (json_object_is_type(number, json_type_int)) {
        if (is_cut(number)) {
            (void)problem(out, TOO_LARGE);
            return NULL;
        }
    } else if (!json_object_is_type(number, json_type_double)) {
        (void)problem(out, NO_NUMBER);
        return NULL;
    }
    if (strlen(json_object_get_string(number)) > SL_CDP_MAX_VALUE) {
        (void)problem(out, TOO_LONG);
        return NULL;
    }
    return apr_pstrdup(p, json_object_get_string(number));
}

static const char *unit_of(const sl_json_t *quantity, apr_pool_t *p)
{
    const char *code = sl_cdp_fhir_label(p, quantity, "code");

    return code != NULL ? code : sl_cdp_fhir_label(p, quantity, "unit");
}

static bool read_quantity(sl_cdp_value_t *out, const sl_json_t *quantity, apr_pool_t *p)
{
    static const char *const known[] = {"<", "<=", ">=", ">"};
    sl_json_t *number = sl_json_get(quantity, "value");
    const char *comparator = sl_json_str(quantity, "comparator");
    const char *sign = "";

    if (number == NULL) {
        return false;
    }
    if (sl_json_get(quantity, "comparator") != NULL) {
        sign = NULL;
        for (size_t i = 0; comparator != NULL && i < sizeof(known) / sizeof(*known); i++) {
            sign = strcmp(known[i], comparator) == 0 ? known[i] : sign;
        }
        if (sign == NULL) {
            return problem(out, NO_COMPARATOR);
        }
    }
    out->text = number_of(out, number, p);
    if (out->text != NULL) {
        out->text = apr_pstrcat(p, sign, out->text, NULL);
        out->unit = unit_of(quantity, p);
    }
    return true;
}

bool sl_cdp_value_text(sl_cdp_value_t *out, sl_json_t *string, apr_pool_t *p)
{
    apr_size_t len;

    if (!json_object_is_type(string, json_type_string)) {
        return false;
    }
    len = (apr_size_t)json_object_get_string_len(string);
    if (len > SL_CDP_MAX_VALUE) {
        return problem(out, TOO_LONG);
    }
    out->text = sl_cdp_fhir_clean(p, json_object_get_string(string), len, true);
    return out->text != NULL;
}

static bool read_string(sl_cdp_value_t *out, sl_json_t *string, apr_pool_t *p)
{
    return sl_cdp_value_text(out, string, p);
}

/* The words of a coded value are never cut: what is saved is all of it, or nothing. */
static bool read_concept(sl_cdp_value_t *out, sl_json_t *concept, apr_pool_t *p)
{
    sl_json_t *text = sl_json_get(concept, "text");

    if (sl_cdp_fhir_is_absent(concept)) {
        return false;
    }
    if (json_object_is_type(text, json_type_string) &&
        json_object_get_string_len(text) > SL_CDP_FHIR_LABEL) {
        (void)sl_cdp_value_text(out, text, p);
    } else {
        out->text = sl_cdp_fhir_concept(p, concept);
    }
    if (out->text != NULL) {
        out->code = sl_cdp_fhir_code(concept);
    }
    return out->text != NULL || out->problem != NULL;
}

static bool read_integer(sl_cdp_value_t *out, sl_json_t *number, apr_pool_t *p)
{
    out->text = number_of(out, number, p);
    return true;
}

static bool read_boolean(sl_cdp_value_t *out, sl_json_t *value, apr_pool_t *p)
{
    (void)p;
    if (!json_object_is_type(value, json_type_boolean)) {
        return false;
    }
    out->text = json_object_get_boolean(value) ? "1" : "0";
    return true;
}

/* One side may be open: "<=7" */
static bool read_range(sl_cdp_value_t *out, sl_json_t *range, apr_pool_t *p)
{
    sl_cdp_value_t low = {0}, high = {0};
    bool has_low = read_quantity(&low, sl_json_get(range, "low"), p);
    bool has_high = read_quantity(&high, sl_json_get(range, "high"), p);

    if (!has_low && !has_high) {
        return false;
    }
    if (low.problem != NULL || high.problem != NULL) {
        return problem(out, low.problem != NULL ? low.problem : high.problem);
    }
    if (has_low && has_high) {
        out->text = apr_pstrcat(p, low.text, " - ", high.text, NULL);
    } else {
        out->text = apr_pstrcat(p, has_low ? ">=" : "<=", has_low ? low.text : high.text, NULL);
    }
    out->unit = low.unit != NULL ? low.unit : high.unit;
    return true;
}

static bool read_ratio(sl_cdp_value_t *out, sl_json_t *ratio, apr_pool_t *p)
{
    sl_cdp_value_t over = {0}, under = {0};

    if (!read_quantity(&over, sl_json_get(ratio, "numerator"), p) ||
        !read_quantity(&under, sl_json_get(ratio, "denominator"), p)) {
        return false;
    }
    if (over.problem != NULL || under.problem != NULL) {
        return problem(out, over.problem != NULL ? over.problem : under.problem);
    }
    out->text = apr_pstrcat(p, over.text, ":", under.text, NULL);
    return true;
}

const char *sl_cdp_value_time(const char *text, bool convert_gmt, apr_pool_t *p)
{
    sl_cdp_when_t when;
    char *local;

    if (!convert_gmt || sl_cdp_when_from_fhir(&when, text, true) != SL_OK ||
        when.precision != SL_CDP_DATETIME) {
        return text;
    }
    local = apr_pstrdup(p, sl_cdp_when_text(p, when));
    local[strlen("YYYY-MM-DD")] = 'T';
    return local;
}

static bool read_period(sl_cdp_value_t *out, const sl_json_t *period, bool convert_gmt,
                        apr_pool_t *p)
{
    const char *start = sl_cdp_fhir_label(p, period, "start");
    const char *end = sl_cdp_fhir_label(p, period, "end");

    if (start == NULL && end == NULL) {
        return false;
    }
    out->text = apr_pstrcat(p, start == NULL ? ".." : sl_cdp_value_time(start, convert_gmt, p), "/",
                            end == NULL ? ".." : sl_cdp_value_time(end, convert_gmt, p), NULL);
    return true;
}

static bool read_time(sl_cdp_value_t *out, const sl_json_t *holder, bool convert_gmt, apr_pool_t *p)
{
    const char *text = sl_cdp_fhir_label(p, holder, "valueDateTime");
    const sl_json_t *period = sl_json_get(holder, "valuePeriod");

    if (text != NULL) {
        out->text = sl_cdp_value_time(text, convert_gmt, p);
        return true;
    }
    return period != NULL && read_period(out, period, convert_gmt, p);
}

bool sl_cdp_value_read(sl_cdp_value_t *out, const sl_json_t *holder, bool convert_gmt,
                       apr_pool_t *p)
{
    static const struct {
        const char *name;
        bool (*read)(sl_cdp_value_t *, sl_json_t *, apr_pool_t *);
    } kinds[] = {
        {"valueCodeableConcept", read_concept},
        {"valueString", read_string},
        {"valueInteger", read_integer},
        {"valueBoolean", read_boolean},
        {"valueRange", read_range},
        {"valueRatio", read_ratio},
        {"valueTime", read_string},
    };
    sl_json_t *value = sl_json_get(holder, "valueQuantity");

    *out = (sl_cdp_value_t){0};
    if (sl_json_get(holder, "dataAbsentReason") != NULL) {
        return false;
    }
    if (value != NULL) {
        return read_quantity(out, value, p);
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        value = sl_json_get(holder, kinds[i].name);
        if (value != NULL) {
            return kinds[i].read(out, value, p);
        }
    }
    return read_time(out, holder, convert_gmt, p);
}
