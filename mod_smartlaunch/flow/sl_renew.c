/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_renew.h"
#include "flow/sl_journal.h"
#include "flow/sl_pack.h"
#include "flow/sl_renew_lead.h"
#include "smart/sl_renewal.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_ELECTION 'L'
#define KIND_FAILURE 'T'
#define KIND_READER 'N'

#define POLL apr_time_from_msec(20)
#define ASK_DATABASE apr_time_from_msec(500) /* while another host renews */
#define FAILURE_MIN 1                        /* seconds that everybody believes a failure */
#define FAILURE_INTERRUPTED 30

/** One caller's way to a better token. */
typedef struct {
    const sl_runtime_t *rt;
    sl_renewal_job_t job;
    sl_shm_key_t election, failure, reader;
    bool waits; /* it has nothing to go on with */
} way_t;

static void find_keys(way_t *way)
{
    char text[64 + 24];

    apr_snprintf(text, sizeof(text), "token\n%s\n%" APR_INT64_T_FMT, way->job.launch,
                 way->job.generation);
    way->election = sl_shm_key(KIND_ELECTION, text, strlen(text));
    way->failure = way->election;
    way->failure.kind = KIND_FAILURE;
    way->reader = way->election;
    way->reader.kind = KIND_READER;
}

static way_t way_of(const sl_runtime_t *rt, const sl_ehr_t *ehr, const sl_grant_t *grant,
                    const char *reference)
{
    way_t way = {0};

    way.rt = rt;
    way.job.ehr = ehr;
    way.job.launch = grant->launch;
    way.job.key_id = grant->key_id;
    way.job.generation = grant->generation;
    way.job.reference = reference != NULL ? reference : "-";
    find_keys(&way);
    return way;
}

static bool elect(const way_t *way, const sl_shm_key_t *as, apr_interval_time_t life)
{
    sl_shm_put_t entry = {{(const unsigned char *)"", 0}, 0, 0, SL_SHM_LOW};
    sl_err_t err;

    entry.now = apr_time_now();
    entry.expires = entry.now + life;
    /* Memory that is full elects everybody: the lease decides then. */
    return sl_shm_add(way->rt->shm, as, &entry, &err) != SL_CONFLICT;
}

