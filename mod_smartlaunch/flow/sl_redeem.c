/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_redeem.h"
#include "flow/sl_introspect.h"
#include "flow/sl_prove.h"
#include "flow/sl_token_endpoint.h"
#include "flow/sl_verify.h"
#include "smart/sl_scope_diff.h"
#include "smart/sl_token_request.h"

#include <string.h>

static sl_rc_t call_endpoint(sl_redeemed_t *out, const sl_runtime_t *rt, const sl_redeem_t *redeem,
                             sl_trace_t *trace, sl_err_t *err)
{
    const sl_prove_t prove = {redeem->pending->token_endpoint, redeem->pending->algs};
    sl_code_grant_t grant = {redeem->ehr, redeem->code, redeem->pending->redirect_uri,
                             redeem->pending->verifier, NULL};
    sl_token_call_t call;
    const sl_outbound_post_t post = {
        .ehr = redeem->ehr, .url = redeem->pending->token_endpoint, .call = &call};
    sl_token_reply_t reply;
    sl_rc_t rc = sl_prove_client(&grant.assertion, redeem->ehr, &prove, trace->p, err);

    if (rc == SL_OK) {
        rc = sl_token_request_code(&call, &grant, trace->p, err);
    }
    if (rc != SL_OK) {
        return sl_trace_failed(trace, "token", 0, apr_time_now(), err);
    }
    rc = sl_token_endpoint_post(&reply, rt, &post, "token", trace, err);
    if (rc == SL_OK) {
        rc = sl_introspect_fill(&reply.tokens, rt, redeem->ehr, trace, err);
    }
    out->tokens = reply.tokens;
    return rc;
}

/** Before fhirUser there was `profile`, which elsewhere is a web page: only a user of this EHR. */
static void read_profile(sl_redeemed_t *out, const sl_json_t *claims, const sl_ehr_t *ehr,
                         apr_pool_t *p)
{
    const char *profile = sl_json_str(claims, "profile");
    sl_fhir_user_t said;

    if (profile != NULL && sl_fhir_user_resolve(&said, profile, ehr->issuer, p, NULL) == SL_OK &&
        said.is_local) {
        out->fhir_user = said;
    }
}

/** The id_token's claims, and the fhirUser among them. There may be no id_token. */
static sl_rc_t verify(sl_redeemed_t *out, const sl_runtime_t *rt, const sl_redeem_t *redeem,
                      sl_trace_t *trace, sl_err_t *err)
{
    const sl_verify_t by = {redeem->ehr, redeem->pending->issuer, redeem->pending->jwks};
    apr_time_t began = apr_time_now();
    sl_json_t *claims = NULL;
    sl_rc_t rc;

    if (out->tokens.id_token == NULL) {
        return SL_OK;
    }
    rc = sl_verify_id_token(&claims, rt, &by, out->tokens.id_token, trace, err);
    if (rc == SL_OK && sl_json_get(claims, "fhirUser") != NULL) {
        rc = sl_fhir_user_resolve(&out->fhir_user, sl_json_str(claims, "fhirUser"),
                                  redeem->ehr->issuer, trace->p, err);
    } else if (rc == SL_OK) {
        read_profile(out, claims, redeem->ehr, trace->p);
    }
    if (rc != SL_OK) {
        return sl_trace_failed(trace, "id_token", 0, began, err);
    }
    out->claims = claims;
    out->issuer = sl_json_str(claims, "iss");
    out->sub = sl_json_str(claims, "sub");
    return SL_OK;
}

static sl_rc_t identify(sl_redeemed_t *out, const sl_redeem_t *redeem, sl_trace_t *trace,
                        sl_err_t *err)
{
    const sl_identity_facts_t facts = {out->claims, out->tokens.json,
                                       out->fhir_user.url != NULL ? &out->fhir_user : NULL};
    sl_rc_t rc = sl_identity_find(&out->identity, redeem->ehr->identity, &facts, trace->p, err);

    if (rc == SL_OK || rc == SL_NONE) {
        sl_trace_ok(trace, "id_token", 0, 0,
                    rc == SL_OK ? out->identity.source : "the EHR names no user");
        return SL_OK;
    }
    return sl_trace_failed(trace, "id_token", 0, 0, err);
}

/** TRS-3: what was asked and did not come is one line now, not a surprise ten minutes later. */
static void compare_scopes(const sl_redeemed_t *out, const sl_runtime_t *rt,
                           const sl_redeem_t *redeem, sl_trace_t *trace)
{
    const sl_scope_facts_t facts = {.asked = redeem->pending->scope,
                                    .granted = out->tokens.scope,
                                    .has_refresh = out->tokens.refresh != NULL,
                                    .has_patient = out->context.patient != NULL,
                                    .has_id_token = out->claims != NULL,
                                    .has_fhir_user = out->fhir_user.url != NULL,
                                    .is_public = redeem->ehr->auth == SL_CLIENT_NONE};
    sl_scope_diff_t diff;
    const char *text;

    sl_scope_diff(&diff, &facts, trace->p);
    text = sl_scope_diff_text(&diff, &facts, trace->p);
    sl_trace_explain(trace, "token", text);
    if (diff.cause != NULL) {
        sl_log(&rt->log, SL_LOG_INFO, "SL4201", "%s: %s (reference %s)", redeem->ehr->name, text,
               trace->reference);
    }
}

static sl_rc_t read_context(sl_redeemed_t *out, const sl_runtime_t *rt, const sl_redeem_t *redeem,
                            sl_trace_t *trace, sl_err_t *err)
{
    apr_array_header_t *notices = sl_notice_list(trace->p);
    const sl_context_input_t input = {out->tokens.json, &redeem->ehr->quirks, notices, out->claims};
    sl_rc_t rc = sl_context_parse(&out->context, &input, trace->p, err);

    sl_runtime_tell(rt, SL_LOG_INFO, redeem->ehr, notices);
    if (rc == SL_OK) {
        compare_scopes(out, rt, redeem, trace);
        rc = sl_context_check_patient(&out->context, redeem->pending->scope, err);
    }
    return rc == SL_OK ? rc : sl_trace_failed(trace, "context", 0, 0, err);
}

sl_rc_t sl_redeem_code(sl_redeemed_t *out, const sl_runtime_t *rt, const sl_redeem_t *redeem,
                       sl_trace_t *trace, sl_err_t *err)
{
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    rc = call_endpoint(out, rt, redeem, trace, err);
    if (rc == SL_OK) {
        rc = verify(out, rt, redeem, trace, err);
    }
    if (rc == SL_OK) {
        rc = read_context(out, rt, redeem, trace, err);
    }
    return rc == SL_OK ? identify(out, redeem, trace, err) : rc;
}
