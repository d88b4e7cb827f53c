/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_watchdog.h"
#include "store/sl_store_keep.h"

#include <apr_optional.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_watchdog.h>

APLOG_USE_MODULE(smartlaunch);

#define EVERY apr_time_from_sec(15 * 60)
#define BATCHES 20 /* of one turn, so that a stop is not kept waiting */

/** One batch. Is there more to do? Not once the child is on its way out. */
static bool keep_batch(sl_main_t *main, server_rec *s, apr_pool_t *p)
{
    bool more = false;
    sl_err_t err;

    apr_thread_mutex_lock(main->housekeeping);
    if (main->runtime != NULL &&
        sl_store_keep(&more, main->runtime->db, main->keep_steps, p, &err) != SL_OK) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s, "%s: housekeeping waits: %s", err.id, err.text);
        more = false;
    }
    apr_thread_mutex_unlock(main->housekeeping);
    return more;
}

static apr_status_t keep_house(int state, void *data, apr_pool_t *p)
{
    server_rec *s = data;
    sl_main_t *main = sl_conf_server(s)->main;

    if (state != AP_WATCHDOG_STATE_STOPPING) {
        for (int i = 0; i < BATCHES && keep_batch(main, s, p); i++) {
        }
    }
    /* Anything else would be the last time that mod_watchdog calls. */
    return APR_SUCCESS;
}

/** mod_watchdog's thread outlives the child's pool: it must not meet a database that is closed. */
static apr_status_t stop(void *data)
{
    sl_main_t *main = data;

    apr_thread_mutex_lock(main->housekeeping);
    main->runtime = NULL;
    apr_thread_mutex_unlock(main->housekeeping);
    return APR_SUCCESS;
}

void sl_watchdog_child_init(apr_pool_t *pchild, sl_main_t *main)
{
    if (main->housekeeping != NULL) {
        apr_pool_pre_cleanup_register(pchild, main, stop);
    }
}

int sl_watchdog_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) * get;
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) * add;
    ap_watchdog_t *watchdog = NULL;

    (void)plog;
    (void)ptemp;
    if (sl_conf_server(s)->main->ring == NULL ||
        ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    get = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    add = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    if (get == NULL || add == NULL ||
        apr_thread_mutex_create(&sl_conf_server(s)->main->housekeeping, APR_THREAD_MUTEX_DEFAULT,
                                pconf) != APR_SUCCESS ||
        get(&watchdog, "smartlaunch", 0, 1, pconf) != APR_SUCCESS ||
        add(watchdog, EVERY, s, keep_house) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "SL5301: without mod_watchdog nobody cleans up after SmartKeep; load it, or "
                     "run smartlaunch.purge() in the database now and then");
    }
    return OK;
}
