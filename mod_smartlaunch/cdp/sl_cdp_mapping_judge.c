/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_mapping_judge.h"

#include "base/sl_text.h"
#include "cdp/sl_cdp_catalogue.h"
#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#define IDENTIFIER_SOURCE "id"
#define MAX_PREVIEWS_SAID 50
#define ONLY_EVENT "event_1_arm_1" /* REDCap's, where a project has no events */

typedef struct {
    apr_array_header_t *faults;
    const sl_cdp_mapping_t *mapping;
    const sl_cdp_mapping_rules_t *rules;
    apr_hash_t *seen; /* event, field and source → row */
} judge_t;

/* One row of it. */
typedef struct {
    const judge_t *judge;
    const sl_cdp_map_t *map;
    int row;
    bool is_temporal; /* the source; true also where it is unknown, to say nothing more of it */
    bool is_known;
} row_t;

#define FAULT(at, name, ...) sl_cdp_fault_add((at)->judge->faults, (at)->row, name, __VA_ARGS__)

static bool is_said(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* Printable and short, no blanks around, and nothing that a spreadsheet takes for a formula. */
static bool is_tidy(const char *text, apr_size_t max)
{
    apr_size_t len = strlen(text);

    if (len == 0 || len > max || !sl_text_is_utf8(text, len) || strchr("=+-@ ", text[0]) != NULL ||
        text[len - 1] == ' ') {
        return false;
    }
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_name(const row_t *at, const char *name)
{
    if (is_tidy(name, SL_CDP_MAX_NAME)) {
        return true;
    }
    FAULT(at, name,
          "This cannot be the name of a field or event: 1 to %d printable characters are.",
          SL_CDP_MAX_NAME);
    return false;
}

static bool has_event(const sl_cdp_dictionary_t *dictionary, const char *event)
{
    for (int i = 0; i < dictionary->events->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(dictionary->events, i, const char *), event) == 0) {
            return true;
        }
    }
    return false;
}

/* The event alone. False: nothing can be said of its fields. */
static bool judge_event(const row_t *at)
{
    const sl_cdp_dictionary_t *dictionary = at->judge->rules->dictionary;
    const char *event = at->map->event;

    if (is_said(event) && !is_name(at, event)) {
        return false;
    }
    if (dictionary == NULL) {
        return true;
    }
    if (dictionary->events->nelts == 0) {
        if (is_said(event)) {
            FAULT(at, event, "The project has no events: leave the event empty.");
        }
        return !is_said(event);
    }
    if (!is_said(event)) {
        FAULT(at, at->map->field, "The project has several events: say in which one.");
        return false;
    }
    if (!has_event(dictionary, event)) {
        FAULT(at, event, "The project has no event \"%s\".", event);
        return false;
    }
    return true;
}

/* Is there a field of this name at all, in whatever event? */
static bool has_field(const sl_cdp_dictionary_t *dictionary, const char *field)
{
    for (int i = 0; i < dictionary->fields->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(dictionary->fields, i, sl_cdp_field_t).name, field) == 0) {
            return true;
        }
    }
    return false;
}

/* A field of the project by its name. NULL: it has none, or does not tell. */
static const sl_cdp_field_t *judge_name(const row_t *at, const char *name)
{
    const sl_cdp_dictionary_t *dictionary = at->judge->rules->dictionary;
    const sl_cdp_field_t *field;

    if (!is_name(at, name) || dictionary == NULL) {
        return NULL;
    }
    field = sl_cdp_dictionary_field(dictionary, at->map->event, name);
    if (field != NULL) {
        return field;
    }
    if (has_field(dictionary, name)) {
        FAULT(at, name, "The field \"%s\" is on no form of the event \"%s\".", name,
              at->map->event);
    } else {
        FAULT(at, name, "The project has no field \"%s\".", name);
    }
    return NULL;
}

static void judge_target(const row_t *at)
{
    const sl_cdp_field_t *field = judge_name(at, at->map->field);

    if (field == NULL) {
        return;
    }
    if (field->is_record_id) {
        FAULT(at, field->name,
              "This field is the name of the record; nothing can be saved into it.");
    } else if (field->kind == SL_CDP_FIELD_OTHER) {
        FAULT(at, field->name,
              "Nothing can be saved into a field of this kind (calculated, file, descriptive).");
    }
}

static void judge_source(row_t *at)
{
    const judge_t *judge = at->judge;
    const char *name = at->map->source;
    sl_cdp_source_t source;

    at->is_known = sl_cdp_catalogue_find(&source, name, judge->faults->pool);
    at->is_temporal = !at->is_known || sl_cdp_is_temporal(&source);
    if (!is_said(name)) {
        FAULT(at, at->map->field, "Say which field of the EHR it is.");
    } else if (!at->is_known) {
        FAULT(at, name,
              "The EHR has no such field: take one of the catalogue, or a LOINC code with its "
              "check digit (several with commas).");
    } else if (strcmp(name, IDENTIFIER_SOURCE) == 0) {
        FAULT(at, name, "The medical record number is the identifier, once, and no field besides.");
    } else if (source.is_email && !judge->rules->may_email) {
        FAULT(at, name, "E-mail addresses are not allowed here.");
    }
}

