/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A launch leaves the EHR's frame for a window of its own, by a ticket that is good once (design
 * sections 3 and 12, "Windows"). Two kinds: of a live launch, which moves; and of one whose
 * callback came without any cookie, since the browser keeps none in frames: it is finished in the
 * window.
 */
#ifndef SL_WINDOW_H
#define SL_WINDOW_H

#include "flow/sl_browser.h"
#include "flow/sl_finish.h"

/** For how long a ticket of a live launch is good. */
#define SL_WINDOW_SECONDS 30

/** A ticket for this live launch. SL_EXPIRED: by a cookie of before. SL_BUSY: too many. */
SL_MUST_USE sl_rc_t sl_window_ticket(const char **ticket, const sl_runtime_t *rt,
                                     const sl_browser_key_t *key, const sl_browser_launch_t *launch,
                                     apr_pool_t *p, sl_err_t *err);

/** A ticket for an answer that came without a cookie. SL_NONE: no launch waits for it. */
SL_MUST_USE sl_rc_t sl_window_keep(const char **ticket, const sl_runtime_t *rt,
                                   const sl_finish_t *finish, apr_pool_t *p, sl_err_t *err);

/** A window that comes with a ticket. */
typedef struct {
    const sl_site_t *site;
    const char *ticket;          /* as received */
    const sl_browser_key_t *key; /* cookie NULL: it has none */
    bool toplevel;
} sl_window_ask_t;

/** What the ticket opened: a launch that is here now, or an answer that is still to be finished. */
typedef struct {
    bool has_answer;
    sl_redirect_t answer;    /* for sl_finish_answer, which is to be called with `browser` */
    const char *browser;     /* value of the cookie the pending launch belongs to now */
    const char *new_browser; /* set this cookie; NULL: leave it */
    const char *handle;      /* of the launch that is here now */
    bool held;               /* somebody else lives here: ask */
} sl_window_t;

/**
 * Use a ticket. SL_INVALID: none of ours; SL_EXPIRED: too late, or its launch is over; SL_USED: for
 * the second time, and that has ended the launch.
 */
SL_MUST_USE sl_rc_t sl_window_open(sl_window_t *out, const sl_runtime_t *rt,
                                   const sl_window_ask_t *ask, sl_trace_t *trace, sl_err_t *err);

#endif
