/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_setup_page.h"

#include "httpd/sl_cdp_setup_input.h"
#include "httpd/sl_cdp_setup_part.h"

#include <apr_strings.h>
#include <string.h>

typedef struct {
    const char *name; /* NULL: the first screen */
    sl_cdp_setup_screen_t get, post;
} route_t;

static int show_first(sl_cdp_setup_state_t *state);

static const route_t routes[] = {
    {NULL, show_first, NULL},
    {"row", sl_cdp_setup_row, sl_cdp_setup_row_save},
    {"remove", NULL, sl_cdp_setup_row_remove},
    {"project", NULL, sl_cdp_setup_project_save},
    {"mapping.csv", sl_cdp_setup_csv_export, NULL},
    {"import", NULL, sl_cdp_setup_csv_import},
    {"give", NULL, sl_cdp_setup_rights_give},
    {"take", NULL, sl_cdp_setup_rights_take},
};

/** What was done, in words; another word says nothing. */
static const struct {
    const char *word, *text;
} deeds[] = {
    {"saved", "The row is saved."},          {"removed", "The row is removed."},
    {"settings", "The settings are saved."}, {"imported", "The mapping is imported."},
    {"given", "The right is given."},        {"taken", "The right is taken back."},
};

static const char *done_text(const char *word)
{
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (strcmp(deeds[i].word, word) == 0) {
            return deeds[i].text;
        }
    }
    return NULL;
}

static void put_faults(sl_cdp_html_t *html, const apr_array_header_t *faults)
{
    sl_cdp_html_put(html, "<h2>What has to be mended</h2><table><thead><tr>"
                          "<th scope=\"col\">Row</th><th scope=\"col\">About</th>"
                          "<th scope=\"col\">What is wrong</th></tr></thead><tbody>");
    for (int i = 0; i < faults->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(faults, i, sl_cdp_fault_t);

        if (fault->row > 0) {
            sl_cdp_html_put(html, "<tr><td data-head=\"Row\">%d</td>", fault->row);
        } else {
            sl_cdp_html_put(html, "<tr><td data-head=\"Row\">all</td>");
        }
        sl_cdp_html_put(html,
                        "<td data-head=\"About\">%s</td><td data-head=\"What is wrong\">%s</td>"
                        "</tr>",
                        fault->name, fault->reason);
    }
    sl_cdp_html_put(html, "</tbody></table>");
}

static void put_notes(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                      const sl_cdp_setup_said_t *said)
{
    if (said->faults != NULL) {
        put_faults(html, said->faults);
    }
    if (state->app_trouble != NULL) {
        sl_cdp_html_put(html, "<p class=\"note\">%s Until then the mapping stays as it is.</p>",
                        state->app_trouble);
    }
    if (state->revision == 0) {
        sl_cdp_html_put(html, "<p class=\"note\">Nothing is mapped yet. Begin with the settings: "
                              "say which field of the project holds the medical record number. Or "
                              "import a mapping that another project has exported.</p>");
    }
}

/** The screen is as long as the mapping. */
static void put_contents(sl_cdp_html_t *html)
{
    sl_cdp_html_put(html, "<nav class=\"row\" aria-label=\"On this page\">"
                          "<a href=\"#mapped\">What is mapped</a>"
                          "<a href=\"#another\">Map another field</a>"
                          "<a href=\"#settings\">Settings</a>"
                          "<a href=\"#csv\">CSV</a>"
                          "<a href=\"#rights\">Rights</a></nav>");
}

static void put_mapping(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    const sl_cdp_setup_search_t search = {"", "", NULL};

    sl_cdp_html_put(html, "<h2 id=\"mapped\">What is mapped</h2>");
    sl_cdp_setup_put_table(html, state);
    sl_cdp_html_put(html, "<h3 id=\"another\">Map another field</h3>");
    sl_cdp_setup_put_search(html, state, &search);
}

int sl_cdp_setup_show(const sl_cdp_setup_state_t *state, const sl_cdp_setup_said_t *said)
{
    const sl_cdp_visit_t *visit = state->visit;
    apr_pool_t *p = state->r->pool;
    sl_cdp_html_t *html = sl_cdp_html_new(p);
    const char *const up[] = {visit->project->name, NULL};
    const sl_cdp_frame_t frame = {
        .status = said->status,
        .title = apr_pstrcat(p, "Setup of ", visit->project->name, NULL),
        .lead = "Which fields of the EHR go into which fields of the project, and who may do what.",
        .said = said->text,
        .is_trouble = said->is_trouble,
        .up_href = sl_cdp_visit_href(visit, p, NULL, up),
        .up_text = visit->project->name,
    };
    int answer;

    put_notes(html, state, said);
    if (state->revision > 0) {
        put_contents(html);
        put_mapping(html, state);
    }
    sl_cdp_setup_put_project(html, state);
    sl_cdp_setup_put_csv(html, state, said->csv);
    answer = sl_cdp_setup_put_rights(html, state);
    return answer == DECLINED ? sl_cdp_frame_send(state->r, visit, &frame, html) : answer;
}

static int show_first(sl_cdp_setup_state_t *state)
{
    const char *word = sl_cdp_setup_value(sl_cdp_setup_query(state), "done", state->r->pool);
    const sl_cdp_setup_said_t said = {.text = done_text(word)};

    return sl_cdp_setup_show(state, &said);
}

static const route_t *find_route(const sl_cdp_visit_t *visit)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (visit->depth == 1 ? routes[i].name == NULL
                              : visit->depth == 2 && !visit->has_slash && routes[i].name != NULL &&
                                    strcmp(routes[i].name, visit->segments[1]) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

int sl_cdp_setup_page(request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_core_refusal_t no_setup = {
        .status = HTTP_FORBIDDEN,
        .error = "forbidden",
        .title = "You may not set up this project",
        .text = "Whoever set it up can give you the right to.",
        .log_id = "SL8580",
        .detail = "the setup, for a user without the right to set the project up",
    };
    const route_t *route = find_route(visit);
    sl_cdp_setup_state_t state;
    sl_cdp_setup_screen_t screen;
    int answer;

    if (!visit->rights.setup) {
        return visit->core->refuse(r, &no_setup);
    }
    if (route == NULL) {
        return sl_cdp_visit_not_found(visit, r);
    }
    screen = visit->is_unsafe ? route->post : route->get;
    if (screen == NULL) {
        return sl_cdp_visit_not_allowed(visit, r, visit->is_unsafe ? "GET, HEAD" : "POST");
    }
    answer = sl_cdp_setup_open(&state, r, visit);
    return answer == DECLINED ? screen(&state) : answer;
}
