/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_revoke.h"
#include "base/sl_json.h"
#include "flow/sl_discover.h"
#include "flow/sl_outbound.h"
#include "flow/sl_prove.h"
#include "flow/sl_trace.h"
#include "smart/sl_renewal.h"
#include "smart/sl_token_response.h"
#include "store/sl_store_revocation.h"

#include <string.h>

#define STEP "revoke"
#define PATIENCE apr_time_from_sec(3) /* the caretaker has other things to do */
#define LENGTH apr_time_from_sec(60)  /* discovery and revocation, at their longest */
#define LEFT_ALONE apr_time_from_sec(30)
#define DOUBLINGS 7 /* every 64 minutes at last */

/** One token on its way. */
typedef struct {
    const sl_runtime_t *rt;
    const sl_ehr_t *ehr;
    const sl_revocation_t *row;
    sl_trace_t *trace;
} job_t;

/** SL_DENIED: it will not. SL_UPSTREAM, SL_TIMEOUT, SL_BUSY: it may another time. */
static sl_rc_t judge(const job_t *job, const sl_http_reply_t *reply, sl_err_t *err)
{
    const char *body = sl_secret_reveal(reply->body);

    if (reply->status >= 200 && reply->status <= 299) {
        return SL_OK;
    }
    if (sl_renewal_is_trouble(reply->status)) {
        return sl_err_set(err, SL_UPSTREAM, "SL4921",
                          "%s: the revocation endpoint is in trouble (%d)", job->ehr->name,
                          reply->status);
    }
    if (reply->status == 404) {
        sl_discover_forget(job->rt, job->ehr, job->trace->p);
    }
    return sl_err_set(err, SL_DENIED, "SL4922", "%s: the revocation endpoint refused (%d): %s",
                      job->ehr->name, reply->status,
                      sl_token_response_error(body, sl_secret_len(reply->body), job->trace->p));
}

/** With the refresh token go the access tokens that came of it (RFC 7009, 2.1). */
static sl_rc_t choose(sl_token_about_t *about, const job_t *job, sl_err_t *err)
{
    sl_tokens_t tokens = {NULL, NULL};
    sl_rc_t rc = sl_vault_open_tokens(&tokens, job->rt->ring, &job->row->token, job->trace->p, err);

    about->token = tokens.refresh != NULL ? tokens.refresh : tokens.access;
    about->hint = tokens.refresh != NULL ? "refresh_token" : "access_token";
    return rc;
}

static sl_rc_t post(const job_t *job, const sl_endpoints_t *endpoints, sl_err_t *err)
{
    const sl_prove_t prove = {endpoints->token, endpoints->algs};
    sl_token_about_t about = {.ehr = job->ehr};
    sl_token_call_t call;
    const sl_outbound_post_t request = {
        .ehr = job->ehr, .url = endpoints->revoke, .call = &call, .timeout = PATIENCE};
    sl_http_reply_t reply = {0};
    apr_time_t began = apr_time_now();
    sl_rc_t rc = choose(&about, job, err);

    if (rc == SL_OK) {
        rc = sl_prove_client(&about.assertion, job->ehr, &prove, job->trace->p, err);
    }
    if (rc == SL_OK) {
        rc = sl_token_request_about(&call, &about, job->trace->p, err);
    }
    if (rc == SL_OK) {
        rc = sl_outbound_token(&reply, job->rt, &request, job->trace->p, err);
    }
    if (rc == SL_OK) {
        rc = judge(job, &reply, err);
    }
    if (rc == SL_OK) {
        sl_trace_ok(job->trace, STEP, reply.status, began, about.hint);
        return rc;
    }
    return sl_trace_failed(job->trace, STEP, reply.status, began, err);
}

/** SL_NONE: the EHR has no such endpoint. */
static sl_rc_t tell_ehr(const job_t *job, sl_err_t *err)
{
    sl_endpoints_t endpoints = {0};
    sl_rc_t rc = sl_discover_endpoints(&endpoints, job->rt, job->ehr, job->trace, err);

    if (rc != SL_OK) {
        return rc;
    }
    return endpoints.revoke != NULL ? post(job, &endpoints, err) : SL_NONE;
}

static bool is_later(sl_rc_t rc)
{
    return rc == SL_UPSTREAM || rc == SL_TIMEOUT || rc == SL_BUSY;
}

static apr_interval_time_t wait_after(int tries)
{
    int doublings = tries - 1 < DOUBLINGS ? tries - 1 : DOUBLINGS;

    return LEFT_ALONE << (doublings > 0 ? doublings : 0);
}