static void put(const way_t *way, const sl_shm_key_t *key, sl_bytes_t value,
                apr_interval_time_t life)
{
    sl_shm_put_t entry = {value, 0, 0, SL_SHM_LOW};
    sl_err_t err;

    entry.now = apr_time_now();
    entry.expires = entry.now + life;
    if (sl_shm_put(way->rt->shm, key, &entry, &err) != SL_OK) {
        sl_log(&way->rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

/** For whoever waits, and for whoever comes before it makes sense to try again. */
static void tell_failure(const way_t *way, const sl_err_t *err, apr_pool_t *tmp)
{
    sl_pack_t pack = sl_pack_new(tmp);
    int seconds = err->retry_after > FAILURE_MIN ? err->retry_after : FAILURE_MIN;
    sl_bytes_t value;

    if (err->rc == SL_USED) {
        seconds = FAILURE_INTERRUPTED;
    }
    sl_pack_int(&pack, err->rc);
    sl_pack_text(&pack, err->text);
    value.bytes = (const unsigned char *)pack.bytes;
    value.len = pack.len;
    put(way, &way->failure, value, apr_time_from_sec(seconds));
}

/** Did it fail a moment ago? Then `err` says how. */
static bool find_failure(const way_t *way, apr_pool_t *tmp, sl_err_t *err)
{
    apr_time_t now = apr_time_now();
    sl_shm_entry_t entry;
    sl_unpack_t from;
    apr_int64_t rc;
    const char *text;

    if (sl_shm_get(way->rt->shm, &way->failure, now, &entry, tmp) != SL_OK) {
        return false;
    }
    from.at = (const char *)entry.value.bytes;
    from.end = from.at + entry.value.len;
    from.bad = false;
    rc = sl_unpack_int(&from);
    text = sl_unpack_text(&from);
    if (from.bad || text == NULL || rc <= SL_OK || rc > SL_FAILED ||
        (rc == SL_USED && way->waits)) {
        return false;
    }
    sl_err_set(err, (sl_rc_t)rc, "SL4551", "%s (known from a moment ago)", text);
    err->retry_after = (int)apr_time_sec(entry.expires - now) + 1;
    return true;
}

/** SL_OK: memory has a newer generation. SL_NONE: it has not. Else: how it failed a moment ago. */
static sl_rc_t look(sl_token_view_t *out, const way_t *way, apr_pool_t *p, sl_err_t *err)
{
    const sl_renewal_job_t *job = &way->job;
    bool unsaved;

    if (sl_grant_recall(out, &unsaved, way->rt, job->launch, job->key_id, p) == SL_OK &&
        out->token.generation > job->generation && out->token.status == SL_TOKEN_ACTIVE) {
        return SL_OK;
    }
    return find_failure(way, p, err) ? err->rc : SL_NONE;
}

/** Elected. SL_NONE: another host renews; nobody here asks again for a moment. */
static sl_rc_t lead(sl_token_view_t *out, const way_t *way, apr_pool_t *p, sl_err_t *err)
{
    const sl_bytes_t nothing = {(const unsigned char *)"", 0};
    sl_rc_t rc = sl_renew_lead(out, way->rt, &way->job, p, err);

    if (rc == SL_NONE) {
        put(way, &way->election, nothing, ASK_DATABASE);
        return rc;
    }
    if (rc != SL_OK) {
        err->rc = rc;
        tell_failure(way, err, p);
    }
    sl_shm_del(way->rt->shm, &way->election);
    return rc;
}

/**
 * Who was elected may have died: somebody has to look for what it left, in the journal and in the
 * row. (The caretaker may have died with it; mod_watchdog takes ten seconds to start another.)
 * SL_NONE: nothing new.
 */
static sl_rc_t read_row(sl_token_view_t *out, const way_t *way, apr_pool_t *p)
{
    const sl_renewal_job_t *job = &way->job;
    apr_time_t began = apr_time_now();
    sl_err_t err;
    int left;
    sl_rc_t rc = sl_journal_replay(&left, way->rt, job->launch, p, &err);

    if (rc != SL_OK) {
        sl_log(&way->rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
    if (rc == SL_UNAVAILABLE || rc == SL_BUSY || rc == SL_TIMEOUT) {
        return SL_NONE; /* a database that hangs makes nobody wait twice */
    }
    if (sl_store_token_by_launch(out, way->rt->db, job->launch, p, &err) != SL_OK ||
        out->token.launch == NULL || out->token.generation <= job->generation ||
        out->token.status != SL_TOKEN_ACTIVE) {
        return SL_NONE;
    }
    sl_grant_our_time(out);
    sl_grant_remember(way->rt, out, false, began);
    return SL_OK;
}

/** SL_NONE: not yet. What it finds lives in `p`. */
static sl_rc_t try(sl_token_view_t *out, const way_t *way, apr_pool_t *p, apr_pool_t *tmp,
                   sl_err_t *err)
{
    sl_rc_t rc = look(out, way, tmp, err);

    if (rc == SL_OK) {
        return look(out, way, p, err);
    }
    if (rc != SL_NONE) {
        return rc;
    }
    if (elect(way, &way->election, sl_renew_lead_length(way->job.ehr))) {
        return lead(out, way, p, err);
    }
    return way->waits && elect(way, &way->reader, ASK_DATABASE) ? read_row(out, way, p) : SL_NONE;
}

static sl_rc_t out_of_memory(sl_err_t *err)
{
    return sl_err_set(err, SL_FAILED, "SL4552", "out of memory");
}

/** A newer generation, by ourselves or by waiting for it. */
static sl_rc_t get_newer(sl_token_view_t *out, const way_t *way, apr_pool_t *p, sl_err_t *err)
{
    apr_time_t until = apr_time_now() + SL_RENEW_PATIENCE;
    apr_pool_t *tmp;
    sl_rc_t rc;

    if (apr_pool_create(&tmp, p) != APR_SUCCESS) {
        return out_of_memory(err);
    }
    rc = try(out, way, p, tmp, err);
    while (rc == SL_NONE && way->waits && apr_time_now() < until) {
        apr_sleep(POLL);
        apr_pool_clear(tmp);
        rc = try(out, way, p, tmp, err);
    }
    /* Who looked into a database that hangs may have been away when it came. */
    if (rc == SL_NONE && way->waits) {
        rc = look(out, way, p, err);
    }
    apr_pool_destroy(tmp);
    if (rc != SL_NONE) {
        return rc;
    }
    sl_err_set(err, SL_BUSY, "SL4553", "%s: somebody else's renewal did not come to an end in time",
               way->job.ehr->name);
    err->retry_after = FAILURE_MIN;
    return SL_BUSY;
}

sl_rc_t sl_renew_ready(sl_grant_t *grant, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                       sl_trace_t *trace, apr_pool_t *p, sl_err_t *err)
{
    const sl_renewal_token_t token = {grant->issued_at, grant->expires_at, grant->can_renew};
    sl_renewal_need_t need = sl_renewal_need(&token, ehr, apr_time_now());
    sl_token_view_t view;
    way_t way;
    sl_rc_t rc;

    if (need == SL_RENEWAL_NOT_NEEDED) {
        return SL_OK;
    }
    if (need == SL_RENEWAL_IMPOSSIBLE) {
        return sl_err_set(err, SL_EXPIRED, "SL4554",
                          "%s: the token has ended and there is no refresh token", ehr->name);
    }
    way = way_of(rt, ehr, grant, trace != NULL ? trace->reference : NULL);
    way.waits = need == SL_RENEWAL_NEEDED;
    way.job.usable = !way.waits;
    way.job.holds_place = true;
    rc = get_newer(&view, &way, p, err);
    if (rc == SL_OK) {
        return sl_grant_open(grant, rt, &view, p, err);
    }
    return rc != SL_EXPIRED && way.job.usable ? SL_OK : rc;
}

sl_rc_t sl_renew_refused(sl_grant_t *grant, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                         sl_trace_t *trace, apr_pool_t *p, sl_err_t *err)
{
    way_t way = way_of(rt, ehr, grant, trace != NULL ? trace->reference : NULL);
    sl_token_view_t view;
    sl_rc_t rc;

    if (sl_renew_lead_was_refused(rt, grant->launch, grant->generation, p)) {
        return sl_err_set(err, SL_EXPIRED, "SL4555",
                          "%s refuses a token that was renewed a moment ago", ehr->name);
    }
    if (!grant->can_renew) {
        return sl_err_set(err, SL_EXPIRED, "SL4556",
                          "%s refuses the token, and there is no refresh token", ehr->name);
    }
    way.waits = true;
    way.job.refused = true;
    way.job.holds_place = true;
    rc = get_newer(&view, &way, p, err);
    return rc == SL_OK ? sl_grant_open(grant, rt, &view, p, err) : rc;
}

sl_rc_t sl_renew_now(sl_token_view_t *out, const sl_runtime_t *rt, const sl_token_view_t *row,
                     const char *reference, apr_pool_t *p, sl_err_t *err)
{
    const sl_ehr_t *ehr = sl_runtime_ehr(rt->ehrs, row->token.ehr);
    sl_grant_t grant = {0};
    way_t way;

    if (ehr == NULL) {
        return sl_err_set(err, SL_NONE, "SL4557", "there is no EHR %s here", row->token.ehr);
    }
    grant.launch = row->launch;
    grant.key_id = row->launch_key_id;
    grant.generation = row->token.generation;
    way = way_of(rt, ehr, &grant, reference);
    way.waits = true;
    way.job.usable = true; /* so that an interrupted renewal ends nothing */
    return get_newer(out, &way, p, err);
}

sl_rc_t sl_renew_replay(int *left, const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    return sl_journal_replay(left, rt, NULL, p, err);
}

/** SL_NONE: there was no need (any more). */
static sl_rc_t renew_row(sl_token_view_t *row, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                         apr_pool_t *p, sl_err_t *err)
{
    const sl_renewal_token_t token = {row->token.issued_at, row->token.expires_at, row->can_renew};
    sl_renewal_need_t need = sl_renewal_need(&token, ehr, apr_time_now());
    sl_grant_t grant = {0};
    sl_token_view_t view;
    way_t way;

    if (need != SL_RENEWAL_AHEAD && need != SL_RENEWAL_NEEDED) {
        return SL_NONE;
    }
    grant.launch = row->launch;
    grant.key_id = row->launch_key_id;
    grant.generation = row->token.generation;
    way = way_of(rt, ehr, &grant, "watchdog");
    way.job.usable = need == SL_RENEWAL_AHEAD;
    return get_newer(&view, &way, p, err);
}

/** SL_UNAVAILABLE and the like: PostgreSQL. An EHR in trouble is left alone until the next turn. */
static sl_rc_t renew_of(int *renewed, const sl_runtime_t *rt, const sl_ehr_t *ehr, int limit,
                        apr_pool_t *p, sl_err_t *err)
{
    const sl_token_due_t due = {ehr->name, ehr->renew_ahead, limit, rt->idle};
    apr_array_header_t *rows = NULL;
    apr_pool_t *tmp;
    sl_rc_t rc = sl_store_token_due(&rows, rt->db, &due, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (apr_pool_create(&tmp, p) != APR_SUCCESS) {
        return out_of_memory(err);
    }
    for (int i = 0; i < rows->nelts && rc != SL_UPSTREAM && rc != SL_TIMEOUT; i++) {
        sl_token_view_t *row = &APR_ARRAY_IDX(rows, i, sl_token_view_t);

        sl_grant_our_time(row);
        rc = renew_row(row, rt, ehr, tmp, err);
        *renewed += rc == SL_OK;
        apr_pool_clear(tmp);
    }
    apr_pool_destroy(tmp);
    return rc == SL_UNAVAILABLE ? rc : SL_OK;
}

sl_rc_t sl_renew_due(int *renewed, const sl_runtime_t *rt, int limit, apr_pool_t *p, sl_err_t *err)
{
    apr_pool_t *tmp;
    sl_rc_t rc = SL_OK;

    *renewed = 0;
    if (apr_pool_create(&tmp, p) != APR_SUCCESS) {
        return out_of_memory(err);
    }
    for (int i = 0; i < rt->ehrs->nelts && rc == SL_OK; i++) {
        rc = renew_of(renewed, rt, APR_ARRAY_IDX(rt->ehrs, i, const sl_ehr_t *), limit, tmp, err);
        apr_pool_clear(tmp);
    }
    apr_pool_destroy(tmp);
    return rc;
}
