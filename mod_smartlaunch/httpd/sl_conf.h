/* SPDX-License-Identifier: Apache-2.0 */
/** What the administrator wrote: per process, per virtual host, per location (design section 3). */
#ifndef SL_CONF_H
#define SL_CONF_H

#include "base/sl_json.h"
#include "flow/sl_pulse.h"
#include "flow/sl_runtime.h"
#include "smart/sl_app_cookie.h"
#include "smart/sl_guard.h"

#include <httpd.h> /* before all others of httpd */

#include <ap_regex.h>
#include <http_config.h>

#define SL_UNSET (-1)

/** SmartClientKey. */
typedef struct {
    const char *path;
    const char *kid; /* NULL: the key's own */
    sl_alg_t alg;    /* SL_ALG_NONE: what fits the key */
} sl_key_source_t;

/** An EHR and where its secrets come from; they are read after the last line. */
typedef struct {
    sl_ehr_t ehr;
    const char *secret_source;       /* "file:…" or "exec:…"; NULL: none */
    apr_array_header_t *key_sources; /* of sl_key_source_t; NULL: none */
    apr_array_header_t *embed;       /* what ehr.embed shows to others */
    const char *base;                /* sl_gateway_proxy_base(), ready-made */
    int line;                        /* of <SmartEHR>, for messages */
    const char *file;
} sl_ehr_conf_t;

/** A <Location> with SmartTarget; `location` is what holds there once check_config has run. */
typedef struct sl_location_conf sl_location_conf_t;
typedef struct {
    const char *path;
    const sl_location_conf_t *location;
    const sl_site_t *site; /* as the flows see it, for the server it is merged into */
    const char *jwks;      /* what <redirect>/jwks.json answers */
} sl_redirect_conf_t;

/** A <Location> with SmartGateway; `location` is what holds there once check_config has run. */
typedef struct {
    const char *path;                   /* without a slash at its end */
    const sl_location_conf_t *location; /* location->gateway: on or off */
    bool is_open;             /* Require all granted: a caller has to prove itself for anything */
    apr_interval_time_t idle; /* of the launches of its app, wherever they begin */
    const char *links;        /* what links point at: SmartGatewayURL's authority, path, slash */
} sl_gateway_conf_t;

/** A path of a second module (httpd/sl_core.h) whose callers say whom they ask for. */
typedef struct {
    const char *path;
    const char *app;
    bool is_open;             /* as of a gateway */
    apr_interval_time_t idle; /* as of a gateway */
} sl_asks_conf_t;

/** SmartCaller. */
typedef struct {
    const char *name;
    const sl_secret_t *secret;
} sl_caller_t;

typedef struct sl_watch sl_watch_t;
typedef struct sl_notify_conf sl_notify_conf_t; /* httpd/sl_conf_notify.h */

/** Main server only. */
typedef struct {
    const char *database;
    const char *listen; /* SmartDatabase listen=: for LISTEN, beside a pooler. NULL: `database` */
    bool prepare;
    const char *keyring_path;
    const char *state_dir; /* NULL: not given */
    apr_size_t cache_size;
    apr_interval_time_t offline;
    apr_interval_time_t keep_steps;
    apr_interval_time_t keep_access;  /* 0: for ever */
    sl_audit_mode_t audit;            /* UNSET: on */
    apr_array_header_t *ehrs;         /* of sl_ehr_conf_t * */
    sl_ehr_conf_t *current;           /* while its <SmartEHR> is being read */
    apr_array_header_t *user_headers; /* of const char *: every SmartUserHeader anywhere */
    apr_array_header_t *notifies;     /* of const sl_notify_conf_t *: every SmartNotify */
    const sl_keyring_t *ring;         /* set by check_config */
    bool wants_tokens;                /* a second module needs what a gateway needs of the start */
    sl_json_t *more;                  /* what second modules add to the dump; NULL: none */
    const char *page_style;           /* by post_config: sl_page_style */
    sl_runtime_t *prepared;           /* by post_config: what children complete */
    sl_watch_t *watch;                /* by post_config: httpd/sl_watchdog; NULL: no mod_watchdog */
    sl_pulse_t *pulse;                /* the child's own */
    const sl_runtime_t *runtime;      /* the child's own; NULL in the parent or when unused */
    apr_uint32_t has_seen_database;   /* the child's own, atomic: our tables were there once */
} sl_main_t;

/** Server or virtual host; unset members are NULL or SL_UNSET. */
typedef struct {
    sl_main_t *main; /* one for all servers */
    const char *public_url;
    const char *gateway_url;
    const char *cookie_name;
    int cookie_toplevel;
    apr_interval_time_t idle, max; /* SL_UNSET */
    apr_array_header_t *redirects; /* of sl_redirect_conf_t */
    apr_array_header_t *gateways;  /* of sl_gateway_conf_t */
    apr_array_header_t *asks;      /* of sl_asks_conf_t */
    apr_array_header_t *statuses;  /* of const char *: paths with SetHandler smart-status */
} sl_server_t;

