/* SPDX-License-Identifier: Apache-2.0 */
/** What the administrator wrote about the Clinical Data Pull: projects, and where it is met. */
#ifndef SL_CDP_CONF_H
#define SL_CDP_CONF_H

#include "flow/sl_cdp.h"
#include "httpd/sl_core.h"

/** <SmartCDPProject>, as it was written; `project` is whole once check_config has run. */
typedef struct {
    sl_cdp_project_t project;
    const char *ehr;           /* SmartCDPSource */
    const char *secret_source; /* "file:…" */
    bool has_delivery;
} sl_cdp_project_conf_t;

typedef enum { SL_CDP_UNSET, SL_CDP_PAGES, SL_CDP_API } sl_cdp_side_t;

/** A <Location> with SmartCDP. */
typedef struct {
    const char *path; /* without a slash at its end */
    sl_cdp_side_t side;
    bool has_require; /* the section itself says who may come */
    const char *app;  /* by check_config */
} sl_cdp_place_t;

typedef struct sl_cdp_watch sl_cdp_watch_t;

/** One for all servers. */
typedef struct {
    apr_array_header_t *projects;   /* of sl_cdp_project_conf_t * */
    sl_cdp_project_conf_t *current; /* while its section is being read */
    const sl_core_t *core;          /* by check_config; NULL: nothing is configured */
    sl_cdp_watch_t *watch;          /* by post_config; NULL: no mod_watchdog */
    const sl_cdp_t *cdp;            /* the child's own; NULL: in the parent, or it has no runtime */
} sl_cdp_main_t;

/** Server or virtual host. */
typedef struct {
    sl_cdp_main_t *main;
    apr_array_header_t *places; /* of sl_cdp_place_t */
} sl_cdp_server_t;

extern module AP_MODULE_DECLARE_DATA smartlaunch_cdp_module;

const sl_cdp_server_t *sl_cdp_conf(const server_rec *s);

/** The location that `uri` (a decoded path) is, or is below; the longest. NULL: none. */
const sl_cdp_place_t *sl_cdp_conf_place(const server_rec *s, const char *uri);

/** For the module record. */
extern const command_rec sl_cdp_directives[];
void *sl_cdp_conf_create(apr_pool_t *p, server_rec *s);
void *sl_cdp_conf_merge(apr_pool_t *p, void *base, void *add);

/** Hook check_config, after the core's. */
int sl_cdp_conf_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** What is refused about the locations of a server; NULL: nothing. Sets their apps. */
const char *sl_cdp_conf_check_places(server_rec *s, apr_pool_t *p);

/** Hook test_config, before the core's: adds "cdp" to what -D DUMP_SMARTLAUNCH prints. */
void sl_cdp_conf_dump(apr_pool_t *pconf, server_rec *s);

#endif
