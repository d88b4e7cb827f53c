/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_query.h"

#include "base/sl_text.h"
#include "smart/sl_pairs.h"
#include <apr_strings.h>
#include <string.h>

typedef struct {
    sl_query_t *out;
    apr_pool_t *p;
} taking_t;

static bool is_taken(void *data, sl_pairs_span_t pair)
{
    taking_t *taking = data;
    sl_query_t *out = taking->out;
    sl_pairs_span_t value;
    const char *handle;

    if (!sl_pairs_is(pair, SL_QUERY_NAME, &value)) {
        return false;
    }
    handle = sl_pairs_value(taking->p, value);
    if (out->handle == NULL) {
        out->handle = handle;
    } else if (strcmp(out->handle, handle) != 0) {
        out->several = true;
    }
    return true;
}

static void take(sl_query_t *out, const char *text, sl_pairs_span_t query, apr_pool_t *p)
{
    taking_t taking = {out, p};

    out->handle = NULL;
    out->several = false;
    out->rest = sl_pairs_take(p, text, query, is_taken, &taking);
}

void sl_query_take(sl_query_t *out, const char *query, apr_pool_t *p)
{
    static const sl_query_t nothing = {NULL, false, NULL};

    if (query == NULL) {
        *out = nothing;
        return;
    }
    take(out, query, sl_pairs_of_text(query), p);
    if (out->rest != query && out->rest[0] == '\0') {
        out->rest = NULL;
    }
}

void sl_query_take_uri(sl_query_t *out, const char *uri, apr_pool_t *p)
{
    take(out, uri, sl_pairs_of_uri(uri), p);
}

void sl_query_take_line(sl_query_t *out, const char *line, apr_pool_t *p)
{
    take(out, line, sl_pairs_of_line(line), p);
}

void sl_query_find(sl_query_t *out, const char *url, apr_pool_t *p)
{
    take(out, url, sl_pairs_of_uri(url), p);
    out->rest = url;
}

const char *sl_query_put(apr_pool_t *p, const char *url, const char *handle)
{
    sl_query_t old;
    sl_pairs_span_t query;
    const char *joint = "?";

    sl_query_take_uri(&old, url, p);
    query = sl_pairs_of_uri(old.rest);
    if (query.from > old.rest && query.from[-1] == '?') {
        joint = query.from == query.to ? "" : "&";
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, old.rest, (apr_size_t)(query.to - old.rest)), joint,
                       SL_QUERY_NAME "=", sl_text_percent(p, handle), query.to, NULL);
}
