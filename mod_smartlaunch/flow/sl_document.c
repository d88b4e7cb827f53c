/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_document.h"
#include "flow/sl_outbound.h"
#include "flow/sl_pack.h"

#include <apr_strings.h>
#include <string.h>

/* Kinds of entries in shared memory. */
#define KIND_DOCUMENT 'D'
#define KIND_FAILURE 'F'
#define KIND_LEASE 'L'

#define POLL apr_time_from_msec(10)
#define RETRY_AFTER 2 /* seconds */

/** The keys of one document: what it says, that it failed, who is fetching it. */
typedef struct {
    sl_shm_key_t document, failure, lease;
} keys_t;

static keys_t keys_of(const sl_document_t *document, apr_pool_t *p)
{
    const char *name = apr_pstrcat(p, document->ehr->name, "\n", document->url, NULL);
    keys_t keys;

    keys.document = sl_shm_key(KIND_DOCUMENT, name, strlen(name));
    keys.failure = keys.document;
    keys.failure.kind = KIND_FAILURE;
    keys.lease = keys.document;
    keys.lease.kind = KIND_LEASE;
    return keys;
}

static bool find(sl_document_body_t *out, const sl_runtime_t *rt, const keys_t *keys,
                 apr_time_t newer_than, apr_pool_t *p)
{
    sl_shm_entry_t entry;

    if (sl_shm_get(rt->shm, &keys->document, apr_time_now(), &entry, p) != SL_OK ||
        entry.stored < newer_than) {
        return false;
    }
    out->body = (const char *)entry.value.bytes;
    out->len = entry.value.len;
    return true;
}

/** Did it fail a moment ago? Then `err` says how. */
static bool find_failure(const sl_runtime_t *rt, const keys_t *keys, apr_pool_t *p, sl_err_t *err)
{
    sl_shm_entry_t entry;
    sl_unpack_t from;
    apr_int64_t rc;
    const char *text;

    if (sl_shm_get(rt->shm, &keys->failure, apr_time_now(), &entry, p) != SL_OK) {
        return false;
    }
    from.at = (const char *)entry.value.bytes;
    from.end = from.at + entry.value.len;
    from.bad = false;
    rc = sl_unpack_int(&from);
    text = sl_unpack_text(&from);
    if (from.bad || rc <= SL_OK || rc > SL_FAILED) {
        return false;
    }
    sl_err_set(err, (sl_rc_t)rc, "SL4601", "%s (known from a moment ago)", text);
    return true;
}

