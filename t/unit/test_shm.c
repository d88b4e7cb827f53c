/* SPDX-License-Identifier: Apache-2.0 */
/* The table in shared memory: what it keeps, what it gives up first, and what kills leave. */
#include "base/sl_shm_layout.h"
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024 * 1024)
#define NOW apr_time_from_sec(1000000)

static void *memory(apr_size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) {
        abort();
    }
    return at;
}

static sl_shm_t *table(apr_size_t size, apr_pool_t *p)
{
    sl_shm_t *shm = NULL;

    is_int(sl_shm_format(&shm, memory(size), size, p, NULL), SL_OK, "a table");
    return shm;
}

static sl_shm_key_t key_of(int n)
{
    return sl_shm_key(7, &n, sizeof(n));
}

static sl_shm_put_t value_of(const void *bytes, apr_size_t len, sl_shm_rank_t rank)
{
    sl_shm_put_t put = {{bytes, len}, NOW, NOW + apr_time_from_sec(60), rank};

    return put;
}

static sl_rc_t put_text(sl_shm_t *shm, int n, const char *text)
{
    sl_shm_key_t key = key_of(n);
    sl_shm_put_t put = value_of(text, strlen(text), SL_SHM_HIGH);

    return sl_shm_put(shm, &key, &put, NULL);
}

/* The text at a key, or the name of what get said. */
static const char *text_at(const sl_shm_t *shm, int n, apr_time_t now, apr_pool_t *p)
{
    sl_shm_key_t key = key_of(n);
    sl_shm_entry_t entry;
    sl_rc_t rc = sl_shm_get(shm, &key, now, &entry, p);

    return rc == SL_OK ? (const char *)entry.value.bytes : sl_rc_name(rc);
}

static void basics(apr_pool_t *p)
{
    sl_shm_t *shm = table(MIB, p);
    sl_shm_key_t key = key_of(1), other = key;
    sl_shm_put_t put = value_of("again", 5, SL_SHM_HIGH);
    sl_shm_entry_t entry;
    sl_shm_stats_t stats;

    is_str(text_at(shm, 1, NOW, p), "SL_NONE", "empty at first");
    is_int(put_text(shm, 1, "one"), SL_OK, "put");
    is_str(text_at(shm, 1, NOW, p), "one", "get");
    is_str(text_at(shm, 2, NOW, p), "SL_NONE", "another key");
    other.kind = 8;
    is_int(sl_shm_get(shm, &other, NOW, &entry, p), SL_NONE, "another kind");
    is_int(put_text(shm, 1, "a longer one"), SL_OK, "replace");
    is_int(sl_shm_get(shm, &key, NOW, &entry, p), SL_OK, "get again");
    is_str((const char *)entry.value.bytes, "a longer one", "the new value");
    is_int((intmax_t)entry.value.len, 12, "its length");
    ok(entry.stored == NOW && entry.expires == NOW + apr_time_from_sec(60), "its times");
    is_str(text_at(shm, 1, NOW + apr_time_from_sec(60) - 1, p), "a longer one", "until it ends");
    is_str(text_at(shm, 1, NOW + apr_time_from_sec(60), p), "SL_NONE", "and no longer");
    is_int(sl_shm_add(shm, &key, &put, NULL), SL_CONFLICT, "add where there is one");
    put.now = NOW + apr_time_from_sec(60);
    put.expires = put.now + 1;
    is_int(sl_shm_add(shm, &key, &put, NULL), SL_OK, "add where one has expired");
    is_str(text_at(shm, 1, put.now, p), "again", "it is there");
    sl_shm_del(shm, &key);
    sl_shm_del(shm, &key);
    is_str(text_at(shm, 1, put.now, p), "SL_NONE", "deleted");
    is_int(put_text(shm, 1, ""), SL_OK, "an empty value");
    is_str(text_at(shm, 1, NOW, p), "", "is one");
    sl_shm_stats(shm, &stats);
    ok(stats.entries == 1 && stats.blocks_used == 0 && stats.evictions == 0, "figures");
    ok(stats.hits == 5 && stats.misses == 5 && stats.stores == 4, "hits, misses, stores");
}

