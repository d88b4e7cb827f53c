/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_dictionary.h"

#include "cdp/sl_cdp_trim.h"
#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define BLANKS " \t\r\n"
#define SLIDER_MIN "0"
#define SLIDER_MAX "100"

/* What the forms of a project are in: name of the form → array of event names. */
typedef struct {
    apr_hash_t *events; /* NULL: the project has no events */
    apr_pool_t *p;
} forms_t;

/* A tag of HTML, or a comment; "< 5" is none. */
static bool is_tag(const char *at)
{
    return at[0] == '<' && (apr_isalpha(at[1]) || at[1] == '/' || at[1] == '!') &&
           strchr(at, '>') != NULL;
}

/* A label as text: people put markup and line ends into them. */
static const char *plain(const char *label, apr_pool_t *p)
{
    char *text = apr_palloc(p, strlen(label) + 1);
    char *to = text;
    bool gap = false;

    while (*label != '\0') {
        if (is_tag(label)) {
            label = strchr(label, '>') + 1;
            gap = true;
        } else if (strchr(BLANKS, *label) != NULL) {
            label++;
            gap = true;
        } else {
            if (gap && to != text) {
                *to++ = ' ';
            }
            *to++ = *label++;
            gap = false;
        }
    }
    *to = '\0';
    return text;
}

/* "1, Male | 2, Female" */
static apr_array_header_t *parse_choices(const char *text, apr_pool_t *p)
{
    apr_array_header_t *choices = apr_array_make(p, 4, sizeof(sl_cdp_choice_t));

    while (true) {
        apr_size_t len = strcspn(text, "|");
        const char *comma = memchr(text, ',', len);
        apr_size_t code_len = comma == NULL ? len : (apr_size_t)(comma - text);
        const char *code = sl_cdp_trim(p, text, code_len);

        if (code[0] != '\0') {
            sl_cdp_choice_t *choice = apr_array_push(choices);

            choice->code = code;
            choice->label =
                comma == NULL ? code : plain(sl_cdp_trim(p, comma + 1, len - code_len - 1), p);
        }
        if (text[len] == '\0') {
            return choices;
        }
        text += len + 1;
    }
}

/* A member that is a string with something in it; REDCap's API gives "" for none. */
static const char *member(const sl_json_t *object, const char *name)
{
    const char *text = sl_json_str(object, name);

    return text == NULL || text[strspn(text, BLANKS)] == '\0' ? NULL : text;
}

static const struct {
    const char *word;
    sl_cdp_field_kind_t kind;
    const char *choices; /* those of the type itself */
} types[] = {
    {"text", SL_CDP_FIELD_TEXT, NULL},
    {"slider", SL_CDP_FIELD_TEXT, NULL},
    {"notes", SL_CDP_FIELD_NOTES, NULL},
    {"textarea", SL_CDP_FIELD_NOTES, NULL},
    {"radio", SL_CDP_FIELD_CHOICE, NULL},
    {"dropdown", SL_CDP_FIELD_CHOICE, NULL},
    {"select", SL_CDP_FIELD_CHOICE, NULL},
    {"yesno", SL_CDP_FIELD_CHOICE, "1, Yes | 0, No"},
    {"truefalse", SL_CDP_FIELD_CHOICE, "1, True | 0, False"},
    {"checkbox", SL_CDP_FIELD_CHECKBOX, NULL},
};

static void set_kind(sl_cdp_field_t *field, const sl_json_t *row, apr_pool_t *p)
{
    const char *word = member(row, "field_type");
    const char *choices = member(row, "select_choices_or_calculations");

    field->kind = SL_CDP_FIELD_OTHER;
    for (apr_size_t i = 0; word != NULL && i < sizeof(types) / sizeof(*types); i++) {
        if (strcmp(word, types[i].word) == 0) {
            field->kind = types[i].kind;
            choices = types[i].choices != NULL ? types[i].choices : choices;
        }
    }
    if (field->kind == SL_CDP_FIELD_CHOICE || field->kind == SL_CDP_FIELD_CHECKBOX) {
        field->choices = parse_choices(choices == NULL ? "" : choices, p);
    }
}

