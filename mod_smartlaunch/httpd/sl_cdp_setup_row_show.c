/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_setup_row.h"
#include "httpd/sl_cdp_setup_words.h"

#include <apr_strings.h>
#include <string.h>

static bool is_offered(const sl_cdp_source_t *source, const sl_cdp_setup_state_t *state)
{
    return strcmp(source->name, "id") != 0 && (!source->is_email || state->rules.may_email);
}

/** What the words find and a study may map; the one that is chosen is among them. */
static apr_array_header_t *sources_for(const sl_cdp_setup_state_t *state,
                                       const sl_cdp_setup_draft_t *draft)
{
    apr_pool_t *p = state->r->pool;
    const apr_array_header_t *found = sl_cdp_catalogue_search(draft->source_words, p);
    apr_array_header_t *sources = apr_array_make(p, found->nelts + 1, sizeof(sl_cdp_source_t *));
    sl_cdp_source_t *chosen = apr_pcalloc(p, sizeof(*chosen));
    bool is_there = !sl_cdp_catalogue_find(chosen, draft->source, p);

    for (int i = 0; i < found->nelts; i++) {
        const sl_cdp_source_t *source = APR_ARRAY_IDX(found, i, const sl_cdp_source_t *);

        if (is_offered(source, state)) {
            APR_ARRAY_PUSH(sources, const sl_cdp_source_t *) = source;
            is_there = is_there || strcmp(source->name, draft->source) == 0;
        }
    }
    if (!is_there) {
        APR_ARRAY_PUSH(sources, const sl_cdp_source_t *) = chosen;
    }
    return sources;
}

static void put_source(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                       const sl_cdp_setup_draft_t *draft)
{
    const apr_array_header_t *sources = sources_for(state, draft);
    const char *chosen = draft->source;

    if (sources->nelts == 1 && chosen[0] == '\0') {
        chosen = APR_ARRAY_IDX(sources, 0, const sl_cdp_source_t *)->name;
    }
    sl_cdp_html_put(html, "<fieldset><legend>Field of the EHR</legend>");
    if (sources->nelts == 0) {
        sl_cdp_html_put(html, "<p class=\"note\">No field of the catalogue has these words. Any "
                              "other laboratory result or vital sign can be mapped by its LOINC "
                              "code: search for the code.</p>");
    }
    sl_cdp_html_put(html, "<label>What is fetched <select name=\"source\" required>");
    sl_cdp_setup_put_option(html, "", "Please choose", chosen[0] == '\0');
    sl_cdp_setup_put_sources(html, sources, chosen);
    sl_cdp_html_put(html, "</select></label></fieldset>");
}

static bool is_target(const sl_cdp_field_t *field)
{
    return !field->is_record_id && field->kind != SL_CDP_FIELD_OTHER;
}

static void put_typed_place(sl_cdp_html_t *html, const sl_cdp_setup_draft_t *draft)
{
    const sl_cdp_setup_text_t field = {"Name of the field", "field", draft->field,
                                       "As the application has it"};
    const sl_cdp_setup_text_t event = {"Event", "event", draft->event,
                                       "Empty where the project has no events"};

    sl_cdp_html_put(html, "<div class=\"fields top\">");
    sl_cdp_setup_put_text(html, &field);
    sl_cdp_setup_put_text(html, &event);
    sl_cdp_html_put(html, "</div>");
}

static bool has_place(const apr_array_header_t *places, const sl_cdp_setup_draft_t *draft)
{
    for (int i = 0; i < places->nelts && i < SL_CDP_SETUP_SHOWN; i++) {
        const sl_cdp_setup_place_t *place = &APR_ARRAY_IDX(places, i, sl_cdp_setup_place_t);

        if (strcmp(place->event, draft->event) == 0 &&
            strcmp(place->field->name, draft->field) == 0) {
            return true;
        }
    }
    return false;
}