static void aging(apr_pool_t *p)
{
    sl_shm_t *shm = table(2 * MIB, p);
    sl_shm_put_t put = value_of("x", 1, SL_SHM_LOW);
    const int zero = 0;
    sl_shm_key_t first = sl_shm_key(1, &zero, sizeof(zero));
    sl_shm_entry_t seen;
    int left = 0, gone = 0, aged = 0;

    for (int i = 0; i < 100; i++) {
        sl_shm_key_t a = sl_shm_key(1, &i, sizeof(i)), b = sl_shm_key(2, &i, sizeof(i));

        left += sl_shm_put(shm, &a, &put, NULL) == SL_OK;
        left += sl_shm_put(shm, &b, &put, NULL) == SL_OK;
    }
    is_int(left, 200, "two kinds");
    sl_shm_age(shm, 1, NOW - 10, NOW + 5);
    for (int i = 0; i < 100; i++) {
        sl_shm_key_t a = sl_shm_key(1, &i, sizeof(i)), b = sl_shm_key(2, &i, sizeof(i));
        sl_shm_entry_t one, two;

        aged += sl_shm_get(shm, &a, NOW, &one, p) == SL_OK && one.stored == NOW - 10 &&
                one.expires == NOW + 5 && sl_shm_get(shm, &b, NOW, &two, p) == SL_OK &&
                two.stored == put.now && two.expires == put.expires;
    }
    is_int(aged, 100, "one kind is older, and ends sooner; the other not");
    sl_shm_age(shm, 1, NOW, NOW + 9);
    is_int(sl_shm_get(shm, &first, NOW, &seen, p), SL_OK, "nothing gets younger");
    ok(seen.stored == NOW - 10 && seen.expires == NOW + 5, "in either way");
    sl_shm_age(shm, 1, 0, 0);
    left = 0;
    for (int i = 0; i < 100; i++) {
        sl_shm_key_t a = sl_shm_key(1, &i, sizeof(i)), b = sl_shm_key(2, &i, sizeof(i));
        sl_shm_entry_t entry;

        gone += sl_shm_get(shm, &a, NOW, &entry, p) == SL_NONE;
        left += sl_shm_get(shm, &b, NOW, &entry, p) == SL_OK;
    }
    is_int(gone, 100, "one kind is gone");
    is_int(left, 100, "the other is not");
}

/* Every length around the edges of blocks comes back byte by byte. */
static void sizes(apr_pool_t *p)
{
    static const apr_size_t edges[] = {1,    7,    8,    9,     1023,   1024,
                                       1025, 2048, 4095, 65537, 131071, SL_SHM_MAX_VALUE};
    sl_shm_t *shm = table(2 * MIB, p);
    unsigned char *bytes = apr_palloc(p, SL_SHM_MAX_VALUE + 1);
    sl_shm_key_t key = key_of(1);
    sl_shm_put_t put;
    sl_shm_stats_t stats;

    for (int i = 0; i <= SL_SHM_MAX_VALUE; i++) {
        bytes[i] = (unsigned char)(i * 31 + (i >> 8));
    }
    for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
        sl_shm_entry_t entry = {{NULL, 0}, 0, 0};

        put = value_of(bytes, edges[i], SL_SHM_HIGH);
        is_int(sl_shm_put(shm, &key, &put, NULL), SL_OK,
               apr_psprintf(p, "%d bytes", (int)edges[i]));
        ok(sl_shm_get(shm, &key, NOW, &entry, p) == SL_OK && entry.value.len == edges[i] &&
               memcmp(entry.value.bytes, bytes, edges[i]) == 0 && entry.value.bytes[edges[i]] == 0,
           "come back");
    }
    put = value_of(bytes, SL_SHM_MAX_VALUE + 1, SL_SHM_HIGH);
    is_int(sl_shm_put(shm, &key, &put, NULL), SL_INVALID, "a byte more is refused");
    is_str(text_at(shm, 1, NOW, p), "SL_NONE", "and the old value is gone");
    sl_shm_stats(shm, &stats);
    is_int((intmax_t)stats.blocks_used, 0, "no block is lost");
}

static int count(const sl_shm_t *shm, int from, int to, apr_time_t now, apr_pool_t *p)
{
    int found = 0;

    for (int i = from; i < to; i++) {
        found += strcmp(text_at(shm, i, now, p), "SL_NONE") != 0;
    }
    return found;
}

static int fill(sl_shm_t *shm, int from, int to, sl_shm_rank_t rank, apr_time_t now)
{
    static const char bytes[1000];
    sl_shm_put_t put = value_of(bytes, sizeof(bytes), rank);
    int stored = 0;

    put.expires = now + apr_time_from_sec(60);
    for (int i = from; i < to; i++) {
        sl_shm_key_t key = key_of(i);

        put.now = now + i;
        stored += sl_shm_put(shm, &key, &put, NULL) == SL_OK;
    }
    return stored;
}

