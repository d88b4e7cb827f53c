/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_gateway_proxy.h"
#include "net/sl_http_ca.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <http_core.h>
#include <mod_proxy.h>
#include <string.h>

/** What httpd's own 8 KiB cost a large Bundle, nothing of ours does. */
#define BUFFER ((apr_size_t)64 * 1024)

const char *sl_gateway_proxy_base(const sl_ehr_t *ehr, apr_pool_t *p)
{
    sl_url_t url;
    sl_err_t err;
    char *base;
    size_t len;

    if (ehr->issuer == NULL || sl_url_parse(&url, ehr->issuer, p, &err) != SL_OK) {
        return NULL;
    }
    base = apr_pstrcat(p, url.scheme, "://", url.host,
                       url.is_default_port ? "" : apr_psprintf(p, ":%u", (unsigned)url.port),
                       url.path, NULL);
    for (len = strlen(base); base[len - 1] == '/'; len--) {
        base[len - 1] = '\0';
    }
    return base;
}

/** As httpd's own parser reads it back. */
static const char *quoted(apr_pool_t *p, const char *text)
{
    char *out = apr_palloc(p, 2 * strlen(text) + 3);
    char *at = out;

    *at++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            *at++ = '\\';
        }
        *at++ = *text;
    }
    *at++ = '"';
    *at = '\0';
    return out;
}

static bool has_gateway(const ap_directive_t *d)
{
    for (; d != NULL; d = d->next) {
        if ((strcasecmp(d->directive, "SmartGateway") == 0 && strcasecmp(d->args, "on") == 0) ||
            has_gateway(d->first_child)) {
            return true;
        }
    }
    return false;
}

/** Does one of the words in `args` begin with "key="? */
static bool sets(const char *args, const char *key, apr_pool_t *p)
{
    while (args[0] != '\0') {
        const char *word = ap_getword_conf(p, &args);
        size_t len = strlen(key);

        if (strncasecmp(word, key, len) == 0 && word[len] == '=') {
            return true;
        }
    }
    return false;
}

/** Does the administrator's own <Proxy> section for just this URL set this parameter? */
static bool is_set(const char *base, const char *key, apr_pool_t *p)
{
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next) {
        const char *args = d->args;

        if (strcasecmp(d->directive, "<Proxy") != 0) {
            continue;
        }
        args = apr_pstrndup(p, args, strcspn(args, ">"));
        if (strcmp(ap_getword_conf(p, &args), base) != 0) {
            continue;
        }
        if (sets(args, key, p)) {
            return true;
        }
        for (const ap_directive_t *in = d->first_child; in != NULL; in = in->next) {
            if (strcasecmp(in->directive, "ProxySet") == 0 && sets(in->args, key, p)) {
                return true;
            }
        }
    }
    return false;
}

/** Of the pooled worker. */
static const char *worker_args(const sl_ehr_t *ehr, const char *base, apr_pool_t *p)
{
    const struct {
        const char *key;
        const char *value;
    } params[] = {{"enablereuse", "On"},
                  {"keepalive", "On"},
                  {"retry", "0"},
                  {"connectiontimeout", apr_psprintf(p, "%" APR_TIME_T_FMT "ms",
                                                     apr_time_as_msec(ehr->connect_timeout))},
                  {"timeout", apr_psprintf(p, "%" APR_TIME_T_FMT,
                                           apr_time_sec(ehr->timeout + APR_USEC_PER_SEC - 1))}};
    const char *args = quoted(p, base);

    for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        if (!is_set(base, params[i].key, p)) {
            args = apr_pstrcat(p, args, " ", params[i].key, "=", params[i].value, NULL);
        }
    }
    return apr_pstrcat(p, args, ">", NULL);
}

/** A line as if it stood where the <SmartEHR> section does. */
static ap_directive_t *new_line(apr_pool_t *p, const sl_ehr_conf_t *conf, const char *name,
                                const char *args)
{
    ap_directive_t *line = apr_pcalloc(p, sizeof(*line));

    line->directive = name;
    line->args = args;
    line->filename = conf->file;
    line->line_num = conf->line;
    return line;
}

static void add_line(ap_directive_t *section, ap_directive_t *line)
{
    line->parent = section;
    line->next = section->first_child;
    section->first_child = line;
}

/** Chain and host name are verified: without these lines mod_ssl would take any certificate. */
static const char *add_tls(apr_pool_t *p, const sl_ehr_conf_t *conf, ap_directive_t *section)
{
    const char *ca = conf->ehr.ca_file != NULL ? conf->ehr.ca_file : sl_http_ca_file(p);
    const struct {
        const char *name;
        const char *args;
    } lines[] = {{"SSLProxyEngine", "on"},
                 {"SSLProxyVerify", "require"},
                 {"SSLProxyVerifyDepth", "5"},
                 {"SSLProxyCheckPeerName", "on"},
                 {"SSLProxyCheckPeerExpire", "on"},
                 {"SSLProxyProtocol", "-all +TLSv1.2 +TLSv1.3"},
                 {"SSLProxyCACertificateFile", ca != NULL ? quoted(p, ca) : NULL}};

    if (ap_find_linked_module("mod_ssl.c") == NULL) {
        return apr_psprintf(p,
                            "SmartGateway reaches <SmartEHR %s> by https, and mod_ssl is not "
                            "loaded; write its LoadModule line (Debian: a2enmod ssl)",
                            conf->ehr.name);
    }
    if (ca == NULL) {
        return apr_psprintf(p,
                            "SmartOutbound in <SmartEHR %s>: this system has no file of CA "
                            "certificates; write SmartOutbound ca=PATH",
                            conf->ehr.name);
    }
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        add_line(section, new_line(p, conf, lines[i].name, lines[i].args));
    }
    return NULL;
}

