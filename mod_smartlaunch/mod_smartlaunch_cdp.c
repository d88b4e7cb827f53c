/* SPDX-License-Identifier: Apache-2.0 */
/* The Clinical Data Pull: a module of its own, on the core's connections (httpd/sl_core.h). */
#include "httpd/sl_cdp_child.h"
#include "httpd/sl_cdp_conf.h"
#include "httpd/sl_cdp_url.h"
#include "httpd/sl_cdp_watchdog.h"

#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>

/* The core is there first, and nobody else gets our addresses. */
static const char *const core[] = {"mod_smartlaunch.c", NULL};
static const char *const before[] = {"mod_proxy.c", "mod_rewrite.c", "mod_alias.c", NULL};
static const char *const watchdog[] = {"mod_watchdog.c", NULL};

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_check_config(sl_cdp_conf_check, core, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(sl_cdp_conf_dump, NULL, core, APR_HOOK_MIDDLE);
    ap_hook_post_config(sl_cdp_watchdog_post_config, core, watchdog, APR_HOOK_MIDDLE);
    ap_hook_child_init(sl_cdp_child_init, core, watchdog, APR_HOOK_MIDDLE);
    ap_hook_translate_name(sl_cdp_url_translate, core, before, APR_HOOK_FIRST);
    ap_hook_map_to_storage(sl_cdp_url_map, NULL, before, APR_HOOK_FIRST);
    ap_hook_handler(sl_cdp_url_handle, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

AP_DECLARE_MODULE(smartlaunch_cdp) = {
    STANDARD20_MODULE_STUFF, NULL,           NULL, sl_cdp_conf_create, sl_cdp_conf_merge,
    sl_cdp_directives,       register_hooks, 0,
};
