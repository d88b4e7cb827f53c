/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_child.h"
#include "flow/sl_pulse.h"
#include "httpd/sl_conf_notify.h"
#include "base/sl_exec.h"
#include "httpd/sl_gateway_proxy.h"
#include "httpd/sl_page.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_state_dir.h"
#include "httpd/sl_watchdog.h"
#include "store/sl_schema.h"
#include "store/sl_store_ehr.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_network_io.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <string.h>
#include <unistd.h>

APLOG_USE_MODULE(smartlaunch);

#define RETAINED "mod_smartlaunch/1"
#define PAGE ((apr_uintptr_t)4096) /* APR puts its own words in front of what it maps */

/** Shared memory outlives a graceful restart, so that no session is lost by it. */
typedef struct {
    apr_shm_t *segment;
    apr_size_t size;
    bool is_formatted;
} retained_t;

/** One child in a minute says that the database is away, not every one. */
static bool is_first_to_say(const sl_runtime_t *rt)
{
    sl_shm_key_t key = sl_shm_key('W', "database", 8);
    sl_shm_put_t entry;
    sl_err_t err;

    memset(&entry, 0, sizeof(entry));
    entry.value.bytes = (const unsigned char *)"";
    entry.now = apr_time_now();
    entry.expires = entry.now + apr_time_from_sec(60);
    entry.rank = SL_SHM_LOW;
    return sl_shm_add(rt->shm, &key, &entry, &err) == SL_OK;
}

static void log_line(void *data, sl_log_level_t level, const char *id, const char *text)
{
    static const int levels[] = {APLOG_ERR, APLOG_WARNING, APLOG_INFO, APLOG_DEBUG};
    const server_rec *s = data;

    if (strcmp(id, sl_db_is_away) != 0 || is_first_to_say(sl_conf_server(s)->main->prepared)) {
        ap_log_error(APLOG_MARK, levels[level], 0, s, "%s: %s", id, text);
    }
}

static retained_t *segment_of(server_rec *s, apr_size_t size)
{
    retained_t *retained = ap_retained_data_get(RETAINED);

    if (retained == NULL) {
        retained = ap_retained_data_create(RETAINED, sizeof(*retained));
    }
    if (retained->segment != NULL && retained->size == size) {
        return retained;
    }
    /* An old segment of another size stays until the last old child has gone: with the process. */
    if (apr_shm_create(&retained->segment, size + PAGE, NULL, s->process->pool) != APR_SUCCESS) {
        retained->segment = NULL;
        return NULL;
    }
    retained->size = size;
    retained->is_formatted = false;
    return retained;
}

static int open_memory(sl_runtime_t *rt, server_rec *s, apr_size_t size, apr_pool_t *pconf)
{
    retained_t *retained = segment_of(s, size);
    sl_err_t err;
    sl_rc_t rc = SL_FAILED;
    void *memory;

    if (retained == NULL) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "SL5101: no shared memory of the size that SmartCache asks for");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    memory = (void *)APR_ALIGN((apr_uintptr_t)apr_shm_baseaddr_get(retained->segment), PAGE);
    if (retained->is_formatted) {
        rc = sl_shm_attach(&rt->shm, memory, size, pconf, &err);
    }
    if (rc != SL_OK) {
        rc = sl_shm_format(&rt->shm, memory, size, pconf, &err);
    }
    if (rc != SL_OK) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "%s: %s", err.id, err.text);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    retained->is_formatted = true;
    return OK;
}

static int run_secrets(const sl_main_t *main, server_rec *s, apr_pool_t *p)
{
    for (int i = 0; i < main->ehrs->nelts; i++) {
        sl_ehr_conf_t *conf = APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *);
        sl_secret_t *secret = NULL;
        sl_err_t err;

        if (conf->secret_source == NULL || strncmp(conf->secret_source, "exec:", 5) != 0) {
            continue;
        }
        if (sl_exec_secret(&secret, conf->secret_source + 5, p, &err) != SL_OK) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "%s: SmartClientSecret in <SmartEHR %s>: %s",
                         err.id, conf->ehr.name, err.text);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        conf->ehr.client_secret = secret;
    }
    return OK;
}

