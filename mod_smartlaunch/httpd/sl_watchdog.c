/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_watchdog.h"
#include "base/sl_digest.h"
#include "flow/sl_caretaker.h"
#include "flow/sl_pulse.h"
#include "httpd/sl_child.h"

#include <apr_atomic.h>
#include <apr_optional.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_watchdog.h>

APLOG_USE_MODULE(smartlaunch);

#define WAIT apr_time_from_msec(200) /* of one turn, so that a stop is not kept waiting */
#define LOOK_EVERY apr_time_from_sec(1)

struct sl_watch {
    apr_thread_mutex_t *mutex; /* held during a turn */
    apr_uint32_t stop;         /* the child is on its way out */
    sl_caretaker_t *caretaker; /* the child's own; NULL: none, or no more */
    server_rec *s;
    apr_thread_mutex_t *telling; /* held while figures are told */
    bool tells;                  /* this child does so; it is not on its way out */
    apr_time_t look_at;          /* when to look for our tables again, while they are not there */
};

/** Without our tables there is nothing to take care of; one line in the log says so. */
static bool has_tables(sl_watch_t *watch, apr_pool_t *p)
{
    sl_main_t *main = sl_conf_server(watch->s)->main;
    apr_time_t now = apr_time_now();

    if (apr_atomic_read32(&main->has_seen_database) == 0 && now >= watch->look_at) {
        sl_child_look_at_database(watch->s, p);
        watch->look_at = now + LOOK_EVERY;
    }
    return apr_atomic_read32(&main->has_seen_database) != 0;
}

static apr_status_t turn(int state, void *data, apr_pool_t *p)
{
    sl_watch_t *watch = data;

    apr_thread_mutex_lock(watch->mutex);
    if (watch->caretaker != NULL) {
        if (state == AP_WATCHDOG_STATE_STOPPING) {
            sl_caretaker_leave(watch->caretaker);
        } else if (has_tables(watch, p)) {
            sl_caretaker_turn(watch->caretaker, WAIT, &watch->stop, p);
        }
        sl_digest_leave_thread();
    }
    apr_thread_mutex_unlock(watch->mutex);
    /* Anything else would be the last time that mod_watchdog calls. */
    return APR_SUCCESS;
}

/** In every child, beside whoever is the host's caretaker: the status page sums them up. */
static apr_status_t tell(int state, void *data, apr_pool_t *p)
{
    sl_watch_t *watch = data;

    (void)p;
    apr_thread_mutex_lock(watch->telling);
    if (watch->tells && state == AP_WATCHDOG_STATE_RUNNING) {
        sl_pulse_beat(sl_conf_server(watch->s)->main->pulse);
        sl_digest_leave_thread();
    }
    apr_thread_mutex_unlock(watch->telling);
    return APR_SUCCESS;
}

/**
 * mod_watchdog's thread outlives the child's pool, and nobody waits for it before exit(): it must
 * not meet a database that is closed, nor hold what exit() frees.
 */
static apr_status_t stop(void *data)
{
    sl_watch_t *watch = data;

    apr_thread_mutex_lock(watch->telling);
    watch->tells = false;
    apr_thread_mutex_unlock(watch->telling);
    apr_atomic_set32(&watch->stop, 1);
    apr_thread_mutex_lock(watch->mutex);
    sl_caretaker_leave(watch->caretaker);
    watch->caretaker = NULL;
    apr_thread_mutex_unlock(watch->mutex);
    return APR_SUCCESS;
}

void sl_watchdog_child_init(apr_pool_t *pchild, server_rec *s)
{
    const sl_main_t *main = sl_conf_server(s)->main;
    sl_caretaker_options_t options = {.keep_steps = main->keep_steps,
                                      .keep_access = main->keep_access};
    sl_watch_t *watch = main->watch;

    if (watch == NULL) {
        return;
    }
    if (sl_conf_uses_tokens(s)) {
        options.renews = true;
        options.listen = main->listen != NULL ? main->listen : main->database;
    }
    apr_thread_mutex_lock(watch->mutex);
    watch->caretaker = sl_caretaker_new(pchild, main->runtime, &options);
    apr_thread_mutex_unlock(watch->mutex);
    apr_thread_mutex_lock(watch->telling);
    watch->tells = true;
    apr_thread_mutex_unlock(watch->telling);
    apr_pool_pre_cleanup_register(pchild, watch, stop);
}

static bool has_status(const server_rec *s)
{
    for (; s != NULL; s = s->next) {
        if (sl_conf_server(s)->statuses->nelts > 0) {
            return true;
        }
    }
    return false;
}

int sl_watchdog_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) * get;
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) * add;
    ap_watchdog_t *watchdog = NULL;
    sl_watch_t *watch = apr_pcalloc(pconf, sizeof(*watch));

    (void)plog;
    (void)ptemp;
    if (sl_conf_server(s)->main->ring == NULL ||
        ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    get = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    add = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    if (get == NULL || add == NULL ||
        apr_thread_mutex_create(&watch->mutex, APR_THREAD_MUTEX_DEFAULT, pconf) != APR_SUCCESS ||
        apr_thread_mutex_create(&watch->telling, APR_THREAD_MUTEX_DEFAULT, pconf) != APR_SUCCESS ||
        get(&watchdog, "smartlaunch", 0, 1, pconf) != APR_SUCCESS ||
        add(watchdog, AP_WD_TM_SLICE, watch, turn) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "SL5301: without mod_watchdog nobody cleans up after SmartKeep, renews tokens "
                     "ahead, revokes them at their EHRs, hears of changes on other hosts or brings "
                     "home the audit's journal: "
                     "load it");
        return OK;
    }
    watch->s = s;
    sl_conf_server(s)->main->watch = watch;
    if (has_status(s) && get(&watchdog, "smartlaunch-status", 0, 0, pconf) == APR_SUCCESS) {
        (void)add(watchdog, SL_PULSE_EVERY, watch, tell);
    }
    return OK;
}
