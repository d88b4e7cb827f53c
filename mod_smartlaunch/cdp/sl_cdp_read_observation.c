/* SPDX-License-Identifier: Apache-2.0 */
/* Observations: results and vital signs, alone or as components of others. */
#include "cdp/sl_cdp_fhir.h"
#include "cdp/sl_cdp_reader.h"
#include "cdp/sl_cdp_value.h"
#include <string.h>

#define LOINC "http://loinc.org"
#define LOINC_OID "urn:oid:2.16.840.1.113883.6.1"

/* One Observation, or one component with the status and time of its parent. */
typedef struct {
    const sl_cdp_paging_t *paging;
    const char *origin;
    sl_cdp_when_t when;
    const char *note;
} result_t;

/* Accepted statuses, and what the screen says of those that are not the last word. */
static bool read_status(const char **note, const sl_json_t *resource)
{
    static const struct {
        const char *status, *note;
    } accepted[] = {
        {"final", NULL},
        {"amended", NULL},
        {"corrected", NULL},
        {"preliminary", "preliminary"},
        {"registered", "preliminary"},
        {"unknown", "status unknown"},
    };
    const char *status = sl_json_str(resource, "status");

    for (size_t i = 0; status != NULL && i < sizeof(accepted) / sizeof(*accepted); i++) {
        if (strcmp(status, accepted[i].status) == 0) {
            *note = accepted[i].note;
            return true;
        }
    }
    return false;
}

/* When it was so; when it was issued only where nothing better is said. */
static const char *time_of(const sl_json_t *resource)
{
    const char *text = sl_json_str(resource, "effectiveDateTime");
    const sl_json_t *timing = sl_json_get(resource, "effectiveTiming");
    sl_json_t *event = sl_cdp_fhir_first(timing, "event");

    if (text == NULL) {
        text = sl_json_str(sl_json_get(resource, "effectivePeriod"), "start");
    }
    if (text == NULL) {
        text = sl_json_str(resource, "effectiveInstant");
    }
    if (text == NULL && json_object_is_type(event, json_type_string)) {
        text = json_object_get_string(event);
    }
    return text == NULL ? sl_json_str(resource, "issued") : text;
}

static void push(const result_t *result, int want, const sl_cdp_value_t *value)
{
    const sl_cdp_want_t *wanted =
        &APR_ARRAY_IDX(result->paging->reader->request->wants, want, sl_cdp_want_t);
    sl_cdp_item_t item = {wanted,       value->text,  value->code,    value->unit,
                          result->when, result->note, value->problem, result->origin};

    if (sl_cdp_window_has(&wanted->window, result->when)) {
        APR_ARRAY_PUSH(result->paging->page->items, sl_cdp_item_t) = item;
    }
}

/* Each field that wants the code gets the value, once, however many codings say the same. */
static void offer(const result_t *result, const char *code, const sl_cdp_value_t *value)
{
    sl_cdp_reader_t *reader = result->paging->reader;
    const apr_array_header_t *wants = apr_hash_get(reader->by_code, code, APR_HASH_KEY_STRING);

    for (int i = 0; wants != NULL && i < wants->nelts; i++) {
        int want = APR_ARRAY_IDX(wants, i, int);

        if (reader->seen[want] != reader->serial) {
            reader->seen[want] = reader->serial;
            push(result, want, value);
        }
    }
}

/* Codes of somebody's own may stand beside LOINC's. */
static void read_value(const result_t *result, const sl_json_t *holder)
{
    const sl_json_t *codings = sl_json_get(sl_json_get(holder, "code"), "coding");
    sl_cdp_reader_t *reader = result->paging->reader;
    sl_cdp_value_t value;
    bool is_read = false;

    reader->serial++;
    for (int i = 0; i < sl_cdp_fhir_count(codings); i++) {
        const sl_json_t *coding = sl_cdp_fhir_at(codings, i);
        const char *code = sl_json_str(coding, "code");

        if (code == NULL ||
            (!sl_cdp_fhir_is(coding, "system", LOINC) &&
             !sl_cdp_fhir_is(coding, "system", LOINC_OID)) ||
            apr_hash_get(reader->by_code, code, APR_HASH_KEY_STRING) == NULL) {
            continue;
        }
        if (!is_read &&
            !sl_cdp_value_read(&value, holder, reader->convert_gmt, result->paging->p)) {
            return;
        }
        is_read = true;
        offer(result, code, &value);
    }
}

bool sl_cdp_reader_observation(const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    const sl_json_t *components = sl_json_get(resource, "component");
    result_t result = {.paging = paging, .origin = sl_cdp_reader_id(resource)};

    if (!read_status(&result.note, resource) ||
        sl_cdp_when_from_fhir(&result.when, time_of(resource), paging->reader->convert_gmt) !=
            SL_OK) {
        return false;
    }
    read_value(&result, resource);
    for (int i = 0; i < sl_cdp_fhir_count(components); i++) {
        const sl_json_t *component = sl_cdp_fhir_at(components, i);

        if (!sl_cdp_fhir_has_modifier(component)) {
            read_value(&result, component);
        }
    }
    return true;
}