typedef enum {
    SL_LINK_UNSET,
    SL_LINK_APP,
    SL_LINK_SITE,
    SL_LINK_SAME_NAME,
    SL_LINK_NO_LINK
} sl_link_mode_t;
typedef enum { SL_PASS_UNSET, SL_PASS_ENV, SL_PASS_HEADERS, SL_PASS_BOTH } sl_pass_t;

/** Location or directory; unset members are NULL, SL_UNSET or the enum's UNSET. */
struct sl_location_conf {
    const char *path;          /* of the outermost <Location> with a directive of ours */
    const char *target;        /* SmartTarget */
    const char *redirect_path; /* path of the <Location> that SmartTarget stands in */
    const char *app;
    sl_link_mode_t link;
    ap_regex_t *name_regex;
    int confirm;
    int login;
    apr_array_header_t *serve;      /* of const char * */
    const sl_notify_conf_t *notify; /* SmartNotify */
    const sl_app_cookie_rule_t *cookies;
    sl_pass_t pass;
    const char *user_header; /* "": none */

    int gateway;                       /* SmartGateway */
    const char *const *session_params; /* SmartSessionParam, NULL-terminated */
    int system;                        /* SmartSystem */
    int writes;                        /* SmartWrites */
    apr_off_t replay;                  /* SmartReplay; SL_UNSET */
    const apr_array_header_t *callers; /* of sl_caller_t: SmartCaller */
    sl_guard_mode_t guard;             /* SmartPatientGuard */
};

extern module AP_MODULE_DECLARE_DATA smartlaunch_module;

#define SL_DEFAULT_APP "app"
#define SL_DEFAULT_COOKIE "__Host-smart"
#define SL_DEFAULT_IDLE apr_time_from_sec(30 * 60)
#define SL_DEFAULT_MAX apr_time_from_sec(12 * 60 * 60)
#define SL_DEFAULT_CACHE ((apr_size_t)32 * 1024 * 1024)
#define SL_DEFAULT_KEEP apr_time_from_sec(30 * 24 * 3600)
#define SL_DEFAULT_OFFLINE apr_time_from_sec(15 * 60)
#define SL_DEFAULT_REPLAY ((apr_off_t)1024 * 1024)
#define SL_DEFAULT_SESSION_PARAM "_smart_session"
#define SL_DEFAULT_STATE_DIR "/var/lib/smartlaunch"

/** The configuration that applies to a request or server. Never NULL. */
const sl_server_t *sl_conf_server(const server_rec *s);
const sl_location_conf_t *sl_conf_location(const request_rec *r);

/** Effective values, defaults filled in. */
const char *sl_conf_app(const sl_location_conf_t *location);
const char *sl_conf_cookie(const sl_server_t *server);
bool sl_conf_is_toplevel(const sl_server_t *server);
apr_interval_time_t sl_conf_idle(const sl_server_t *server);
apr_interval_time_t sl_conf_max(const sl_server_t *server);

/** The gateway that `uri` (a decoded path) is, or is below; the longest. NULL: none, or it is off.
 */
const sl_gateway_conf_t *sl_conf_gateway(const sl_server_t *server, const char *uri);
/** Is there a gateway anywhere? */
bool sl_conf_has_gateway(const server_rec *main_server);
/** A gateway, or a second module that uses tokens: renewals, journal and audit are needed. */
bool sl_conf_uses_tokens(const server_rec *main_server);

/** The path of a second module that `uri` is, or is below; the longest. NULL: none. */
const sl_asks_conf_t *sl_conf_asks(const server_rec *s, const char *uri);

/** Effective values of a gateway location, defaults filled in. */
const char *const *sl_conf_session_params(const sl_location_conf_t *location);
bool sl_conf_may_be_system(const sl_location_conf_t *location);
bool sl_conf_may_write(const sl_location_conf_t *location);
apr_off_t sl_conf_replay(const sl_location_conf_t *location);
sl_guard_mode_t sl_conf_guard(const sl_location_conf_t *location);

/** The EHR of this name, or NULL. */
const sl_ehr_t *sl_conf_ehr(const sl_main_t *main, const char *name);
const sl_ehr_conf_t *sl_conf_ehr_section(const sl_main_t *main, const char *name);

/** The redirect location of an app in this server; `path` narrows it down where not NULL. */
const sl_redirect_conf_t *sl_conf_redirect(const sl_server_t *server, const char *app,
                                           const char *path);

/* httpd's own callbacks, for the module record. */
void *sl_conf_create_server(apr_pool_t *p, server_rec *s);
void *sl_conf_merge_server(apr_pool_t *p, void *base, void *add);
void *sl_conf_create_location(apr_pool_t *p, char *path);
void *sl_conf_merge_location(apr_pool_t *p, void *base, void *add);

#endif
