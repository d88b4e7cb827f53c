/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_mapping.h"

#include "cdp/sl_cdp_mapping_judge.h"
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1

/* The JSON that is read, and where its faults go. */
typedef struct {
    apr_array_header_t *faults;
    const sl_cdp_mapping_rules_t *rules;
    apr_pool_t *p;
} reader_t;

static const char *const whole_members[] = {
    "version",      "project", "ehr",        "day_offset", "convert_gmt",
    "adjudication", "preview", "identifier", "fields",     NULL};
static const char *const field_members[] = {"source",    "event", "field",      "temporal_field",
                                            "preselect", "unit",  "day_offset", NULL};
static const char *const identifier_members[] = {"source", "event", "field", NULL};
static const char *const offset_members[] = {"days", "direction", NULL};

static bool is_among(const char *const *members, const char *name)
{
    for (; *members != NULL; members++) {
        if (strcmp(*members, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A misspelt member must not be lost in silence. */
static void check_members(const reader_t *reader, const sl_json_t *object,
                          const char *const *members, int row)
{
    struct json_object_iterator end = json_object_iter_end(object);
    struct json_object_iterator at = json_object_iter_begin((sl_json_t *)object);

    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        const char *name = json_object_iter_peek_name(&at);

        if (!is_among(members, name)) {
            sl_cdp_fault_add(reader->faults, row, name, "There is no member of this name.");
        }
    }
}

/* A text; NULL: it is not there, or empty. */
static const char *get_text(const reader_t *reader, const sl_json_t *object, const char *name,
                            int row)
{
    const char *text = sl_json_str(object, name);

    if (text == NULL && sl_json_get(object, name) != NULL) {
        sl_cdp_fault_add(reader->faults, row, name, "This has to be a text.");
    }
    return text == NULL || text[0] == '\0' ? NULL : apr_pstrdup(reader->p, text);
}

/* The same where "" means none. */
static const char *get_name(const reader_t *reader, const sl_json_t *object, const char *name,
                            int row)
{
    const char *text = get_text(reader, object, name, row);

    return text == NULL ? "" : text;
}

/* {"days": 1.5, "direction": "+-"}; left as it is where there is none. */
static void get_offset(const reader_t *reader, sl_cdp_offset_t *out, const sl_json_t *object,
                       int row)
{
    const sl_json_t *value = sl_json_get(object, "day_offset");
    const sl_json_t *days = sl_json_get(value, "days");
    sl_cdp_offset_t offset = {0, SL_CDP_AROUND};
    const char *direction;

    if (value == NULL) {
        return;
    }
    if (!json_object_is_type(value, json_type_object)) {
        sl_cdp_fault_add(reader->faults, row, "day_offset",
                         "This has to be {\"days\": 7, \"direction\": \"+-\"}.");
        return;
    }
    check_members(reader, value, offset_members, row);
    if ((!json_object_is_type(days, json_type_int) &&
         !json_object_is_type(days, json_type_double)) ||
        sl_cdp_days_parse(&offset.centidays, sl_json_text(reader->p, days)) != SL_OK) {
        sl_cdp_fault_add(reader->faults, row, "days",
                         "The days have to be a number of 0.01 to 365, with two decimals at most.");
    }
    direction = get_text(reader, value, "direction", row);
    if (direction != NULL && sl_cdp_direction_parse(&offset.direction, direction) != SL_OK) {
        sl_cdp_fault_add(reader->faults, row, "direction",
                         "The direction is \"+-\" (around the date), \"+\" (after it) or \"-\" "
                         "(before it).");
    }
    if (offset.centidays != 0) {
        *out = offset;
    }
}

static void get_field(const reader_t *reader, sl_cdp_map_t *map, const sl_json_t *object, int row)
{
    map->source = map->event = map->field = "";
    if (!json_object_is_type(object, json_type_object)) {
        sl_cdp_fault_add(reader->faults, row, NULL, "A field has to be a JSON object.");
        return;
    }
    check_members(reader, object, field_members, row);
    map->source = get_name(reader, object, "source", row);
    map->event = get_name(reader, object, "event", row);
    map->field = get_name(reader, object, "field", row);
    map->temporal_field = get_text(reader, object, "temporal_field", row);
    map->unit = get_text(reader, object, "unit", row);
    get_offset(reader, &map->offset, object, row);
    if (sl_cdp_pick_parse(&map->pick, get_name(reader, object, "preselect", row)) != SL_OK) {
        sl_cdp_fault_add(reader->faults, row, "preselect",
                         "This has to be MIN, MAX, FIRST, LAST or NEAR, or left out.");
    }
    sl_cdp_map_settle(map, reader->rules, reader->p);
}

static void get_fields(const reader_t *reader, apr_array_header_t *fields, const sl_json_t *whole)
{
    const sl_json_t *value = sl_json_get(whole, "fields");
    size_t count;

    if (!json_object_is_type(value, json_type_array)) {
        sl_cdp_fault_add(reader->faults, 0, "fields", "This has to be a list of fields.");
        return;
    }
    count = json_object_array_length(value);
    if (count > SL_CDP_MAX_FIELDS) {
        sl_cdp_fault_add(reader->faults, 0, "fields", "%d fields at most can be mapped.",
                         SL_CDP_MAX_FIELDS);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        get_field(reader, apr_array_push(fields), json_object_array_get_idx(value, i), (int)i + 1);
    }
}

static void get_identifier(const reader_t *reader, sl_cdp_map_t *map, const sl_json_t *whole)
{
    const sl_json_t *value = sl_json_get(whole, "identifier");

    map->source = map->event = map->field = "";
    if (value == NULL) {
        return;
    }
    if (!json_object_is_type(value, json_type_object)) {
        sl_cdp_fault_add(reader->faults, 0, "identifier", "This has to be a JSON object, once.");
        return;
    }
    check_members(reader, value, identifier_members, 0);
    map->source =
        sl_json_get(value, "source") == NULL ? "id" : get_name(reader, value, "source", 0);
    map->event = get_name(reader, value, "event", 0);
    map->field = get_name(reader, value, "field", 0);
    sl_cdp_map_settle(map, reader->rules, reader->p);
}

static void get_preview(const reader_t *reader, apr_array_header_t *preview, const sl_json_t *whole)
{
    const sl_json_t *value = sl_json_get(whole, "preview");
    bool is_list = json_object_is_type(value, json_type_array);

    if (value != NULL && !is_list) {
        sl_cdp_fault_add(reader->faults, 0, "preview", "This has to be a list of names.");
    }
    for (size_t i = 0; is_list && i < json_object_array_length(value); i++) {
        sl_json_t *one = json_object_array_get_idx(value, i);
        const char *name = json_object_get_string(one);

        if (!json_object_is_type(one, json_type_string) ||
            strlen(name) != (size_t)json_object_get_string_len(one)) {
            sl_cdp_fault_add(reader->faults, 0, "preview", "This has to be a list of names.");
            return;
        }
        APR_ARRAY_PUSH(preview, const char *) = apr_pstrdup(reader->p, name);
    }
}

/* What is neither a list nor an object. */
static void get_settings(const reader_t *reader, sl_cdp_mapping_t *out, const sl_json_t *whole)
{
    const sl_json_t *version = sl_json_get(whole, "version");
    const sl_json_t *convert = sl_json_get(whole, "convert_gmt");
    const char *adjudication = get_text(reader, whole, "adjudication", 0);

    if (version != NULL && (!json_object_is_type(version, json_type_int) ||
                            json_object_get_int64(version) != VERSION)) {
        sl_cdp_fault_add(reader->faults, 0, "version", "This server reads version %d.", VERSION);
    }
    if (convert != NULL && !json_object_is_type(convert, json_type_boolean)) {
        sl_cdp_fault_add(reader->faults, 0, "convert_gmt", "This has to be true or false.");
    }
    if (adjudication != NULL &&
        sl_cdp_adjudication_parse(&out->adjudication, adjudication) != SL_OK) {
        sl_cdp_fault_add(reader->faults, 0, "adjudication",
                         "This has to be manual, auto or instant.");
    }
    out->convert_gmt = json_object_get_boolean(convert);
    out->project = get_text(reader, whole, "project", 0);
    out->project = out->project == NULL ? reader->rules->project : out->project;
    out->ehr = get_text(reader, whole, "ehr", 0);
    out->offset = sl_cdp_offset_default();
    get_offset(reader, &out->offset, whole, 0);
}

sl_rc_t sl_cdp_mapping_parse(sl_cdp_mapping_t *out, apr_array_header_t **faults, const char *text,
                             apr_size_t len, const sl_cdp_mapping_rules_t *rules, apr_pool_t *p)
{
    apr_array_header_t *preview = apr_array_make(p, SL_CDP_PREVIEWS, sizeof(const char *));
    apr_array_header_t *fields = apr_array_make(p, 16, sizeof(sl_cdp_map_t));
    const sl_cdp_rows_t rows = {NULL, 0};
    reader_t reader = {sl_cdp_faults_new(p), rules, p};
    sl_json_t *whole;

    *faults = reader.faults;
    memset(out, 0, sizeof(*out));
    if (sl_json_parse(&whole, text, len, p, NULL) != SL_OK) {
        sl_cdp_fault_add(*faults, 0, NULL, "This is no JSON object, or longer than 1 MiB.");
        return SL_INVALID;
    }
    check_members(&reader, whole, whole_members, 0);
    get_settings(&reader, out, whole);
    get_preview(&reader, preview, whole);
    get_identifier(&reader, &out->identifier, whole);
    get_fields(&reader, fields, whole);
    out->preview = preview;
    out->fields = fields;
    sl_cdp_mapping_judge(*faults, out, &rows, rules);
    return sl_cdp_faults_end(*faults);
}

static void put_decimal(sl_json_t *object, const char *name, const char *text)
{
    sl_json_t *number = json_object_new_double_s(strtod(text, NULL), text);

    if (number == NULL || json_object_object_add(object, name, number) != 0) {
        abort();
    }
}

/* A number of days as people write it: 1.1 and not 1.1000000000000001. */
static sl_json_t *offset_json(const sl_cdp_offset_t *offset, apr_pool_t *p)
{
    sl_json_t *object = sl_json_object(p);

    if (offset->centidays % SL_CDP_DAY == 0) {
        sl_json_put_int(object, "days", offset->centidays / SL_CDP_DAY);
    } else {
        put_decimal(object, "days", sl_cdp_days_text(p, offset->centidays));
    }
    sl_json_put_str(object, "direction", sl_cdp_direction_word(offset->direction));
    return object;
}

static void put_if(sl_json_t *object, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        sl_json_put_str(object, name, value);
    }
}

static sl_json_t *map_json(const sl_cdp_map_t *map, apr_pool_t *p)
{
    sl_json_t *object = sl_json_object(p);

    sl_json_put_str(object, "source", map->source);
    put_if(object, "event", map->event);
    sl_json_put_str(object, "field", map->field);
    put_if(object, "temporal_field", map->temporal_field);
    put_if(object, "preselect", sl_cdp_pick_word(map->pick));
    put_if(object, "unit", map->unit);
    if (map->offset.centidays != 0) {
        sl_json_put(object, "day_offset", offset_json(&map->offset, p));
    }
    return object;
}

sl_json_t *sl_cdp_mapping_json(const sl_cdp_mapping_t *mapping, apr_pool_t *p)
{
    sl_json_t *whole = sl_json_object(p);
    sl_json_t *preview = sl_json_array(p);
    sl_json_t *fields = sl_json_array(p);

    for (int i = 0; i < mapping->preview->nelts; i++) {
        sl_json_push_str(preview, APR_ARRAY_IDX(mapping->preview, i, const char *));
    }
    for (int i = 0; i < mapping->fields->nelts; i++) {
        sl_json_push(fields, map_json(&APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t), p));
    }
    sl_json_put_int(whole, "version", VERSION);
    put_if(whole, "project", mapping->project);
    put_if(whole, "ehr", mapping->ehr);
    sl_json_put(whole, "day_offset", offset_json(&mapping->offset, p));
    sl_json_put_bool(whole, "convert_gmt", mapping->convert_gmt);
    sl_json_put_str(whole, "adjudication", sl_cdp_adjudication_word(mapping->adjudication));
    sl_json_put(whole, "preview", preview);
    sl_json_put(whole, "identifier", map_json(&mapping->identifier, p));
    sl_json_put(whole, "fields", fields);
    return whole;
}
