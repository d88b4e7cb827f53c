/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of the project: identifier, window, times, what is saved alone, previews. */
#include "cdp/sl_cdp_fault.h"
#include "httpd/sl_cdp_setup_row.h"
#include "httpd/sl_cdp_setup_words.h"

#include <string.h>

#define IDENTIFIER_SOURCE "id"

static bool is_identifier_field(const sl_cdp_field_t *field)
{
    return field->kind == SL_CDP_FIELD_TEXT &&
           (field->valid == SL_CDP_VALID_ANY || field->valid == SL_CDP_VALID_INTEGER ||
            field->valid == SL_CDP_VALID_OTHER);
}

static bool has_place(const apr_array_header_t *places, const sl_cdp_map_t *map)
{
    for (int i = 0; i < places->nelts; i++) {
        const sl_cdp_setup_place_t *place = &APR_ARRAY_IDX(places, i, sl_cdp_setup_place_t);

        if (strcmp(place->event, map->event) == 0 && strcmp(place->field->name, map->field) == 0) {
            return true;
        }
    }
    return false;
}

static void put_identifier(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    const sl_cdp_map_t *map = &state->mapping.identifier;
    const apr_array_header_t *places = sl_cdp_setup_places(state, "", is_identifier_field);
    const sl_cdp_setup_text_t field = {"Name of the field", "field", map->field,
                                       "As the application has it"};
    const sl_cdp_setup_text_t event = {"Event", "event", map->event,
                                       "Empty where the project has no events"};

    sl_cdp_html_put(html, "<fieldset><legend>Medical record number</legend>"
                          "<p>The field of the project that says which patient a record is about."
                          "</p><div class=\"fields top\">");
    if (places->nelts == 0 || places->nelts > SL_CDP_SETUP_SHOWN) {
        sl_cdp_setup_put_text(html, &field);
        sl_cdp_setup_put_text(html, &event);
    } else {
        sl_cdp_html_put(html, "<label>Field <select name=\"target\" required>");
        if (map->field[0] == '\0') {
            sl_cdp_setup_put_option(html, "", "Please choose", true);
        } else if (!has_place(places, map)) {
            sl_cdp_setup_put_kept_place(html, map->event, map->field);
        }
        sl_cdp_setup_put_places(html, places, map->event, map->field);
        sl_cdp_html_put(html, "</select></label>");
    }
    sl_cdp_html_put(html, "</div></fieldset>");
}

static void put_window(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    const sl_cdp_mapping_t *mapping = &state->mapping;
    const sl_cdp_setup_text_t days = {"Days", "days",
                                      sl_cdp_days_text(html->p, mapping->offset.centidays),
                                      "0.01 to 365; a row may have days of its own"};

    sl_cdp_html_put(html, "<fieldset><legend>Which days</legend><p>Laboratory results and vital "
                          "signs are fetched from so many days.</p><div class=\"fields top\">");
    sl_cdp_setup_put_text(html, &days);
    sl_cdp_setup_put_directions(html, sl_cdp_direction_word(mapping->offset.direction));
    sl_cdp_html_put(html, "</div><label class=\"line\"><input type=\"checkbox\" "
                          "name=\"convert_gmt\" value=\"yes\"");
    if (mapping->convert_gmt) {
        sl_cdp_html_put(html, " checked");
    }
    sl_cdp_html_put(html, "><span>Convert times to the local time of this server<small>Else they "
                          "stay as the EHR sends them. It holds for what is fetched from now on."
                          "</small></span></label></fieldset>");
}

static void put_adjudication(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    static const sl_cdp_adjudication_t all[] = {SL_CDP_MANUAL, SL_CDP_AUTO, SL_CDP_INSTANT};

    sl_cdp_html_put(html, "<fieldset><legend>Who decides</legend>");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const char *word = sl_cdp_adjudication_word(all[i]);

        sl_cdp_html_put(html,
                        "<label class=\"line\"><input type=\"radio\" name=\"adjudication\" "
                        "value=\"%s\"",
                        word);
        if (all[i] == state->mapping.adjudication) {
            sl_cdp_html_put(html, " checked");
        }
        sl_cdp_html_put(html, "><span>%s</span></label>", sl_cdp_setup_adjudication_text(all[i]));
    }
    if (!state->visit->project->instant) {
        sl_cdp_html_put(html, "<p class=\"quiet\">This server allows the first only, whatever is "
                              "chosen here.</p>");
    }
    sl_cdp_html_put(html, "</fieldset>");
}

/** What can be shown to make sure that this is the patient. */
static apr_array_header_t *preview_sources(const sl_cdp_setup_state_t *state)
{
    int count;
    const sl_cdp_source_t *all = sl_cdp_catalogue(&count);
    apr_array_header_t *sources =
        apr_array_make(state->r->pool, count, sizeof(const sl_cdp_source_t *));

    for (int i = 0; i < count; i++) {
        if (all[i].kind == SL_CDP_KIND_PATIENT && (!all[i].is_email || state->rules.may_email)) {
            APR_ARRAY_PUSH(sources, const sl_cdp_source_t *) = &all[i];
        }
    }
    return sources;
}

