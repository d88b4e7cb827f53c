/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_token_endpoint.h"
#include "flow/sl_discover.h"
#include "smart/sl_token_request.h"

#include <string.h>

/**
 * The token endpoint forgot us: its discovery may have changed (DIS-9). Or it takes the secret in
 * the other spelling: worth a line here, not at every start of those it works for (TKR-S3).
 */
static void after_refusal(const sl_token_reply_t *refusal, const sl_runtime_t *rt,
                          const sl_ehr_t *ehr, apr_pool_t *p)
{
    bool unknown_client = strcmp(refusal->error, "invalid_client") == 0;
    apr_array_header_t *notices;

    if (refusal->status == 404 || unknown_client) {
        sl_discover_forget(rt, ehr, p);
    }
    if (unknown_client) {
        notices = sl_notice_list(p);
        if (sl_token_request_check(ehr, notices, NULL) == SL_OK) {
            sl_runtime_tell(rt, SL_LOG_WARN, ehr, notices);
        }
    }
}

sl_rc_t sl_token_endpoint_post(sl_token_reply_t *out, const sl_runtime_t *rt,
                               const sl_outbound_post_t *post, const char *step, sl_trace_t *trace,
                               sl_err_t *err)
{
    sl_token_answer_t answer = {0};
    sl_http_reply_t reply = {0};
    apr_time_t began = apr_time_now();
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    rc = sl_outbound_token(&reply, rt, post, trace->p, err);
    if (rc != SL_OK) {
        return sl_trace_failed(trace, step, reply.status, began, err);
    }
    answer.status = out->status = reply.status;
    answer.body = sl_secret_reveal(reply.body);
    answer.len = sl_secret_len(reply.body);
    answer.now = out->at = apr_time_now();
    answer.notices = sl_notice_list(trace->p);
    answer.is_renewal = strcmp(step, "renew") == 0;
    answer.correlation = reply.correlation;
    rc = sl_token_response_parse(&out->tokens, post->ehr, &answer, trace->p, err);
    if (rc != SL_OK) {
        err->retry_after = reply.retry_after;
        out->error = sl_token_response_error(answer.body, answer.len, trace->p);
        after_refusal(out, rt, post->ehr, trace->p);
        rc = sl_trace_failed(trace, step, reply.status, began, err);
    } else {
        sl_trace_ok(trace, step, reply.status, began, NULL);
    }
    sl_runtime_tell(rt, SL_LOG_INFO, post->ehr, answer.notices);
    return rc;
}
