/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_system.h"
#include "flow/sl_discover.h"
#include "flow/sl_prove.h"
#include "flow/sl_system_memory.h"
#include "flow/sl_token_endpoint.h"
#include "smart/sl_renewal.h"
#include "smart/sl_scope.h"

#include <string.h>

#define POLL apr_time_from_msec(20)
#define SLACK apr_time_from_sec(1)
#define NO_LOOP apr_time_from_sec(30)

/** One caller's way to a token. */
typedef struct {
    sl_system_memory_t memory;
    const sl_runtime_t *rt;
    const sl_ehr_t *ehr;
    sl_trace_t *trace;
    apr_int64_t not_this; /* generation that will not do; 0: any */
    bool by_refusal;
} way_t;

/** How long a call waits for a token. */
static apr_interval_time_t patience(const sl_ehr_t *ehr)
{
    return 2 * ehr->timeout + SLACK;
}

/** How long getting one takes at most: two documents of discovery and the token endpoint, each with
 * its time-out. Whoever is elected has the lease until then. */
static apr_interval_time_t longest(const sl_ehr_t *ehr)
{
    return 3 * ehr->timeout + SLACK;
}

static sl_rc_t call_endpoint(sl_token_reply_t *reply, const way_t *way, sl_err_t *err)
{
    const sl_ehr_t *ehr = way->ehr;
    apr_pool_t *p = way->trace->p;
    sl_client_grant_t grant = {ehr, ehr->system_scope, NULL};
    sl_endpoints_t endpoints = {0};
    sl_token_call_t call;
    sl_rc_t rc = sl_discover_endpoints(&endpoints, way->rt, ehr, way->trace, err);

    if (rc == SL_OK) {
        const sl_prove_t prove = {endpoints.token, endpoints.algs};

        rc = sl_prove_client(&grant.assertion, ehr, &prove, p, err);
    }
    if (rc == SL_OK) {
        rc = sl_token_request_client(&call, &grant, p, err);
    }
    if (rc == SL_OK) {
        const sl_outbound_post_t post = {.ehr = ehr,
                                         .url = endpoints.token,
                                         .call = &call,
                                         .holds_place = way->trace->holds_place};

        rc = sl_token_endpoint_post(reply, way->rt, &post, "system", way->trace, err);
    }
    return rc;
}

/** One line for what came, and for what was asked and did not come. */
static void tell(const way_t *way, const sl_token_response_t *tokens)
{
    const sl_ehr_t *ehr = way->ehr;
    const char *missing = tokens->scope == NULL
                              ? ""
                              : sl_scope_missing(way->trace->p, ehr->system_scope, tokens->scope);

    sl_log(&way->rt->log, SL_LOG_INFO, "SL4742",
           "%s: a token for backend services, for %d seconds%s%s", ehr->name, tokens->expires_in,
           missing[0] != '\0' ? "; it lacks " : "", missing);
}

/** Elected: get one. A refresh token, should there be one, is left alone (BKS-3). */
static sl_rc_t get(sl_system_token_t *out, const way_t *way, sl_err_t *err)
{
    sl_token_reply_t reply;
    sl_rc_t rc = call_endpoint(&reply, way, err);

    if (rc == SL_OK) {
        out->access = reply.tokens.access;
        out->scope = reply.tokens.scope;
        out->issued_at = reply.at;
        out->expires_at = reply.at + apr_time_from_sec(reply.tokens.expires_in);
        out->generation = apr_time_now();
        out->by_refusal = way->by_refusal;
        tell(way, &reply.tokens);
        rc = sl_system_memory_put(&way->memory, out, way->trace->p, err);
    }
    if (rc != SL_OK) {
        sl_log(&way->rt->log, SL_LOG_WARN, "SL4743",
               "%s: no token for backend services: %s (%s, reference %s)", way->ehr->name,
               err->text, err->id, way->trace->reference);
        sl_system_memory_failed(&way->memory, err, way->trace->p);
    }
    return rc;
}

static bool is_good(const sl_system_token_t *token, const way_t *way)
{
    return token->generation != way->not_this && apr_time_now() < token->expires_at;
}

/** Whoever had the lease before may have brought one just now. */
static sl_rc_t lead(sl_system_token_t *out, const way_t *way, sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    if (!sl_system_memory_get(out, &way->memory, way->trace->p) || !is_good(out, way)) {
        rc = get(out, way, err);
    }
    sl_system_memory_release(&way->memory);
    return rc;
}

