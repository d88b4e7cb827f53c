/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where a launch lands under SmartNotify: the app is told, and the browser goes where the app says
 * (design section 6, X2 to X5). Each answers the request and returns DONE; the cookie is renewed
 * whatever comes of it, since the browser has moved to it.
 */
#ifndef SL_LANDING_H
#define SL_LANDING_H

#include "flow/sl_finish.h"
#include "httpd/sl_redirect_url.h"

/**
 * Is the app told of a launch like this? While its link is pending only if the app may make the
 * link itself and does not have the user yet: an EHR launch under SmartLink app.
 */
bool sl_landing_is_told(const sl_site_t *site, sl_launch_kind_t kind, sl_link_state_t state);

/** A launch that was just finished. */
int sl_landing_finish(const sl_visit_t *visit, const sl_finishing_t *finishing,
                      const sl_finished_t *finished);

/**
 * A launch that waited for an answer of the user and is live now.
 * @param user       the app user it has been linked with; NULL: it stays as its row says
 * @param new_browser value for the cookie; NULL: leave it
 */
int sl_landing_launch(const sl_visit_t *visit, const sl_browser_launch_t *launch, const char *user,
                      const char *new_browser);

/** Somebody whom httpd logged in, without any launch (X10). */
int sl_landing_user(const sl_visit_t *visit, const char *user);

#endif
