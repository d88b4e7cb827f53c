/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_system_memory.h"
#include "flow/sl_pack.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_TOKEN 'Y'
#define KIND_TROUBLE 'Z'
#define KIND_LEASE 'L'

#define FORMAT 1       /* a child of another version may have another one */
#define DELAY_MAX 60   /* seconds between two tries */
#define ASKED_MAX 600  /* the most of what the EHR says in Retry-After */
#define REMEMBERED 120 /* seconds behind the delay, after which a failure is a first one again */

sl_system_memory_t sl_system_memory_of(const sl_runtime_t *rt, const sl_ehr_t *ehr, apr_pool_t *tmp)
{
    sl_system_memory_t memory = {.rt = rt, .ehr = ehr};
    const char *name = apr_pstrcat(tmp, "system\n", ehr->name, "\n", ehr->issuer, "\n",
                                   ehr->client_id, "\n", ehr->system_scope, NULL);

    memory.token = sl_shm_key(KIND_TOKEN, name, strlen(name));
    memory.trouble = memory.token;
    memory.trouble.kind = KIND_TROUBLE;
    memory.lease = memory.token;
    memory.lease.kind = KIND_LEASE;
    return memory;
}

/** The seal covers what decides what the token opens, and that it is nobody's. */
static const char **aad_of(const sl_system_memory_t *memory, apr_pool_t *p)
{
    const sl_ehr_t *ehr = memory->ehr;
    const char **aad = apr_palloc(p, 6 * sizeof(*aad));

    aad[0] = "system";
    aad[1] = ehr->name;
    aad[2] = ehr->issuer;
    aad[3] = ehr->client_id;
    aad[4] = ehr->system_scope;
    aad[5] = NULL;
    return aad;
}

static sl_unpack_t reader_of(const sl_shm_entry_t *entry)
{
    const char *bytes = (const char *)entry->value.bytes;
    sl_unpack_t from = {bytes, bytes + entry->value.len, false};

    if (sl_unpack_int(&from) != FORMAT) {
        from.bad = true;
    }
    return from;
}

bool sl_system_memory_get(sl_system_token_t *out, const sl_system_memory_t *memory, apr_pool_t *p)
{
    sl_sealed_t sealed = {.aad = aad_of(memory, p)};
    sl_secret_t *access = NULL;
    sl_shm_entry_t entry;
    sl_unpack_t from;
    sl_err_t err;

    memset(out, 0, sizeof(*out));
    if (sl_shm_get(memory->rt->shm, &memory->token, apr_time_now(), &entry, p) != SL_OK) {
        return false;
    }
    from = reader_of(&entry);
    sealed.key_id = sl_unpack_text(&from);
    sealed.sealed = sl_unpack_bytes(&from);
    out->scope = sl_unpack_text(&from);
    out->issued_at = sl_unpack_int(&from);
    out->expires_at = sl_unpack_int(&from);
    out->generation = sl_unpack_int(&from);
    out->by_refusal = sl_unpack_int(&from) != 0;
    if (from.bad || from.at != from.end || sealed.key_id == NULL ||
        sl_keyring_open(&access, memory->rt->ring, &sealed, p, &err) != SL_OK) {
        return false;
    }
    out->access = access;
    return true;
}

