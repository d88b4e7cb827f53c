/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_shm_layout.h"

#include <string.h>

#define READS 200                          /* tries without the mutex */
#define READER_WAIT apr_time_from_msec(50) /* for the mutex, then it is a miss */
#define TOUCH_EVERY apr_time_from_sec(1)   /* readers note the use of an entry this often */

/* Space that sets and blocks of one stripe take, with two slots to each block. */
static apr_size_t stripe_space(uint32_t blocks)
{
    apr_size_t sets = blocks / (SL_SHM_WAYS / 2) + 1;

    return sizeof(sl_shm_head_t) + sets * sizeof(sl_shm_set_t) +
           (apr_size_t)blocks * (SL_SHM_BLOCK + sizeof(uint32_t)) + (blocks / 64 + 1) * 8;
}

/* How memory of this size is cut up; the same for whoever asks. */
static sl_shm_superblock_t plan(apr_size_t size)
{
    sl_shm_superblock_t super = {.magic = SL_SHM_MAGIC, .size = size, .version = SL_SHM_VERSION};
    apr_size_t each, blocks;

    super.head_bytes = sizeof(sl_shm_head_t);
    super.set_bytes = sizeof(sl_shm_set_t);
    super.stripes = size / SL_SHM_STRIPE_BYTES < SL_SHM_MAX_STRIPES
                        ? (uint32_t)(size / SL_SHM_STRIPE_BYTES)
                        : SL_SHM_MAX_STRIPES;
    each = (size - 4096) / super.stripes / 64 * 64;
    blocks = each / (SL_SHM_BLOCK + 8 + sizeof(sl_shm_set_t) / (SL_SHM_WAYS / 2));
    while (stripe_space((uint32_t)blocks) > each) {
        blocks--;
    }
    super.blocks = (uint32_t)blocks;
    super.sets = super.blocks / (SL_SHM_WAYS / 2) + 1;
    return super;
}

static sl_shm_t *handle(void *memory, const sl_shm_superblock_t *super, apr_pool_t *p)
{
    sl_shm_t *shm = apr_palloc(p, sizeof(*shm));

    shm->super = memory;
    shm->stripes = (unsigned char *)memory + 4096;
    shm->stripe_bytes = (super->size - 4096) / super->stripes / 64 * 64;
    return shm;
}

/* Too small, too large for 32-bit block numbers, or not where atomics may be? */
static sl_rc_t check_memory(const void *memory, apr_size_t size, sl_err_t *err)
{
    if (size < SL_SHM_MIN_SIZE || size / SL_SHM_BLOCK / SL_SHM_MAX_STRIPES > UINT32_MAX / 4) {
        return sl_err_set(err, SL_INVALID, "SL1601", "shared memory is 1 MiB at least");
    }
    if ((uintptr_t)memory % 64 != 0) {
        return sl_err_set(err, SL_INVALID, "SL1602", "shared memory is not aligned");
    }
    return SL_OK;
}

sl_rc_t sl_shm_format(sl_shm_t **out, void *memory, apr_size_t size, apr_pool_t *p, sl_err_t *err)
{
    sl_shm_superblock_t super;
    sl_shm_t *shm;
    sl_rc_t rc = check_memory(memory, size, err);

    if (rc != SL_OK) {
        return rc;
    }
    super = plan(size);
    /* The magic comes last: what is half laid out is nothing to attach to. */
    super.magic = 0;
    memcpy(memory, &super, sizeof(super));
    shm = handle(memory, &super, p);
    for (uint32_t i = 0; i < super.stripes; i++) {
        sl_shm_stripe_t stripe = sl_shm_stripe(shm, i);

        if (!sl_shm_stripe_format(&stripe)) {
            return sl_err_set(err, SL_FAILED, "SL1603",
                              "the system has no robust mutex for shared memory");
        }
    }
    shm->super->magic = SL_SHM_MAGIC;
    *out = shm;
    return SL_OK;
}