static void put(const sl_runtime_t *rt, const sl_shm_key_t *key, const void *bytes, apr_size_t len,
                apr_interval_time_t life)
{
    sl_shm_put_t entry;
    sl_err_t err;

    entry.value.bytes = bytes;
    entry.value.len = len;
    entry.now = apr_time_now();
    entry.expires = entry.now + life;
    entry.rank = SL_SHM_HIGH;
    if (sl_shm_put(rt->shm, key, &entry, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

static void put_failure(const sl_runtime_t *rt, const keys_t *keys, const sl_err_t *err,
                        apr_pool_t *p)
{
    sl_pack_t pack = sl_pack_new(p);

    sl_pack_int(&pack, err->rc);
    sl_pack_text(&pack, err->text);
    put(rt, &keys->failure, pack.bytes, pack.len, SL_DOCUMENT_FAILED);
}

/** One request per host at a time: the lease is taken by whoever finds none. */
static bool take_lease(const sl_runtime_t *rt, const keys_t *keys, const sl_ehr_t *ehr)
{
    sl_shm_put_t entry;
    sl_err_t err;

    entry.value.bytes = (const unsigned char *)"";
    entry.value.len = 0;
    entry.now = apr_time_now();
    entry.expires = entry.now + ehr->timeout + apr_time_from_sec(1);
    entry.rank = SL_SHM_HIGH;
    return sl_shm_add(rt->shm, &keys->lease, &entry, &err) != SL_CONFLICT;
}

static sl_rc_t fetch(sl_document_body_t *out, const sl_runtime_t *rt, const sl_document_t *document,
                     const keys_t *keys, sl_trace_t *trace, sl_err_t *err)
{
    const sl_outbound_get_t get = {.ehr = document->ehr,
                                   .url = document->url,
                                   .max_bytes = document->max_bytes,
                                   .holds_place = trace->holds_place};
    sl_http_reply_t reply = {0};
    apr_time_t began = apr_time_now();
    sl_rc_t rc = sl_outbound_get(&reply, rt, &get, trace->p, err);

    if (rc == SL_OK && reply.status != 200) {
        rc = sl_err_set(err, reply.status == 429 || reply.status == 503 ? SL_BUSY : SL_UPSTREAM,
                        "SL4602", "%s: %s answered with status %d", document->ehr->name,
                        document->step, reply.status);
        err->retry_after = reply.retry_after;
    }
    if (rc != SL_OK) {
        /* That we had no place to ask in says nothing of the document. */
        if (rc != SL_BUSY || reply.status != 0) {
            put_failure(rt, keys, err, trace->p);
        }
        return sl_trace_failed(trace, document->step, reply.status, began, err);
    }
    out->body = sl_secret_reveal(reply.body);
    out->len = sl_secret_len(reply.body);
    put(rt, &keys->document, out->body, out->len, SL_DOCUMENT_STALE);
    sl_shm_del(rt->shm, &keys->failure);
    sl_trace_ok(trace, document->step, reply.status, began, NULL);
    return SL_OK;
}

/**
 * Somebody else is fetching: wait for what comes of it. Whoever waits holds a worker, as the one
 * who fetches does, so both count for SmartOutbound max=; who finds no place stays for a moment
 * only, which is enough for an EHR in health.
 */
static sl_rc_t wait_for_other(sl_document_body_t *out, const sl_runtime_t *rt,
                              const sl_document_t *document, const keys_t *keys,
                              apr_time_t newer_than, const sl_trace_t *trace, sl_err_t *err)
{
    sl_http_gate_t *gate = trace->holds_place ? NULL : sl_runtime_gate(rt, document->ehr);
    apr_pool_t *p = trace->p;
    apr_interval_time_t longest = document->ehr->timeout;
    sl_http_place_t place;
    bool has_place = sl_http_gate_enter(gate, longest, &place);
    apr_time_t until = apr_time_now() + (has_place ? longest : SL_DOCUMENT_MOMENT);
    sl_rc_t rc = SL_NONE;

    while (rc == SL_NONE && apr_time_now() < until) {
        if (find(out, rt, keys, newer_than, p)) {
            rc = SL_OK;
        } else if (find_failure(rt, keys, p, err)) {
            rc = err->rc;
        } else {
            apr_sleep(POLL);
        }
    }
    sl_http_gate_leave(gate, &place);
    if (rc != SL_NONE) {
        return rc;
    }
    if (has_place) {
        return sl_err_set(err, SL_TIMEOUT, "SL4603", "%s: %s did not come in time",
                          document->ehr->name, document->step);
    }
    sl_err_set(err, SL_BUSY, "SL4605", "%s: too many requests are waiting for its %s",
               document->ehr->name, document->step);
    if (err != NULL) {
        err->retry_after = RETRY_AFTER;
    }
    return SL_BUSY;
}

/** An old copy will do, for who does not ask for a newer one. */
static bool find_old(sl_document_body_t *out, const sl_runtime_t *rt, const sl_document_t *document,
                     const keys_t *keys, apr_pool_t *p)
{
    return document->newer_than == 0 && find(out, rt, keys, 0, p);
}

sl_rc_t sl_document_get(sl_document_body_t *out, const sl_runtime_t *rt,
                        const sl_document_t *document, sl_trace_t *trace, sl_err_t *err)
{
    keys_t keys = keys_of(document, trace->p);
    apr_time_t oldest = apr_time_now() - SL_DOCUMENT_FRESH;
    apr_time_t newer_than = document->newer_than > oldest ? document->newer_than : oldest;
    sl_rc_t rc;

    if (find(out, rt, &keys, newer_than, trace->p)) {
        return SL_OK;
    }
    if (find_failure(rt, &keys, trace->p, err)) {
        rc = err->rc;
    } else if (take_lease(rt, &keys, document->ehr)) {
        rc = fetch(out, rt, document, &keys, trace, err);
        sl_shm_del(rt->shm, &keys.lease);
    } else if (find_old(out, rt, document, &keys, trace->p)) {
        return SL_OK;
    } else {
        rc = wait_for_other(out, rt, document, &keys, newer_than, trace, err);
    }
    if (rc != SL_OK && find_old(out, rt, document, &keys, trace->p)) {
        sl_log(&rt->log, SL_LOG_INFO, "SL4604", "%s: the last known %s stays in use",
               document->ehr->name, document->step);
        return SL_OK;
    }
    return rc;
}

void sl_document_reject(const sl_runtime_t *rt, const sl_document_t *document, const sl_err_t *err)
{
    apr_pool_t *tmp = NULL;
    keys_t keys;

    apr_pool_create(&tmp, NULL);
    keys = keys_of(document, tmp);
    sl_shm_del(rt->shm, &keys.document);
    put_failure(rt, &keys, err, tmp);
    apr_pool_destroy(tmp);
}

void sl_document_forget(const sl_runtime_t *rt, const sl_document_t *document)
{
    apr_pool_t *tmp = NULL;
    keys_t keys;

    apr_pool_create(&tmp, NULL);
    keys = keys_of(document, tmp);
    sl_shm_del(rt->shm, &keys.document);
    apr_pool_destroy(tmp);
}