static void put_previews(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    const apr_array_header_t *sources = preview_sources(state);
    const apr_array_header_t *preview = state->mapping.preview;

    sl_cdp_html_put(html, "<fieldset><legend>Is this the patient?</legend><p>What is shown of a "
                          "patient before anything is fetched, so that nobody takes the wrong one."
                          "</p><div class=\"fields top\">");
    for (int i = 0; i < SL_CDP_PREVIEWS; i++) {
        const char *chosen = i < preview->nelts ? APR_ARRAY_IDX(preview, i, const char *) : NULL;

        sl_cdp_html_put(html, "<label>Preview %d <select name=\"preview\">", i + 1);
        sl_cdp_setup_put_option(html, "", "nothing", chosen == NULL);
        sl_cdp_setup_put_sources(html, sources, chosen);
        sl_cdp_html_put(html, "</select></label>");
    }
    sl_cdp_html_put(html, "</div></fieldset>");
}

void sl_cdp_setup_put_project(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    sl_cdp_html_put(html, "<h2 id=\"settings\">Settings of the project</h2>");
    sl_cdp_setup_form(html, state, "project");
    put_identifier(html, state);
    put_window(html, state);
    put_adjudication(html, state);
    put_previews(html, state);
    sl_cdp_html_put(html, "<p><button class=\"main\">Save the settings</button></p></form>");
}

static apr_array_header_t *previews_of(const sl_params_t *form, apr_pool_t *p)
{
    apr_array_header_t *preview = apr_array_make(p, SL_CDP_PREVIEWS, sizeof(const char *));

    for (int i = 0; i < form->pairs->nelts; i++) {
        const sl_param_t *pair = &APR_ARRAY_IDX(form->pairs, i, sl_param_t);

        if (strcmp(pair->name, "preview") == 0 && pair->value[0] != '\0') {
            APR_ARRAY_PUSH(preview, const char *) = pair->value;
        }
    }
    return preview;
}

/** The settings of a form, over the rows as they are. */
static void read_settings(sl_cdp_mapping_t *mapping, apr_array_header_t *faults,
                          const sl_cdp_setup_state_t *state, const sl_params_t *form)
{
    apr_pool_t *p = state->r->pool;
    const char *days = sl_cdp_setup_value(form, "days", p);

    mapping->project = state->rules.project;
    mapping->ehr = state->rules.ehr;
    mapping->identifier.source = IDENTIFIER_SOURCE;
    sl_cdp_setup_place_of(&mapping->identifier.event, &mapping->identifier.field, form, p);
    sl_cdp_map_settle(&mapping->identifier, &state->rules, p);
    mapping->convert_gmt = sl_params_count(form, "convert_gmt") > 0;
    mapping->preview = previews_of(form, p);
    if (sl_cdp_days_parse(&mapping->offset.centidays, days) != SL_OK) {
        sl_cdp_fault_add(faults, 0, days,
                         "The days have to be a number of 0.01 to 365, with two decimals at most.");
        mapping->offset.centidays = state->mapping.offset.centidays;
    }
    if (sl_cdp_direction_parse(&mapping->offset.direction,
                               sl_cdp_setup_value(form, "direction", p)) != SL_OK) {
        sl_cdp_fault_add(faults, 0, NULL, "Say whether the days are around, after or before.");
    }
    if (sl_cdp_adjudication_parse(&mapping->adjudication,
                                  sl_cdp_setup_value(form, "adjudication", p)) != SL_OK) {
        sl_cdp_fault_add(faults, 0, NULL, "Say who decides about values.");
    }
}

/** Only what is wrong with the settings: rows are mended in their own screens. */
static void judge(apr_array_header_t *faults, const sl_cdp_setup_state_t *state,
                  const sl_cdp_mapping_t *mapping)
{
    const sl_cdp_map_t *identifier = &mapping->identifier;
    apr_array_header_t *found;

    for (int i = 0; i < mapping->fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t);

        if (strcmp(map->event, identifier->event) == 0 &&
            strcmp(map->field, identifier->field) == 0) {
            sl_cdp_fault_add(faults, 0, map->field,
                             "This field gets another value already, so it cannot hold the medical "
                             "record number.");
            break;
        }
    }
    if (sl_cdp_mapping_check(&found, mapping, &state->rules, state->r->pool) == SL_OK) {
        return;
    }
    for (int i = 0; i < found->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(found, i, sl_cdp_fault_t);

        if (fault->row == 0) {
            APR_ARRAY_PUSH(faults, sl_cdp_fault_t) = *fault;
        }
    }
}

int sl_cdp_setup_project_save(sl_cdp_setup_state_t *state)
{
    apr_array_header_t *faults = sl_cdp_faults_new(state->r->pool);
    const sl_cdp_setup_said_t wrong = {
        .status = HTTP_BAD_REQUEST,
        .text = "These settings cannot be saved as they are; nothing was changed.",
        .is_trouble = true,
        .faults = faults,
    };
    sl_cdp_mapping_t mapping = state->mapping;
    const sl_params_t *form = NULL;
    int answer = sl_cdp_setup_read(&form, state, "project");

    if (answer != DECLINED) {
        return answer;
    }
    if (sl_cdp_setup_is_old(state, sl_params_one(form, "revision"))) {
        return sl_cdp_setup_show_old(state, NULL);
    }
    if (sl_cdp_setup_is_away(state)) {
        return sl_cdp_setup_show_away(state);
    }
    read_settings(&mapping, faults, state, form);
    judge(faults, state, &mapping);
    if (faults->nelts > 0) {
        state->mapping = mapping; /* what was typed is shown again */
        return sl_cdp_setup_show(state, &wrong);
    }
    return sl_cdp_setup_keep(state, &mapping, "settings");
}
