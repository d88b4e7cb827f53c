/* SPDX-License-Identifier: Apache-2.0 */
/**
 * <redirect>/start, and the way there from an error: a standalone launch begins in the app, not in
 * a chart, so that is where it begins again.
 */
#ifndef SL_START_URL_H
#define SL_START_URL_H

#include "httpd/sl_redirect_url.h"

/** Errors of this request lead to /start for this EHR and way back; either may be NULL. */
void sl_start_offer(const sl_visit_t *visit, const char *ehr, const char *return_to);

/**
 * The same for a request whose launch is over: the one it names, else the browser's newest. Nothing
 * where that was no standalone launch.
 */
void sl_start_offer_again(request_rec *r);

#endif
