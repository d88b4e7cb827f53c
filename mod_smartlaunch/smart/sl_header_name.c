/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_header_name.h"

#include <apr_lib.h>
#include <string.h>

static char cgi_char(char c)
{
    /* not apr_toupper: the locale has no say in this */
    if (c >= 'a' && c <= 'z') {
        return (char)(c - 'a' + 'A');
    }
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
}

/* The CGI forms of `len` bytes at `a` and of the text `b` are equal. */
static bool is_same_cgi(const char *a, size_t len, const char *b)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (b[i] == '\0' || cgi_char(a[i]) != cgi_char(b[i])) {
            return false;
        }
    }
    return b[len] == '\0';
}

static bool begins_with_ours(const char *name, size_t len)
{
    static const char ours[] = "SMART_";

    return len >= sizeof(ours) - 1 && is_same_cgi(name, sizeof(ours) - 1, ours);
}

static bool is_listed(const char *name, size_t len, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++) {
        if (is_same_cgi(name, len, *names)) {
            return true;
        }
    }
    return false;
}

bool sl_header_is_ours(const char *name)
{
    /* the first letter by itself: this is asked of every header and variable */
    return name != NULL && (name[0] == 'S' || name[0] == 's') &&
           begins_with_ours(name, strlen(name));
}

bool sl_header_same_cgi(const char *a, const char *b)
{
    return a != NULL && b != NULL && is_same_cgi(a, strlen(a), b);
}

bool sl_header_is_listed(const char *name, const char *const *names)
{
    return name != NULL && is_listed(name, strlen(name), names);
}

#define PARTING ",; \t\r\n\v\f"

/* The next word of a Connection header, NULL at its end. */
static const char *next_word(const char *at, size_t *len)
{
    at += strspn(at, PARTING);
    *len = strcspn(at, PARTING);
    return *len > 0 ? at : NULL;
}

static bool must_go(const char *word, size_t len, const char *const *extra)
{
    return begins_with_ours(word, len) || is_listed(word, len, extra);
}

static bool names_ours(const char *value, const char *const *extra)
{
    size_t len;
    const char *word;

    for (word = next_word(value, &len); word != NULL; word = next_word(word + len, &len)) {
        if (must_go(word, len, extra)) {
            return true;
        }
    }
    return false;
}

const char *sl_header_clean_connection(apr_pool_t *p, const char *value, const char *const *extra)
{
    size_t len;
    const char *word;
    char *out, *end;

    if (value == NULL || !names_ours(value, extra)) {
        return value;
    }
    out = end = apr_palloc(p, 2 * strlen(value) + 1); /* a parting of one byte may become two */
    for (word = next_word(value, &len); word != NULL; word = next_word(word + len, &len)) {
        if (must_go(word, len, extra)) {
            continue;
        }
        if (end > out) {
            *end++ = ',';
            *end++ = ' ';
        }
        memcpy(end, word, len);
        end += len;
    }
    *end = '\0';
    return end > out ? out : NULL;
}
