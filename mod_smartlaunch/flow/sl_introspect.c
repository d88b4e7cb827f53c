/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_introspect.h"
#include "flow/sl_discover.h"
#include "flow/sl_outbound.h"
#include "flow/sl_prove.h"

#include <string.h>

#define STEP "introspect"
#define PATIENCE apr_time_from_sec(5) /* somebody waits for her patient */

static sl_rc_t post(sl_introspection_t *out, const sl_runtime_t *rt, const sl_token_about_t *token,
                    const sl_endpoints_t *endpoints, sl_trace_t *trace, sl_err_t *err)
{
    const sl_prove_t prove = {endpoints->token, endpoints->algs};
    sl_token_about_t about = *token;
    sl_token_call_t call;
    const sl_outbound_post_t request = {.ehr = about.ehr,
                                        .url = endpoints->introspect,
                                        .call = &call,
                                        .holds_place = trace->holds_place,
                                        .timeout = PATIENCE};
    sl_http_reply_t reply = {0};
    apr_time_t began = apr_time_now();
    sl_rc_t rc = sl_prove_client(&about.assertion, about.ehr, &prove, trace->p, err);

    if (rc == SL_OK) {
        rc = sl_token_request_about(&call, &about, trace->p, err);
    }
    if (rc == SL_OK) {
        rc = sl_outbound_token(&reply, rt, &request, trace->p, err);
    }
    if (rc == SL_OK) {
        const sl_introspection_answer_t answer = {reply.status, sl_secret_reveal(reply.body),
                                                  sl_secret_len(reply.body)};

        rc = sl_introspection_parse(out, about.ehr, &answer, trace->p, err);
    }
    if (rc != SL_OK) {
        return sl_trace_failed(trace, STEP, reply.status, began, err);
    }
    sl_trace_ok(trace, STEP, reply.status, began, out->is_active ? "active" : "not active");
    return SL_OK;
}

sl_rc_t sl_introspect_token(sl_introspection_t *out, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                            const sl_secret_t *access, sl_trace_t *trace, sl_err_t *err)
{
    const sl_token_about_t about = {ehr, access, "access_token", NULL};
    sl_endpoints_t endpoints = {0};
    sl_rc_t rc = sl_discover_endpoints(&endpoints, rt, ehr, trace, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (endpoints.introspect == NULL) {
        return sl_err_set(err, SL_NONE, "SL4931", "%s has no introspection endpoint", ehr->name);
    }
    return post(out, rt, &about, &endpoints, trace, err);
}

static void fill(sl_token_response_t *tokens, const sl_introspection_t *found)
{
    apr_time_t left = found->expires_at - apr_time_now();

    if (!tokens->says_life && found->expires_at != 0 && left >= apr_time_from_sec(1)) {
        tokens->expires_in = left > apr_time_from_sec(SL_TOKEN_LIFE_MAX) ? SL_TOKEN_LIFE_MAX
                                                                         : (int)apr_time_sec(left);
    }
    if (tokens->scope == NULL) {
        tokens->scope = found->scope;
    }
}

sl_rc_t sl_introspect_fill(sl_token_response_t *tokens, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                           sl_trace_t *trace, sl_err_t *err)
{
    sl_introspection_t found = {0};
    sl_err_t none;
    sl_rc_t rc;

    if (tokens->says_life && tokens->scope != NULL) {
        return SL_OK;
    }
    rc = sl_introspect_token(&found, rt, ehr, tokens->access, trace, &none);
    if (rc == SL_OK && !found.is_active) {
        return sl_err_set(err, SL_UPSTREAM, "SL4933",
                          "%s says that the token it just gave is not active", ehr->name);
    }
    if (rc == SL_OK) {
        fill(tokens, &found);
    } else if (rc != SL_NONE) {
        sl_log(&rt->log, SL_LOG_INFO, "SL4932",
               "%s: nothing more is known of a token than its response says: %s (%s)", ehr->name,
               none.text, none.id);
    }
    return SL_OK;
}