bool sl_cdp_is_date_field(const sl_cdp_field_t *field)
{
    return field->kind == SL_CDP_FIELD_TEXT &&
           (field->valid == SL_CDP_VALID_DATE || field->valid == SL_CDP_VALID_DATETIME ||
            field->valid == SL_CDP_VALID_DATETIME_SECONDS);
}

static void judge_date(const row_t *at, bool has_event)
{
    const char *name = at->map->temporal_field;
    const sl_cdp_field_t *field;

    if (at->is_known && at->is_temporal && !is_said(name)) {
        FAULT(
            at, at->map->source,
            "This source has values of many days: name the date field that says which are wanted.");
    } else if (!at->is_temporal && is_said(name)) {
        FAULT(at, at->map->source, "This source has one value, and no date field goes with it.");
    } else if (is_said(name) && strcmp(name, at->map->field) == 0) {
        FAULT(at, name, "A field cannot be its own date field.");
    } else if (is_said(name) && has_event) {
        field = judge_name(at, name);
        if (field != NULL && !sl_cdp_is_date_field(field)) {
            FAULT(at, name,
                  "The field \"%s\" holds no date: it has to be validated as a date, or a "
                  "date with a time.",
                  name);
        }
    }
}

/* What only makes sense where there are values of many days. */
static void judge_window(const row_t *at)
{
    const sl_cdp_map_t *map = at->map;

    if (!at->is_temporal && map->pick != SL_CDP_PICK_NONE) {
        FAULT(at, map->source, "This source has one value: there is nothing to preselect.");
    }
    if (!at->is_temporal && map->offset.centidays != 0) {
        FAULT(at, map->source, "This source has one value: no days go with it.");
    }
    if (map->offset.centidays != 0 && !sl_cdp_days_are_valid(map->offset.centidays)) {
        FAULT(at, map->source, "The days have to be 0.01 to 365.");
    }
    if (!at->is_temporal && map->unit != NULL) {
        FAULT(at, map->source, "This source has no unit.");
    } else if (map->unit != NULL && !is_tidy(map->unit, SL_CDP_MAX_UNIT)) {
        FAULT(at, map->source, "The unit has to be a UCUM code of 1 to %d printable characters.",
              SL_CDP_MAX_UNIT);
    }
}

static void judge_twice(const row_t *at)
{
    apr_pool_t *p = at->judge->faults->pool;
    const sl_cdp_map_t *map = at->map;
    const char *key = apr_pstrcat(p, map->event, "\n", map->field, "\n", map->source, NULL);
    const int *other = apr_hash_get(at->judge->seen, key, APR_HASH_KEY_STRING);
    int *row;

    if (other != NULL) {
        FAULT(at, map->source, "Row %d has the same source, event and field.", *other);
        return;
    }
    row = apr_palloc(p, sizeof(*row));
    *row = at->row;
    apr_hash_set(at->judge->seen, key, APR_HASH_KEY_STRING, row);
}

static void judge_field(const judge_t *judge, const sl_cdp_map_t *map, int row)
{
    row_t at = {.judge = judge, .map = map, .row = row};
    const sl_cdp_map_t *identifier = &judge->mapping->identifier;
    bool has_place;

    judge_source(&at);
    has_place = judge_event(&at);
    if (!is_said(map->field)) {
        FAULT(&at, map->source, "Say which field of the project it is.");
        return;
    }
    if (has_place) {
        judge_target(&at);
    }
    if (is_said(identifier->field) && strcmp(identifier->field, map->field) == 0 &&
        strcmp(identifier->event, map->event) == 0) {
        FAULT(&at, map->field, "This field holds the medical record number already.");
    }
    judge_date(&at, has_place);
    judge_window(&at);
    if (at.is_known) {
        judge_twice(&at);
    }
}

static void judge_identifier(const judge_t *judge, int row)
{
    const sl_cdp_map_t *map = &judge->mapping->identifier;
    row_t at = {.judge = judge, .map = map, .row = row};
    const sl_cdp_field_t *field;

    if (!is_said(map->source)) {
        FAULT(&at, NULL,
              "Say which field of the project holds the medical record number: the "
              "identifier, whose source is \"id\".");
    } else if (strcmp(map->source, IDENTIFIER_SOURCE) != 0) {
        FAULT(&at, map->source, "The source of the identifier is \"id\".");
    } else if (!is_said(map->field)) {
        FAULT(&at, map->source, "Say which field of the project holds the medical record number.");
    } else if (judge_event(&at)) {
        field = judge_name(&at, map->field);
        if (field != NULL && field->kind != SL_CDP_FIELD_TEXT &&
            field->kind != SL_CDP_FIELD_OTHER) {
            FAULT(&at, field->name, "A medical record number goes into a text field.");
        }
    }
    if (map->temporal_field != NULL || map->pick != SL_CDP_PICK_NONE || map->unit != NULL ||
        map->offset.centidays != 0) {
        FAULT(&at, map->source, "The identifier has no date field, rule, unit or days.");
    }
}

