/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the EHR is sent. mod_proxy's hook `fixups` works on a copy of the request's headers that
 * ends with this request to the EHR, so the token stands in nothing that anybody logs.
 */
#include "httpd/sl_gateway_call.h"
#include "smart/sl_header_name.h"

#include <apr_lib.h>
#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <mod_proxy.h>
#include <string.h>

/**
 * Credentials and cookies are the app's, the addresses and pages behind it are nobody's business,
 * parts of an answer whose links are rewritten are parts of nothing, an overridden method would be
 * another than the one that was judged, and X-Provenance and X-Security-Context are resources that
 * nobody has judged.
 */
static bool is_listed(const char *name)
{
    static const char *const names[] = {"Authorization",
                                        "Cookie",
                                        "Cookie2",
                                        "Forwarded",
                                        "From",
                                        "If-Range",
                                        "Max-Forwards",
                                        "Origin",
                                        "Range",
                                        "Referer",
                                        "Remote-User",
                                        "Request-Range",
                                        "True-Client-IP",
                                        "Upgrade-Insecure-Requests",
                                        "Via",
                                        "X-Client-IP",
                                        "X-HTTP-Method",
                                        "X-HTTP-Method-Override",
                                        "X-Method-Override",
                                        "X-Original-URL",
                                        "X-Provenance",
                                        "X-Real-IP",
                                        "X-Remote-User",
                                        "X-Requested-With",
                                        "X-Rewrite-URL",
                                        "X-Security-Context",
                                        NULL};

    for (size_t i = 0; names[i] != NULL; i++) {
        if (apr_tolower(names[i][0]) == apr_tolower(name[0]) &&
            sl_header_same_cgi(name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool is_dropped(const char *name)
{
    switch (apr_tolower(name[0])) {
    case 'p':
        return strncasecmp(name, "Proxy-", 6) == 0 || is_listed(name);
    case 's':
        return strncasecmp(name, "Sec-", 4) == 0 || sl_header_is_ours(name);
    case 'x':
        return strncasecmp(name, "X-Forwarded-", 12) == 0 || is_listed(name);
    case 'a':
    case 'c':
    case 'f':
    case 'i':
    case 'm':
    case 'o':
    case 'r':
    case 't':
    case 'u':
    case 'v':
        return is_listed(name);
    default:
        return !apr_isalnum(name[0]) && sl_header_is_ours(name);
    }
}

static void drop(request_rec *r)
{
    const apr_array_header_t *all = apr_table_elts(r->headers_in);
    const char **names = apr_palloc(r->pool, sizeof(*names) * ((size_t)all->nelts + 1));
    int count = 0;

    for (int i = 0; i < all->nelts; i++) {
        const char *name = APR_ARRAY_IDX(all, i, apr_table_entry_t).key;

        if (name != NULL && is_dropped(name)) {
            names[count++] = name;
        }
    }
    for (int i = 0; i < count; i++) {
        apr_table_unset(r->headers_in, names[i]);
    }
}

static int attach(request_rec *r)
{
    const sl_gateway_call_t *call = sl_gateway_call_of(r);

    if (call == NULL || !call->is_proxying || call->r != r) {
        return DECLINED;
    }
    drop(r);
    apr_table_addn(r->headers_in, "Authorization",
                   apr_pstrcat(r->pool, "Bearer ", sl_secret_reveal(call->grant.access), NULL));
    apr_table_setn(r->headers_in, "Accept-Encoding", "identity");
    if (apr_table_get(r->headers_in, "Accept") == NULL) {
        apr_table_addn(r->headers_in, "Accept", "application/fhir+json");
    }
    return OK;
}

void sl_gateway_upstream_register(void)
{
    APR_OPTIONAL_HOOK(proxy, fixups, attach, NULL, NULL, APR_HOOK_REALLY_LAST);
}
