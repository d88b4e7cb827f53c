/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A table in shared memory: keys of 32 bytes and a kind, values up to SL_SHM_MAX_VALUE bytes, each
 * with an expiry. Every process and thread that sees the memory may read and write at once:
 * readers take no lock, a writer that is killed half-way costs at most the few entries next to the
 * one it was changing, and nobody ever waits for the dead.
 *
 * It is a cache: an entry may go before its time. Expired ones go first, then those of SL_SHM_LOW,
 * then what was used long ago; entries of SL_SHM_LOW never push out those of SL_SHM_HIGH.
 */
#ifndef SL_SHM_H
#define SL_SHM_H

#include "base/sl_keyring.h"
#include "base/sl_rc.h"
#include <apr_pools.h>
#include <apr_time.h>

#define SL_SHM_KEY_LEN 32
#define SL_SHM_MAX_VALUE (128 * 1024)
#define SL_SHM_MIN_SIZE (1024 * 1024)

typedef struct sl_shm sl_shm_t;

typedef enum { SL_SHM_HIGH, SL_SHM_LOW } sl_shm_rank_t;

/** What an entry is found by: a kind of the caller's, and a digest. */
typedef struct {
    unsigned char kind;
    unsigned char digest[SL_SHM_KEY_LEN];
} sl_shm_key_t;

/** One entry as it was read. */
typedef struct {
    sl_bytes_t value;   /* a copy in the caller's pool, followed by a NUL */
    apr_time_t stored;  /* when it was put */
    apr_time_t expires; /* first instant at which it is gone */
} sl_shm_entry_t;

/** One entry as it is written. */
typedef struct {
    sl_bytes_t value;
    apr_time_t now;
    apr_time_t expires;
    sl_shm_rank_t rank;
} sl_shm_put_t;

typedef struct {
    apr_uint64_t hits, misses, stores, evictions, repairs; /* since the memory was formatted */
    apr_size_t entries;                                    /* expired ones not yet reused count */
    apr_size_t blocks, blocks_used, block_bytes;
} sl_shm_stats_t;

/**
 * Lay out `size` bytes of zeroed or used memory (page-aligned, shared between the processes) and
 * attach to it. Nobody else may be using it. SL_INVALID: smaller than SL_SHM_MIN_SIZE.
 * @param out lives in `p`; the memory stays the caller's
 */
SL_MUST_USE sl_rc_t sl_shm_format(sl_shm_t **out, void *memory, apr_size_t size, apr_pool_t *p,
                                  sl_err_t *err);

/** Attach to formatted memory, entries and all. SL_INVALID: another layout version or size. */
SL_MUST_USE sl_rc_t sl_shm_attach(sl_shm_t **out, void *memory, apr_size_t size, apr_pool_t *p,
                                  sl_err_t *err);

/** SL_OK or SL_NONE (absent, expired at `now`, or out of reach for a moment). */
SL_MUST_USE sl_rc_t sl_shm_get(const sl_shm_t *shm, const sl_shm_key_t *key, apr_time_t now,
                               sl_shm_entry_t *out, apr_pool_t *p);

/**
 * Store or replace. SL_INVALID: larger than SL_SHM_MAX_VALUE; SL_BUSY: no room of this rank. An
 * older value of the key is gone in either case.
 */
SL_MUST_USE sl_rc_t sl_shm_put(sl_shm_t *shm, const sl_shm_key_t *key, const sl_shm_put_t *put,
                               sl_err_t *err);

/** The same, but only where there is no entry that has not expired: else SL_CONFLICT. */
SL_MUST_USE sl_rc_t sl_shm_add(sl_shm_t *shm, const sl_shm_key_t *key, const sl_shm_put_t *put,
                               sl_err_t *err);

/** Forget one entry, if it is there. */
void sl_shm_del(sl_shm_t *shm, const sl_shm_key_t *key);

/** Nothing of one kind counts as stored later than `stored`, or lasts longer than `expires`. */
void sl_shm_age(sl_shm_t *shm, unsigned char kind, apr_time_t stored, apr_time_t expires);

/** A key from a kind and any text: its SHA-256. */
sl_shm_key_t sl_shm_key(unsigned char kind, const void *bytes, apr_size_t len);

/** Figures for the status page, taken without stopping anybody. */
void sl_shm_stats(const sl_shm_t *shm, sl_shm_stats_t *out);

#endif
