/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_origin.h"

#include <apr_lib.h>
#include <string.h>
#include <strings.h>

/* scheme://host[:port] of an http or https URL; all pointers into its text. */
typedef struct {
    bool https;
    const char *host;
    size_t host_len;
    unsigned long port;
    const char *rest;
} authority_t;

static const char *after_scheme(const char *url, bool *https)
{
    *https = strncasecmp(url, "https://", 8) == 0;
    if (*https) {
        return url + 8;
    }
    return strncasecmp(url, "http://", 7) == 0 ? url + 7 : NULL;
}

/* Length of a host name or a bracketed IPv6 address; 0 when it is neither. */
static size_t host_length(const char *text)
{
    size_t len = 0;

    if (text[0] == '[') {
        len = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        return text[len] == ']' ? len + 1 : 0;
    }
    while (apr_isalnum(text[len]) || (text[len] != '\0' && strchr("-._", text[len]) != NULL)) {
        len++;
    }
    return len;
}

/* The port behind the host, or the scheme's. @return what follows, NULL when it is none */
static const char *read_port(authority_t *out, const char *text)
{
    const char *digit = text + 1;

    if (text[0] != ':') {
        out->port = out->https ? 443 : 80;
        return text;
    }
    out->port = 0;
    while (*digit >= '0' && *digit <= '9' && digit - text <= 5) { /* asked at every request */
        out->port = out->port * 10 + (unsigned long)(*digit++ - '0');
    }
    return digit > text + 1 && (*digit < '0' || *digit > '9') ? digit : NULL;
}

static bool read_authority(authority_t *out, const char *url)
{
    const char *text = after_scheme(url, &out->https);

    if (text == NULL) {
        return false;
    }
    out->host = text;
    out->host_len = host_length(text);
    if (out->host_len == 0) {
        return false;
    }
    out->rest = read_port(out, text + out->host_len);
    return out->rest != NULL && (out->rest[0] == '\0' || strchr("/?#", out->rest[0]) != NULL);
}

static bool is_same(const authority_t *a, const authority_t *b)
{
    return a->https == b->https && a->port == b->port && a->host_len == b->host_len &&
           strncasecmp(a->host, b->host, a->host_len) == 0;
}

const char *sl_origin_rest(const char *public_url, const char *url)
{
    authority_t ours, theirs;

    if (public_url == NULL || url == NULL || !read_authority(&ours, public_url) ||
        !read_authority(&theirs, url) || !is_same(&ours, &theirs)) {
        return NULL;
    }
    return theirs.rest;
}

bool sl_origin_is(const char *public_url, const char *origin)
{
    const char *rest = sl_origin_rest(public_url, origin);

    return rest != NULL && rest[0] == '\0';
}

bool sl_origin_is_plain(const char *url)
{
    bool in_path = true;
    const char *c;

    if (url[0] == ' ') {
        return false;
    }
    for (c = url; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f || (*c == '\\' && in_path)) {
            return false;
        }
        if (*c == '?' || *c == '#') {
            in_path = false;
        }
    }
    return c == url || c[-1] != ' ';
}
