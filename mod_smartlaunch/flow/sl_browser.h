/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The launches of one browser in one app, by way of shared memory: read from PostgreSQL at most
 * every few seconds, believed for SmartOffline while PostgreSQL is away.
 */
#ifndef SL_BROWSER_H
#define SL_BROWSER_H

#include "flow/sl_runtime.h"
#include "store/sl_store_session.h"

/** Whose launches. */
typedef struct {
    const char *cookie; /* value of our cookie, checked (sl_id_is_ours) */
    const char *app;
    apr_interval_time_t idle, max; /* SmartSession */
    apr_time_t now;
    bool anew; /* another host may just have changed it: what memory holds will not do */
} sl_browser_key_t;

typedef struct {
    sl_launch_t row;
    const char *handle;  /* derived, never stored in the database */
    const char *session; /* the session id, for the app's server side only */
    bool live;           /* state, idle and absolute limits judged at `now` */

    /* ready-made for every request: the members of row.context, and the mark of its cookies */
    const char *banner, *intent, *style_url, *tenant, *fhir_context; /* NULL: none */
    const char *mark;
    bool toplevel; /* it finished in a window of its own, not in a frame */
} sl_browser_launch_t;

typedef struct {
    sl_browser_launch_t *launches; /* newest first */
    int count;
    bool more; /* it has had more than these: nobody may conclude from what is not here */
} sl_browser_view_t;

/**
 * SL_OK also when there are none. SL_UNAVAILABLE or SL_BUSY: neither PostgreSQL nor shared memory
 * can say.
 */
SL_MUST_USE sl_rc_t sl_browser_load(sl_browser_view_t *out, const sl_runtime_t *rt,
                                    const sl_browser_key_t *key, apr_pool_t *p, sl_err_t *err);

/** Something changed: read again at the next request. */
void sl_browser_forget(const sl_runtime_t *rt, const char *cookie, const char *app);

/**
 * The launch was used: write it down when the last time is long enough ago.
 * @return the last use that is written down: SmartSession idle counts from there
 */
apr_time_t sl_browser_touch(const sl_runtime_t *rt, const sl_browser_key_t *key,
                            const sl_browser_launch_t *launch);

/** When it ends if nothing more is asked, after a last use at `used`. */
apr_time_t sl_browser_ends(const sl_browser_key_t *key, const sl_browser_launch_t *launch,
                           apr_time_t used);

#endif