sl_rc_t sl_shm_attach(sl_shm_t **out, void *memory, apr_size_t size, apr_pool_t *p, sl_err_t *err)
{
    sl_shm_superblock_t super;
    sl_rc_t rc = check_memory(memory, size, err);

    if (rc != SL_OK) {
        return rc;
    }
    super = plan(size);
    if (memcmp(memory, &super, sizeof(super)) != 0) {
        return sl_err_set(err, SL_INVALID, "SL1604",
                          "shared memory is of another version or size of the module");
    }
    *out = handle(memory, &super, p);
    return SL_OK;
}

/* The value of a slot, block by block. False: what was read there made no sense. */
static bool copy_out(const sl_shm_stripe_t *stripe, uint32_t block, unsigned char *to, uint32_t len)
{
    while (len > 0) {
        uint64_t words[SL_SHM_WORDS];
        uint32_t part = len < SL_SHM_BLOCK ? len : SL_SHM_BLOCK;

        if (block >= stripe->block_count) {
            return false;
        }
        for (uint32_t w = 0; w < (part + 7) / 8; w++) {
            words[w] = atomic_load_explicit(&stripe->blocks[block * (apr_size_t)SL_SHM_WORDS + w],
                                            memory_order_relaxed);
        }
        memcpy(to, words, part);
        to += part;
        len -= part;
        block = atomic_load_explicit(&stripe->next[block], memory_order_relaxed);
    }
    return true;
}

static void copy_in(const sl_shm_stripe_t *stripe, uint32_t block, const unsigned char *from,
                    apr_size_t len)
{
    while (len > 0) {
        uint64_t words[SL_SHM_WORDS];
        apr_size_t part = len < SL_SHM_BLOCK ? len : SL_SHM_BLOCK;

        words[(part - 1) / 8] = 0;
        memcpy(words, from, part);
        for (apr_size_t w = 0; w < (part + 7) / 8; w++) {
            atomic_store_explicit(&stripe->blocks[block * (apr_size_t)SL_SHM_WORDS + w], words[w],
                                  memory_order_relaxed);
        }
        from += part;
        len -= part;
        block = atomic_load_explicit(&stripe->next[block], memory_order_relaxed);
    }
}

/* A buffer that tries share, so that a busy set does not fill the pool. */
typedef struct {
    unsigned char *bytes;
    apr_size_t size;
    apr_pool_t *p;
} buffer_t;

static void make_room(buffer_t *buffer, apr_size_t size)
{
    if (buffer->size < size) {
        buffer->bytes = apr_palloc(buffer->p, size);
        buffer->size = size;
    }
}

/*
 * One look at the set. SL_OK, SL_NONE, or SL_BUSY: what was seen made no sense. Without the mutex
 * all three count only when the sequence stood still meanwhile.
 */
static sl_rc_t look(const sl_shm_stripe_t *stripe, sl_shm_set_t *set, const sl_shm_key_t *key,
                    sl_shm_entry_t *out, buffer_t *buffer)
{
    sl_shm_slot_t *slot = sl_shm_set_find(set, key);
    uint32_t len;

    if (slot == NULL) {
        return SL_NONE;
    }
    len = atomic_load_explicit(&slot->len, memory_order_relaxed);
    if (len > SL_SHM_MAX_VALUE) {
        return SL_BUSY;
    }
    make_room(buffer, (apr_size_t)len + 1);
    if (!copy_out(stripe, atomic_load_explicit(&slot->first, memory_order_relaxed), buffer->bytes,
                  len)) {
        return SL_BUSY;
    }
    buffer->bytes[len] = '\0';
    out->value.bytes = buffer->bytes;
    out->value.len = len;
    out->stored = atomic_load_explicit(&slot->stored, memory_order_relaxed);
    out->expires = atomic_load_explicit(&slot->expires, memory_order_relaxed);
    return SL_OK;
}

/* Look until nobody wrote in between; after that, with the mutex. */
static sl_rc_t read_entry(const sl_shm_stripe_t *stripe, sl_shm_set_t *set, const sl_shm_key_t *key,
                          sl_shm_entry_t *out, buffer_t *buffer)
{
    sl_rc_t rc;

    for (int i = 0; i < READS; i++) {
        uint64_t seq = atomic_load_explicit(&set->seq, memory_order_acquire);

        if ((seq & 1) != 0) {
            continue;
        }
        rc = look(stripe, set, key, out, buffer);
        atomic_thread_fence(memory_order_acquire);
        if (rc != SL_BUSY && atomic_load_explicit(&set->seq, memory_order_relaxed) == seq) {
            return rc;
        }
    }
    if (!sl_shm_stripe_lock(stripe, READER_WAIT)) {
        return SL_NONE;
    }
    rc = look(stripe, set, key, out, buffer);
    sl_shm_stripe_unlock(stripe);
    return rc == SL_BUSY ? SL_NONE : rc;
}

