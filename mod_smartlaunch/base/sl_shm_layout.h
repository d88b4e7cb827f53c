/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the memory of sl_shm looks like, for sl_shm.c, sl_shm_stripe.c and their test only.
 *
 * The memory is cut into stripes that share nothing: each has a mutex, an index (sets of
 * SL_SHM_WAYS slots) and blocks that hold the values in chains. A writer holds the mutex of one
 * stripe and makes the sequence of a set odd while its slots change; a reader copies without the
 * mutex and starts again when the sequence was odd or has moved. Whatever a killed writer leaves
 * behind is therefore inside one stripe, and whoever gets the mutex next puts that in order.
 */
#ifndef SL_SHM_LAYOUT_H
#define SL_SHM_LAYOUT_H

#include "base/sl_shm.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define SL_SHM_MAGIC 0x736c2d73686d3031ULL
#define SL_SHM_VERSION 1
#define SL_SHM_WAYS 16
#define SL_SHM_BLOCK 1024
#define SL_SHM_WORDS (SL_SHM_BLOCK / 8)
#define SL_SHM_NIL UINT32_MAX
#define SL_SHM_MAX_STRIPES 64
#define SL_SHM_STRIPE_BYTES (512 * 1024) /* at least: a stripe holds the largest value */

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics must work between processes");

typedef struct {
    _Atomic uint64_t digest[SL_SHM_KEY_LEN / 8];
    _Atomic int64_t stored, expires, used;
    _Atomic uint32_t len, first; /* first block of the chain, SL_SHM_NIL when len is 0 */
    _Atomic uint32_t tag;        /* 0: free; else made by sl_shm_tag */
} sl_shm_slot_t;

typedef struct {
    _Alignas(64) _Atomic uint64_t seq;
    sl_shm_slot_t ways[SL_SHM_WAYS];
} sl_shm_set_t;

/** The head of a stripe. What is not a counter of readers changes under the mutex only. */
typedef struct {
    _Alignas(64) pthread_mutex_t lock;
    uint32_t free_head, hand;
    _Atomic uint32_t free_blocks, entries, low; /* low: entries of SL_SHM_LOW */
    _Alignas(64) _Atomic uint64_t hits, misses, stores, evictions, repairs;
} sl_shm_head_t;

typedef struct {
    uint64_t magic, size;
    uint32_t version, head_bytes, set_bytes;
    uint32_t stripes, sets, blocks; /* sets and blocks: of one stripe */
} sl_shm_superblock_t;

struct sl_shm {
    sl_shm_superblock_t *super;
    unsigned char *stripes;
    apr_size_t stripe_bytes;
};

/** One stripe, laid open. */
typedef struct {
    sl_shm_head_t *head;
    sl_shm_set_t *sets;
    _Atomic uint32_t *next;   /* of each block */
    _Atomic uint64_t *blocks; /* SL_SHM_WORDS each */
    uint64_t *marks;          /* a bit for each block: scratch of the repair */
    uint32_t set_count, block_count;
} sl_shm_stripe_t;

/** What a slot's tag says. */
#define SL_SHM_TAG_USED 1U
#define SL_SHM_TAG_LOW 2U
static inline uint32_t sl_shm_tag(unsigned char kind, sl_shm_rank_t rank)
{
    return SL_SHM_TAG_USED | (rank == SL_SHM_LOW ? SL_SHM_TAG_LOW : 0U) | (uint32_t)kind << 8;
}

sl_shm_stripe_t sl_shm_stripe(const sl_shm_t *shm, uint32_t index);

/** The stripe and set in which a key lives. */
sl_shm_stripe_t sl_shm_stripe_of(const sl_shm_t *shm, const sl_shm_key_t *key, sl_shm_set_t **set);

/** Make an empty stripe, with a new mutex. False: the system gives no robust shared mutex. */
bool sl_shm_stripe_format(const sl_shm_stripe_t *stripe);

/**
 * Take the mutex, at most `wait` long (0: as long as it takes), and put in order what a dead owner
 * left. False: not taken.
 */
bool sl_shm_stripe_lock(const sl_shm_stripe_t *stripe, apr_interval_time_t wait);
void sl_shm_stripe_unlock(const sl_shm_stripe_t *stripe);

/** The slot of the key in its set, or NULL. Exact under the mutex, a guess without. */
sl_shm_slot_t *sl_shm_set_find(sl_shm_set_t *set, const sl_shm_key_t *key);

/** Empty a slot and free its blocks. Under the mutex, like the rest. */
void sl_shm_slot_clear(const sl_shm_stripe_t *stripe, sl_shm_set_t *set, sl_shm_slot_t *slot);

/** What goes into a free slot: blocks already hold the value. */
typedef struct {
    const sl_shm_key_t *key;
    const sl_shm_put_t *put;
    uint32_t first;
} sl_shm_fill_t;
void sl_shm_slot_fill(const sl_shm_stripe_t *stripe, sl_shm_set_t *set, sl_shm_slot_t *slot,
                      const sl_shm_fill_t *fill);

/** A free slot of the set, made free if need be; NULL when `put` has no right to any. */
sl_shm_slot_t *sl_shm_slot_take(const sl_shm_stripe_t *stripe, sl_shm_set_t *set,
                                const sl_shm_put_t *put);

/** Free blocks until there are `need`. False: `put` has no right to that many. */
bool sl_shm_stripe_room(const sl_shm_stripe_t *stripe, uint32_t need, const sl_shm_put_t *put);

#endif
