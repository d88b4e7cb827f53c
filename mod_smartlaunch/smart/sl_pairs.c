/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_pairs.h"

#include "base/sl_text.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

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

bool sl_pairs_is(sl_pairs_span_t pair, const char *name, sl_pairs_span_t *value)
{
    const char *at = pair.from;

    while (at < pair.to && *at != '=' && *name != '\0') {
        if (next_char(&at, pair.to) != *name++) {
            return false;
        }
    }
    if (*name != '\0' || (at < pair.to && *at != '=')) {
        return false;
    }
    value->from = at < pair.to ? at + 1 : at;
    value->to = pair.to;
    return true;
}

const char *sl_pairs_value(apr_pool_t *p, sl_pairs_span_t value)
{
    apr_size_t len = (apr_size_t)(value.to - value.from);
    const char *text = sl_text_unform(p, value.from, len);

    return text != NULL ? text : apr_pstrmemdup(p, value.from, len);
}

sl_pairs_span_t sl_pairs_of_text(const char *text)
{
    sl_pairs_span_t whole = {text, text + strlen(text)};

    return whole;
}

static sl_pairs_span_t query_of(sl_pairs_span_t uri)
{
    const char *hash = memchr(uri.from, '#', (size_t)(uri.to - uri.from));
    sl_pairs_span_t query = {uri.from, hash != NULL ? hash : uri.to};
    const char *mark = memchr(uri.from, '?', (size_t)(query.to - uri.from));

    query.from = mark != NULL ? mark + 1 : query.to;
    return query;
}

sl_pairs_span_t sl_pairs_of_uri(const char *uri)
{
    return query_of(sl_pairs_of_text(uri));
}

sl_pairs_span_t sl_pairs_of_line(const char *line)
{
    const char *blank = strchr(line, ' ');
    sl_pairs_span_t uri = {blank != NULL ? blank + 1 : line, strrchr(line, ' ')};

    if (uri.to == NULL || uri.to < uri.from) {
        uri.to = line + strlen(line); /* HTTP/0.9: nothing behind the URI */
    }
    return query_of(uri);
}

/* The pair that begins at `from`: up to the next `&`. */
static sl_pairs_span_t pair_at(const char *from, const char *to)
{
    const char *end = memchr(from, '&', (size_t)(to - from));
    sl_pairs_span_t pair = {from, end != NULL ? end : to};

    return pair;
}

/* The text as it grows; `start` is NULL as long as nothing was taken out. */
typedef struct {
    char *start, *end;
    bool any; /* a pair was kept: the next needs a `&` */
} rest_t;

static void append(rest_t *rest, const char *from, const char *to)
{
    memcpy(rest->end, from, (size_t)(to - from));
    rest->end += to - from;
}

static void keep(rest_t *rest, sl_pairs_span_t pair)
{
    if (rest->start != NULL) {
        if (rest->any) {
            *rest->end++ = '&';
        }
        append(rest, pair.from, pair.to);
    }
    rest->any = true;
}

const char *sl_pairs_take(apr_pool_t *p, const char *text, sl_pairs_span_t query,
                          sl_pairs_fn is_taken, void *data)
{
    rest_t rest = {NULL, NULL, false};
    const char *at = query.from;

    while (at <= query.to) {
        sl_pairs_span_t pair = pair_at(at, query.to);

        if (!is_taken(data, pair)) {
            keep(&rest, pair);
        } else if (rest.start == NULL) {
            rest.start = rest.end = apr_palloc(p, strlen(text) + 1);
            append(&rest, text, rest.any ? pair.from - 1 : pair.from);
        }
        at = pair.to + 1;
    }
    if (rest.start == NULL) {
        return text;
    }
    if (query.from > text && rest.end == rest.start + (query.from - text)) {
        rest.end--; /* nothing is left behind the `?` */
    }
    append(&rest, query.to, query.to + strlen(query.to) + 1);
    return rest.start;
}
