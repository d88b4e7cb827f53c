/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sl_http.h"

#include <stdatomic.h>
#include <string.h>

/* What went wrong in one minute: the minute in the high bits, how often in the low ones. */
#define COUNT_BITS 24
#define COUNT_MAX ((INT64_C(1) << COUNT_BITS) - 1)
#define SLOTS (SL_HTTP_GATE_RECENT + 1) /* one is being filled */

typedef _Atomic int64_t recent_t[SLOTS];

typedef struct {
    _Atomic int64_t answered, failed, busy, refused, failed_at;
    recent_t recent_failed, recent_busy;
} counts_t;

/* Each place holds the time until which it is taken: whoever is killed in it leaves it then. */
struct sl_http_gate {
    counts_t *counts;
    _Atomic int64_t *places;
    int max;
};

apr_size_t sl_http_gate_size(int max)
{
    return sizeof(counts_t) + (apr_size_t)(max > 0 ? max : 0) * sizeof(_Atomic int64_t);
}

sl_rc_t sl_http_gate_open(sl_http_gate_t **out, void *memory, int max, apr_pool_t *p, sl_err_t *err)
{
    if (max <= 0) {
        return sl_err_set(err, SL_INVALID, "SL3503", "a bound on requests is 1 at least");
    }
    *out = apr_palloc(p, sizeof(**out));
    (*out)->counts = memory;
    (*out)->places = (_Atomic int64_t *)((counts_t *)memory + 1);
    (*out)->max = max;
    return SL_OK;
}

bool sl_http_gate_enter(sl_http_gate_t *gate, apr_interval_time_t longest, sl_http_place_t *place)
{
    apr_time_t now = apr_time_now();

    place->index = -1;
    place->until = now + longest;
    for (int i = 0; gate != NULL && i < gate->max; i++) {
        int64_t taken = atomic_load(&gate->places[i]);

        if (taken <= now &&
            atomic_compare_exchange_strong(&gate->places[i], &taken, (int64_t)place->until)) {
            place->index = i;
            return true;
        }
    }
    if (gate != NULL) {
        (void)atomic_fetch_add_explicit(&gate->counts->refused, 1, memory_order_relaxed);
    }
    return gate == NULL;
}

void sl_http_gate_leave(sl_http_gate_t *gate, const sl_http_place_t *place)
{
    int64_t mine = place->until;

    if (gate != NULL && place->index >= 0) {
        (void)atomic_compare_exchange_strong(&gate->places[place->index], &mine, 0);
    }
}

static int64_t minute_of(apr_time_t now)
{
    return (int64_t)(now / apr_time_from_sec(60));
}

static void count_recent(recent_t recent, apr_time_t now)
{
    int64_t minute = minute_of(now);
    _Atomic int64_t *slot = &recent[minute % SLOTS];
    int64_t was = atomic_load_explicit(slot, memory_order_relaxed);
    int64_t is;

    do {
        is = was >> COUNT_BITS == minute ? was : minute << COUNT_BITS;
        is += (is & COUNT_MAX) < COUNT_MAX;
    } while (!atomic_compare_exchange_weak(slot, &was, is));
}

static int sum_recent(const recent_t recent, apr_time_t now)
{
    int64_t minute = minute_of(now);
    int64_t sum = 0;

    for (int i = 0; i < SLOTS; i++) {
        int64_t slot = atomic_load_explicit(&recent[i], memory_order_relaxed);

        if (slot >> COUNT_BITS > minute - SL_HTTP_GATE_RECENT) {
            sum += slot & COUNT_MAX;
        }
    }
    return sum < INT32_MAX ? (int)sum : INT32_MAX;
}

void sl_http_gate_tell(sl_http_gate_t *gate, int status, apr_time_t now)
{
    counts_t *counts;

    if (gate == NULL) {
        return;
    }
    counts = gate->counts;
    if (status == 429 || status == 503) {
        (void)atomic_fetch_add_explicit(&counts->busy, 1, memory_order_relaxed);
        count_recent(counts->recent_busy, now);
    } else if (status == 0 || status >= 500) {
        (void)atomic_fetch_add_explicit(&counts->failed, 1, memory_order_relaxed);
        atomic_store_explicit(&counts->failed_at, (int64_t)now, memory_order_relaxed);
        count_recent(counts->recent_failed, now);
    } else {
        (void)atomic_fetch_add_explicit(&counts->answered, 1, memory_order_relaxed);
    }
}

void sl_http_gate_stats(const sl_http_gate_t *gate, apr_time_t now, sl_http_gate_stats_t *out)
{
    const counts_t *counts;

    memset(out, 0, sizeof(*out));
    if (gate == NULL) {
        return;
    }
    counts = gate->counts;
    out->places = gate->max;
    for (int i = 0; i < gate->max; i++) {
        out->taken += atomic_load_explicit(&gate->places[i], memory_order_relaxed) > now;
    }
    out->answered = atomic_load_explicit(&counts->answered, memory_order_relaxed);
    out->failed = atomic_load_explicit(&counts->failed, memory_order_relaxed);
    out->busy = atomic_load_explicit(&counts->busy, memory_order_relaxed);
    out->refused = atomic_load_explicit(&counts->refused, memory_order_relaxed);
    out->failed_at = atomic_load_explicit(&counts->failed_at, memory_order_relaxed);
    out->recent_failed = sum_recent(counts->recent_failed, now);
    out->recent_busy = sum_recent(counts->recent_busy, now);
}
