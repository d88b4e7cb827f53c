/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_redcap_answer.h"

#include "base/sl_text.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define EVENT "redcap_event_name"
#define INSTRUMENT "redcap_repeat_instrument"
#define INSTANCE "redcap_repeat_instance"
#define CODES_SEP ","

/** The text of any scalar; "" for none. */
static const char *text_of(const sl_json_t *object, const char *name)
{
    sl_json_t *value = sl_json_get(object, name);

    return value == NULL ? "" : json_object_get_string(value);
}

static int count_of(const sl_json_t *array)
{
    return array != NULL && json_object_is_type(array, json_type_array)
               ? (int)json_object_array_length(array)
               : 0;
}

const char *sl_cdp_redcap_id_field(const sl_cdp_redcap_shape_t *shape)
{
    const apr_array_header_t *fields = shape->dictionary->fields;

    for (int i = 0; i < fields->nelts; i++) {
        const sl_cdp_field_t *field = &APR_ARRAY_IDX(fields, i, sl_cdp_field_t);

        if (field->is_record_id) {
            return field->name;
        }
    }
    return NULL;
}

static const sl_cdp_field_t *field_of(const sl_cdp_redcap_shape_t *shape, const char *name)
{
    const apr_array_header_t *fields = shape->dictionary->fields;

    for (int i = 0; i < fields->nelts; i++) {
        const sl_cdp_field_t *field = &APR_ARRAY_IDX(fields, i, sl_cdp_field_t);

        if (strcmp(field->name, name) == 0) {
            return field;
        }
    }
    return NULL;
}

const char *sl_cdp_redcap_repeats(const sl_cdp_redcap_shape_t *shape, const char *event,
                                  const char *field)
{
    const sl_cdp_field_t *known = field_of(shape, field);
    const char *form = known == NULL || known->form == NULL ? "" : known->form;

    for (int i = 0; i < count_of(shape->repeating); i++) {
        const sl_json_t *row = json_object_array_get_idx(shape->repeating, (size_t)i);
        const char *repeats = text_of(row, "form_name");

        if (strcmp(text_of(row, "event_name"), event) == 0 &&
            (*repeats == '\0' || strcmp(repeats, form) == 0)) {
            return *repeats == '\0' ? "" : form;
        }
    }
    return NULL;
}

/** The column of one code of a checkbox: what a column cannot be named is an underscore. */
static const char *box(apr_pool_t *p, const char *field, const char *code)
{
    char *name = apr_pstrcat(p, field, "___", code, NULL);

    for (char *c = name + strlen(field); *c != '\0'; c++) {
        *c = apr_isalnum(*c) ? (char)apr_tolower(*c) : '_';
    }
    return name;
}

static bool is_checkbox(const sl_cdp_field_t *field)
{
    return field != NULL && field->kind == SL_CDP_FIELD_CHECKBOX;
}

/** Is the code in "1,3"? */
static bool has_code(const char *codes, const char *code)
{
    size_t len = strlen(code);

    while (*codes != '\0') {
        codes += strspn(codes, CODES_SEP " ");
        if (strncmp(codes, code, len) == 0 && strchr(CODES_SEP " ", codes[len]) != NULL) {
            return true;
        }
        codes += strcspn(codes, CODES_SEP);
    }
    return false;
}

static void put_value(sl_json_t *row, const sl_cdp_field_t *known, const sl_cdp_current_t *value,
                      apr_pool_t *p)
{
    if (!is_checkbox(known) || known->choices == NULL) {
        sl_json_put_str(row, value->field, value->value);
        return;
    }
    for (int i = 0; i < known->choices->nelts; i++) {
        const char *code = APR_ARRAY_IDX(known->choices, i, sl_cdp_choice_t).code;

        sl_json_put_str(row, box(p, value->field, code), has_code(value->value, code) ? "1" : "0");
    }
}

static bool is_row_of(const sl_json_t *row, const sl_cdp_current_t *value, const char *instrument)
{
    const char *instance = text_of(row, INSTANCE);

    return strcmp(text_of(row, EVENT), value->event) == 0 &&
           strcmp(text_of(row, INSTRUMENT), instrument == NULL ? "" : instrument) == 0 &&
           (instrument == NULL ? *instance == '\0' : atoi(instance) == value->instance);
}

