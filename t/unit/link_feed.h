/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of the rewriter share: a body fed in pieces, and what came out. */
#ifndef LINK_FEED_H
#define LINK_FEED_H
#include "smart/sl_link_rewrite.h"
#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BASE "https://ehr.example/fhir/r4"
#define GATEWAY "https://app.example/fhir/demo"

/** Bytes that grow. */
typedef struct {
    char *bytes;
    size_t len, size;
} link_text_t;

__attribute__((unused)) static void link_text_add(link_text_t *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->size) {
        text->size = 2 * (text->len + len + 1);
        text->bytes = realloc(text->bytes, text->size);
        if (text->bytes == NULL) {
            abort();
        }
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

__attribute__((unused)) static void link_text_say(link_text_t *text, const char *words)
{
    link_text_add(text, words, strlen(words));
}

/** xorshift: the same numbers in every run. */
__attribute__((unused)) static unsigned link_random(uint64_t *seed, unsigned below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (unsigned)((*seed >> 20) % below);
}

/** The sink; `data` is a link_text_t. */
__attribute__((unused)) static void link_sink(void *data, const char *bytes, apr_size_t len)
{
    link_text_add(data, bytes, len);
}

/**
 * Feed in pieces of 1 to `most` bytes (0: all at once), each in memory of its own, so that a
 * sanitizer sees a read beyond it.
 */
__attribute__((unused)) static sl_link_counts_t link_feed(link_text_t *out, const char *body,
                                                          size_t len, unsigned most, uint64_t *seed)
{
    apr_pool_t *p;
    sl_link_counts_t counts;
    sl_link_rewrite_t *rewrite;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        abort();
    }
    rewrite = sl_link_rewrite_new(p, BASE, GATEWAY);
    for (size_t at = 0; at < len;) {
        size_t step = most == 0 ? len : 1 + link_random(seed, most);
        size_t piece = step < len - at ? step : len - at;
        char *own = malloc(piece);

        if (own == NULL) {
            abort();
        }
        memcpy(own, body + at, piece);
        sl_link_rewrite_feed(rewrite, own, piece, link_sink, out);
        free(own);
        at += piece;
    }
    sl_link_rewrite_flush(rewrite, link_sink, out);
    counts = *sl_link_rewrite_counts(rewrite);
    apr_pool_destroy(p);
    return counts;
}

#endif