/* What is pending never pushes out what is live, the other way round it does. */
static void ranks(apr_pool_t *p)
{
    sl_shm_t *shm = table(MIB, p);
    sl_shm_stats_t stats;

    is_int(fill(shm, 0, 600, SL_SHM_HIGH, NOW), 600, "600 live ones");
    is_int(fill(shm, 10000, 20000, SL_SHM_LOW, NOW), 10000, "10000 pending ones all find room");
    is_int(count(shm, 0, 600, NOW, p), 600, "and no live one is gone");
    ok(count(shm, 19900, 20000, NOW, p) > 90, "the newest pending ones are there");
    is_int(fill(shm, 600, 800, SL_SHM_HIGH, NOW), 200, "200 more live ones");
    is_int(count(shm, 0, 800, NOW, p), 800, "push out pending ones only");
    is_int(fill(shm, 1000, 3000, SL_SHM_HIGH, NOW), 2000, "too many live ones find room");
    ok(count(shm, 2900, 3000, NOW, p) >= 95, "the newest of them are there");
    is_int(count(shm, 10000, 20000, NOW, p), 0, "no pending one is");
    is_int(fill(shm, 30000, 30100, SL_SHM_LOW, NOW), 0, "pending ones find no room now");
    is_int(fill(shm, 40000, 40100, SL_SHM_LOW, NOW + apr_time_from_sec(61)), 100,
           "until live ones have expired");
    sl_shm_stats(shm, &stats);
    ok(stats.blocks_used <= stats.blocks && stats.evictions > 10000, "figures");
}

/* What is used stays longer than what is not. */
static void recency(apr_pool_t *p)
{
    sl_shm_t *shm = table(MIB, p);
    apr_time_t later = NOW + apr_time_from_sec(10);
    int used, unused;

    is_int(fill(shm, 0, 700, SL_SHM_HIGH, NOW), 700, "700 entries");
    (void)count(shm, 0, 100, later, p);
    is_int(fill(shm, 1000, 1400, SL_SHM_HIGH, later), 400, "400 more");
    used = count(shm, 0, 100, later, p);
    unused = count(shm, 100, 200, later, p);
    ok(used >= 90 && used > unused + 20, "of 100 used %d are left, of 100 unused %d", used, unused);
}

static void attaching(apr_pool_t *p)
{
    void *at = memory(2 * MIB);
    sl_shm_t *shm = NULL, *again = NULL;

    is_int(sl_shm_attach(&again, at, 2 * MIB, p, NULL), SL_INVALID, "nothing to attach to");
    is_int(sl_shm_format(&shm, at, MIB - 1, p, NULL), SL_INVALID, "too small");
    is_int(sl_shm_format(&shm, (char *)at + 8, MIB, p, NULL), SL_INVALID, "not aligned");
    is_int(sl_shm_format(&shm, at, 2 * MIB, p, NULL), SL_OK, "formatted");
    is_int(put_text(shm, 1, "kept"), SL_OK, "put");
    is_int(sl_shm_attach(&again, at, MIB, p, NULL), SL_INVALID, "another size");
    is_int(sl_shm_attach(&again, at, 2 * MIB, p, NULL), SL_OK, "attached");
    is_str(text_at(again, 1, NOW, p), "kept", "what was put is there");
    is_int(sl_shm_format(&shm, at, 2 * MIB, p, NULL), SL_OK, "formatted again");
    is_str(text_at(shm, 1, NOW, p), "SL_NONE", "empty again");
}

/* A child dies with the mutex held, a set open, and a block taken from the free list. */
static void die_half_way(sl_shm_t *shm, int n)
{
    pid_t child = fork();

    if (child == 0) {
        sl_shm_set_t *set;
        sl_shm_key_t key = key_of(n);
        sl_shm_stripe_t stripe = sl_shm_stripe_of(shm, &key, &set);

        (void)sl_shm_stripe_lock(&stripe, 0);
        set->seq |= 1;
        set->ways[0].digest[1] ^= 1;
        stripe.head->free_head = stripe.next[stripe.head->free_head];
        _exit(0);
    }
    (void)waitpid(child, NULL, 0);
}

static void killed_writer(apr_pool_t *p)
{
    sl_shm_t *shm = table(MIB, p);
    sl_shm_stats_t before, after;
    sl_shm_key_t key = key_of(5);

    is_int(fill(shm, 0, 50, SL_SHM_HIGH, NOW), 50, "50 entries");
    sl_shm_stats(shm, &before);
    die_half_way(shm, 5);
    is_str(text_at(shm, 5, NOW, p), "SL_NONE", "what the dead writer was changing is gone");
    ok(count(shm, 0, 50, NOW, p) >= 50 - SL_SHM_WAYS, "and at most its set with it");
    sl_shm_stats(shm, &after);
    is_int((intmax_t)after.repairs, 1, "one repair");
    is_int((intmax_t)after.entries, count(shm, 0, 50, NOW, p), "entries are counted anew");
    is_int((intmax_t)after.blocks_used, (intmax_t)after.entries, "no block is lost");
    is_int(put_text(shm, 5, "new"), SL_OK, "put again");
    is_str(text_at(shm, 5, NOW, p), "new", "and get");
    /* Another set of the same stripe stays open until somebody takes the mutex: readers do. */
    die_half_way(shm, 5);
    sl_shm_del(shm, &key);
    is_str(text_at(shm, 5, NOW, p), "SL_NONE", "writers repair, too");
    sl_shm_stats(shm, &after);
    is_int((intmax_t)after.repairs, 2, "two repairs");
}