static apr_array_header_t *all_ehrs(const sl_main_t *main, apr_pool_t *p)
{
    apr_array_header_t *ehrs = apr_array_make(p, main->ehrs->nelts + 1, sizeof(const sl_ehr_t *));

    for (int i = 0; i < main->ehrs->nelts; i++) {
        APR_ARRAY_PUSH(ehrs, const sl_ehr_t *) =
            &APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *)->ehr;
    }
    return ehrs;
}

static apr_array_header_t *served(const sl_main_t *main, const sl_location_conf_t *location,
                                  apr_pool_t *p)
{
    apr_array_header_t *ehrs;

    if (location->serve == NULL) {
        return all_ehrs(main, p);
    }
    ehrs = apr_array_make(p, location->serve->nelts, sizeof(const sl_ehr_t *));
    for (int i = 0; i < location->serve->nelts; i++) {
        APR_ARRAY_PUSH(ehrs, const sl_ehr_t *) =
            sl_conf_ehr(main, APR_ARRAY_IDX(location->serve, i, const char *));
    }
    return ehrs;
}

static sl_link_policy_t policy_of(const sl_location_conf_t *location)
{
    switch (location->link) {
    case SL_LINK_SITE:
        return SL_POLICY_SITE;
    case SL_LINK_SAME_NAME:
        return SL_POLICY_SAME_NAME;
    case SL_LINK_NO_LINK:
        return SL_POLICY_NONE;
    case SL_LINK_UNSET:
    case SL_LINK_APP:
        break;
    }
    return SL_POLICY_APP;
}

static void make_sites(const sl_server_t *server, apr_pool_t *p)
{
    for (int i = 0; i < server->redirects->nelts; i++) {
        sl_redirect_conf_t *redirect = &APR_ARRAY_IDX(server->redirects, i, sl_redirect_conf_t);
        sl_site_t *site = apr_pcalloc(p, sizeof(*site));

        site->app = sl_conf_app(redirect->location);
        site->path = redirect->path;
        site->public_url = server->public_url;
        site->redirect_uri = apr_pstrcat(p, server->public_url, redirect->path, NULL);
        site->target = redirect->location->target;
        site->ehrs = served(server->main, redirect->location, p);
        site->policy = policy_of(redirect->location);
        site->confirm = redirect->location->confirm != 0;
        site->gateway_url = server->gateway_url;
        site->notify = sl_conf_destination(redirect->location->notify, site, p);
        site->idle = sl_conf_idle(server);
        site->max = sl_conf_max(server);
        redirect->site = site;
        redirect->jwks = sl_jwks_url_text(site->ehrs, p);
    }
}

/** The longest that a launch of this app may be idle at any Redirect URL; 0: there is none. */
static apr_interval_time_t idle_of(const server_rec *s, const char *app)
{
    apr_interval_time_t longest = 0;

    for (; s != NULL; s = s->next) {
        const apr_array_header_t *redirects = sl_conf_server(s)->redirects;

        for (int i = 0; i < redirects->nelts; i++) {
            const sl_site_t *site = APR_ARRAY_IDX(redirects, i, sl_redirect_conf_t).site;

            longest = strcmp(site->app, app) == 0 && site->idle > longest ? site->idle : longest;
        }
    }
    return longest;
}

/** A gateway has a virtual host of its own as a rule, and the launches are another's. */
static void set_idle(const server_rec *s)
{
    for (const server_rec *v = s; v != NULL; v = v->next) {
        const sl_server_t *server = sl_conf_server(v);

        for (int i = 0; i < server->gateways->nelts; i++) {
            sl_gateway_conf_t *gateway = &APR_ARRAY_IDX(server->gateways, i, sl_gateway_conf_t);

            gateway->idle = idle_of(s, sl_conf_app(gateway->location));
            gateway->idle = gateway->idle > 0 ? gateway->idle : sl_conf_idle(server);
        }
        for (int i = 0; i < server->asks->nelts; i++) {
            sl_asks_conf_t *asks = &APR_ARRAY_IDX(server->asks, i, sl_asks_conf_t);

            asks->idle = idle_of(s, asks->app);
            asks->idle = asks->idle > 0 ? asks->idle : sl_conf_idle(server);
        }
    }
}

