/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping as people read it. */
#include "httpd/sl_cdp_setup_input.h"
#include "httpd/sl_cdp_setup_part.h"
#include "httpd/sl_cdp_setup_words.h"

#include <apr_strings.h>
#include <string.h>

/** What is wrong with the rows that are stored: the project's fields may have changed since. */
static apr_array_header_t *judge(const sl_cdp_setup_state_t *state)
{
    apr_array_header_t *faults;

    return sl_cdp_mapping_check(&faults, &state->mapping, &state->rules, state->r->pool) == SL_OK
               ? NULL
               : faults;
}

static void put_faults_of(sl_cdp_html_t *html, const apr_array_header_t *faults, int row)
{
    for (int i = 0; faults != NULL && i < faults->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(faults, i, sl_cdp_fault_t);

        if (fault->row == row) {
            sl_cdp_html_put(html, "<small class=\"bad\">%s</small>", fault->reason);
        }
    }
}

static void put_source(sl_cdp_html_t *html, const sl_cdp_map_t *map)
{
    const char *label = sl_cdp_setup_source_label(map->source, html->p);

    sl_cdp_html_put(html, "<th scope=\"row\">%s", label);
    if (strcmp(label, map->source) != 0) {
        sl_cdp_html_put(html, "<small>%s</small>", map->source);
    }
    sl_cdp_html_put(html, "</th>");
}

static void put_field(sl_cdp_html_t *html, const sl_cdp_map_t *map)
{
    sl_cdp_html_put(html, "<td data-head=\"Field of the project\">%s", map->field);
    if (map->event[0] != '\0') {
        sl_cdp_html_put(html, "<small>in %s</small>", map->event);
    }
    sl_cdp_html_put(html, "</td>");
}

/** Which values are fetched. */
static void put_window(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                       const sl_cdp_map_t *map)
{
    const sl_cdp_offset_t offset = sl_cdp_mapping_offset(&state->mapping, map);

    if (map->temporal_field == NULL) {
        sl_cdp_html_put(html, "<td data-head=\"Which values\">one value</td>");
        return;
    }
    sl_cdp_html_put(html, "<td data-head=\"Which values\">%s days %s %s",
                    sl_cdp_days_text(html->p, offset.centidays),
                    sl_cdp_setup_direction_text(offset.direction), map->temporal_field);
    if (map->unit != NULL) {
        sl_cdp_html_put(html, ", in %s", map->unit);
    }
    sl_cdp_html_put(html, "<small>Ticked: %s</small></td>", sl_cdp_setup_pick_text(map->pick));
}

static void put_row(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state, const sl_cdp_map_t *map,
                    const apr_array_header_t *faults)
{
    const char *query = apr_psprintf(html->p, "id=%" APR_INT64_T_FMT, map->id);
    const sl_cdp_map_t *first = (const sl_cdp_map_t *)state->mapping.fields->elts;

    sl_cdp_html_put(html, "<tr>");
    put_source(html, map);
    put_field(html, map);
    put_window(html, state, map);
    sl_cdp_html_put(html, "<td><a href=\"%s\" aria-label=\"Change %s to %s\">Change</a>",
                    sl_cdp_setup_href(state, "row", query),
                    sl_cdp_setup_source_label(map->source, html->p), map->field);
    put_faults_of(html, faults, (int)(map - first) + 1);
    sl_cdp_html_put(html, "</td></tr>");
}

void sl_cdp_setup_put_table(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    const apr_array_header_t *fields = state->mapping.fields;
    const apr_array_header_t *faults = judge(state);

    put_faults_of(html, faults, 0);
    if (fields->nelts == 0) {
        sl_cdp_html_put(html, "<p>No field is mapped yet.</p>");
        return;
    }
    sl_cdp_html_put(html, "<table><thead><tr><th scope=\"col\">Field of the EHR</th>"
                          "<th scope=\"col\">Field of the project</th>"
                          "<th scope=\"col\">Which values</th>"
                          "<th scope=\"col\">Change</th></tr></thead><tbody>");
    for (int i = 0; i < fields->nelts; i++) {
        put_row(html, state, &APR_ARRAY_IDX(fields, i, sl_cdp_map_t), faults);
    }
    sl_cdp_html_put(html, "</tbody></table>");
}

static void put_hidden(sl_cdp_html_t *html, const char *name, const char *value)
{
    if (value != NULL) {
        sl_cdp_html_put(html, "<input type=\"hidden\" name=\"%s\" value=\"%s\">", name, value);
    }
}

void sl_cdp_setup_put_search(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                             const sl_cdp_setup_search_t *search)
{
    sl_cdp_html_put(html, "<form method=\"get\" role=\"search\" action=\"%s\">",
                    sl_cdp_setup_href(state, "row", NULL));
    put_hidden(html, "smart_launch", state->visit->handle);
    put_hidden(html, "id", search->row);
    sl_cdp_html_put(
        html,
        "<div class=\"fields top\"><label>Search the EHR's fields <input type=\"search\" "
        "name=\"q\" value=\"%s\"><small>Words, as \"heart rate\", or a LOINC code, "
        "as 8867-4</small></label>",
        search->source_words);
    if (state->rules.dictionary != NULL) {
        sl_cdp_html_put(html,
                        "<label>Search the project's fields <input type=\"search\" name=\"f\" "
                        "value=\"%s\"><small>Part of a name, label, form or event</small></label>",
                        search->field_words);
    }
    sl_cdp_html_put(html, "</div><div class=\"row\"><button>Search</button>");
    if (search->source_words[0] == '\0' && search->field_words[0] == '\0' && search->row == NULL) {
        sl_cdp_html_put(html, "<span class=\"quiet\">With nothing in them, all fields are offered."
                              "</span>");
    }
    sl_cdp_html_put(html, "</div></form>");
}
