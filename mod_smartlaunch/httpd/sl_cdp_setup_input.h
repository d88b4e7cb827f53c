/* SPDX-License-Identifier: Apache-2.0 */
/** Inputs of the setup's forms: lists of the EHR's fields and of the project's. */
#ifndef SL_CDP_SETUP_INPUT_H
#define SL_CDP_SETUP_INPUT_H

#include "cdp/sl_cdp_catalogue.h"
#include "httpd/sl_cdp_setup_state.h"

/** A text of one line, with its label. `hint` NULL: none. */
typedef struct {
    const char *label, *name, *value, *hint;
} sl_cdp_setup_text_t;
void sl_cdp_setup_put_text(sl_cdp_html_t *html, const sl_cdp_setup_text_t *text);

/** A choice of a list. */
void sl_cdp_setup_put_option(sl_cdp_html_t *html, const char *value, const char *text,
                             bool is_chosen);

/** Choices for sources of the EHR, in groups: of const sl_cdp_source_t *. */
void sl_cdp_setup_put_sources(sl_cdp_html_t *html, const apr_array_header_t *sources,
                              const char *chosen);

/** What the catalogue calls a source: its label, or the name itself. */
const char *sl_cdp_setup_source_label(const char *source, apr_pool_t *p);

/** A field of the project in one of its events. */
typedef struct {
    const char *event;
    const sl_cdp_field_t *field;
} sl_cdp_setup_place_t;

/** Those that `is_wanted`, whose name, label, form or event has every word of `words`: of
 * sl_cdp_setup_place_t. */
apr_array_header_t *sl_cdp_setup_places(const sl_cdp_setup_state_t *state, const char *words,
                                        bool (*is_wanted)(const sl_cdp_field_t *field));

/** Choices for places, under the names of their events; SL_CDP_SETUP_SHOWN at most. */
void sl_cdp_setup_put_places(sl_cdp_html_t *html, const apr_array_header_t *places,
                             const char *event, const char *field);

/** One that is none of them, and stays chosen until somebody chooses another. */
void sl_cdp_setup_put_kept_place(sl_cdp_html_t *html, const char *event, const char *field);

/** What the project calls a field: its label with its name. */
const char *sl_cdp_setup_field_text(const sl_cdp_field_t *field, apr_pool_t *p);

/** The place that a form chose ("target"), or wrote ("event", "field"): both "" for none. */
void sl_cdp_setup_place_of(const char **event, const char **field, const sl_params_t *form,
                           apr_pool_t *p);

/** The value that is given exactly once, without blanks around; "" for none. */
const char *sl_cdp_setup_value(const sl_params_t *form, const char *name, apr_pool_t *p);

/** A list of what is wrong, as a paragraph each; `name` where the fault has one. */
void sl_cdp_setup_put_faults(sl_cdp_html_t *html, const apr_array_header_t *faults);

#endif
