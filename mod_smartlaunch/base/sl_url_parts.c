/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_url_parts.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* RFC 3986: nothing but printable ASCII, none of the delimiters that URLs never hold in the open,
   and complete escapes. */
static bool is_clean(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f || strchr("\"<>\\^`{|}", *c) != NULL) {
            return false;
        }
        if (*c == '%' && (!apr_isxdigit(c[1]) || !apr_isxdigit(c[2]))) {
            return false;
        }
    }
    return true;
}

static bool is_ipv6(apr_pool_t *p, const char *host, apr_size_t len)
{
    unsigned char address[16];

    return len > 2 && host[len - 1] == ']' &&
           inet_pton(AF_INET6, apr_pstrmemdup(p, host + 1, len - 2), address) == 1;
}

/* A host name or an IPv4 address: labels of letters, digits, `-` and `_`. */
static bool is_name(const char *host, apr_size_t len)
{
    bool in_label = false;

    for (apr_size_t i = 0; i < len; i++) {
        if (host[i] == '.' ? !in_label : !apr_isalnum(host[i]) && strchr("-_", host[i]) == NULL) {
            return false;
        }
        in_label = host[i] != '.';
    }
    return in_label && host[0] != '-' && len <= 253;
}

/* Digits after ":"; 0 when there is no such port. */
static apr_port_t port_of(const char *digits, apr_size_t len)
{
    unsigned port = 0;

    if (len < 1 || len > 5) {
        return 0;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if (!apr_isdigit(digits[i])) {
            return 0;
        }
        port = port * 10 + (unsigned)(digits[i] - '0');
    }
    return port > 65535 ? 0 : (apr_port_t)port;
}

static bool parse_authority(sl_url_t *out, const char *text, apr_size_t len, apr_pool_t *p)
{
    apr_port_t standard = strcmp(out->scheme, "https") == 0 ? 443 : 80;
    const char *bracket = len > 0 && text[0] == '[' ? memchr(text, ']', len) : NULL;
    const char *name_end = bracket == NULL ? text : bracket;
    const char *colon = memchr(name_end, ':', (apr_size_t)(text + len - name_end));
    apr_size_t host_len = colon == NULL ? len : (apr_size_t)(colon - text);

    if (host_len == 0 || !(text[0] == '[' ? is_ipv6(p, text, host_len) : is_name(text, host_len))) {
        return false;
    }
    out->host = apr_pstrmemdup(p, text, host_len);
    for (char *c = (char *)out->host; *c != '\0'; c++) {
        *c = (char)apr_tolower(*c);
    }
    out->port = colon == NULL ? standard : port_of(colon + 1, len - host_len - 1);
    out->is_default_port = out->port == standard;
    return out->port != 0;
}

static void split_path(sl_url_t *out, const char *text, apr_pool_t *p)
{
    char *path = apr_pstrdup(p, text);
    char *mark = strchr(path, '#');

    out->fragment = NULL;
    out->query = NULL;
    if (mark != NULL) {
        *mark = '\0';
        out->fragment = mark + 1;
    }
    mark = strchr(path, '?');
    if (mark != NULL) {
        *mark = '\0';
        out->query = mark + 1;
    }
    out->path = path;
}

sl_url_fault_t sl_url_split(sl_url_t *out, const char *text, apr_size_t max, apr_pool_t *p)
{
    const char *authority;
    apr_size_t len;

    if (text == NULL || strlen(text) > max || !is_clean(text)) {
        return SL_URL_ODD_TEXT;
    }
    if (strncasecmp(text, "https://", 8) == 0) {
        out->scheme = "https";
    } else if (strncasecmp(text, "http://", 7) == 0) {
        out->scheme = "http";
    } else {
        return SL_URL_OTHER_SCHEME;
    }
    authority = text + strlen(out->scheme) + 3;
    len = strcspn(authority, "/?#");
    if (!parse_authority(out, authority, len, p)) {
        return SL_URL_ODD_AUTHORITY;
    }
    split_path(out, authority + len, p);
    return SL_URL_FINE;
}

bool sl_url_same_origin(const sl_url_t *a, const sl_url_t *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 && a->port == b->port;
}
