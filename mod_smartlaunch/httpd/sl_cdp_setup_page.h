/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The screens on which a study is set up: what is mapped, the settings of the project, the CSV, and
 * who may do what. Only for users with the right to set the project up (C1).
 */
#ifndef SL_CDP_SETUP_PAGE_H
#define SL_CDP_SETUP_PAGE_H

#include "httpd/sl_cdp_url.h"

/** Everything below <project>/setup. @return DONE */
int sl_cdp_setup_page(request_rec *r, const sl_cdp_visit_t *visit);

#endif
