/* SPDX-License-Identifier: Apache-2.0 */
/** What the screens of the setup have in common: the mapping as it is, and how a form is taken. */
#ifndef SL_CDP_SETUP_STATE_H
#define SL_CDP_SETUP_STATE_H

#include "flow/sl_cdp_setup.h"
#include "httpd/sl_cdp_frame.h"
#include "smart/sl_params.h"

#define SL_CDP_SETUP_SHOWN 500 /* choices of one list */

typedef struct {
    request_rec *r;
    const sl_cdp_visit_t *visit;
    sl_cdp_mapping_t mapping; /* an empty one where nobody has saved one yet */
    apr_int64_t revision;     /* 0: nobody has */
    sl_cdp_mapping_rules_t rules;
    const char *app_trouble; /* why the app did not tell its fields, a sentence; NULL: it did, or
                                never does */
} sl_cdp_setup_state_t;

/** What is to be said on top of a screen. */
typedef struct {
    int status;       /* 0: 200 */
    const char *text; /* NULL: nothing */
    bool is_trouble;
    const apr_array_header_t *faults; /* of sl_cdp_fault_t, below it; NULL: none */
    const char *csv;                  /* what was to be imported, to be mended; NULL: nothing */
} sl_cdp_setup_said_t;

/** A screen, or the answer to a form; each answers and returns DONE. */
typedef int (*sl_cdp_setup_screen_t)(sl_cdp_setup_state_t *state);

/** Read the mapping, and ask the app for its fields. DECLINED: go on; else it has been answered. */
int sl_cdp_setup_open(sl_cdp_setup_state_t *out, request_rec *r, const sl_cdp_visit_t *visit);

/** Address of a screen: `name` NULL is the first one. */
const char *sl_cdp_setup_href(const sl_cdp_setup_state_t *state, const char *name,
                              const char *query);

/** What is behind the question mark; none of it where it cannot be read. */
const sl_params_t *sl_cdp_setup_query(const sl_cdp_setup_state_t *state);

/** Open a form that POSTs to `name`, with what a token is good for: this form, this revision. */
void sl_cdp_setup_form(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state, const char *name);
/** … that brings a file. */
void sl_cdp_setup_form_file(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                            const char *name);

/** Is it a form of ours, for `name`? A genuine one of an older revision is for the one who saves to
 * find out. DECLINED: yes; else it has been answered. */
int sl_cdp_setup_prove(const sl_cdp_setup_state_t *state, const char *name, const char *token,
                       const char *revision);

/** The form that came. DECLINED: it is one of ours; else it has been answered. */
int sl_cdp_setup_read(const sl_params_t **out, const sl_cdp_setup_state_t *state, const char *name);

/** The revision that the form was made for has gone. */
bool sl_cdp_setup_is_old(const sl_cdp_setup_state_t *state, const char *revision);

/** No change while the app cannot be asked: names would have to be believed. */
bool sl_cdp_setup_is_away(const sl_cdp_setup_state_t *state);

/** Store, and show the first screen with the word `done`. */
int sl_cdp_setup_keep(const sl_cdp_setup_state_t *state, const sl_cdp_mapping_t *mapping,
                      const char *done);

/** Somebody saved meanwhile: the mapping as it is `now`, and what is to be `said` of who and when.
 * DECLINED: go on; else it has been answered. */
int sl_cdp_setup_reopen(sl_cdp_setup_state_t *now, sl_cdp_setup_said_t *said,
                        const sl_cdp_setup_state_t *state);

/** The first screen, as it is now. */
int sl_cdp_setup_show(const sl_cdp_setup_state_t *state, const sl_cdp_setup_said_t *said);
/** … after somebody else saved, or as long as the app is away. @param csv to be kept, or NULL */
int sl_cdp_setup_show_old(const sl_cdp_setup_state_t *state, const char *csv);
int sl_cdp_setup_show_away(const sl_cdp_setup_state_t *state);

/** Back to the first screen, which says what was done. */
int sl_cdp_setup_done(const sl_cdp_setup_state_t *state, const char *word);

#endif
