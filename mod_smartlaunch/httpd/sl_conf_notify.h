/* SPDX-License-Identifier: Apache-2.0 */
/** SmartNotify as it was written, and what the flows get of it. */
#ifndef SL_CONF_NOTIFY_H
#define SL_CONF_NOTIFY_H

#include "base/sl_json.h"
#include "httpd/sl_conf.h"

struct sl_notify_conf {
    sl_destination_t to;                      /* without `allow` */
    const char *path;                         /* of the <Location> it stands in */
    const char *secret_source, *token_source; /* "file:…" as written; NULL: none */
    apr_array_header_t *allow;                /* of const char *: origins */
};

/** The destination for a Redirect URL: defaults filled in; NULL for NULL. */
const sl_destination_t *sl_conf_destination(const sl_notify_conf_t *notify, const sl_site_t *site,
                                            apr_pool_t *p);

/** NULL, or the sentence that says where a SmartNotify does nothing. */
const char *sl_conf_check_notify(const server_rec *main_server, apr_pool_t *p);

/** For -D DUMP_SMARTLAUNCH: sources of secrets, never secrets. */
sl_json_t *sl_conf_dump_notify(const sl_notify_conf_t *notify, apr_pool_t *p);

#endif