/* Values that say whether they are whole: a length, and bytes that follow from key and seed. */
static apr_size_t make_value(unsigned char *bytes, int n, uint32_t seed)
{
    apr_size_t len = 8 + seed % 3000;

    memcpy(bytes, &seed, 4);
    memcpy(bytes + 4, &n, 4);
    for (apr_size_t i = 8; i < len; i++) {
        bytes[i] = (unsigned char)(seed + (uint32_t)n * 7 + i * 13);
    }
    return len;
}

static bool is_whole(const sl_shm_entry_t *entry, int n)
{
    unsigned char wanted[4096];
    uint32_t seed;

    if (entry->value.len < 8) {
        return false;
    }
    memcpy(&seed, entry->value.bytes, 4);
    return make_value(wanted, n, seed) == entry->value.len &&
           memcmp(wanted, entry->value.bytes, entry->value.len) == 0;
}

#define CRASH_KEYS 40

static void write_for_ever(sl_shm_t *shm)
{
    unsigned char bytes[4096];

    for (uint32_t seed = (uint32_t)getpid() * 2654435761U;; seed = seed * 1664525U + 1013904223U) {
        int n = (int)(seed >> 16) % CRASH_KEYS;
        sl_shm_key_t key = key_of(n);
        sl_shm_put_t put = value_of(bytes, make_value(bytes, n, seed), SL_SHM_HIGH);

        if ((seed >> 8) % 16 == 0) {
            sl_shm_del(shm, &key);
        } else if (sl_shm_put(shm, &key, &put, NULL) != SL_OK) {
            _exit(1);
        }
    }
}

static pid_t start_writer(sl_shm_t *shm)
{
    pid_t child = fork();

    if (child == 0) {
        write_for_ever(shm);
    }
    return child;
}

/* Read all keys once. */
static void read_round(const sl_shm_t *shm, int *whole, int *torn, apr_pool_t *tmp)
{
    for (int n = 0; n < CRASH_KEYS; n++) {
        sl_shm_key_t key = key_of(n);
        sl_shm_entry_t entry;

        if (sl_shm_get(shm, &key, NOW, &entry, tmp) == SL_OK) {
            *(is_whole(&entry, n) ? whole : torn) += 1;
        }
    }
    apr_pool_clear(tmp);
}

/* Two writers are killed again and again while we read: whole values, no waiting, no leak. */
static void killed_writers(apr_pool_t *p)
{
    sl_shm_t *shm = table(MIB, p);
    int whole = 0, torn = 0, kills = 0;
    apr_pool_t *tmp;
    pid_t writers[2] = {start_writer(shm), start_writer(shm)};
    sl_shm_stats_t stats;
    apr_size_t used = 0;

    apr_pool_create(&tmp, p);
    (void)alarm(60);
    for (; kills < 600; kills++) {
        for (int round = 0; round < 3 + kills % 5; round++) {
            read_round(shm, &whole, &torn, tmp);
        }
        (void)kill(writers[kills % 2], SIGKILL);
        (void)waitpid(writers[kills % 2], NULL, 0);
        writers[kills % 2] = start_writer(shm);
    }
    for (int i = 0; i < 2; i++) {
        (void)kill(writers[i], SIGKILL);
        (void)waitpid(writers[i], NULL, 0);
    }
    is_int(torn, 0, "no torn value in all the reads");
    sl_shm_stats(shm, &stats);
    ok(whole > 10000 && stats.repairs > 0, "%d whole values, %d repairs", whole,
       (int)stats.repairs);
    /* One write to each stripe repairs what the last two left; then the books must balance. */
    sl_shm_age(shm, 99, 0, 0);
    for (int n = 0; n < CRASH_KEYS; n++) {
        sl_shm_key_t key = key_of(n);
        sl_shm_entry_t entry;

        if (sl_shm_get(shm, &key, NOW, &entry, p) == SL_OK) {
            used += (entry.value.len + SL_SHM_BLOCK - 1) / SL_SHM_BLOCK;
        }
    }
    sl_shm_stats(shm, &stats);
    is_int((intmax_t)stats.blocks_used, (intmax_t)used, "no block is lost");
    (void)alarm(0);
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    basics(p);
    aging(p);
    sizes(p);
    ranks(p);
    recency(p);
    attaching(p);
    killed_writer(p);
    killed_writers(p);
    apr_terminate();
    return tap_done();
}
