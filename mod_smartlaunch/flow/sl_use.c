/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_use.h"

#include <string.h>

#define KIND_USE 'U'

static sl_shm_key_t key_of(const char *launch)
{
    return sl_shm_key(KIND_USE, launch, strlen(launch));
}

apr_time_t sl_use_last(const sl_runtime_t *rt, const sl_use_t *use, apr_time_t now)
{
    sl_shm_key_t where = key_of(use->launch);
    sl_shm_entry_t entry;
    apr_pool_t *tmp;
    apr_time_t last = use->last_seen_at;

    if (apr_pool_create(&tmp, NULL) != APR_SUCCESS) {
        return last;
    }
    if (sl_shm_get(rt->shm, &where, now, &entry, tmp) == SL_OK && entry.stored > last) {
        last = entry.stored;
    }
    apr_pool_destroy(tmp);
    return last;
}

void sl_use_note(const sl_runtime_t *rt, const char *launch, apr_interval_time_t idle,
                 apr_time_t now)
{
    sl_shm_key_t where = key_of(launch);
    sl_shm_put_t entry;
    sl_err_t err;

    memset(&entry, 0, sizeof(entry));
    entry.value.bytes = (const unsigned char *)"";
    entry.now = now;
    entry.expires = now + idle;
    entry.rank = SL_SHM_HIGH;
    if (sl_shm_put(rt->shm, &where, &entry, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

bool sl_use_is_over(const sl_runtime_t *rt, const sl_use_t *use, apr_interval_time_t idle,
                    apr_time_t now)
{
    if (now >= use->expires_at) {
        return true;
    }
    return now >= use->last_seen_at + idle && now >= sl_use_last(rt, use, now) + idle;
}
