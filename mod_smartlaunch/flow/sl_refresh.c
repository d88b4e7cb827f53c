/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_refresh.h"
#include "flow/sl_discover.h"
#include "flow/sl_prove.h"
#include "flow/sl_token_endpoint.h"
#include "flow/sl_verify.h"
#include "smart/sl_renewal.h"

#include <string.h>

static sl_rc_t call_endpoint(sl_token_reply_t *reply, const sl_runtime_t *rt,
                             const sl_refresh_t *refresh, const sl_endpoints_t *endpoints,
                             sl_trace_t *trace, sl_err_t *err)
{
    const sl_prove_t prove = {endpoints->token, endpoints->algs};
    sl_refresh_grant_t grant = {refresh->ehr, refresh->refresh, NULL};
    sl_token_call_t call;
    const sl_outbound_post_t post = {.ehr = refresh->ehr,
                                     .url = endpoints->token,
                                     .call = &call,
                                     .holds_place = refresh->holds_place};
    sl_rc_t rc = sl_prove_client(&grant.assertion, refresh->ehr, &prove, trace->p, err);

    if (rc == SL_OK) {
        rc = sl_token_request_refresh(&call, &grant, trace->p, err);
    }
    if (rc != SL_OK) {
        return sl_trace_failed(trace, "renew", 0, 0, err);
    }
    rc = sl_token_endpoint_post(reply, rt, &post, "renew", trace, err);
    if (rc != SL_OK && reply->error != NULL &&
        sl_renewal_is_final(refresh->ehr, reply->status, reply->error)) {
        rc = err->rc = SL_EXPIRED;
    }
    return rc;
}

/** RFR-8: one that cannot be verified changes nothing; a verified one may not be another user's. */
static sl_rc_t check_user(const sl_runtime_t *rt, const sl_refresh_t *refresh,
                          const sl_endpoints_t *endpoints, const sl_secret_t *id_token,
                          sl_trace_t *trace, sl_err_t *err)
{
    const sl_verify_t by = {refresh->ehr, endpoints->issuer, endpoints->jwks};
    sl_json_t *claims = NULL;
    const char *sub;

    if (id_token == NULL || refresh->view->sub == NULL) {
        return SL_OK;
    }
    if (sl_verify_id_token(&claims, rt, &by, id_token, trace, err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_INFO, "SL4531",
               "%s: the id_token of a renewal is left out of account: %s (%s)", refresh->ehr->name,
               err->text, err->id);
        return SL_OK;
    }
    sub = sl_json_str(claims, "sub");
    if (sub != NULL && strcmp(sub, refresh->view->sub) == 0) {
        return SL_OK;
    }
    return sl_err_set(err, SL_DENIED, "SL4532", "%s: a renewal speaks of another user",
                      refresh->ehr->name);
}

/** Members that came replace the launch's; absent ones stay (RFR-9). */
static const char *changes(const sl_context_t *now, const sl_json_t *response, apr_pool_t *p)
{
    const struct {
        const char *member, *value;
    } rows[] = {
        {"need_patient_banner", sl_json_get(response, "need_patient_banner") != NULL
                                    ? sl_context_banner(now->need_banner)
                                    : NULL},
        {"intent", now->intent},
        {"style_url", now->style_url},
        {"tenant", now->tenant},
        {"fhir_context", now->fhir_context},
    };
    sl_json_t *json = sl_json_object(p);
    bool any = false;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].value != NULL) {
            sl_json_put_str(json, rows[i].member, rows[i].value);
            any = true;
        }
    }
    return any ? sl_json_text(p, json) : NULL;
}

static sl_rc_t read_context(sl_refreshed_t *out, const sl_runtime_t *rt,
                            const sl_refresh_t *refresh, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *notices = sl_notice_list(p);
    const sl_context_input_t input = {out->tokens.json, &refresh->ehr->quirks, notices, NULL};
    sl_context_t now = {0};
    sl_rc_t rc = sl_context_parse(&now, &input, p, err);

    sl_runtime_tell(rt, SL_LOG_INFO, refresh->ehr, notices);
    if (rc != SL_OK) {
        return err->rc = SL_DENIED;
    }
    rc = sl_renewal_check_patient(&now, refresh->view->token.patient, err);
    if (rc == SL_OK) {
        out->encounter = now.encounter;
        out->context = changes(&now, out->tokens.json, p);
    }
    return rc;
}

sl_rc_t sl_refresh_token(sl_refreshed_t *out, const sl_runtime_t *rt, const sl_refresh_t *refresh,
                         sl_trace_t *trace, sl_err_t *err)
{
    sl_endpoints_t endpoints = {0};
    sl_token_reply_t reply;
    sl_rc_t rc = sl_discover_endpoints(&endpoints, rt, refresh->ehr, trace, err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK) {
        rc = call_endpoint(&reply, rt, refresh, &endpoints, trace, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    out->tokens = reply.tokens;
    out->at = reply.at;
    rc = read_context(out, rt, refresh, trace->p, err);
    if (rc == SL_OK) {
        rc = check_user(rt, refresh, &endpoints, out->tokens.id_token, trace, err);
    }
    return rc == SL_OK ? rc : sl_trace_failed(trace, "renew", 0, 0, err);
}