/** SmartOutbound proxy= for mod_proxy, which knows http://host:port only. */
static const char *add_remote(apr_pool_t *p, const sl_ehr_conf_t *conf, const char *base,
                              ap_directive_t *section)
{
    const char *proxy = conf->ehr.proxy;
    sl_url_t url;
    sl_err_t err;

    if (proxy == NULL) {
        return NULL;
    }
    if (strstr(proxy, "://") == NULL) {
        proxy = apr_pstrcat(p, "http://", proxy, NULL);
    }
    if (sl_url_parse(&url, proxy, p, &err) != SL_OK || strcmp(url.scheme, "http") != 0) {
        return apr_psprintf(p,
                            "SmartOutbound in <SmartEHR %s>: the gateway goes through proxies "
                            "without a password only; write proxy=http://HOST:PORT",
                            conf->ehr.name);
    }
    proxy = apr_psprintf(p, "http://%s:%u", url.host, (unsigned)url.port);
    section->next = new_line(p, conf, "ProxyRemote",
                             apr_pstrcat(p, quoted(p, base), " ", quoted(p, proxy), NULL));
    return NULL;
}

/**
 * Sections are merged in their order, so ours goes before those that stood further up: whatever
 * the administrator wrote for that URL wins. Of TLS, mod_ssl takes all or nothing from a section:
 * see sl_conf_check_proxy().
 */
static void move_to_front(const server_rec *s, int first)
{
    const module *proxy = ap_find_linked_module("mod_proxy.c");
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, proxy);
    apr_array_header_t *sections = conf->sec_proxy;
    void *ours;

    if (sections->nelts <= first) {
        return;
    }
    ours = APR_ARRAY_IDX(sections, sections->nelts - 1, void *);
    memmove(sections->elts + sizeof(void *), sections->elts,
            sizeof(void *) * ((size_t)sections->nelts - 1));
    APR_ARRAY_IDX(sections, 0, void *) = ours;
}

static int count_sections(const server_rec *s)
{
    const proxy_server_conf *conf =
        ap_get_module_config(s->module_config, ap_find_linked_module("mod_proxy.c"));

    return conf->sec_proxy->nelts;
}

/** Read our lines as httpd reads those of a file. */
static const char *walk(cmd_parms *cmd, ap_directive_t *section)
{
    ap_directive_t *here = cmd->directive;
    const command_rec *command = cmd->cmd;
    void *info = cmd->info;
    int before = count_sections(cmd->server);
    const char *wrong = ap_walk_config(section, cmd, cmd->server->lookup_defaults);

    cmd->directive = here;
    cmd->cmd = command;
    cmd->info = info;
    if (wrong == NULL) {
        move_to_front(cmd->server, before);
    }
    return wrong;
}

const char *sl_gateway_proxy_define(cmd_parms *cmd, const sl_ehr_conf_t *conf)
{
    const char *base = sl_gateway_proxy_base(&conf->ehr, cmd->pool);
    ap_directive_t *section;
    const char *wrong = NULL;
    sl_err_t err;

    if (!has_gateway(ap_conftree) || base == NULL ||
        sl_url_check_issuer(conf->ehr.issuer, conf->ehr.insecure_loopback, cmd->temp_pool, &err) !=
            SL_OK) {
        return NULL; /* what is wrong with an issuer, check_config says */
    }
    if (ap_find_linked_module("mod_proxy.c") == NULL ||
        ap_find_linked_module("mod_proxy_http.c") == NULL) {
        return "SmartGateway needs mod_proxy and mod_proxy_http; write their LoadModule lines "
               "(Debian: a2enmod proxy_http)";
    }
    section = new_line(cmd->pool, conf, "<Proxy", worker_args(&conf->ehr, base, cmd->pool));
    add_line(section, new_line(cmd->pool, conf, "ProxyPreserveHost", "Off"));
    add_line(section, new_line(cmd->pool, conf, "ProxyErrorOverride", "Off"));
    add_line(section, new_line(cmd->pool, conf, "ProxyAddHeaders", "Off"));
    /* Answers in front of the EHR's answer stay here, so it is we who say 100 Continue. */
    add_line(section, new_line(cmd->pool, conf, "Proxy100Continue", "Off"));
    if (strncmp(base, "https:", 6) == 0) {
        wrong = add_tls(cmd->pool, conf, section);
    }
    if (wrong == NULL) {
        wrong = add_remote(cmd->pool, conf, base, section);
    }
    return wrong != NULL ? wrong : walk(cmd, section);
}

void sl_gateway_proxy_buffer(server_rec *s)
{
    const module *proxy = ap_find_linked_module("mod_proxy.c");
    proxy_server_conf *conf;

    if (proxy == NULL || sl_conf_server(s)->gateways->nelts == 0) {
        return;
    }
    conf = ap_get_module_config(s->module_config, proxy);
    if (!conf->io_buffer_size_set) {
        conf->io_buffer_size = BUFFER;
        conf->io_buffer_size_set = 1;
    }
}