/* Not every reader writes: the line stays shared between processors. */
static void touch(sl_shm_set_t *set, const sl_shm_key_t *key, apr_time_t now)
{
    sl_shm_slot_t *slot = sl_shm_set_find(set, key);

    if (slot != NULL &&
        now - atomic_load_explicit(&slot->used, memory_order_relaxed) >= TOUCH_EVERY) {
        atomic_store_explicit(&slot->used, now, memory_order_relaxed);
    }
}

sl_rc_t sl_shm_get(const sl_shm_t *shm, const sl_shm_key_t *key, apr_time_t now,
                   sl_shm_entry_t *out, apr_pool_t *p)
{
    buffer_t buffer = {NULL, 0, p};
    sl_shm_set_t *set;
    sl_shm_stripe_t stripe = sl_shm_stripe_of(shm, key, &set);
    sl_rc_t rc = read_entry(&stripe, set, key, out, &buffer);

    if (rc == SL_OK && out->expires <= now) {
        rc = SL_NONE;
    }
    if (rc == SL_OK) {
        touch(set, key, now);
    }
    atomic_fetch_add_explicit(rc == SL_OK ? &stripe.head->hits : &stripe.head->misses, 1,
                              memory_order_relaxed);
    return rc;
}

/* Take a chain off the free list, which has enough. */
static uint32_t take_chain(const sl_shm_stripe_t *stripe, uint32_t need)
{
    uint32_t first = stripe->head->free_head, last = first;

    if (need == 0) {
        return SL_SHM_NIL;
    }
    for (uint32_t n = 1; n < need; n++) {
        last = atomic_load_explicit(&stripe->next[last], memory_order_relaxed);
    }
    stripe->head->free_head = atomic_load_explicit(&stripe->next[last], memory_order_relaxed);
    atomic_store_explicit(&stripe->next[last], SL_SHM_NIL, memory_order_relaxed);
    atomic_fetch_sub_explicit(&stripe->head->free_blocks, need, memory_order_relaxed);
    return first;
}

static sl_rc_t no_room(sl_err_t *err)
{
    return sl_err_set(err, SL_BUSY, "SL1605", "the shared memory is full: raise SmartCache");
}

/* Under the mutex. */
static sl_rc_t store(const sl_shm_stripe_t *stripe, sl_shm_set_t *set, const sl_shm_key_t *key,
                     const sl_shm_put_t *put, sl_err_t *err)
{
    sl_shm_fill_t fill = {key, put, SL_SHM_NIL};
    sl_shm_slot_t *slot = sl_shm_set_find(set, key);
    uint32_t need = (uint32_t)((put->value.len + SL_SHM_BLOCK - 1) / SL_SHM_BLOCK);

    if (slot != NULL) {
        sl_shm_slot_clear(stripe, set, slot);
    }
    if (put->value.len > SL_SHM_MAX_VALUE) {
        return sl_err_set(err, SL_INVALID, "SL1606", "a value is too large for the shared memory");
    }
    /* Room first: making it may empty slots of this very set. */
    if (!sl_shm_stripe_room(stripe, need, put)) {
        return no_room(err);
    }
    slot = sl_shm_slot_take(stripe, set, put);
    if (slot == NULL) {
        return no_room(err);
    }
    fill.first = take_chain(stripe, need);
    copy_in(stripe, fill.first, put->value.bytes, put->value.len);
    sl_shm_slot_fill(stripe, set, slot, &fill);
    atomic_fetch_add_explicit(&stripe->head->stores, 1, memory_order_relaxed);
    return SL_OK;
}

static bool is_live(sl_shm_set_t *set, const sl_shm_key_t *key, apr_time_t now)
{
    const sl_shm_slot_t *slot = sl_shm_set_find(set, key);

    return slot != NULL && atomic_load_explicit(&slot->expires, memory_order_relaxed) > now;
}

