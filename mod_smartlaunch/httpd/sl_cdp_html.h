/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HTML, piece by piece. A piece is a literal template whose %s are escaped, always: markup is what
 * stands in our source, text is everything else (H5).
 */
#ifndef SL_CDP_HTML_H
#define SL_CDP_HTML_H

#include "base/sl_rc.h"
#include <apr_tables.h>

typedef struct {
    apr_pool_t *p;
    apr_array_header_t *pieces; /* of const char * */
} sl_cdp_html_t;

sl_cdp_html_t *sl_cdp_html_new(apr_pool_t *p);

/**
 * Append `markup`, a literal. In it %s is a text that is escaped for content and quoted attributes
 * (NULL: nothing), %d an int, %% a percent sign; there is nothing else.
 */
SL_PRINTF(2, 3)
void sl_cdp_html_put(sl_cdp_html_t *html, const char *markup, ...);

/** Append what another one has. */
void sl_cdp_html_add(sl_cdp_html_t *html, const sl_cdp_html_t *other);

/** All of it; a pool string. */
const char *sl_cdp_html_text(const sl_cdp_html_t *html);

#endif