/** SL_NONE: not yet. */
static sl_rc_t try(sl_system_token_t *out, const way_t *way, apr_pool_t *tmp, sl_err_t *err)
{
    if (sl_system_memory_get(out, &way->memory, tmp) && is_good(out, way)) {
        return sl_system_memory_get(out, &way->memory, way->trace->p) ? SL_OK : SL_NONE;
    }
    if (sl_system_memory_failure(&way->memory, tmp, err)) {
        return err->rc;
    }
    return sl_system_memory_elect(&way->memory, longest(way->ehr)) ? lead(out, way, err) : SL_NONE;
}

/** By ourselves, or by waiting for who is at it. */
static sl_rc_t obtain(sl_system_token_t *out, const way_t *way, sl_err_t *err)
{
    apr_time_t until = apr_time_now() + patience(way->ehr);
    apr_pool_t *tmp;
    sl_rc_t rc;

    if (apr_pool_create(&tmp, way->trace->p) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL4744", "out of memory");
    }
    for (rc = try(out, way, tmp, err); rc == SL_NONE && apr_time_now() < until;
         rc = try(out, way, tmp, err)) {
        apr_sleep(POLL);
        apr_pool_clear(tmp);
    }
    apr_pool_destroy(tmp);
    return rc == SL_NONE ? sl_err_set(err, SL_TIMEOUT, "SL4745",
                                      "%s: the token for backend services did not come in time",
                                      way->ehr->name)
                         : rc;
}

static way_t way_of(const sl_runtime_t *rt, const sl_ehr_t *ehr, sl_trace_t *trace)
{
    way_t way = {
        .memory = sl_system_memory_of(rt, ehr, trace->p), .rt = rt, .ehr = ehr, .trace = trace};

    return way;
}

static void fill(sl_grant_t *grant, const sl_system_token_t *token)
{
    grant->via = SL_VIA_SYSTEM;
    grant->access = token->access;
    grant->scope = token->scope;
    grant->generation = token->generation;
    grant->issued_at = token->issued_at;
    grant->expires_at = token->expires_at;
}

/** Is it time for the next one (as for the tokens of launches)? */
static sl_renewal_need_t need_of(const sl_system_token_t *token, const sl_ehr_t *ehr)
{
    const sl_renewal_token_t times = {token->issued_at, token->expires_at, true};

    return sl_renewal_need(&times, ehr, apr_time_now());
}

/** Still good: whoever is elected gets the next one, everybody else goes on with this one. */
static void get_ahead(sl_system_token_t *token, way_t *way, apr_pool_t *p)
{
    sl_system_token_t next;
    sl_err_t err;

    way->not_this = token->generation;
    if (!sl_system_memory_failure(&way->memory, p, &err) &&
        sl_system_memory_elect(&way->memory, longest(way->ehr)) &&
        lead(&next, way, &err) == SL_OK) {
        *token = next;
    }
}

sl_rc_t sl_system_ready(sl_grant_t *grant, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                        sl_trace_t *trace, sl_err_t *err)
{
    way_t way = way_of(rt, ehr, trace);
    sl_system_token_t token;
    sl_rc_t rc = SL_OK;

    if (!sl_system_memory_get(&token, &way.memory, trace->p) || !is_good(&token, &way)) {
        rc = obtain(&token, &way, err);
    } else if (need_of(&token, ehr) != SL_RENEWAL_NOT_NEEDED) {
        get_ahead(&token, &way, trace->p);
    }
    if (rc == SL_OK) {
        fill(grant, &token);
    }
    return rc;
}

sl_rc_t sl_system_refused(sl_grant_t *grant, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                          sl_trace_t *trace, sl_err_t *err)
{
    way_t way = way_of(rt, ehr, trace);
    sl_system_token_t token;
    sl_rc_t rc;

    if (sl_system_memory_get(&token, &way.memory, trace->p) &&
        token.generation == grant->generation && token.by_refusal &&
        apr_time_now() - token.issued_at < NO_LOOP) {
        return sl_err_set(err, SL_UPSTREAM, "SL4746",
                          "%s refuses a token for backend services that it gave a moment ago",
                          ehr->name);
    }
    way.not_this = grant->generation;
    way.by_refusal = true;
    rc = obtain(&token, &way, err);
    if (rc == SL_OK) {
        fill(grant, &token);
    }
    return rc;
}