static sl_json_t *new_row(const sl_cdp_redcap_shape_t *shape, const char *record,
                          const sl_cdp_current_t *value, const char *instrument, apr_pool_t *p)
{
    const char *id = sl_cdp_redcap_id_field(shape);
    sl_json_t *row = sl_json_object(p);

    if (id != NULL) {
        sl_json_put_str(row, id, record);
    }
    if (*value->event != '\0') {
        sl_json_put_str(row, EVENT, value->event);
    }
    if (instrument != NULL) {
        sl_json_put_str(row, INSTRUMENT, instrument);
        sl_json_put_int(row, INSTANCE, value->instance);
    }
    return row;
}

static sl_json_t *find_row(const sl_json_t *rows, const sl_cdp_current_t *value,
                           const char *instrument)
{
    for (int i = 0; i < count_of(rows); i++) {
        sl_json_t *row = json_object_array_get_idx(rows, (size_t)i);

        if (is_row_of(row, value, instrument)) {
            return row;
        }
    }
    return NULL;
}

sl_json_t *sl_cdp_redcap_rows(const sl_cdp_redcap_shape_t *shape, const char *record,
                              const sl_cdp_current_t *values, int count, apr_pool_t *p)
{
    sl_json_t *rows = sl_json_array(p);

    for (int i = 0; i < count; i++) {
        const sl_cdp_current_t *value = &values[i];
        const char *instrument =
            value->instance == 0 ? NULL : sl_cdp_redcap_repeats(shape, value->event, value->field);
        sl_json_t *row = find_row(rows, value, instrument);

        if (row == NULL) {
            row = new_row(shape, record, value, instrument, p);
            sl_json_push(rows, row);
        }
        put_value(row, field_of(shape, value->field), value, p);
    }
    return rows;
}

/** The codes of a checkbox that are ticked. */
static const char *ticked(const sl_json_t *row, const sl_cdp_field_t *field, apr_pool_t *p)
{
    const char *codes = "";

    for (int i = 0; field->choices != NULL && i < field->choices->nelts; i++) {
        const char *code = APR_ARRAY_IDX(field->choices, i, sl_cdp_choice_t).code;

        if (strcmp(text_of(row, box(p, field->name, code)), "1") == 0) {
            codes = apr_pstrcat(p, codes, *codes == '\0' ? "" : CODES_SEP, code, NULL);
        }
    }
    return codes;
}

/** Which instance a row is; 0: none. */
static int instance_of(const sl_json_t *row)
{
    int instance = atoi(text_of(row, INSTANCE));

    return instance > 0 ? instance : 0;
}

/** Does a row of this instrument and instance speak for the field? */
static bool is_its_row(const sl_json_t *row, const char *repeats)
{
    if (repeats == NULL) {
        return instance_of(row) == 0;
    }
    return instance_of(row) > 0 && strcmp(text_of(row, INSTRUMENT), repeats) == 0;
}

static void add_values(apr_array_header_t *out, const sl_cdp_redcap_shape_t *shape,
                       const sl_json_t *row, const apr_array_header_t *fields, apr_pool_t *p)
{
    const char *event = text_of(row, EVENT);

    for (int i = 0; i < fields->nelts; i++) {
        const char *name = APR_ARRAY_IDX(fields, i, const char *);
        const sl_cdp_field_t *known = field_of(shape, name);

        if (known == NULL || !is_its_row(row, sl_cdp_redcap_repeats(shape, event, name)) ||
            sl_cdp_dictionary_field(shape->dictionary, event, name) == NULL) {
            continue;
        }
        APR_ARRAY_PUSH(out, sl_cdp_current_t) = (sl_cdp_current_t){
            apr_pstrdup(p, event), instance_of(row), name,
            is_checkbox(known) ? ticked(row, known, p) : apr_pstrdup(p, text_of(row, name))};
    }
}

apr_array_header_t *sl_cdp_redcap_values(const sl_cdp_redcap_shape_t *shape, const char *record,
                                         const sl_json_t *rows, const apr_array_header_t *fields,
                                         apr_pool_t *p)
{
    const char *id = sl_cdp_redcap_id_field(shape);
    apr_array_header_t *out = apr_array_make(p, 16, sizeof(sl_cdp_current_t));

    for (int i = 0; i < count_of(rows); i++) {
        const sl_json_t *row = json_object_array_get_idx(rows, (size_t)i);

        if (id != NULL && strcmp(text_of(row, id), record) == 0) {
            add_values(out, shape, row, fields, p);
        }
    }
    return out;
}

const char *sl_cdp_redcap_find(const apr_array_header_t *values, const char *event, int instance,
                               const char *field)
{
    for (int i = 0; i < values->nelts; i++) {
        const sl_cdp_current_t *value = &APR_ARRAY_IDX(values, i, sl_cdp_current_t);

        if (value->instance == instance && strcmp(value->field, field) == 0 &&
            strcmp(value->event, event) == 0) {
            return value->value;
        }
    }
    return NULL;
}

