/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of the administrator's that take the place of what we set up for mod_proxy. */
#include "httpd/sl_conf_check.h"

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <string.h>

static bool is(const ap_directive_t *d, const char *name)
{
    return strcasecmp(d->directive, name) == 0;
}

/** As mod_proxy compares them: the beginning, a pattern or a regular expression. */
static bool covers(const ap_directive_t *d, const char *url, apr_pool_t *p)
{
    const char *end = strrchr(d->args, '>');
    const char *args = end != NULL ? apr_pstrmemdup(p, d->args, (apr_size_t)(end - d->args)) : "";
    const char *word = ap_getword_conf(p, &args);
    bool is_regex = is(d, "<ProxyMatch") || strcmp(word, "~") == 0;

    if (strcmp(word, "~") == 0) {
        word = ap_getword_conf(p, &args);
    }
    if (is_regex) {
        ap_regex_t *regex = ap_pregcomp(p, word, AP_REG_EXTENDED);

        return regex != NULL && ap_regexec(regex, url, 0, NULL, 0) == 0;
    }
    if (strpbrk(word, "*?[") != NULL) {
        return apr_fnmatch(word, url, 0) == APR_SUCCESS;
    }
    return strncmp(url, word, strlen(word)) == 0;
}

/** What a section has to say itself as soon as it says anything of TLS: mod_ssl merges none. */
static bool is_incomplete(const ap_directive_t *section)
{
    bool has_any = false;
    bool has_engine = false;
    bool has_verify = false;
    bool has_ca = false;

    for (const ap_directive_t *d = section->first_child; d != NULL; d = d->next) {
        has_any = has_any || strncasecmp(d->directive, "SSLProxy", 8) == 0;
        has_engine = has_engine || is(d, "SSLProxyEngine");
        has_verify = has_verify || is(d, "SSLProxyVerify");
        has_ca = has_ca || is(d, "SSLProxyCACertificateFile") || is(d, "SSLProxyCACertificatePath");
    }
    return has_any && !(has_engine && has_verify && has_ca);
}

static const ap_directive_t *incomplete_for(const ap_directive_t *d, const char *url, apr_pool_t *p)
{
    const ap_directive_t *found = NULL;

    for (; d != NULL && found == NULL; d = d->next) {
        if ((is(d, "<Proxy") || is(d, "<ProxyMatch")) && is_incomplete(d) && covers(d, url, p)) {
            found = d;
        } else if (is(d, "<VirtualHost")) {
            found = incomplete_for(d->first_child, url, p);
        }
    }
    return found;
}

const char *sl_conf_check_proxy(const sl_main_t *main, apr_pool_t *p)
{
    for (int i = 0; i < main->ehrs->nelts; i++) {
        const sl_ehr_conf_t *conf = APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *);
        const ap_directive_t *section = NULL;

        if (conf->base != NULL && strncmp(conf->base, "https:", 6) == 0) {
            section =
                incomplete_for(ap_conftree, apr_pstrcat(p, conf->base, "/Patient/1", NULL), p);
        }
        if (section != NULL) {
            return apr_psprintf(p,
                                "%s %s on line %d of %s takes the place of what SmartOutbound in "
                                "<SmartEHR %s> says of TLS; write SSLProxyEngine on, "
                                "SSLProxyVerify require and SSLProxyCACertificateFile PATH in it, "
                                "too",
                                section->directive, section->args, section->line_num,
                                section->filename, conf->ehr.name);
        }
    }
    return NULL;
}
