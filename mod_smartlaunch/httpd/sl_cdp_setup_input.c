/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_setup_input.h"

#include "base/sl_text.h"
#include "cdp/sl_cdp_trim.h"

#include <apr_strings.h>
#include <string.h>

void sl_cdp_setup_put_text(sl_cdp_html_t *html, const sl_cdp_setup_text_t *text)
{
    sl_cdp_html_put(html,
                    "<label>%s <input type=\"text\" name=\"%s\" value=\"%s\" autocomplete=\"off\" "
                    "spellcheck=\"false\">",
                    text->label, text->name, text->value);
    if (text->hint != NULL) {
        sl_cdp_html_put(html, "<small>%s</small>", text->hint);
    }
    sl_cdp_html_put(html, "</label>");
}

void sl_cdp_setup_put_option(sl_cdp_html_t *html, const char *value, const char *text,
                             bool is_chosen)
{
    if (is_chosen) {
        sl_cdp_html_put(html, "<option value=\"%s\" selected>%s</option>", value, text);
    } else {
        sl_cdp_html_put(html, "<option value=\"%s\">%s</option>", value, text);
    }
}

/** Choices under headings: what stands above the one before. */
static const char *put_group(sl_cdp_html_t *html, const char *was, const char *group)
{
    if (was == NULL || strcmp(was, group) != 0) {
        if (was != NULL) {
            sl_cdp_html_put(html, "</optgroup>");
        }
        sl_cdp_html_put(html, "<optgroup label=\"%s\">", group);
    }
    return group;
}

static void end_groups(sl_cdp_html_t *html, const char *was)
{
    if (was != NULL) {
        sl_cdp_html_put(html, "</optgroup>");
    }
}

static const char *source_text(const sl_cdp_source_t *source, apr_pool_t *p)
{
    const char *text = source->label;

    if (source->kind == SL_CDP_KIND_OBSERVATION && strcmp(text, source->name) != 0) {
        text = apr_pstrcat(p, text, " (", source->name, ")", NULL);
    }
    return source->unit != NULL ? apr_pstrcat(p, text, ", ", source->unit, NULL) : text;
}

void sl_cdp_setup_put_sources(sl_cdp_html_t *html, const apr_array_header_t *sources,
                              const char *chosen)
{
    const char *group = NULL;

    for (int i = 0; i < sources->nelts; i++) {
        const sl_cdp_source_t *source = APR_ARRAY_IDX(sources, i, const sl_cdp_source_t *);

        group = put_group(html, group, source->group);
        sl_cdp_setup_put_option(html, source->name, source_text(source, html->p),
                                chosen != NULL && strcmp(chosen, source->name) == 0);
    }
    end_groups(html, group);
}

const char *sl_cdp_setup_source_label(const char *source, apr_pool_t *p)
{
    sl_cdp_source_t found;

    return sl_cdp_catalogue_find(&found, source, p) ? found.label : source;
}

static bool has_words(const char *text, const char *words, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, words);
    char *last = NULL;

    for (char *word = apr_strtok(copy, " \t", &last); word != NULL;
         word = apr_strtok(NULL, " \t", &last)) {
        if (ap_strcasestr(text, word) == NULL) {
            return false;
        }
    }
    return true;
}

static void add_place(apr_array_header_t *places, const char *event, const sl_cdp_field_t *field,
                      const char *words)
{
    const char *text =
        apr_pstrcat(places->pool, field->name, " ", field->label != NULL ? field->label : "", " ",
                    field->form != NULL ? field->form : "", " ", event, NULL);

    if (has_words(text, words, places->pool)) {
        sl_cdp_setup_place_t *place = apr_array_push(places);

        place->event = event;
        place->field = field;
    }
}

static bool is_in(const sl_cdp_field_t *field, const char *event)
{
    bool found = field->events == NULL;

    for (int i = 0; !found && i < field->events->nelts; i++) {
        found = strcmp(APR_ARRAY_IDX(field->events, i, const char *), event) == 0;
    }
    return found;
}

static void add_event(apr_array_header_t *places, const sl_cdp_dictionary_t *dictionary,
                      const char *event, bool (*is_wanted)(const sl_cdp_field_t *field),
                      const char *words)
{
    for (int i = 0; i < dictionary->fields->nelts; i++) {
        const sl_cdp_field_t *field = &APR_ARRAY_IDX(dictionary->fields, i, sl_cdp_field_t);

        if (is_wanted(field) && is_in(field, event)) {
            add_place(places, event, field, words);
        }
    }
}

