/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_query.h"

#include "base/sl_text.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* A run of text: [from, to). */
typedef struct {
    const char *from, *to;
} span_t;

static int hex_digit(char c)
{
    return apr_isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* One character of a name, percent-encoded or not. */
static char next_char(const char **at, const char *to)
{
    const char *c = *at;

    if (c[0] == '%' && to - c > 2 && apr_isxdigit(c[1]) && apr_isxdigit(c[2])) {
        *at = c + 3;
        return (char)(hex_digit(c[1]) * 16 + hex_digit(c[2]));
    }
    *at = c + 1;
    return c[0];
}

/* `name[=value]` is ours: *value is then what follows the `=`, or the end. */
static bool is_ours(span_t pair, const char **value)
{
    const char *name = SL_QUERY_NAME;
    const char *at = pair.from;

    while (at < pair.to && *at != '=' && *name != '\0') {
        if (next_char(&at, pair.to) != *name++) {
            return false;
        }
    }
    if (*name != '\0' || (at < pair.to && *at != '=')) {
        return false;
    }
    *value = at < pair.to ? at + 1 : at;
    return true;
}

/* The pair that begins at `from`: up to the next `&`. */
static span_t pair_at(const char *from, const char *to)
{
    const char *end = memchr(from, '&', (size_t)(to - from));
    span_t pair = {from, end != NULL ? end : to};

    return pair;
}

static bool has_ours(span_t query)
{
    const char *at = query.from, *value;

    while (at < query.to) {
        span_t pair = pair_at(at, query.to);

        if (is_ours(pair, &value)) {
            return true;
        }
        at = pair.to + 1;
    }
    return false;
}

static void note_handle(sl_query_t *out, const char *value, const char *to, apr_pool_t *p)
{
    const char *handle = sl_text_unform(p, value, (apr_size_t)(to - value));

    if (handle == NULL) {
        handle = apr_pstrmemdup(p, value, (apr_size_t)(to - value));
    }
    if (out->handle == NULL) {
        out->handle = handle;
    } else if (strcmp(out->handle, handle) != 0) {
        out->several = true;
    }
}

/* Copy all pairs but ours to `to`; @return the end of what was written */
static char *copy_others(sl_query_t *out, span_t query, char *to, apr_pool_t *p)
{
    const char *at = query.from, *value;
    bool first = true;

    while (at <= query.to) {
        span_t pair = pair_at(at, query.to);

        if (is_ours(pair, &value)) {
            note_handle(out, value, pair.to, p);
        } else {
            if (!first) {
                *to++ = '&';
            }
            memcpy(to, pair.from, (size_t)(pair.to - pair.from));
            to += pair.to - pair.from;
            first = false;
        }
        at = pair.to + 1;
    }
    return to;
}

/* The text with `query`, a part of it behind a `?`, cleaned; the `?` goes when nothing is left. */
static void take_part(sl_query_t *out, const char *text, span_t query, apr_pool_t *p)
{
    size_t before = (size_t)(query.from - text);
    char *rest, *end;

    out->handle = NULL;
    out->several = false;
    out->rest = text;
    if (!has_ours(query)) {
        return;
    }
    rest = apr_palloc(p, strlen(text) + 1);
    memcpy(rest, text, before);
    end = copy_others(out, query, rest + before, p);
    if (end == rest + before && before > 0) {
        end--;
    }
    memcpy(end, query.to, strlen(query.to) + 1);
    out->rest = rest;
}

/* The query of a URI that ends at `to`; empty where it has none. */
static span_t query_of(const char *uri, const char *to)
{
    const char *hash = memchr(uri, '#', (size_t)(to - uri));
    span_t query = {uri, hash != NULL ? hash : to};
    const char *mark = memchr(uri, '?', (size_t)(query.to - uri));

    query.from = mark != NULL ? mark + 1 : query.to;
    return query;
}

void sl_query_take(sl_query_t *out, const char *query, apr_pool_t *p)
{
    static const sl_query_t nothing = {NULL, false, NULL};
    span_t whole;

    if (query == NULL) {
        *out = nothing;
        return;
    }
    whole.from = query;
    whole.to = query + strlen(query);
    take_part(out, query, whole, p);
    if (out->rest != query && out->rest[0] == '\0') {
        out->rest = NULL;
    }
}

void sl_query_take_uri(sl_query_t *out, const char *uri, apr_pool_t *p)
{
    take_part(out, uri, query_of(uri, uri + strlen(uri)), p);
}

void sl_query_take_line(sl_query_t *out, const char *line, apr_pool_t *p)
{
    const char *uri = strchr(line, ' ');
    const char *end = strrchr(line, ' ');

    uri = uri != NULL ? uri + 1 : line;
    if (end == NULL || end < uri) {
        end = line + strlen(line); /* HTTP/0.9: nothing behind the URI */
    }
    take_part(out, line, query_of(uri, end), p);
}

void sl_query_find(sl_query_t *out, const char *url, apr_pool_t *p)
{
    span_t query = query_of(url, url + strlen(url));
    const char *at = query.from, *value;

    out->handle = NULL;
    out->several = false;
    out->rest = url;
    while (at < query.to) {
        span_t pair = pair_at(at, query.to);

        if (is_ours(pair, &value)) {
            note_handle(out, value, pair.to, p);
        }
        at = pair.to + 1;
    }
}

const char *sl_query_put(apr_pool_t *p, const char *url, const char *handle)
{
    sl_query_t old;
    span_t query;
    const char *joint = "?";

    sl_query_take_uri(&old, url, p);
    query = query_of(old.rest, old.rest + strlen(old.rest));
    if (query.from > old.rest && query.from[-1] == '?') {
        joint = query.from == query.to ? "" : "&";
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, old.rest, (apr_size_t)(query.to - old.rest)), joint,
                       SL_QUERY_NAME "=", sl_text_percent(p, handle), query.to, NULL);
}