static void put(const sl_system_memory_t *memory, const sl_shm_key_t *key, const sl_pack_t *pack,
                apr_time_t expires)
{
    sl_shm_put_t entry = {.now = apr_time_now(), .expires = expires, .rank = SL_SHM_HIGH};
    sl_err_t err;

    entry.value.bytes = (const unsigned char *)pack->bytes;
    entry.value.len = pack->len;
    if (sl_shm_put(memory->rt->shm, key, &entry, &err) != SL_OK) {
        sl_log(&memory->rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

sl_rc_t sl_system_memory_put(const sl_system_memory_t *memory, const sl_system_token_t *token,
                             apr_pool_t *tmp, sl_err_t *err)
{
    sl_pack_t pack = sl_pack_new(tmp);
    sl_bytes_t sealed;
    sl_rc_t rc =
        sl_keyring_seal(&sealed, memory->rt->ring, aad_of(memory, tmp), token->access, tmp, err);

    if (rc != SL_OK) {
        return rc;
    }
    sl_pack_int(&pack, FORMAT);
    sl_pack_text(&pack, sl_keyring_active(memory->rt->ring));
    sl_pack_bytes(&pack, sealed);
    sl_pack_text(&pack, token->scope);
    sl_pack_int(&pack, token->issued_at);
    sl_pack_int(&pack, token->expires_at);
    sl_pack_int(&pack, token->generation);
    sl_pack_int(&pack, token->by_refusal);
    put(memory, &memory->token, &pack, token->expires_at);
    sl_shm_del(memory->rt->shm, &memory->trouble);
    return SL_OK;
}

bool sl_system_memory_elect(const sl_system_memory_t *memory, apr_interval_time_t life)
{
    sl_shm_put_t entry = {{(const unsigned char *)"", 0}, 0, 0, SL_SHM_HIGH};
    sl_err_t err;

    entry.now = apr_time_now();
    entry.expires = entry.now + life;
    return sl_shm_add(memory->rt->shm, &memory->lease, &entry, &err) != SL_CONFLICT;
}

void sl_system_memory_release(const sl_system_memory_t *memory)
{
    sl_shm_del(memory->rt->shm, &memory->lease);
}

/** A failure as it is remembered. */
typedef struct {
    apr_int64_t rc, times;
    apr_time_t again_at;
    const char *text;
} trouble_t;

static bool get_trouble(trouble_t *out, const sl_system_memory_t *memory, apr_pool_t *p)
{
    sl_shm_entry_t entry;
    sl_unpack_t from;

    if (sl_shm_get(memory->rt->shm, &memory->trouble, apr_time_now(), &entry, p) != SL_OK) {
        return false;
    }
    from = reader_of(&entry);
    out->rc = sl_unpack_int(&from);
    out->times = sl_unpack_int(&from);
    out->again_at = sl_unpack_int(&from);
    out->text = sl_unpack_text(&from);
    return !from.bad && out->text != NULL && out->rc > SL_OK && out->rc <= SL_FAILED;
}

/** Jitter, so that hosts that failed together do not come back together. */
static apr_interval_time_t delay_after(apr_int64_t times, const sl_err_t *err)
{
    apr_int64_t seconds = times < 7 ? APR_INT64_C(1) << (times - 1) : DELAY_MAX;
    unsigned char random = 0;

    if (seconds > DELAY_MAX) {
        seconds = DELAY_MAX;
    }
    if (err->retry_after > seconds) {
        seconds = err->retry_after < ASKED_MAX ? err->retry_after : ASKED_MAX;
    }
    if (sl_digest_random(&random, sizeof(random), NULL) != SL_OK) {
        random = 0;
    }
    return apr_time_from_sec(seconds) + apr_time_from_sec(seconds) * random / 1024;
}

void sl_system_memory_failed(const sl_system_memory_t *memory, const sl_err_t *err, apr_pool_t *tmp)
{
    sl_pack_t pack = sl_pack_new(tmp);
    trouble_t trouble = {0};
    apr_int64_t times = get_trouble(&trouble, memory, tmp) ? trouble.times + 1 : 1;
    apr_time_t again_at = apr_time_now() + delay_after(times, err);

    sl_pack_int(&pack, FORMAT);
    sl_pack_int(&pack, err->rc);
    sl_pack_int(&pack, times);
    sl_pack_int(&pack, again_at);
    sl_pack_text(&pack, err->text);
    put(memory, &memory->trouble, &pack, again_at + apr_time_from_sec(REMEMBERED));
}

bool sl_system_memory_failure(const sl_system_memory_t *memory, apr_pool_t *tmp, sl_err_t *err)
{
    apr_time_t now = apr_time_now();
    trouble_t trouble;

    /* A clock that was set back must not keep us waiting. */
    if (!get_trouble(&trouble, memory, tmp) || now >= trouble.again_at ||
        trouble.again_at - now > apr_time_from_sec(2 * ASKED_MAX)) {
        return false;
    }
    sl_err_set(err, (sl_rc_t)trouble.rc, "SL4741", "%s (known from a moment ago)", trouble.text);
    err->retry_after = (int)apr_time_sec(trouble.again_at - now) + 1;
    return true;
}
