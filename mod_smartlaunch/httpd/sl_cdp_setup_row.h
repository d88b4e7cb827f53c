/* SPDX-License-Identifier: Apache-2.0 */
/** The screen of one row of the mapping. */
#ifndef SL_CDP_SETUP_ROW_H
#define SL_CDP_SETUP_ROW_H

#include "cdp/sl_cdp_mapping_judge.h"
#include "httpd/sl_cdp_setup_input.h"
#include "httpd/sl_cdp_setup_part.h"

/** A row as somebody typed it; no text is NULL. */
typedef struct {
    apr_int64_t id;                         /* 0: a new row */
    const char *source_words, *field_words; /* what was searched for */
    const char *source, *event, *field, *temporal, *pick, *unit, *days, *direction;
} sl_cdp_setup_draft_t;

/** Show it; `said`: why it was not saved, NULL: nothing. @return DONE */
int sl_cdp_setup_row_show(const sl_cdp_setup_state_t *state, const sl_cdp_setup_draft_t *draft,
                          const sl_cdp_setup_said_t *said);

/** Choices for the three ways a window opens. */
void sl_cdp_setup_put_directions(sl_cdp_html_t *html, const char *chosen);

#endif
