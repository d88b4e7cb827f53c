/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_location.h"

#include "smart/sl_origin.h"
#include "smart/sl_query.h"
#include "smart/sl_url.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* `http:`, `mailto:` and the like. */
static bool has_scheme(const char *location)
{
    const char *c = location;

    if (!apr_isalpha(*c)) {
        return false;
    }
    while (apr_isalnum(*c) || *c == '+' || *c == '-' || *c == '.') {
        c++;
    }
    return *c == ':';
}

/* The part of `location` that begins with its path, when the browser stays on our origin; NULL
 * when it does not, or when it would only move within the page. */
static const char *own_part(const sl_location_t *rule, const char *location, apr_pool_t *p)
{
    const char *rest;

    if (!sl_origin_is_plain(location)) {
        return NULL;
    }
    if (has_scheme(location)) {
        return sl_origin_rest(rule->public_url, location);
    }
    if (strncmp(location, "//", 2) == 0) {
        const char *colon = strchr(rule->public_url, ':');

        rest = apr_pstrmemdup(p, rule->public_url, (apr_size_t)(colon - rule->public_url));
        rest = sl_origin_rest(rule->public_url, apr_pstrcat(p, rest, ":", location, NULL));
        return rest != NULL ? location + strlen(location) - strlen(rest) : NULL;
    }
    return location[0] != '\0' && location[0] != '#' ? location : NULL;
}

/* Decode what is encoded in a path, as httpd will when the browser comes; bad escapes stay. */
static char *decode_path(apr_pool_t *p, const char *path, apr_size_t len)
{
    static const char hex[] = "0123456789abcdef";
    char *out = apr_palloc(p, len + 1), *end = out;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (path[i] == '%' && len - i > 2 && apr_isxdigit(path[i + 1]) &&
            apr_isxdigit(path[i + 2])) {
            *end++ = (char)((strchr(hex, apr_tolower(path[i + 1])) - hex) * 16 +
                            (strchr(hex, apr_tolower(path[i + 2])) - hex));
            i += 2;
        } else {
            *end++ = path[i];
        }
    }
    *end = '\0';
    return out;
}

/* Leave out `.`, `..` and empty segments, in place. `path` begins with a slash. */
static void tidy_path(char *path)
{
    char *from = path, *to = path;

    while (*from != '\0') {
        size_t len = 1 + strcspn(from + 1, "/");

        if (len == 3 && strncmp(from, "/..", 3) == 0) {
            while (to > path && *--to != '/') {
            }
        } else if (len > 1 && !(len == 2 && from[1] == '.')) {
            memmove(to, from, len);
            to += len;
        }
        from += len;
    }
    if (to == path) {
        *to++ = '/';
    }
    *to = '\0';
}

/* The path that the browser will ask for, decoded and tidy. */
static char *path_of(const sl_location_t *rule, const char *part, bool relative, apr_pool_t *p)
{
    const char *base = rule->path != NULL && rule->path[0] == '/' ? rule->path : "/";
    apr_size_t len = strcspn(part, "?#");
    char *path = decode_path(p, part, len);

    if (len == 0) {
        path = apr_pstrdup(p, relative ? base : "/");
    } else if (path[0] != '/') {
        apr_size_t folder = (apr_size_t)(strrchr(base, '/') - base) + 1;

        path = apr_pstrcat(p, apr_pstrmemdup(p, base, folder), path, NULL);
    }
    tidy_path(path);
    return path;
}

/* Is it one of our own URLs, however it is written? */
static bool is_our_url(const sl_location_t *rule, const char *path)
{
    const char *const *own;

    for (own = rule->own_paths; own != NULL && *own != NULL; own++) {
        if (sl_url_is_below(path, *own)) {
            return true;
        }
    }
    return false;
}

const char *sl_location_carry(apr_pool_t *p, const sl_location_t *rule, const char *location)
{
    const char *part = own_part(rule, location, p);
    sl_query_t has;

    if (part == NULL) {
        return location;
    }
    sl_query_find(&has, part, p);
    if (has.handle != NULL || is_our_url(rule, path_of(rule, part, part == location, p))) {
        return location;
    }
    return sl_query_put(p, location, rule->handle);
}

const char *sl_location_again(apr_pool_t *p, const char *public_url, const char *uri,
                              const char *handle)
{
    apr_size_t len = strlen(public_url);

    if (uri[0] != '/' || !sl_origin_is_plain(uri)) {
        return NULL;
    }
    while (len > 0 && public_url[len - 1] == '/') {
        len--;
    }
    return sl_query_put(p, apr_pstrcat(p, apr_pstrmemdup(p, public_url, len), uri, NULL), handle);
}
