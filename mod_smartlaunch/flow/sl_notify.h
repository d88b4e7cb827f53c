/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Telling the app that somebody signed on (design section 6, the Redox way): one POST before the
 * browser moves on, and where the app sends it. What fails ends the launch (X5).
 */
#ifndef SL_NOTIFY_H
#define SL_NOTIFY_H

#include "flow/sl_browser.h"
#include "flow/sl_finish.h"
#include "smart/sl_signon.h"

/** What the app is told of. */
typedef struct {
    const sl_site_t *site;       /* with a destination */
    const char *browser;         /* value of our cookie from now on; NULL without a launch */
    const char *launch, *key_id; /* NULL: a user without a launch */
    const char *handle;          /* of the launch */
    bool has_session;            /* the launch is somebody's: its session may be told */
    sl_signon_who_t who;         /* sl_notify_send adds the session */
} sl_notify_t;

/** A launch that was just stored. */
void sl_notify_of_finish(sl_notify_t *out, const sl_site_t *site, const sl_finishing_t *finishing,
                         const sl_finished_t *finished);

/** A launch that was held and takes effect now: what its row has. */
void sl_notify_of_launch(sl_notify_t *out, const sl_site_t *site,
                         const sl_browser_launch_t *launch);

/** A user whom another module of httpd knows, without any launch (X10). */
void sl_notify_of_user(sl_notify_t *out, const sl_site_t *site, const char *user);

/** Where the app sends the browser. */
typedef struct {
    const char *location;    /* with the launch's handle where it is ours; NULL: a page */
    const sl_secret_t *page; /* its HTML */
    const char *charset;
} sl_notified_t;

/**
 * The challenge where one is due, the message once, and the judgement of the answer. SL_UPSTREAM,
 * SL_TIMEOUT, SL_BUSY, SL_FAILED: the browser must not go on, and the launch has ended with its
 * tokens revoked.
 */
SL_MUST_USE sl_rc_t sl_notify_send(sl_notified_t *out, const sl_runtime_t *rt, sl_notify_t *notify,
                                   const sl_trace_t *trace, sl_err_t *err);

#endif