static void put_places(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                       const sl_cdp_setup_draft_t *draft)
{
    const apr_array_header_t *places = sl_cdp_setup_places(state, draft->field_words, is_target);

    if (places->nelts == 0) {
        sl_cdp_html_put(html, "<p class=\"note\">No field of the project has these words.</p>");
    } else if (places->nelts > SL_CDP_SETUP_SHOWN) {
        sl_cdp_html_put(html,
                        "<p class=\"note\">The first %d of %d fields are offered: search for the "
                        "one you want.</p>",
                        SL_CDP_SETUP_SHOWN, places->nelts);
    }
    sl_cdp_html_put(html, "<label>Where it goes <select name=\"target\" required>");
    if (draft->field[0] == '\0') {
        sl_cdp_setup_put_option(html, "", "Please choose", true);
    } else if (!has_place(places, draft)) {
        sl_cdp_setup_put_kept_place(html, draft->event, draft->field);
    }
    sl_cdp_setup_put_places(html, places, draft->event, draft->field);
    sl_cdp_html_put(html, "</select></label>");
}

static void put_target(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                       const sl_cdp_setup_draft_t *draft)
{
    sl_cdp_html_put(html, "<fieldset><legend>Field of the project</legend>");
    if (state->rules.dictionary != NULL) {
        put_places(html, state, draft);
    } else {
        put_typed_place(html, draft);
    }
    sl_cdp_html_put(html, "</fieldset>");
}

/** Date fields by name, whatever their events: which one is possible the rules say. */
static void put_dates(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state, const char *chosen)
{
    const apr_array_header_t *fields = state->rules.dictionary->fields;
    bool is_there = chosen[0] == '\0';

    sl_cdp_html_put(html, "<label>Date field <select name=\"temporal_field\">");
    sl_cdp_setup_put_option(html, "", "none", chosen[0] == '\0');
    for (int i = 0; i < fields->nelts; i++) {
        const sl_cdp_field_t *field = &APR_ARRAY_IDX(fields, i, sl_cdp_field_t);

        if (sl_cdp_is_date_field(field)) {
            sl_cdp_setup_put_option(html, field->name, sl_cdp_setup_field_text(field, html->p),
                                    strcmp(field->name, chosen) == 0);
            is_there = is_there || strcmp(field->name, chosen) == 0;
        }
    }
    if (!is_there) {
        sl_cdp_setup_put_option(html, chosen, chosen, true);
    }
    sl_cdp_html_put(html, "</select><small>In the same event as the field</small></label>");
}

void sl_cdp_setup_put_directions(sl_cdp_html_t *html, const char *chosen)
{
    static const sl_cdp_direction_t all[] = {SL_CDP_AROUND, SL_CDP_AFTER, SL_CDP_BEFORE};

    sl_cdp_html_put(html, "<label>Days are counted <select name=\"direction\">");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const char *word = sl_cdp_direction_word(all[i]);
        const char *text =
            apr_pstrcat(html->p, sl_cdp_setup_direction_text(all[i]), " the date", NULL);

        sl_cdp_setup_put_option(html, word, text, strcmp(word, chosen) == 0);
    }
    sl_cdp_html_put(html, "</select></label>");
}

static void put_picks(sl_cdp_html_t *html, const char *chosen)
{
    static const sl_cdp_pick_t all[] = {SL_CDP_PICK_NONE,  SL_CDP_PICK_MIN,  SL_CDP_PICK_MAX,
                                        SL_CDP_PICK_FIRST, SL_CDP_PICK_LAST, SL_CDP_PICK_NEAR};

    sl_cdp_html_put(html, "<label>Of several values, tick <select name=\"preselect\">");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const char *word = sl_cdp_pick_word(all[i]);

        sl_cdp_setup_put_option(html, word, sl_cdp_setup_pick_text(all[i]),
                                strcasecmp(word, chosen) == 0);
    }
    sl_cdp_html_put(html, "</select></label>");
}

