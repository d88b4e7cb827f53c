/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_shm_layout.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define CANDIDATES 16 /* looked at before one of them goes */

static uint32_t get32(const _Atomic uint32_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

static void set32(_Atomic uint32_t *to, uint32_t value)
{
    atomic_store_explicit(to, value, memory_order_relaxed);
}

static int64_t get_time(const _Atomic int64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

sl_shm_stripe_t sl_shm_stripe(const sl_shm_t *shm, uint32_t index)
{
    unsigned char *at = shm->stripes + index * shm->stripe_bytes;
    sl_shm_stripe_t stripe;

    stripe.set_count = shm->super->sets;
    stripe.block_count = shm->super->blocks;
    stripe.head = (void *)at;
    at += sizeof(sl_shm_head_t);
    stripe.sets = (void *)at;
    at += stripe.set_count * sizeof(sl_shm_set_t);
    stripe.blocks = (void *)at;
    at += (apr_size_t)stripe.block_count * SL_SHM_BLOCK;
    stripe.marks = (void *)at;
    at += (stripe.block_count + 63) / 64 * sizeof(*stripe.marks);
    stripe.next = (void *)at;
    return stripe;
}

sl_shm_stripe_t sl_shm_stripe_of(const sl_shm_t *shm, const sl_shm_key_t *key, sl_shm_set_t **set)
{
    uint64_t words[2];
    sl_shm_stripe_t stripe;

    memcpy(words, key->digest, sizeof(words));
    words[0] ^= key->kind * 0x9e3779b97f4a7c15ULL;
    stripe = sl_shm_stripe(shm, (uint32_t)((words[0] >> 32) % shm->super->stripes));
    *set = &stripe.sets[words[1] % stripe.set_count];
    return stripe;
}

static bool is_marked(const sl_shm_stripe_t *stripe, uint32_t block)
{
    return (stripe->marks[block / 64] >> (block % 64) & 1) != 0;
}

static void unmark_all(const sl_shm_stripe_t *stripe)
{
    memset(stripe->marks, 0, (stripe->block_count + 63) / 64 * sizeof(*stripe->marks));
}

/* All blocks without a mark make up the free list. */
static void rebuild_free(const sl_shm_stripe_t *stripe)
{
    uint32_t count = 0, head = SL_SHM_NIL;

    for (uint32_t i = stripe->block_count; i-- > 0;) {
        if (!is_marked(stripe, i)) {
            set32(&stripe->next[i], head);
            head = i;
            count++;
        }
    }
    stripe->head->free_head = head;
    set32(&stripe->head->free_blocks, count);
}

bool sl_shm_stripe_format(const sl_shm_stripe_t *stripe)
{
    pthread_mutexattr_t attr;
    bool done;

    memset(stripe->head, 0, sizeof(*stripe->head));
    memset(stripe->sets, 0, stripe->set_count * sizeof(*stripe->sets));
    unmark_all(stripe);
    rebuild_free(stripe);
    if (pthread_mutexattr_init(&attr) != 0) {
        return false;
    }
    done = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
           pthread_mutex_init(&stripe->head->lock, &attr) == 0;
    (void)pthread_mutexattr_destroy(&attr);
    return done;
}

/* Readers see an odd sequence from here on, and nothing that is written later. */
static void open_set(sl_shm_set_t *set)
{
    uint64_t seq = atomic_load_explicit(&set->seq, memory_order_relaxed);

    atomic_store_explicit(&set->seq, seq | 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static void close_set(sl_shm_set_t *set)
{
    uint64_t seq = atomic_load_explicit(&set->seq, memory_order_relaxed);

    atomic_store_explicit(&set->seq, seq + 1, memory_order_release);
}

/* Mark the chain of a slot. False: it is no chain of its own, or not as long as the value. */
static bool mark_chain(const sl_shm_stripe_t *stripe, const sl_shm_slot_t *slot)
{
    uint32_t len = get32(&slot->len), block = get32(&slot->first);

    if (len > SL_SHM_MAX_VALUE) {
        return false;
    }
    for (uint32_t n = (len + SL_SHM_BLOCK - 1) / SL_SHM_BLOCK; n > 0; n--) {
        if (block >= stripe->block_count || is_marked(stripe, block)) {
            return false;
        }
        stripe->marks[block / 64] |= 1ULL << (block % 64);
        block = get32(&stripe->next[block]);
    }
    return block == SL_SHM_NIL;
}

/* What the dead owner had open is emptied; the rest is kept, and counted anew. */
static void repair_set(const sl_shm_stripe_t *stripe, sl_shm_set_t *set, uint32_t counts[2])
{
    bool was_open = (atomic_load_explicit(&set->seq, memory_order_relaxed) & 1) != 0;

    for (int i = 0; i < SL_SHM_WAYS; i++) {
        uint32_t tag = get32(&set->ways[i].tag);

        if (tag == 0) {
            continue;
        }
        if (was_open || !mark_chain(stripe, &set->ways[i])) {
            open_set(set);
            set32(&set->ways[i].tag, 0);
        } else {
            counts[0]++;
            counts[1] += (tag & SL_SHM_TAG_LOW) != 0;
        }
    }
    if ((atomic_load_explicit(&set->seq, memory_order_relaxed) & 1) != 0) {
        close_set(set);
    }
}

static void repair(const sl_shm_stripe_t *stripe)
{
    uint32_t counts[2] = {0, 0};

    unmark_all(stripe);
    for (uint32_t i = 0; i < stripe->set_count; i++) {
        repair_set(stripe, &stripe->sets[i], counts);
    }
    rebuild_free(stripe);
    set32(&stripe->head->entries, counts[0]);
    set32(&stripe->head->low, counts[1]);
    stripe->head->hand = 0;
    atomic_fetch_add_explicit(&stripe->head->repairs, 1, memory_order_relaxed);
}

bool sl_shm_stripe_lock(const sl_shm_stripe_t *stripe, apr_interval_time_t wait)
{
    int rc;

    if (wait == 0) {
        rc = pthread_mutex_lock(&stripe->head->lock);
    } else {
        apr_time_t until = apr_time_now() + wait;
        struct timespec deadline = {apr_time_sec(until), apr_time_usec(until) * 1000L};

        rc = pthread_mutex_timedlock(&stripe->head->lock, &deadline);
    }
    if (rc == EOWNERDEAD) {
        /* Consistent only when repaired: who dies in here leaves the work to the next. */
        repair(stripe);
        rc = pthread_mutex_consistent(&stripe->head->lock);
    }
    return rc == 0;
}

void sl_shm_stripe_unlock(const sl_shm_stripe_t *stripe)
{
    (void)pthread_mutex_unlock(&stripe->head->lock);
}

sl_shm_slot_t *sl_shm_set_find(sl_shm_set_t *set, const sl_shm_key_t *key)
{
    uint64_t words[SL_SHM_KEY_LEN / 8];

    memcpy(words, key->digest, sizeof(words));
    for (int i = 0; i < SL_SHM_WAYS; i++) {
        sl_shm_slot_t *slot = &set->ways[i];
        uint32_t tag = get32(&slot->tag);
        bool same = tag != 0 && tag >> 8 == key->kind;

        for (int w = 0; same && w < SL_SHM_KEY_LEN / 8; w++) {
            same = atomic_load_explicit(&slot->digest[w], memory_order_relaxed) == words[w];
        }
        if (same) {
            return slot;
        }
    }
    return NULL;
}

void sl_shm_slot_clear(const sl_shm_stripe_t *stripe, sl_shm_set_t *set, sl_shm_slot_t *slot)
{
    uint32_t tag = get32(&slot->tag), block = get32(&slot->first), freed = 0;

    open_set(set);
    set32(&slot->tag, 0);
    close_set(set);
    while (block != SL_SHM_NIL) {
        uint32_t next = get32(&stripe->next[block]);

        set32(&stripe->next[block], stripe->head->free_head);
        stripe->head->free_head = block;
        block = next;
        freed++;
    }
    set32(&stripe->head->free_blocks, get32(&stripe->head->free_blocks) + freed);
    set32(&stripe->head->entries, get32(&stripe->head->entries) - 1);
    if ((tag & SL_SHM_TAG_LOW) != 0) {
        set32(&stripe->head->low, get32(&stripe->head->low) - 1);
    }
}

void sl_shm_slot_fill(const sl_shm_stripe_t *stripe, sl_shm_set_t *set, sl_shm_slot_t *slot,
                      const sl_shm_fill_t *fill)
{
    uint64_t words[SL_SHM_KEY_LEN / 8];

    memcpy(words, fill->key->digest, sizeof(words));
    open_set(set);
    for (int w = 0; w < SL_SHM_KEY_LEN / 8; w++) {
        atomic_store_explicit(&slot->digest[w], words[w], memory_order_relaxed);
    }
    atomic_store_explicit(&slot->stored, fill->put->now, memory_order_relaxed);
    atomic_store_explicit(&slot->used, fill->put->now, memory_order_relaxed);
    atomic_store_explicit(&slot->expires, fill->put->expires, memory_order_relaxed);
    set32(&slot->len, (uint32_t)fill->put->value.len);
    set32(&slot->first, fill->first);
    set32(&slot->tag, sl_shm_tag(fill->key->kind, fill->put->rank));
    close_set(set);
    set32(&stripe->head->entries, get32(&stripe->head->entries) + 1);
    if (fill->put->rank == SL_SHM_LOW) {
        set32(&stripe->head->low, get32(&stripe->head->low) + 1);
    }
}

/* Which of two goes first: the expired, then the low, then what was used longer ago. NULL: none. */
static sl_shm_slot_t *worse(sl_shm_slot_t *a, sl_shm_slot_t *b, apr_time_t now)
{
    bool dead_a, dead_b, low_a, low_b;

    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    dead_a = get_time(&a->expires) <= now;
    dead_b = get_time(&b->expires) <= now;
    if (dead_a != dead_b) {
        return dead_a ? a : b;
    }
    low_a = (get32(&a->tag) & SL_SHM_TAG_LOW) != 0;
    low_b = (get32(&b->tag) & SL_SHM_TAG_LOW) != 0;
    if (low_a != low_b) {
        return low_a ? a : b;
    }
    return get_time(&a->used) <= get_time(&b->used) ? a : b;
}

/* May the newcomer push this one out? */
static bool may_evict(const sl_shm_slot_t *slot, const sl_shm_put_t *put)
{
    return put->rank == SL_SHM_HIGH || (get32(&slot->tag) & SL_SHM_TAG_LOW) != 0 ||
           get_time(&slot->expires) <= put->now;
}

static void evict(const sl_shm_stripe_t *stripe, sl_shm_set_t *set, sl_shm_slot_t *slot,
                  const sl_shm_put_t *put)
{
    if (get_time(&slot->expires) > put->now) {
        atomic_fetch_add_explicit(&stripe->head->evictions, 1, memory_order_relaxed);
    }
    sl_shm_slot_clear(stripe, set, slot);
}

sl_shm_slot_t *sl_shm_slot_take(const sl_shm_stripe_t *stripe, sl_shm_set_t *set,
                                const sl_shm_put_t *put)
{
    sl_shm_slot_t *victim = NULL;

    for (int i = 0; i < SL_SHM_WAYS; i++) {
        sl_shm_slot_t *slot = &set->ways[i];

        if (get32(&slot->tag) == 0) {
            return slot;
        }
        if (may_evict(slot, put)) {
            victim = worse(victim, slot, put->now);
        }
    }
    if (victim != NULL) {
        evict(stripe, set, victim, put);
    }
    return victim;
}

/* From where the hand stands: the worst of the next few that may go. False: none in all. */
static bool evict_one(const sl_shm_stripe_t *stripe, const sl_shm_put_t *put)
{
    uint32_t slots = stripe->set_count * SL_SHM_WAYS, seen = 0;
    uint32_t *hand = &stripe->head->hand;
    sl_shm_slot_t *victim = NULL;
    sl_shm_set_t *home = NULL;
    bool low_first = get32(&stripe->head->low) > 0;

    for (uint32_t n = 0; n < slots && seen < CANDIDATES; n++) {
        sl_shm_set_t *set = &stripe->sets[*hand / SL_SHM_WAYS];
        sl_shm_slot_t *slot = &set->ways[*hand % SL_SHM_WAYS];
        uint32_t tag = get32(&slot->tag);

        *hand = *hand + 1 < slots ? *hand + 1 : 0;
        if (tag == 0 || get32(&slot->len) == 0 || !may_evict(slot, put)) {
            continue;
        }
        /* As long as there is anything low, only that is a candidate. */
        seen += !low_first || (tag & SL_SHM_TAG_LOW) != 0;
        victim = worse(victim, slot, put->now);
        if (victim == slot) {
            home = set;
        }
    }
    if (victim != NULL) {
        evict(stripe, home, victim, put);
    }
    return victim != NULL;
}

bool sl_shm_stripe_room(const sl_shm_stripe_t *stripe, uint32_t need, const sl_shm_put_t *put)
{
    while (get32(&stripe->head->free_blocks) < need) {
        if (!evict_one(stripe, put)) {
            return false;
        }
    }
    return true;
}
