/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_url.h"

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

sl_rc_t sl_url_parse(sl_url_t *out, const char *text, apr_pool_t *p, sl_err_t *err)
{
    const char *authority;
    apr_size_t len;

    if (text == NULL || strlen(text) > SL_URL_MAX || !is_clean(text)) {
        return sl_err_set(err, SL_INVALID, "SL2011",
                          "a URL is too long or has characters that URLs do not have");
    }
    if (strncasecmp(text, "https://", 8) == 0) {
        out->scheme = "https";
    } else if (strncasecmp(text, "http://", 7) == 0) {
        out->scheme = "http";
    } else {
        return sl_err_set(err, SL_INVALID, "SL2012", "a URL does not begin with https://");
    }
    authority = text + strlen(out->scheme) + 3;
    len = strcspn(authority, "/?#");
    if (!parse_authority(out, authority, len, p)) {
        return sl_err_set(err, SL_INVALID, "SL2013",
                          "a URL has user information, or an odd host or port");
    }
    split_path(out, authority + len, p);
    return SL_OK;
}

static apr_size_t path_len(const char *path)
{
    apr_size_t len = strlen(path);

    return len > 0 && path[len - 1] == '/' ? len - 1 : len;
}

static bool parse_issuer(sl_url_t *out, const char *text, apr_pool_t *tmp)
{
    return sl_url_parse(out, text, tmp, NULL) == SL_OK && out->query == NULL &&
           out->fragment == NULL;
}

bool sl_url_same_issuer(const char *a, const char *b, apr_pool_t *tmp)
{
    sl_url_t left;
    sl_url_t right;

    if (!parse_issuer(&left, a, tmp) || !parse_issuer(&right, b, tmp)) {
        return false;
    }
    return strcmp(left.scheme, right.scheme) == 0 && strcmp(left.host, right.host) == 0 &&
           left.port == right.port && path_len(left.path) == path_len(right.path) &&
           memcmp(left.path, right.path, path_len(left.path)) == 0;
}

bool sl_url_is_loopback(const char *host)
{
    unsigned char address[4];

    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

sl_rc_t sl_url_check_endpoint(const char *url, bool allow_loopback, apr_pool_t *tmp, sl_err_t *err)
{
    sl_url_t parts;
    sl_rc_t rc = sl_url_parse(&parts, url, tmp, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (strcmp(parts.scheme, "https") != 0 && !(allow_loopback && sl_url_is_loopback(parts.host))) {
        return sl_err_set(err, SL_INVALID, "SL2014", "a URL is http where only https is allowed");
    }
    if (parts.fragment != NULL) {
        return sl_err_set(err, SL_INVALID, "SL2015",
                          "a URL has a fragment (#), which is not "
                          "allowed here");
    }
    return SL_OK;
}

sl_rc_t sl_url_check_issuer(const char *url, bool allow_loopback, apr_pool_t *tmp, sl_err_t *err)
{
    sl_rc_t rc = sl_url_check_endpoint(url, allow_loopback, tmp, err);

    if (rc == SL_OK && strchr(url, '?') != NULL) {
        return sl_err_set(err, SL_INVALID, "SL2016", "a FHIR base URL has no query (?)");
    }
    return rc;
}

const char *sl_url_origin(apr_pool_t *p, const char *url)
{
    sl_url_t parts;

    if (sl_url_parse(&parts, url, p, NULL) != SL_OK) {
        return NULL;
    }
    if (parts.is_default_port) {
        return apr_pstrcat(p, parts.scheme, "://", parts.host, NULL);
    }
    return apr_psprintf(p, "%s://%s:%u", parts.scheme, parts.host, (unsigned)parts.port);
}
