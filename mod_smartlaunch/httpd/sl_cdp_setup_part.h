/* SPDX-License-Identifier: Apache-2.0 */
/** The parts of the setup's first screen, and what their forms do. */
#ifndef SL_CDP_SETUP_PART_H
#define SL_CDP_SETUP_PART_H

#include "httpd/sl_cdp_setup_state.h"

/** What is mapped, with what is wrong with it now. */
void sl_cdp_setup_put_table(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state);

/** Search in the fields of both sides: words that are there already, and a row to change. */
typedef struct {
    const char *source_words, *field_words;
    const char *row; /* id; NULL: a new one */
} sl_cdp_setup_search_t;
void sl_cdp_setup_put_search(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                             const sl_cdp_setup_search_t *search);

/** One row of the mapping, in a screen of its own. */
int sl_cdp_setup_row(sl_cdp_setup_state_t *state);
int sl_cdp_setup_row_save(sl_cdp_setup_state_t *state);
int sl_cdp_setup_row_remove(sl_cdp_setup_state_t *state);

/** The settings of the project. */
void sl_cdp_setup_put_project(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state);
int sl_cdp_setup_project_save(sl_cdp_setup_state_t *state);

/** The mapping as a table to take along. */
void sl_cdp_setup_put_csv(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state, const char *text);
int sl_cdp_setup_csv_export(sl_cdp_setup_state_t *state);
int sl_cdp_setup_csv_import(sl_cdp_setup_state_t *state);

/** Who may do what. DECLINED; else PostgreSQL could not be asked, and it has been answered. */
int sl_cdp_setup_put_rights(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state);
int sl_cdp_setup_rights_give(sl_cdp_setup_state_t *state);
int sl_cdp_setup_rights_take(sl_cdp_setup_state_t *state);

#endif
