/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_link_scan.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

#define STEP 16

static __m128i equal(const char *bytes, __m128i to)
{
    return _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)bytes), to);
}

/*
 * Up to the first hit, or to where not enough bytes are left. The quote, the first byte behind it
 * and the last: these three tell `"https` from `"http:` and from nearly everything else.
 */
static const char *leap(const char *from, const char *end, const char *begin)
{
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i first = _mm_set1_epi8(begin[0]);
    const __m128i last = _mm_set1_epi8(begin[SL_LINK_SCAN_AHEAD - 1]);

    for (; end - from >= STEP + SL_LINK_SCAN_AHEAD; from += STEP) {
        __m128i hit = _mm_and_si128(equal(from, quote), equal(from + 1, first));
        int hits = _mm_movemask_epi8(_mm_and_si128(hit, equal(from + SL_LINK_SCAN_AHEAD, last)));

        if (hits != 0) {
            return from + __builtin_ctz((unsigned)hits);
        }
    }
    return from;
}
#else
static const char *leap(const char *from, const char *end, const char *begin)
{
    (void)end;
    (void)begin;
    return from;
}
#endif

const char *sl_link_scan(const char *from, const char *end, const char *begin)
{
    from = leap(from, end, begin);
    while (from < end) {
        from = memchr(from, '"', (size_t)(end - from));
        if (from == NULL) {
            return end;
        }
        if (from + 1 == end || from[1] == begin[0]) {
            return from;
        }
        from++;
    }
    return end;
}
