/* SPDX-License-Identifier: Apache-2.0 */
/* The part of sl_url.h that makes URLs and judges paths of our own. */
#include "smart/sl_url.h"

#include "base/sl_text.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

const char *sl_url_add_query(apr_pool_t *p, const char *url, const char *query)
{
    apr_size_t len = strcspn(url, "#");
    const char *head = apr_pstrmemdup(p, url, len);
    const char *joint = "&";

    if (strchr(head, '?') == NULL) {
        joint = "?";
    } else if (head[len - 1] == '?' || head[len - 1] == '&') {
        joint = "";
    }
    return apr_pstrcat(p, head, joint, query, url + len, NULL);
}

const char *sl_url_add_param(apr_pool_t *p, const char *url, const char *name, const char *value)
{
    return sl_url_add_query(
        p, url, apr_pstrcat(p, sl_text_percent(p, name), "=", sl_text_percent(p, value), NULL));
}

static const char *without_slash(apr_pool_t *p, const char *base)
{
    apr_size_t len = strlen(base);

    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    return apr_pstrmemdup(p, base, len);
}

const char *sl_url_well_known(apr_pool_t *p, const char *base, const char *document)
{
    return apr_pstrcat(p, without_slash(p, base), "/.well-known/", document, NULL);
}

/* Is one of the path's segments "." or ".."? The path has been decoded as far as it is going to be.
 */
static bool has_dots(const char *path)
{
    const char *segment = path;

    while (*segment != '\0') {
        apr_size_t len = strcspn(segment, "/");

        if ((len == 1 && segment[0] == '.') || (len == 2 && strncmp(segment, "..", 2) == 0)) {
            return true;
        }
        segment += len + (segment[len] == '/');
    }
    return false;
}

static int hex_value(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_tolower(c) - 'a' + 10;
}

/* Percent-decoding once (`+` stays); NULL on a bad escape. */
static char *unescape(apr_pool_t *p, const char *text, apr_size_t len)
{
    char *plain = apr_palloc(p, len + 1);
    char *to = plain;

    for (apr_size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            *to++ = text[i];
        } else if (i + 2 < len && apr_isxdigit(text[i + 1]) && apr_isxdigit(text[i + 2])) {
            *to++ = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            return NULL;
        }
    }
    *to = '\0';
    return strlen(plain) == (apr_size_t)(to - plain) ? plain : NULL;
}

const char *sl_url_resolve(apr_pool_t *p, const char *base, const char *reference)
{
    apr_size_t first = strcspn(reference, "/?#");
    const char *url;
    sl_url_t parts;
    const char *path;

    if (strstr(reference, "://") != NULL && memchr(reference, ':', first) != NULL) {
        url = apr_pstrdup(p, reference);
    } else if (memchr(reference, ':', first) != NULL || strncmp(reference, "//", 2) == 0 ||
               (first == 0 && reference[0] != '/')) {
        return NULL;
    } else if (reference[0] == '/') {
        const char *origin = sl_url_origin(p, base);

        url = origin == NULL ? NULL : apr_pstrcat(p, origin, reference, NULL);
    } else {
        url = apr_pstrcat(p, without_slash(p, base), "/", reference, NULL);
    }
    if (url == NULL || sl_url_parse(&parts, url, p, NULL) != SL_OK) {
        return NULL;
    }
    path = unescape(p, parts.path, strlen(parts.path));
    return path == NULL || has_dots(path) ? NULL : url;
}

/* Nothing that a browser drops or takes for a slash. */
static bool is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (apr_iscntrl(*c) || *c == '\\') {
            return false;
        }
    }
    return true;
}

bool sl_url_is_return_path(const char *path, apr_pool_t *tmp)
{
    const char *decoded;
    const char *all;

    if (path == NULL || strlen(path) > SL_URL_MAX || !sl_text_is_header_safe(path, SL_URL_MAX) ||
        strpbrk(path, " #\\") != NULL) {
        return false;
    }
    decoded = unescape(tmp, path, strcspn(path, "?"));
    all = unescape(tmp, path, strlen(path));
    return path[0] == '/' && decoded != NULL && all != NULL && is_plain(all) && decoded[1] != '/' &&
           !has_dots(decoded);
}

bool sl_url_is_below(const char *path, const char *prefix)
{
    apr_size_t len = strlen(prefix);

    if (len > 0 && prefix[len - 1] == '/') {
        len--;
    }
    return path[0] == '/' && strncmp(path, prefix, len) == 0 &&
           strchr("/?#", path[len]) != NULL; /* the end of the text counts, too */
}