static void judge_preview(const judge_t *judge, const char *name, int place)
{
    sl_cdp_source_t source;

    if (!sl_cdp_catalogue_find(&source, name, judge->faults->pool)) {
        sl_cdp_fault_add(judge->faults, 0, name, "Preview: the EHR has no such field.");
    } else if (source.kind != SL_CDP_KIND_PATIENT) {
        sl_cdp_fault_add(judge->faults, 0, name,
                         "Preview: only what a patient has once can be shown, like a name.");
    } else if (source.is_email && !judge->rules->may_email) {
        sl_cdp_fault_add(judge->faults, 0, name, "Preview: e-mail addresses are not allowed here.");
    }
    for (int i = 0; i < place; i++) {
        if (strcmp(APR_ARRAY_IDX(judge->mapping->preview, i, const char *), name) == 0) {
            sl_cdp_fault_add(judge->faults, 0, name, "Preview: this field is there twice.");
            return;
        }
    }
}

/* A name in the mapping, and the one it has to be. */
static void judge_same(const judge_t *judge, const char *what, const char *said, const char *wanted)
{
    if (said != NULL && wanted != NULL && strcmp(said, wanted) != 0) {
        sl_cdp_fault_add(judge->faults, 0, said,
                         "This mapping is made for another %s; here it is %s.", what, wanted);
    }
}

static void judge_whole(const judge_t *judge)
{
    const sl_cdp_mapping_t *mapping = judge->mapping;
    const apr_array_header_t *preview = mapping->preview;

    judge_same(judge, "project", mapping->project, judge->rules->project);
    judge_same(judge, "EHR", mapping->ehr, judge->rules->ehr);
    if (!sl_cdp_days_are_valid(mapping->offset.centidays)) {
        sl_cdp_fault_add(judge->faults, 0, NULL, "The days of the project have to be 0.01 to 365.");
    }
    for (int i = 0; i < preview->nelts && i < MAX_PREVIEWS_SAID; i++) {
        judge_preview(judge, APR_ARRAY_IDX(preview, i, const char *), i);
    }
    if (preview->nelts > SL_CDP_PREVIEWS) {
        sl_cdp_fault_add(judge->faults, 0, NULL, "Preview: %d fields at most, and these are %d.",
                         SL_CDP_PREVIEWS, preview->nelts);
    }
    if (mapping->fields->nelts > SL_CDP_MAX_FIELDS) {
        sl_cdp_fault_add(judge->faults, 0, NULL, "%d fields at most can be mapped.",
                         SL_CDP_MAX_FIELDS);
    }
}

void sl_cdp_mapping_judge(apr_array_header_t *faults, const sl_cdp_mapping_t *mapping,
                          const sl_cdp_rows_t *rows, const sl_cdp_mapping_rules_t *rules)
{
    judge_t judge = {faults, mapping, rules, apr_hash_make(faults->pool)};

    judge_whole(&judge);
    judge_identifier(&judge, rows->identifier);
    for (int i = 0; i < mapping->fields->nelts && i < SL_CDP_MAX_FIELDS; i++) {
        judge_field(&judge, &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t),
                    rows->fields == NULL ? i + 1 : APR_ARRAY_IDX(rows->fields, i, int));
    }
}

sl_rc_t sl_cdp_mapping_check(apr_array_header_t **faults, const sl_cdp_mapping_t *mapping,
                             const sl_cdp_mapping_rules_t *rules, apr_pool_t *p)
{
    const sl_cdp_rows_t rows = {NULL, 0};

    *faults = sl_cdp_faults_new(p);
    sl_cdp_mapping_judge(*faults, mapping, &rows, rules);
    return sl_cdp_faults_end(*faults);
}

void sl_cdp_map_settle(sl_cdp_map_t *map, const sl_cdp_mapping_rules_t *rules, apr_pool_t *p)
{
    if (map->source != NULL && strchr(map->source, ',') != NULL) {
        char *source = apr_pstrdup(p, map->source);

        (void)apr_collapse_spaces(source, source); /* it hands back the end */
        map->source = source;
    }
    if (map->event != NULL && strcmp(map->event, ONLY_EVENT) == 0 && rules->dictionary != NULL &&
        rules->dictionary->events->nelts == 0) {
        map->event = "";
    }
}