apr_array_header_t *sl_cdp_setup_places(const sl_cdp_setup_state_t *state, const char *words,
                                        bool (*is_wanted)(const sl_cdp_field_t *field))
{
    const sl_cdp_dictionary_t *dictionary = state->rules.dictionary;
    apr_array_header_t *places = apr_array_make(state->r->pool, 64, sizeof(sl_cdp_setup_place_t));

    if (dictionary == NULL) {
        return places;
    }
    for (int i = 0; i < dictionary->events->nelts; i++) {
        add_event(places, dictionary, APR_ARRAY_IDX(dictionary->events, i, const char *), is_wanted,
                  words);
    }
    if (dictionary->events->nelts == 0) {
        add_event(places, dictionary, "", is_wanted, words);
    }
    return places;
}

static const char *place_value(const char *event, const char *field, apr_pool_t *p)
{
    return apr_pstrcat(p, sl_text_percent(p, event), "/", sl_text_percent(p, field), NULL);
}

const char *sl_cdp_setup_field_text(const sl_cdp_field_t *field, apr_pool_t *p)
{
    return field->label == NULL || field->label[0] == '\0' || strcmp(field->label, field->name) == 0
               ? field->name
               : apr_pstrcat(p, field->label, " (", field->name, ")", NULL);
}

void sl_cdp_setup_put_places(sl_cdp_html_t *html, const apr_array_header_t *places,
                             const char *event, const char *field)
{
    const char *group = NULL;

    for (int i = 0; i < places->nelts && i < SL_CDP_SETUP_SHOWN; i++) {
        const sl_cdp_setup_place_t *place = &APR_ARRAY_IDX(places, i, sl_cdp_setup_place_t);

        const char *text = sl_cdp_setup_field_text(place->field, html->p);

        if (place->event[0] != '\0') {
            group = put_group(html, group, place->event);
            text = apr_pstrcat(html->p, text, ", ", place->event, NULL);
        }
        sl_cdp_setup_put_option(html, place_value(place->event, place->field->name, html->p), text,
                                strcmp(place->event, event) == 0 &&
                                    strcmp(place->field->name, field) == 0);
    }
    end_groups(html, group);
}

void sl_cdp_setup_put_kept_place(sl_cdp_html_t *html, const char *event, const char *field)
{
    sl_cdp_setup_put_option(
        html, place_value(event, field, html->p),
        event[0] != '\0' ? apr_pstrcat(html->p, field, " in ", event, NULL) : field, true);
}

const char *sl_cdp_setup_value(const sl_params_t *form, const char *name, apr_pool_t *p)
{
    const char *value = form != NULL ? sl_params_one(form, name) : NULL;

    return value != NULL ? sl_cdp_trim(p, value, strlen(value)) : "";
}

/** One half of a place as place_value() wrote it. */
static const char *half_of(const char *text, apr_size_t len, apr_pool_t *p)
{
    const char *half = sl_text_unform(p, text, len);

    return half != NULL && sl_text_is_utf8(half, strlen(half)) ? half : "";
}

void sl_cdp_setup_place_of(const char **event, const char **field, const sl_params_t *form,
                           apr_pool_t *p)
{
    const char *target = sl_cdp_setup_value(form, "target", p);
    const char *slash = strchr(target, '/');

    *event = sl_cdp_setup_value(form, "event", p);
    *field = sl_cdp_setup_value(form, "field", p);
    if (slash != NULL) {
        *event = half_of(target, (apr_size_t)(slash - target), p);
        *field = half_of(slash + 1, strlen(slash + 1), p);
    }
}

void sl_cdp_setup_put_faults(sl_cdp_html_t *html, const apr_array_header_t *faults)
{
    for (int i = 0; i < faults->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(faults, i, sl_cdp_fault_t);

        sl_cdp_html_put(html, "<p class=\"bad\">");
        if (fault->name != NULL) {
            sl_cdp_html_put(html, "<b>%s</b>: ", fault->name);
        }
        sl_cdp_html_put(html, "%s</p>", fault->reason);
    }
}