/* number, number_2dp, number_comma_decimal, number_2dp_comma_decimal */
static void set_number(sl_cdp_field_t *field, const char *rest)
{
    field->valid = SL_CDP_VALID_NUMBER;
    if (rest[0] == '_' && apr_isdigit(rest[1]) && strncmp(rest + 2, "dp", 2) == 0) {
        field->decimals = rest[1] - '0';
        rest += 4;
    }
    field->has_comma = strcmp(rest, "_comma_decimal") == 0;
    if (*rest != '\0' && !field->has_comma) {
        field->valid = SL_CDP_VALID_OTHER;
    }
}

static bool has_prefix(const char *word, const char *prefix, const char **rest)
{
    apr_size_t len = strlen(prefix);

    *rest = word + len;
    return strncmp(word, prefix, len) == 0;
}

/* The validation of a text field; the longer words first. */
static void set_valid(sl_cdp_field_t *field, const char *word)
{
    const char *rest;

    if (word == NULL) {
        field->valid = SL_CDP_VALID_ANY;
    } else if (has_prefix(word, "date_", &rest) || strcmp(word, "date") == 0) {
        field->valid = SL_CDP_VALID_DATE;
    } else if (has_prefix(word, "datetime_seconds_", &rest)) {
        field->valid = SL_CDP_VALID_DATETIME_SECONDS;
    } else if (has_prefix(word, "datetime_", &rest)) {
        field->valid = SL_CDP_VALID_DATETIME;
    } else if (strcmp(word, "integer") == 0 || strcmp(word, "int") == 0) {
        field->valid = SL_CDP_VALID_INTEGER;
    } else if (has_prefix(word, "number", &rest) || has_prefix(word, "float", &rest)) {
        set_number(field, rest);
    } else if (strcmp(word, "email") == 0) {
        field->valid = SL_CDP_VALID_EMAIL;
    } else {
        field->valid = SL_CDP_VALID_OTHER;
    }
}

static void set_bounds(sl_cdp_field_t *field, const sl_json_t *row, apr_pool_t *p)
{
    const char *type = member(row, "field_type");
    const char *min = member(row, "text_validation_min");
    const char *max = member(row, "text_validation_max");

    if (type != NULL && strcmp(type, "slider") == 0) {
        field->valid = SL_CDP_VALID_INTEGER;
        min = min == NULL ? SLIDER_MIN : min;
        max = max == NULL ? SLIDER_MAX : max;
    } else if (field->kind == SL_CDP_FIELD_TEXT) {
        set_valid(field, member(row, "text_validation_type_or_show_slider_number"));
    }
    field->min = apr_pstrdup(p, min);
    field->max = apr_pstrdup(p, max);
}

static const apr_array_header_t *events_of(const forms_t *forms, const char *form)
{
    const apr_array_header_t *events;

    if (forms->events == NULL) {
        return NULL;
    }
    events = form == NULL ? NULL : apr_hash_get(forms->events, form, APR_HASH_KEY_STRING);
    return events != NULL ? events : apr_array_make(forms->p, 1, sizeof(const char *));
}

static bool parse_field(sl_cdp_field_t *field, const sl_json_t *row, const forms_t *forms)
{
    const char *name = member(row, "field_name");
    const char *label = member(row, "field_label");

    if (name == NULL) {
        return false;
    }
    field->name = apr_pstrdup(forms->p, name);
    field->label = label == NULL ? "" : plain(label, forms->p);
    field->label = field->label[0] == '\0' ? field->name : field->label;
    field->form = apr_pstrdup(forms->p, member(row, "form_name"));
    set_kind(field, row, forms->p);
    set_bounds(field, row, forms->p);
    field->events = events_of(forms, field->form);
    return true;
}

