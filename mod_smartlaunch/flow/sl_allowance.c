/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_allowance.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_ALLOWANCE 'A'
#define MINUTE apr_time_from_sec(60)

static int count_of(const sl_runtime_t *rt, const sl_shm_key_t *key, apr_time_t now, apr_pool_t *p)
{
    sl_shm_entry_t entry;
    int count = 0;

    if (sl_shm_get(rt->shm, key, now, &entry, p) == SL_OK && entry.value.len == sizeof(count)) {
        memcpy(&count, entry.value.bytes, sizeof(count));
    }
    return count;
}

bool sl_allowance_take(const sl_runtime_t *rt, const char *who, int per_minute, apr_time_t now)
{
    apr_pool_t *tmp = NULL;
    const char *name;
    sl_shm_key_t key;
    sl_shm_put_t put = {0};
    sl_err_t err;
    int count;

    if (apr_pool_create(&tmp, NULL) != APR_SUCCESS) {
        return false;
    }
    name = apr_psprintf(tmp, "%s\n%" APR_TIME_T_FMT, who, now / MINUTE);
    key = sl_shm_key(KIND_ALLOWANCE, name, strlen(name));
    count = count_of(rt, &key, now, tmp) + 1;
    put.value.bytes = (const unsigned char *)&count;
    put.value.len = sizeof(count);
    put.now = now;
    put.expires = now + MINUTE;
    put.rank = SL_SHM_LOW;
    if (count <= per_minute && sl_shm_put(rt->shm, &key, &put, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
    apr_pool_destroy(tmp);
    return count <= per_minute;
}
