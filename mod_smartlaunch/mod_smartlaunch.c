/* SPDX-License-Identifier: Apache-2.0 */
/* The module record and the one table of hooks. */
#include "httpd/sl_app_filter.h"
#include "httpd/sl_authz.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_child.h"
#include "httpd/sl_conf.h"
#include "httpd/sl_conf_check.h"
#include "httpd/sl_conf_dump.h"
#include "httpd/sl_core.h"
#include "httpd/sl_directives.h"
#include "httpd/sl_gateway.h"
#include "httpd/sl_pass.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_request.h"
#include "httpd/sl_status.h"
#include "httpd/sl_watchdog.h"

#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>

/* mod_rewrite, mod_proxy and mod_alias must not get a Redirect URL or a gateway before us. */
static const char *const before[] = {"mod_proxy.c", "mod_rewrite.c", "mod_alias.c", NULL};

/* The gateway stands around mod_proxy's handler. */
static const char *const proxy[] = {"mod_proxy.c", NULL};

/* It wants to know us before its own post_config, and its thread needs the child's runtime. */
static const char *const watchdog[] = {"mod_watchdog.c", NULL};

/* It writes down what came, as it then is. */
static const char *const forensic[] = {"mod_log_forensic.c", NULL};

static void register_hooks(apr_pool_t *p)
{
    ap_hook_check_config(sl_conf_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(sl_conf_dump, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(sl_child_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(sl_watchdog_post_config, NULL, watchdog, APR_HOOK_MIDDLE);
    ap_hook_child_init(sl_child_init, NULL, watchdog, APR_HOOK_MIDDLE);

    ap_hook_pre_read_request(sl_request_hush, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(sl_request_read, NULL, forensic, APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(sl_request_translate, NULL, before, APR_HOOK_FIRST);
    ap_hook_translate_name(sl_gateway_translate, NULL, before, APR_HOOK_FIRST);
    ap_hook_map_to_storage(sl_request_map, NULL, before, APR_HOOK_FIRST);
    ap_hook_post_perdir_config(sl_bind_hook, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_check_authn(sl_authz_check_user, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_fixups(sl_authz_passed, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(sl_request_read, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(sl_gateway_log, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(sl_redirect_url_handle, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(sl_gateway_handle, NULL, proxy, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(sl_status_handle, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_filter(sl_pass_check, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_insert_filter(sl_app_filter_insert, NULL, NULL, APR_HOOK_LAST);
    ap_hook_insert_filter(sl_gateway_filters, NULL, NULL, APR_HOOK_LAST);
    ap_hook_insert_error_filter(sl_app_filter_insert, NULL, NULL, APR_HOOK_LAST);
    ap_hook_insert_error_filter(sl_gateway_error_filters, NULL, NULL, APR_HOOK_LAST);
    sl_core_register();
    sl_app_filter_register();
    sl_gateway_register(p);
    sl_authz_register(p);
}

AP_DECLARE_MODULE(smartlaunch) = {
    STANDARD20_MODULE_STUFF, sl_conf_create_location, sl_conf_merge_location, sl_conf_create_server,
    sl_conf_merge_server,    sl_directives,           register_hooks,         0,
};