/** One line for each token that is not revoked at once, however often it is tried. */
static void say(const job_t *job, sl_rc_t rc, const sl_err_t *err)
{
    if (rc != SL_OK && rc != SL_NONE && job->row->tries <= 1) {
        sl_log(&job->rt->log, rc == SL_FAILED ? SL_LOG_ERROR : SL_LOG_WARN, err->id,
               "a token that is revoked here is not revoked at its EHR%s: %s",
               is_later(rc) ? " yet" : "", err->text);
    }
}

/** What the flight recorder misses is no reason to revoke twice. */
static void note(const job_t *job)
{
    sl_err_t err;

    if (sl_store_steps_add(job->rt->db, job->row->token.launch, job->trace->steps, job->trace->p,
                           &err) != SL_OK) {
        sl_log(&job->rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

static sl_rc_t settle(const job_t *job, sl_rc_t rc, sl_err_t *err)
{
    const sl_revocation_later_t later = {job->row, wait_after(job->row->tries), LEFT_ALONE};

    if (!is_later(rc) || job->row->tries <= 1) {
        note(job);
    }
    return is_later(rc) ? sl_store_revocation_later(job->rt->db, &later, err)
                        : sl_store_revocation_done(job->rt->db, job->row, err);
}

static const char *names_of(const apr_array_header_t *ehrs, apr_pool_t *p)
{
    sl_json_t *names = sl_json_array(p);

    for (int i = 0; i < ehrs->nelts; i++) {
        sl_json_push_str(names, APR_ARRAY_IDX(ehrs, i, const sl_ehr_t *)->name);
    }
    return sl_json_text(p, names);
}

/** SL_NONE: nothing is due. */
static sl_rc_t revoke_one(bool *is_told, const sl_runtime_t *rt, const char *ehrs, apr_pool_t *p,
                          sl_err_t *err)
{
    sl_revocation_t row;
    sl_rc_t rc = sl_store_revocation_take(&row, rt->db, ehrs, LENGTH, p, err);
    const job_t job = {rt, rc == SL_OK ? sl_runtime_ehr(rt->ehrs, row.token.ehr) : NULL, &row,
                       sl_trace_new(p, "watchdog")};

    if (rc != SL_OK || job.ehr == NULL) {
        return rc;
    }
    rc = tell_ehr(&job, err);
    say(&job, rc, err);
    *is_told = !is_later(rc);
    return settle(&job, rc, err);
}

sl_rc_t sl_revoke_due(int *told, const sl_runtime_t *rt, int limit, apr_pool_t *p, sl_err_t *err)
{
    const char *ehrs = names_of(rt->ehrs, p);
    bool is_told = true;
    sl_rc_t rc = SL_OK;
    apr_pool_t *tmp;

    *told = 0;
    if (apr_pool_create(&tmp, p) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL4923", "out of memory");
    }
    for (int i = 0; i < limit && rc == SL_OK && is_told; i++) {
        is_told = false;
        rc = revoke_one(&is_told, rt, ehrs, tmp, err);
        *told += rc == SL_OK && is_told;
        apr_pool_clear(tmp);
    }
    apr_pool_destroy(tmp);
    return rc == SL_NONE ? SL_OK : rc;
}

void sl_revoke_unused(const sl_runtime_t *rt, const sl_revoke_unused_t *unused, apr_pool_t *p)
{
    const sl_token_row_t row = {unused->launch, unused->app, unused->ehr, NULL, NULL, 1};
    sl_token_t token = {.launch = row.launch, .app = row.app, .ehr = row.ehr, .generation = 1};
    sl_sealed_tokens_t sealed = {.key_id = NULL};
    sl_err_t err = {0};
    sl_rc_t rc;

    if (unused->tokens.access == NULL) {
        return;
    }
    rc = sl_vault_seal_tokens(&sealed, rt->ring, &row, &unused->tokens, p, &err);
    if (rc == SL_OK) {
        token.access_sealed = sealed.access;
        token.refresh_sealed = sealed.refresh;
        token.key_id = sealed.key_id;
        rc = sl_store_revocation_add(rt->db, &token, &err);
    }
    if (rc != SL_OK) {
        sl_log(&rt->log, SL_LOG_WARN, "SL4924",
               "the tokens of a launch that failed are not revoked at %s: %s (%s)", unused->ehr,
               err.text, err.id);
    }
}