static const char *skip_blank(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

bool sl_cdp_redcap_same(const char *ours, const char *theirs)
{
    ours = skip_blank(ours);
    theirs = skip_blank(theirs);
    for (;;) {
        if (*skip_blank(ours) == '\0' || *skip_blank(theirs) == '\0') {
            return *skip_blank(ours) == *skip_blank(theirs);
        }
        ours += *ours == '\r' && ours[1] == '\n';
        theirs += *theirs == '\r' && theirs[1] == '\n';
        if (*ours++ != *theirs++) {
            return false;
        }
    }
}

/** One quoted cell; quotes in it are doubled. NULL: it is none. */
static const char *read_cell(const char **out, const char *at, apr_pool_t *p)
{
    char *cell;
    char *to;

    if (*at++ != '"') {
        return NULL;
    }
    cell = to = apr_palloc(p, strlen(at) + 1);
    while (*at != '\0' && (*at != '"' || at[1] == '"')) {
        at += *at == '"';
        *to++ = *at++;
    }
    *to = '\0';
    *out = cell;
    return *at == '"' ? at + 1 : NULL;
}

#define CELLS 4
static const char *read_line(sl_cdp_redcap_refusal_t *out, const char *at, apr_pool_t *p)
{
    const char *cells[CELLS] = {NULL};

    for (int i = 0; i < CELLS; i++) {
        at = read_cell(&cells[i], at, p);
        if (at == NULL || (i < CELLS - 1 && *at++ != ',')) {
            return NULL;
        }
    }
    if (*at != '\0' && *at != '\r' && *at != '\n') {
        return NULL;
    }
    out->field = cells[1];
    out->value = cells[2];
    out->reason = sl_cdp_plain_reason(cells[3], p);
    return at;
}

apr_array_header_t *sl_cdp_redcap_refusals(const char *error, apr_pool_t *p)
{
    apr_array_header_t *out = apr_array_make(p, 2, sizeof(sl_cdp_redcap_refusal_t));
    const char *at = skip_blank(error);

    while (*at != '\0') {
        sl_cdp_redcap_refusal_t refusal;

        at = read_line(&refusal, at, p);
        if (at == NULL) {
            apr_array_clear(out);
            return out;
        }
        APR_ARRAY_PUSH(out, sl_cdp_redcap_refusal_t) = refusal;
        at = skip_blank(at);
    }
    return out;
}

bool sl_cdp_redcap_is_about(const sl_cdp_redcap_refusal_t *refusal, const sl_cdp_current_t *value)
{
    size_t len = strlen(value->field);

    if (strncmp(refusal->field, value->field, len) != 0) {
        return false;
    }
    /* A column of a checkbox has 1 where it is ticked. */
    return strncmp(refusal->field + len, "___", 3) == 0 ||
           (refusal->field[len] == '\0' && sl_cdp_redcap_same(value->value, refusal->value));
}

#define MAX_REASON 500

/** Where a tag that begins at `at` ends; `at` itself: it is none. */
static const char *skip_tag(const char *at)
{
    const char *end;

    if (*at != '<' || (!apr_isalpha(at[1]) && at[1] != '/' && at[1] != '!')) {
        return at;
    }
    end = strchr(at, '>');
    return end == NULL ? at : end + 1;
}

const char *sl_cdp_plain_reason(const char *text, apr_pool_t *p)
{
    char *out;
    apr_size_t len = 0;

    if (text == NULL || !sl_text_is_utf8(text, strlen(text))) {
        return "It gave no reason that can be read.";
    }
    out = apr_palloc(p, MAX_REASON + 1);
    while (*text != '\0' && len < MAX_REASON) {
        const char *behind = skip_tag(text);
        unsigned char c = behind != text ? ' ' : (unsigned char)*text;

        text = behind != text ? behind : text + 1;
        c = c < ' ' || c == 0x7f ? ' ' : c;
        if (c != ' ' || (len > 0 && out[len - 1] != ' ')) {
            out[len++] = (char)c;
        }
    }
    /* Not in the middle of a character. */
    while (*text != '\0' && len > 0 && ((unsigned char)*text & 0xc0) == 0x80) {
        text--;
        len--;
    }
    len -= len > 0 && out[len - 1] == ' ';
    out[len] = '\0';
    return len == 0 ? "It gave no reason." : out;
}
