/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_link_scan.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

#define STEP 32

typedef struct {
    __m128i quote, first, rare;
    int at;
} wanted_t;

static __m128i equal(const char *bytes, __m128i to)
{
    return _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)bytes), to);
}

/* All three: a wrong hit costs more than the comparison. */
static __m128i hits(const char *from, const wanted_t *wanted)
{
    return _mm_and_si128(_mm_and_si128(equal(from, wanted->quote), equal(from + 1, wanted->first)),
                         equal(from + wanted->at, wanted->rare));
}

/* Up to the first hit, or to where not enough bytes are left. */
static const char *leap(const char *from, const char *end, sl_link_begin_t begin)
{
    const wanted_t wanted = {_mm_set1_epi8('"'), _mm_set1_epi8(begin.first),
                             _mm_set1_epi8(begin.rare), begin.at};

    for (; end - from >= STEP + SL_LINK_SCAN_AHEAD; from += STEP) {
        __m128i low = hits(from, &wanted);
        __m128i high = hits(from + 16, &wanted);

        if (_mm_movemask_epi8(_mm_or_si128(low, high)) != 0) {
            return from + __builtin_ctz((unsigned)_mm_movemask_epi8(low) |
                                        (unsigned)_mm_movemask_epi8(high) << 16);
        }
    }
    return from;
}
#else
static const char *leap(const char *from, const char *end, sl_link_begin_t begin)
{
    (void)end;
    (void)begin;
    return from;
}
#endif

const char *sl_link_scan(const char *from, const char *end, sl_link_begin_t begin)
{
    for (;; from++) {
        from = leap(from, end, begin);
        from = memchr(from, '"', (size_t)(end - from));
        if (from == NULL) {
            return end;
        }
        if (end - from <= SL_LINK_SCAN_AHEAD ||
            (from[1] == begin.first && from[begin.at] == begin.rare)) {
            return from;
        }
    }
}