static void put_window(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                       const sl_cdp_setup_draft_t *draft)
{
    const sl_cdp_offset_t offset = state->mapping.offset;
    const char *hint = apr_psprintf(html->p, "Empty: as for the project, %s days %s the date",
                                    sl_cdp_days_text(html->p, offset.centidays),
                                    sl_cdp_setup_direction_text(offset.direction));
    const sl_cdp_setup_text_t date = {"Date field", "temporal_field", draft->temporal,
                                      "In the same event as the field"};
    const sl_cdp_setup_text_t days = {"Days", "days", draft->days, hint};
    const sl_cdp_setup_text_t unit = {"Unit that the field wants", "unit", draft->unit,
                                      "As UCUM writes it (kg, mg/dL); empty: any"};

    sl_cdp_html_put(html, "<fieldset><legend>Laboratory results and vital signs only</legend>"
                          "<p>They are fetched around the date of a visit, once that date is in "
                          "the project.</p><div class=\"fields top\">");
    if (state->rules.dictionary != NULL) {
        put_dates(html, state, draft->temporal);
    } else {
        sl_cdp_setup_put_text(html, &date);
    }
    put_picks(html, draft->pick);
    sl_cdp_setup_put_text(html, &days);
    sl_cdp_setup_put_directions(html, draft->direction);
    sl_cdp_setup_put_text(html, &unit);
    sl_cdp_html_put(html, "</div></fieldset>");
}

static void put_form(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                     const sl_cdp_setup_draft_t *draft, const char *id)
{
    sl_cdp_setup_form(html, state, "row");
    sl_cdp_html_put(html,
                    "<input type=\"hidden\" name=\"id\" value=\"%s\">"
                    "<input type=\"hidden\" name=\"q\" value=\"%s\">"
                    "<input type=\"hidden\" name=\"f\" value=\"%s\">",
                    id, draft->source_words, draft->field_words);
    put_source(html, state, draft);
    put_target(html, state, draft);
    put_window(html, state, draft);
    sl_cdp_html_put(html,
                    "<div class=\"row\"><button class=\"main\">Save this row</button>"
                    "<a class=\"button\" href=\"%s\">Cancel</a></div></form>",
                    sl_cdp_setup_href(state, NULL, NULL));
}

static void put_removal(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state, const char *id)
{
    sl_cdp_html_put(html, "<h2>Remove this row</h2><p>Values that were fetched for it and wait for "
                          "a decision are dropped. What was saved stays in the project.</p>");
    sl_cdp_setup_form(html, state, "remove");
    sl_cdp_html_put(html,
                    "<input type=\"hidden\" name=\"id\" value=\"%s\">"
                    "<button class=\"risk\">Remove this row</button></form>",
                    id);
}

int sl_cdp_setup_row_show(const sl_cdp_setup_state_t *state, const sl_cdp_setup_draft_t *draft,
                          const sl_cdp_setup_said_t *said)
{
    apr_pool_t *p = state->r->pool;
    sl_cdp_html_t *html = sl_cdp_html_new(p);
    bool is_new = draft->id == 0;
    const char *id = is_new ? "" : apr_psprintf(p, "%" APR_INT64_T_FMT, draft->id);
    const sl_cdp_setup_search_t search = {draft->source_words, draft->field_words,
                                          is_new ? NULL : id};
    const sl_cdp_frame_t frame = {
        .status = said != NULL ? said->status : 0,
        .title = is_new ? "Map a field" : "Change a row",
        .said = said != NULL ? said->text : NULL,
        .is_trouble = true,
        .up_href = sl_cdp_setup_href(state, NULL, NULL),
        .up_text = apr_pstrcat(p, "Setup of ", state->visit->project->name, NULL),
    };

    if (said != NULL && said->faults != NULL) {
        sl_cdp_setup_put_faults(html, said->faults);
    }
    if (state->app_trouble != NULL) {
        sl_cdp_html_put(html, "<p class=\"note\">%s Until then the mapping stays as it is.</p>",
                        state->app_trouble);
    }
    sl_cdp_setup_put_search(html, state, &search);
    put_form(html, state, draft, id);
    if (!is_new) {
        put_removal(html, state, id);
    }
    return sl_cdp_frame_send(state->r, state->visit, &frame, html);
}