static int threads_per_child(void)
{
    int threads = 0;

    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) != APR_SUCCESS || threads < 1) {
        threads = 1;
    }
    return threads;
}

/** Of the workers of all children together: nobody whom we wait for may hold more. */
static int quarter_of_workers(void)
{
    int children = 0;
    int quarter;

    if (ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children) != APR_SUCCESS || children < 1) {
        children = 1;
    }
    quarter = children * threads_per_child() / 4;
    return quarter > 0 ? quarter : 1;
}

/** How many requests may wait for this EHR, in all children together. */
static int places_of(const sl_ehr_t *ehr)
{
    return ehr->max_outbound > 0 ? ehr->max_outbound : quarter_of_workers();
}

/** Children of an earlier generation keep theirs, so that for a moment there are two. */
static sl_rc_t open_gates(sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    int told = quarter_of_workers();
    apr_size_t size = sl_pulse_size() + sl_http_gate_size(told);
    apr_shm_t *segment;
    char *memory;

    for (int i = 0; i < rt->ehrs->nelts; i++) {
        size += sl_http_gate_size(places_of(APR_ARRAY_IDX(rt->ehrs, i, const sl_ehr_t *)));
    }
    if (apr_shm_create(&segment, size + PAGE, NULL, p) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL5102", "no shared memory for SmartOutbound max=");
    }
    memory = apr_shm_baseaddr_get(segment);
    memset(memory, 0, size);
    rt->totals = memory;
    memory += sl_pulse_size();
    rt->gates = apr_pcalloc(p, sizeof(*rt->gates) * ((size_t)rt->ehrs->nelts + 1));
    for (int i = 0; i < rt->ehrs->nelts; i++) {
        int places = places_of(APR_ARRAY_IDX(rt->ehrs, i, const sl_ehr_t *));
        sl_rc_t rc = sl_http_gate_open(&rt->gates[i], memory, places, p, err);

        if (rc != SL_OK) {
            return rc;
        }
        memory += sl_http_gate_size(places);
    }
    return sl_http_gate_open(&rt->notify_gate, memory, told, p, err);
}

static apr_interval_time_t longest_idle(const server_rec *s)
{
    apr_interval_time_t longest = 0;

    for (const server_rec *v = s; v != NULL; v = v->next) {
        apr_interval_time_t idle = sl_conf_idle(sl_conf_server(v));

        longest = idle > longest ? idle : longest;
    }
    return longest;
}

int sl_child_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    sl_main_t *main = sl_conf_server(s)->main;
    sl_runtime_t *rt;
    sl_err_t err;
    int status;

    (void)plog;
    if (main->ring == NULL || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    for (server_rec *v = s; v != NULL; v = v->next) {
        make_sites(sl_conf_server(v), pconf);
        sl_gateway_proxy_buffer(v);
    }
    set_idle(s);
    status = run_secrets(main, s, pconf);
    if (status != OK) {
        return status;
    }
    main->page_style = sl_page_style(pconf);
    rt = apr_pcalloc(pconf, sizeof(*rt));
    rt->ring = main->ring;
    rt->offline = main->offline;
    rt->ehrs = all_ehrs(main, pconf);
    rt->idle = longest_idle(s);
    if (open_gates(rt, pconf, &err) != SL_OK ||
        (sl_conf_uses_tokens(s) && sl_state_dir_prepare(main, ptemp, &err) != SL_OK)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "%s: %s", err.id, err.text);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    status = open_memory(rt, s, main->cache_size, pconf);
    main->prepared = rt;
    return status;
}

static sl_rc_t open_connections(sl_runtime_t *rt, const sl_main_t *main, apr_pool_t *p,
                                sl_err_t *err)
{
    int threads = threads_per_child();
    sl_db_options_t options;
    sl_rc_t rc;

    memset(&options, 0, sizeof(options));
    options.max = threads < 8 ? threads : 8;
    options.unprepared = !main->prepare;
    options.log = rt->log;
    rc = sl_db_open(&rt->db, main->database, &options, p, err);
    if (rc == SL_OK) {
        rc = sl_http_init(err);
    }
    if (rc == SL_OK) {
        rc = sl_http_open(&rt->http, p, err);
    }
    return rc;
}

