/* SPDX-License-Identifier: Apache-2.0 */
/** Repeated measurements over time, as a small drawing that also says in words what it shows. */
#ifndef SL_CDP_CHART_H
#define SL_CDP_CHART_H

#include "flow/sl_cdp_sheet.h"
#include "httpd/sl_cdp_html.h"

/** Nothing where there are no two numbers of one unit at two times. `n` tells those of a page
 * apart. */
void sl_cdp_chart_put(sl_cdp_html_t *html, const sl_cdp_target_t *target, int n);

#endif
