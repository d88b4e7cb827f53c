/* SPDX-License-Identifier: Apache-2.0 */
/** Everything that `apachectl configtest` refuses, and the secrets that are read at start. */
#ifndef SL_CONF_CHECK_H
#define SL_CONF_CHECK_H

#include "httpd/sl_conf.h"

/**
 * The check_config hook. Logs one sentence for the first thing that cannot work and refuses. Also
 * settles defaults that depend on other lines, and reads key ring and secret files.
 */
int sl_conf_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** Reads the keys of SmartClientKey into `conf->ehr.keys`; a sentence, or NULL. */
const char *sl_conf_check_keys(sl_ehr_conf_t *conf, apr_pool_t *p);

/** Two keys of one name, in whichever EHRs (REG-2); NULL: there are none. */
const char *sl_conf_check_key_names(const sl_main_t *main, apr_pool_t *p);

/** What is refused about one EHR; NULL: nothing. Completes `conf->ehr` from its profile. */
const char *sl_conf_check_ehr(sl_ehr_conf_t *conf, apr_pool_t *p);

/**
 * Gives every Redirect URL and gateway of a server the directives that hold at its path, from
 * whichever <Location> they come. After the virtual hosts are merged, before anything is checked.
 */
void sl_conf_resolve_locations(const server_rec *s, apr_pool_t *p);

/** The directives that hold at a path, as a request would meet them; NULL: none of ours. */
const sl_location_conf_t *sl_conf_location_at(const server_rec *s, const char *path, apr_pool_t *p);

/** What is refused about a server's gateways; NULL: nothing. Sets their `is_open`. */
const char *sl_conf_check_gateways(const server_rec *s, apr_pool_t *p);

/**
 * What is refused about <Proxy> sections that cover an EHR, where there is a gateway: those that
 * would leave it unverified by saying only half of what mod_ssl needs. NULL: nothing.
 */
const char *sl_conf_check_proxy(const sl_main_t *main, apr_pool_t *p);

/**
 * What is refused about SetHandler smart-status: elsewhere than in a <Location> with a literal
 * path, below an address of ours, or without a Require that keeps anybody out. Sets `statuses` of
 * the servers. NULL: nothing.
 */
const char *sl_conf_check_status(const server_rec *s, const ap_directive_t *tree, apr_pool_t *p);

/** What is refused in the tree of directives (locations, caches, trailers); NULL: nothing. */
const char *sl_conf_check_tree(const ap_directive_t *tree, apr_pool_t *p);

#endif