/** Host, process and when it began: no two are the same, on no two hosts. */
static const char *name_of_child(apr_pool_t *p)
{
    char host[APRMAXHOSTLEN + 1] = "";

    if (apr_gethostname(host, sizeof(host), p) != APR_SUCCESS || host[0] == '\0') {
        apr_cpystrn(host, "localhost", sizeof(host));
    }
    return apr_psprintf(p, "%s:%ld:%" APR_UINT64_T_HEX_FMT, host, (long)getpid(),
                        (apr_uint64_t)apr_time_now());
}

/** What only those need who use tokens: the journal, and the writer of the audit. */
static sl_rc_t open_tokens(sl_runtime_t *rt, const sl_main_t *main, apr_pool_t *p, sl_err_t *err)
{
    sl_audit_options_t options = {.mode = main->audit, .db = rt->db, .log = rt->log};
    sl_err_t why;

    /* It was there and safe at the start. Without it calls go on as long as PostgreSQL does. */
    if (sl_spool_open(&rt->spool, sl_state_dir_path(main), rt->ring, p, &why) != SL_OK) {
        sl_log(&rt->log, SL_LOG_ERROR, "SL5105", "no journal, SmartStateDir: %s (%s)", why.text,
               why.id);
        rt->spool = NULL;
    }
    if (options.mode == SL_AUDIT_OFF) {
        return SL_OK;
    }
    if (options.mode == SL_AUDIT_UNSET) {
        options.mode = SL_AUDIT_ON;
    }
    options.spool = rt->spool;
    return sl_audit_open(&rt->audit, &options, p, err);
}

static void mirror_ehrs(const sl_runtime_t *rt, apr_pool_t *p, server_rec *s)
{
    apr_array_header_t *rows = apr_array_make(p, rt->ehrs->nelts + 1, sizeof(sl_ehr_row_t));
    sl_err_t err;

    for (int i = 0; i < rt->ehrs->nelts; i++) {
        const sl_ehr_t *ehr = APR_ARRAY_IDX(rt->ehrs, i, const sl_ehr_t *);
        sl_ehr_row_t *row = apr_array_push(rows);

        row->name = ehr->name;
        row->issuer = ehr->issuer;
        row->profile = ehr->profile != NULL ? ehr->profile : "generic";
        row->client_id = ehr->client_id;
    }
    if (sl_store_ehr_mirror(rt->db, rows, p, &err) != SL_OK) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s, "%s: %s", err.id, err.text);
    }
}

void sl_child_look_at_database(server_rec *s, apr_pool_t *p)
{
    sl_main_t *main = sl_conf_server(s)->main;
    const sl_runtime_t *rt = main->runtime;
    sl_err_t err;
    sl_rc_t rc;

    if (rt == NULL || apr_atomic_read32(&main->has_seen_database) != 0) {
        return;
    }
    rc = sl_schema_check(rt->db, p, &err);
    if (rc == SL_OK) {
        apr_atomic_set32(&main->has_seen_database, 1);
        mirror_ehrs(rt, p, s);
    } else if (is_first_to_say(rt)) {
        ap_log_error(APLOG_MARK, rc == SL_FAILED ? APLOG_CRIT : APLOG_WARNING, 0, s, "%s: %s",
                     err.id, err.text);
    }
}

void sl_child_init(apr_pool_t *pchild, server_rec *s)
{
    sl_main_t *main = sl_conf_server(s)->main;
    sl_runtime_t *rt = main->prepared;
    apr_pool_t *tmp = NULL;
    sl_err_t err;

    if (rt == NULL) {
        return;
    }
    rt->log.write = log_line;
    rt->log.data = s;
    rt->self = name_of_child(pchild);
    main->pulse = sl_pulse_new(rt, pchild);
    if (open_connections(rt, main, pchild, &err) != SL_OK ||
        (sl_conf_uses_tokens(s) && open_tokens(rt, main, pchild, &err) != SL_OK)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "%s: %s", err.id, err.text);
        return;
    }
    main->runtime = rt;
    sl_watchdog_child_init(pchild, s);
    apr_pool_create(&tmp, pchild);
    sl_child_look_at_database(s, tmp);
    apr_pool_destroy(tmp);
}
