/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "smart/sl_link_rewrite.h"

#define BASE "https://e.x/r4"
#define GATEWAY "https://a.x/fhir/demo"

typedef struct {
    char *bytes;
    size_t len, size;
} text_t;

static void sink(void *data, const char *bytes, apr_size_t len)
{
    text_t *text = data;

    PROMISE(len <= text->size - text->len);
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

/* In pieces whose sizes the input gives: 0 is the whole. */
static sl_link_counts_t feed(text_t *out, const uint8_t *data, size_t size, size_t piece)
{
    apr_pool_t *p = fuzz_pool();
    sl_link_rewrite_t *rewrite = sl_link_rewrite_new(p, BASE, GATEWAY);
    sl_link_counts_t counts;

    for (size_t at = 0; at < size;) {
        size_t step = piece == 0 ? size : 1 + (data[at] + piece * at) % piece;
        char *own = fuzz_text(data + at, step < size - at ? step : size - at);

        step = step < size - at ? step : size - at;
        sl_link_rewrite_feed(rewrite, own, step, sink, out);
        at += step;
        free(own);
    }
    sl_link_rewrite_flush(rewrite, sink, out);
    counts = *sl_link_rewrite_counts(rewrite);
    apr_pool_destroy(p);
    return counts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 3, 7, 20, 64};
    /* each link is longer than what is added to it */
    text_t whole = {malloc(3 * size + 1), 0, 3 * size}, parts = {malloc(3 * size + 1), 0, 3 * size};
    size_t most = strlen(GATEWAY) - strlen(BASE);
    sl_link_counts_t all = feed(&whole, data, size, 0);

    /* a slash that is escaped makes a gateway whose slashes all are: 4 of them */
    PROMISE(whole.len >= size && whole.len <= size + all.links * (most + 4));
    PROMISE(all.links > 0 || (whole.len == size && memcmp(whole.bytes, data, size) == 0));
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        sl_link_counts_t some;

        parts.len = 0;
        some = feed(&parts, data, size, pieces[i]);
        PROMISE(parts.len == whole.len && memcmp(parts.bytes, whole.bytes, whole.len) == 0);
        PROMISE(memcmp(&some, &all, sizeof(all)) == 0);
    }
    free(whole.bytes);
    free(parts.bytes);
    return 0;
}
