/* SPDX-License-Identifier: Apache-2.0 */
/** The app says who has logged in, and what follows: link, session, end (design sections 5, 11). */
#ifndef SL_LOGIN_H
#define SL_LOGIN_H

#include "flow/sl_browser.h"
#include "flow/sl_trace.h"
#include "store/sl_store_link.h"

/** A launch of this browser, and who acts on it. */
typedef struct {
    const sl_runtime_t *rt;
    const sl_browser_key_t *key;
    const sl_browser_launch_t *launch;
    sl_trace_t *trace;
} sl_login_t;

/** Is `user` a name we pass on: printable ASCII without blanks at its ends, at most 255 bytes? */
bool sl_login_is_name(const char *user);

/**
 * The app said `user` on a pending launch: remember it for the confirm page.
 * SL_CONFLICT: that user is linked with another EHR user.
 */
SL_MUST_USE sl_rc_t sl_login_remember(const sl_login_t *login, const char *user,
                                      const char *return_to, sl_err_t *err);

/** May `user` be joined with the EHR user of a pending launch? SL_CONFLICT: linked otherwise. */
SL_MUST_USE sl_rc_t sl_login_check(const sl_login_t *login, const char *user, sl_err_t *err);

/**
 * Store the link of a pending launch with `user`.
 * @param new_browser the cookie's new value
 * @param how link.how: "app", or "site" where another httpd module logged the user in
 */
SL_MUST_USE sl_rc_t sl_login_link(const char **new_browser, const sl_login_t *login,
                                  const char *user, const char *how, sl_err_t *err);

/** A held launch takes effect: the others in this browser end. */
SL_MUST_USE sl_rc_t sl_login_release(const char **new_browser, const sl_login_t *login,
                                     sl_err_t *err);

/** End the launch; `all` ends every one of this browser, whichever app's. */
SL_MUST_USE sl_rc_t sl_login_end(const sl_login_t *login, const char *reason, bool all,
                                 sl_err_t *err);

#endif
