/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_watchdog.h"
#include "base/sl_digest.h"
#include "flow/sl_cdp_turn.h"

#include <apr_atomic.h>
#include <apr_optional.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_watchdog.h>

APLOG_USE_MODULE(smartlaunch_cdp);

#define EVERY apr_time_from_sec(1)

struct sl_cdp_watch {
    apr_thread_mutex_t *mutex; /* held during a turn */
    apr_uint32_t stop;         /* the child is on its way out */
    const sl_cdp_t *cdp;       /* the child's own; NULL: none, or no more */
    server_rec *s;
};

static apr_status_t turn(int state, void *data, apr_pool_t *p)
{
    sl_cdp_watch_t *watch = data;

    apr_thread_mutex_lock(watch->mutex);
    if (watch->cdp != NULL && state == AP_WATCHDOG_STATE_RUNNING) {
        if (sl_cdp_conf(watch->s)->main->core->has_tables(watch->s, p)) {
            sl_cdp_turn(watch->cdp, &watch->stop, p);
        }
        sl_digest_leave_thread();
    }
    apr_thread_mutex_unlock(watch->mutex);
    /* Anything else would be the last time that mod_watchdog calls. */
    return APR_SUCCESS;
}

/**
 * mod_watchdog's thread outlives the child's pool, and nobody waits for it before exit(): it must
 * not meet a database that is closed, nor hold what exit() frees.
 */
static apr_status_t stop(void *data)
{
    sl_cdp_watch_t *watch = data;

    apr_atomic_set32(&watch->stop, 1);
    apr_thread_mutex_lock(watch->mutex);
    watch->cdp = NULL;
    apr_thread_mutex_unlock(watch->mutex);
    return APR_SUCCESS;
}

void sl_cdp_watchdog_child_init(apr_pool_t *pchild, server_rec *s)
{
    const sl_cdp_main_t *main = sl_cdp_conf(s)->main;
    sl_cdp_watch_t *watch = main->watch;

    if (watch == NULL) {
        return;
    }
    apr_thread_mutex_lock(watch->mutex);
    watch->cdp = main->cdp;
    apr_thread_mutex_unlock(watch->mutex);
    apr_pool_pre_cleanup_register(pchild, watch, stop);
}

int sl_cdp_watchdog_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) * get;
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) * add;
    sl_cdp_main_t *main = sl_cdp_conf(s)->main;
    sl_cdp_watch_t *watch = apr_pcalloc(pconf, sizeof(*watch));
    ap_watchdog_t *watchdog = NULL;

    (void)plog;
    (void)ptemp;
    if (main->core == NULL || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    get = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    add = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    if (get == NULL || add == NULL ||
        apr_thread_mutex_create(&watch->mutex, APR_THREAD_MUTEX_DEFAULT, pconf) != APR_SUCCESS ||
        get(&watchdog, "smartlaunch-cdp", 0, 1, pconf) != APR_SUCCESS ||
        add(watchdog, EVERY, watch, turn) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "SL8502: without mod_watchdog nobody refetches after SmartCDPRefetch, "
                     "delivers again what an app could not take, or lets go of values after "
                     "SmartCDPKeep: load it");
        return OK;
    }
    watch->s = s;
    main->watch = watch;
    return OK;
}
