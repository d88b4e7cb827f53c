/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The lines of one list, put in an order that does not depend on the order they came in: the newest
 * first, then by their words, none twice. Bounded: beyond a limit the newest stay.
 */
#ifndef SL_CDP_LINES_H
#define SL_CDP_LINES_H

#include <apr_pools.h>
#include <stdbool.h>

typedef struct sl_cdp_lines sl_cdp_lines_t;

/** @param limit lines; @param max bytes of the text; @param between put between lines */
typedef struct {
    int limit;
    apr_size_t max;
    const char *between;
} sl_cdp_lines_bound_t;
sl_cdp_lines_t *sl_cdp_lines_new(const sl_cdp_lines_bound_t *bound, apr_pool_t *p);

/** Add a line (copied). @param date "YYYY-MM-DD" or a part of it, "" for none */
void sl_cdp_lines_add(sl_cdp_lines_t *lines, const char *date, const char *text);

/** Remember that something could not be made a line, and why: the last text of the item where
 * there is no line at all, a note where there are some. */
void sl_cdp_lines_omit(sl_cdp_lines_t *lines, const char *sentence);

/** The text, NULL: no line. `note` (may come back NULL) says what is missing in it. */
const char *sl_cdp_lines_text(sl_cdp_lines_t *lines, const char **note, apr_pool_t *p);

#endif
