/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Pairs `name=value` of a query or a form body: looked at and taken out of a text that otherwise
 * stays as it is, byte for byte. What to do with a pair is the caller's to say.
 */
#ifndef SL_PAIRS_H
#define SL_PAIRS_H

#include <apr_pools.h>
#include <stdbool.h>

/** A run of text: [from, to). */
typedef struct {
    const char *from, *to;
} sl_pairs_span_t;

/** Told of every pair in turn, also of empty ones. @return true: take it out */
typedef bool (*sl_pairs_fn)(void *data, sl_pairs_span_t pair);

/**
 * Is this pair's name, percent-encoded or not, `name`?
 * @param value gets what follows the `=`; empty without one
 */
bool sl_pairs_is(sl_pairs_span_t pair, const char *name, sl_pairs_span_t *value);

/** A value decoded as form data; raw where it cannot be. */
const char *sl_pairs_value(apr_pool_t *p, sl_pairs_span_t value);

/** The whole of a text. */
sl_pairs_span_t sl_pairs_of_text(const char *text);

/** The query of a URI or path: between the first `?` and the `#`; empty where it has none. */
sl_pairs_span_t sl_pairs_of_uri(const char *uri);

/** The query in a request line. */
sl_pairs_span_t sl_pairs_of_line(const char *line);

/**
 * `text` without the pairs of its part `query` that `is_taken` wants. A `?` before a query of which
 * nothing is left goes, too. @return the very pointer given when none was taken
 */
const char *sl_pairs_take(apr_pool_t *p, const char *text, sl_pairs_span_t query,
                          sl_pairs_fn is_taken, void *data);

#endif