static sl_rc_t write_entry(sl_shm_t *shm, const sl_shm_key_t *key, const sl_shm_put_t *put,
                           bool only_new, sl_err_t *err)
{
    sl_shm_set_t *set;
    sl_shm_stripe_t stripe = sl_shm_stripe_of(shm, key, &set);
    sl_rc_t rc;

    if (!sl_shm_stripe_lock(&stripe, 0)) {
        return sl_err_set(err, SL_BUSY, "SL1607", "the shared memory cannot be locked");
    }
    if (only_new && is_live(set, key, put->now)) {
        rc = sl_err_set(err, SL_CONFLICT, "SL1608", "there is such an entry already");
    } else {
        rc = store(&stripe, set, key, put, err);
    }
    sl_shm_stripe_unlock(&stripe);
    return rc;
}

sl_rc_t sl_shm_put(sl_shm_t *shm, const sl_shm_key_t *key, const sl_shm_put_t *put, sl_err_t *err)
{
    return write_entry(shm, key, put, false, err);
}

sl_rc_t sl_shm_add(sl_shm_t *shm, const sl_shm_key_t *key, const sl_shm_put_t *put, sl_err_t *err)
{
    return write_entry(shm, key, put, true, err);
}

void sl_shm_del(sl_shm_t *shm, const sl_shm_key_t *key)
{
    sl_shm_set_t *set;
    sl_shm_stripe_t stripe = sl_shm_stripe_of(shm, key, &set);
    sl_shm_slot_t *slot;

    if (!sl_shm_stripe_lock(&stripe, 0)) {
        return;
    }
    slot = sl_shm_set_find(set, key);
    if (slot != NULL) {
        sl_shm_slot_clear(&stripe, set, slot);
    }
    sl_shm_stripe_unlock(&stripe);
}

/* Each time is a word of its own: a reader sees the one before or the one after. */
static void lower(_Atomic int64_t *time, apr_time_t to)
{
    if (atomic_load_explicit(time, memory_order_relaxed) > to) {
        atomic_store_explicit(time, to, memory_order_relaxed);
    }
}

static void age_stripe(const sl_shm_stripe_t *stripe, unsigned char kind, apr_time_t stored,
                       apr_time_t expires)
{
    for (uint32_t i = 0; i < stripe->set_count * SL_SHM_WAYS; i++) {
        sl_shm_slot_t *slot = &stripe->sets[i / SL_SHM_WAYS].ways[i % SL_SHM_WAYS];
        uint32_t tag = atomic_load_explicit(&slot->tag, memory_order_relaxed);

        if (tag != 0 && tag >> 8 == kind) {
            lower(&slot->stored, stored);
            lower(&slot->expires, expires);
        }
    }
}

void sl_shm_age(sl_shm_t *shm, unsigned char kind, apr_time_t stored, apr_time_t expires)
{
    for (uint32_t i = 0; i < shm->super->stripes; i++) {
        sl_shm_stripe_t stripe = sl_shm_stripe(shm, i);

        if (sl_shm_stripe_lock(&stripe, 0)) {
            age_stripe(&stripe, kind, stored, expires);
            sl_shm_stripe_unlock(&stripe);
        }
    }
}

sl_shm_key_t sl_shm_key(unsigned char kind, const void *bytes, apr_size_t len)
{
    sl_shm_key_t key;

    key.kind = kind;
    sl_digest_sha256(bytes, len, key.digest);
    return key;
}

void sl_shm_stats(const sl_shm_t *shm, sl_shm_stats_t *out)
{
    memset(out, 0, sizeof(*out));
    out->block_bytes = SL_SHM_BLOCK;
    for (uint32_t i = 0; i < shm->super->stripes; i++) {
        sl_shm_stripe_t stripe = sl_shm_stripe(shm, i);

        out->hits += stripe.head->hits;
        out->misses += stripe.head->misses;
        out->stores += stripe.head->stores;
        out->evictions += stripe.head->evictions;
        out->repairs += stripe.head->repairs;
        out->entries += stripe.head->entries;
        out->blocks += stripe.block_count;
        out->blocks_used += stripe.block_count - stripe.head->free_blocks;
    }
}
