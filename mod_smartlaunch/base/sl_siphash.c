/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_siphash.h"

typedef struct {
    uint64_t v0, v1, v2, v3;
} state_t;

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

/* Eight bytes, lowest first; written out, it is one load to the compiler. */
static uint64_t word(const unsigned char *b)
{
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
           (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 |
           (uint64_t)b[7] << 56;
}

/* The first `n` of eight bytes, lowest first. */
static uint64_t part(const unsigned char *bytes, apr_size_t n)
{
    uint64_t out = 0;

    while (n > 0) {
        n--;
        out = out << 8 | bytes[n];
    }
    return out;
}

static void mix(state_t *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static void absorb(state_t *s, uint64_t m)
{
    s->v3 ^= m;
    mix(s, 2);
    s->v0 ^= m;
}

uint64_t sl_siphash(const unsigned char key[SL_SIPHASH_KEY_LEN], const void *bytes, apr_size_t len)
{
    const unsigned char *at = bytes;
    uint64_t k0 = word(key), k1 = word(key + 8);
    state_t s = {k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL, k0 ^ 0x6c7967656e657261ULL,
                 k1 ^ 0x7465646279746573ULL};
    apr_size_t left = len;

    for (; left >= 8; left -= 8) {
        absorb(&s, word(at));
        at += 8;
    }
    absorb(&s, part(at, left) | (uint64_t)len << 56);
    s.v2 ^= 0xff;
    mix(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
