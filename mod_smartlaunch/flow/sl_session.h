/* SPDX-License-Identifier: Apache-2.0 */
/** A session without an EHR: the app said who logged in, and there is no launch. */
#ifndef SL_SESSION_H
#define SL_SESSION_H

#include "flow/sl_browser.h"
#include "flow/sl_trace.h"

/**
 * Give this browser a session of `user`; launches and sessions of others in it end.
 * @param key its cookie may be NULL: the browser had none
 * @param new_browser the cookie's value from now on
 */
SL_MUST_USE sl_rc_t sl_session_begin(const char **new_browser, const sl_runtime_t *rt,
                                     const sl_browser_key_t *key, const char *user,
                                     sl_trace_t *trace, sl_err_t *err);

#endif
