/* SPDX-License-Identifier: Apache-2.0 */
/** What the app gets: user, variables, headers, and its own cookies (design section 3). */
#ifndef SL_PASS_H
#define SL_PASS_H

#include "httpd/sl_request.h"

/**
 * Set user and context for a location under AuthType Smart, or take away what a redirect or
 * subrequest brought along where it is none, and sort the cookies for it.
 */
void sl_pass_context(request_rec *r);

/**
 * Right before the handler: mod_dir may have put another location in this request's place
 * (DirectoryIndex) after the context was set.
 */
void sl_pass_check(request_rec *r);

/** The request's launch, if its location may have it: AuthType Smart, same app. */
const sl_browser_launch_t *sl_pass_launch(request_rec *r);

/** SMART_LINK: "none", "pending" or "linked". */
const char *sl_pass_link_word(sl_link_state_t state);

/** The mark of the app's cookies in the request's launch; NULL: it belongs to none. */
const char *sl_pass_mark(request_rec *r);

#endif