static sl_rc_t parse_events(sl_cdp_dictionary_t *out, const sl_json_t *answer, apr_pool_t *p,
                            sl_err_t *err)
{
    apr_array_header_t *events = apr_array_make(p, 4, sizeof(const char *));
    apr_array_header_t *labels = apr_array_make(p, 4, sizeof(const char *));

    out->events = events;
    out->labels = labels;
    if (answer != NULL && !json_object_is_type(answer, json_type_array)) {
        return sl_err_set(err, SL_INVALID, "SL8701", "the app's list of events is no list");
    }
    for (size_t i = 0; answer != NULL && i < json_object_array_length(answer); i++) {
        const sl_json_t *row = json_object_array_get_idx(answer, i);
        const char *name = member(row, "unique_event_name");
        const char *label = member(row, "event_name");

        if (name == NULL) {
            return sl_err_set(err, SL_INVALID, "SL8702", "an event of the app has no name");
        }
        APR_ARRAY_PUSH(events, const char *) = apr_pstrdup(p, name);
        APR_ARRAY_PUSH(labels, const char *) = apr_pstrdup(p, label != NULL ? label : name);
    }
    return SL_OK;
}

/* Which form is in which events. */
static sl_rc_t parse_forms(forms_t *forms, const sl_json_t *answer, sl_err_t *err)
{
    if (!json_object_is_type(answer, json_type_array)) {
        return sl_err_set(err, SL_INVALID, "SL8703",
                          "the app has events, and does not tell which forms they have");
    }
    forms->events = apr_hash_make(forms->p);
    for (size_t i = 0; i < json_object_array_length(answer); i++) {
        const sl_json_t *row = json_object_array_get_idx(answer, i);
        const char *event = member(row, "unique_event_name");
        const char *form = member(row, "form");
        apr_array_header_t *events;

        if (event == NULL || form == NULL) {
            return sl_err_set(err, SL_INVALID, "SL8704",
                              "the app tells of a form without its event, or the reverse");
        }
        events = apr_hash_get(forms->events, form, APR_HASH_KEY_STRING);
        if (events == NULL) {
            events = apr_array_make(forms->p, 4, sizeof(const char *));
            apr_hash_set(forms->events, apr_pstrdup(forms->p, form), APR_HASH_KEY_STRING, events);
        }
        APR_ARRAY_PUSH(events, const char *) = apr_pstrdup(forms->p, event);
    }
    return SL_OK;
}

sl_rc_t sl_cdp_dictionary_parse(sl_cdp_dictionary_t *out, const sl_cdp_redcap_t *answers,
                                apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *fields = apr_array_make(p, 64, sizeof(sl_cdp_field_t));
    forms_t forms = {.p = p};
    sl_rc_t rc = parse_events(out, answers->events, p, err);

    if (rc == SL_OK && out->events->nelts > 0) {
        rc = parse_forms(&forms, answers->form_event_mapping, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (!json_object_is_type(answers->metadata, json_type_array)) {
        return sl_err_set(err, SL_INVALID, "SL8705", "the app's list of fields is no list");
    }
    for (size_t i = 0; i < json_object_array_length(answers->metadata); i++) {
        sl_cdp_field_t *field = apr_array_push(fields);

        if (!parse_field(field, json_object_array_get_idx(answers->metadata, i), &forms)) {
            return sl_err_set(err, SL_INVALID, "SL8706", "a field of the app has no name");
        }
        field->is_record_id = i == 0;
    }
    out->fields = fields;
    return SL_OK;
}

const char *sl_cdp_dictionary_event(const sl_cdp_dictionary_t *dictionary, const char *event)
{
    for (int i = 0; event != NULL && i < dictionary->events->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(dictionary->events, i, const char *), event) == 0) {
            return APR_ARRAY_IDX(dictionary->labels, i, const char *);
        }
    }
    return event;
}

static bool is_in(const sl_cdp_field_t *field, const char *event)
{
    for (int i = 0; field->events != NULL && i < field->events->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(field->events, i, const char *), event) == 0) {
            return true;
        }
    }
    return field->events == NULL;
}

const sl_cdp_field_t *sl_cdp_dictionary_field(const sl_cdp_dictionary_t *dictionary,
                                              const char *event, const char *field)
{
    for (int i = 0; i < dictionary->fields->nelts; i++) {
        const sl_cdp_field_t *one = &APR_ARRAY_IDX(dictionary->fields, i, sl_cdp_field_t);

        if (strcmp(one->name, field) == 0) {
            return is_in(one, event) ? one : NULL;
        }
    }
    return NULL;
}
