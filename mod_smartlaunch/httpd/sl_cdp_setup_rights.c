/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what in the project. */
#include "flow/sl_cdp_right.h"
#include "httpd/sl_cdp_setup_input.h"
#include "httpd/sl_cdp_setup_part.h"

#include <string.h>

#define SETUP "setup"
#define ADJUDICATE "adjudicate"

static void put_taking(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state, const char *user,
                       const char *right)
{
    sl_cdp_setup_form(html, state, "take");
    sl_cdp_html_put(html,
                    "<input type=\"hidden\" name=\"user\" value=\"%s\">"
                    "<input type=\"hidden\" name=\"right\" value=\"%s\">"
                    "<button class=\"risk\" aria-label=\"Take back from %s: %s\">Take back</button>"
                    "</form>",
                    user, right, user, right);
}

static void put_cell(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                     const sl_cdp_right_row_t *row, bool is_setup)
{
    bool is_mine = strcmp(row->user, state->visit->actor.user) == 0;
    bool may = is_setup ? row->rights.setup : row->rights.adjudicate;

    sl_cdp_html_put(html, "<td data-head=\"%s\">", is_setup ? "Set up" : "See and save values");
    if (!may) {
        sl_cdp_html_put(html, "no");
    } else if (is_setup && is_mine) {
        sl_cdp_html_put(html, "yes <small>somebody else can take it from you</small>");
    } else {
        sl_cdp_html_put(html, "yes ");
        put_taking(html, state, row->user, is_setup ? SETUP : ADJUDICATE);
    }
    sl_cdp_html_put(html, "</td>");
}

static void put_user(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                     const sl_cdp_right_row_t *row)
{
    sl_cdp_html_put(html, "<tr><th scope=\"row\">%s<small>given by %s</small></th>", row->user,
                    row->granted_by);
    put_cell(html, state, row, true);
    put_cell(html, state, row, false);
    sl_cdp_html_put(html, "</tr>");
}

static void put_giving(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    const sl_cdp_setup_text_t user = {"User", "user", "",
                                      "The name with which they log in to the application"};

    sl_cdp_setup_form(html, state, "give");
    sl_cdp_html_put(html, "<fieldset><legend>Give a right</legend>");
    sl_cdp_setup_put_text(html, &user);
    sl_cdp_html_put(html, "<label class=\"line\"><input type=\"checkbox\" name=\"" SETUP
                          "\" value=\"yes\"><span>Set up: change the mapping, and give rights"
                          "</span></label>"
                          "<label class=\"line\"><input type=\"checkbox\" name=\"" ADJUDICATE
                          "\" value=\"yes\"><span>See and save values: fetch, look at them and "
                          "decide</span></label></fieldset>"
                          "<p><button class=\"main\">Give</button></p></form>");
}

int sl_cdp_setup_put_rights(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    const sl_cdp_visit_t *visit = state->visit;
    apr_array_header_t *rows = NULL;
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_right_list(&rows, visit->cdp, visit->project->name, state->r->pool, &err);

    if (rc != SL_OK) {
        return visit->core->error(state->r, rc, &err);
    }
    sl_cdp_html_put(html, "<h2 id=\"rights\">Who may do what</h2><table><thead><tr>"
                          "<th scope=\"col\">User</th><th scope=\"col\">Set up</th>"
                          "<th scope=\"col\">See and save values</th></tr></thead><tbody>");
    for (int i = 0; i < rows->nelts; i++) {
        put_user(html, state, &APR_ARRAY_IDX(rows, i, sl_cdp_right_row_t));
    }
    sl_cdp_html_put(html, "</tbody></table>");
    put_giving(html, state);
    return DECLINED;
}

static int refuse(const sl_cdp_setup_state_t *state, const char *text)
{
    const sl_cdp_setup_said_t wrong = {
        .status = HTTP_BAD_REQUEST, .text = text, .is_trouble = true};

    return sl_cdp_setup_show(state, &wrong);
}

/** DECLINED: done; else it has been answered. */
static int set(const sl_cdp_setup_state_t *state, const char *user, const char *right, bool may)
{
    const sl_cdp_visit_t *visit = state->visit;
    const sl_cdp_right_change_t change = {right, may, visit->actor.user};
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_right_set(visit->cdp, visit->project->name, user, &change, &err);

    if (rc == SL_INVALID) {
        return refuse(state, "Nothing was changed: that is no name of a user, or no right.");
    }
    return rc == SL_OK ? DECLINED : visit->core->error(state->r, rc, &err);
}

int sl_cdp_setup_rights_give(sl_cdp_setup_state_t *state)
{
    const sl_params_t *form = NULL;
    const char *user;
    bool setup, adjudicate;
    int answer = sl_cdp_setup_read(&form, state, "give");

    if (answer != DECLINED) {
        return answer;
    }
    user = sl_cdp_setup_value(form, "user", state->r->pool);
    setup = sl_params_count(form, SETUP) > 0;
    adjudicate = sl_params_count(form, ADJUDICATE) > 0;
    if (!setup && !adjudicate) {
        return refuse(state, "Nothing was changed: tick at least one right.");
    }
    answer = setup ? set(state, user, SETUP, true) : DECLINED;
    if (answer == DECLINED && adjudicate) {
        answer = set(state, user, ADJUDICATE, true);
    }
    return answer == DECLINED ? sl_cdp_setup_done(state, "given") : answer;
}

int sl_cdp_setup_rights_take(sl_cdp_setup_state_t *state)
{
    const sl_params_t *form = NULL;
    const char *user, *right;
    int answer = sl_cdp_setup_read(&form, state, "take");

    if (answer != DECLINED) {
        return answer;
    }
    user = sl_params_one(form, "user");
    right = sl_cdp_setup_value(form, "right", state->r->pool);
    if (user != NULL && strcmp(user, state->visit->actor.user) == 0 && strcmp(right, SETUP) == 0) {
        /* Whoever is here stays: a project that nobody can set up helps nobody. */
        return refuse(state, "Nothing was changed: your own right to set up is for somebody else "
                             "to take, so that there is always one who has it.");
    }
    answer = set(state, user, right, false);
    return answer == DECLINED ? sl_cdp_setup_done(state, "taken") : answer;
}
