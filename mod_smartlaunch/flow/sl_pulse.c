/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_pulse.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define KIND_PULSE 'P'
#define COUNT (sizeof(sl_pulse_totals_t) / sizeof(int64_t))

struct sl_pulse {
    const sl_runtime_t *rt;
    apr_time_t told_at;
    sl_pulse_totals_t told;
};

/** What one child has at the moment. */
typedef struct {
    int32_t db_open, db_busy, db_away;
    int64_t audit_waiting;
} beat_t;

apr_size_t sl_pulse_size(void)
{
    return COUNT * sizeof(_Atomic int64_t);
}

static sl_shm_key_t key_of(pid_t pid)
{
    return sl_shm_key(KIND_PULSE, &pid, sizeof(pid));
}

/** False: not now. */
static bool look(beat_t *beat, sl_pulse_totals_t *totals, const sl_runtime_t *rt)
{
    sl_db_stats_t db = {0};
    sl_audit_stats_t audit = {0};

    if ((rt->db != NULL && !sl_db_stats(rt->db, &db)) ||
        (rt->audit != NULL && !sl_audit_stats(rt->audit, &audit))) {
        return false;
    }
    memset(beat, 0, sizeof(*beat));
    beat->db_open = db.open;
    beat->db_busy = db.busy;
    beat->db_away = db.away ? 1 : 0;
    beat->audit_waiting = (int64_t)audit.waiting;
    totals->audit_written = (int64_t)audit.written;
    totals->audit_journalled = (int64_t)audit.journalled;
    totals->audit_lost = (int64_t)audit.lost;
    totals->db_statements = db.statements;
    totals->db_connects = db.connects;
    totals->db_refused = db.refused;
    return true;
}

/** What was done since it was told last goes onto the totals of all. */
static void add_up(const sl_runtime_t *rt, sl_pulse_totals_t *told, const sl_pulse_totals_t *now)
{
    _Atomic int64_t *totals = rt->totals;
    int64_t before[COUNT], after[COUNT];

    memcpy(before, told, sizeof(before));
    memcpy(after, now, sizeof(after));
    for (size_t i = 0; totals != NULL && i < COUNT; i++) {
        (void)atomic_fetch_add_explicit(&totals[i], after[i] - before[i], memory_order_relaxed);
    }
    *told = *now;
}

static apr_status_t tell_last(void *data)
{
    sl_pulse_t *pulse = data;
    sl_pulse_totals_t totals;
    beat_t beat;

    if (look(&beat, &totals, pulse->rt)) {
        add_up(pulse->rt, &pulse->told, &totals);
    }
    return APR_SUCCESS;
}

sl_pulse_t *sl_pulse_new(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_pulse_t *pulse = apr_pcalloc(p, sizeof(*pulse));

    pulse->rt = rt;
    apr_pool_pre_cleanup_register(p, pulse, tell_last);
    return pulse;
}

void sl_pulse_beat(sl_pulse_t *pulse)
{
    const sl_runtime_t *rt = pulse->rt;
    const sl_shm_key_t key = key_of(getpid());
    apr_time_t now = apr_time_now();
    sl_pulse_totals_t totals;
    sl_shm_put_t put;
    beat_t beat;
    sl_err_t err;

    if (now - pulse->told_at < SL_PULSE_EVERY) {
        return;
    }
    if (!look(&beat, &totals, rt)) {
        return;
    }
    add_up(rt, &pulse->told, &totals);
    pulse->told_at = now;
    put.value.bytes = (const unsigned char *)&beat;
    put.value.len = sizeof(beat);
    put.now = now;
    put.expires = now + SL_PULSE_LASTS;
    put.rank = SL_SHM_LOW;
    if (sl_shm_put(rt->shm, &key, &put, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

static void add_child(sl_pulse_sum_t *out, const sl_runtime_t *rt, pid_t pid, apr_pool_t *p)
{
    const sl_shm_key_t key = key_of(pid);
    sl_shm_entry_t entry;
    beat_t beat;

    if (sl_shm_get(rt->shm, &key, apr_time_now(), &entry, p) != SL_OK ||
        entry.value.len != sizeof(beat)) {
        return;
    }
    memcpy(&beat, entry.value.bytes, sizeof(beat));
    out->children++;
    out->db_open += beat.db_open;
    out->db_busy += beat.db_busy;
    out->db_away += beat.db_away;
    out->audit_waiting += beat.audit_waiting;
}

void sl_pulse_gather(sl_pulse_sum_t *out, const sl_runtime_t *rt, const apr_array_header_t *pids,
                     apr_pool_t *p)
{
    const _Atomic int64_t *totals = rt->totals;
    int64_t sums[COUNT] = {0};

    memset(out, 0, sizeof(*out));
    for (int i = 0; i < pids->nelts; i++) {
        add_child(out, rt, APR_ARRAY_IDX(pids, i, pid_t), p);
    }
    for (size_t i = 0; totals != NULL && i < COUNT; i++) {
        sums[i] = atomic_load_explicit(&totals[i], memory_order_relaxed);
    }
    memcpy(&out->totals, sums, sizeof(out->totals));
}
