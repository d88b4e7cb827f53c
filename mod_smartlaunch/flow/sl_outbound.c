/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_outbound.h"
#include "smart/sl_token_response.h"

#include <string.h>

static void prepare(sl_http_request_t *request, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                    const char *url)
{
    memset(request, 0, sizeof(*request));
    request->url = url;
    request->ca_file = ehr->ca_file;
    request->proxy = ehr->proxy;
    request->connect_timeout = ehr->connect_timeout;
    request->timeout = ehr->timeout;
    request->insecure_loopback = ehr->insecure_loopback;
    request->gate = sl_runtime_gate(rt, ehr);
}

static void shorten(sl_http_request_t *request, apr_interval_time_t timeout)
{
    if (timeout > 0 && (request->timeout == 0 || timeout < request->timeout)) {
        request->timeout = timeout;
    }
}

/** What came of it is counted for the status page; where we asked nobody, it says nothing. */
static sl_rc_t tell(const sl_runtime_t *rt, const sl_ehr_t *ehr, sl_rc_t rc,
                    const sl_http_reply_t *reply)
{
    if (rc == SL_OK || rc == SL_UPSTREAM || rc == SL_TIMEOUT) {
        sl_http_gate_tell(sl_runtime_gate(rt, ehr), rc == SL_OK ? reply->status : 0,
                          apr_time_now());
    }
    return rc;
}

sl_rc_t sl_outbound_get(sl_http_reply_t *reply, const sl_runtime_t *rt,
                        const sl_outbound_get_t *get, apr_pool_t *p, sl_err_t *err)
{
    sl_http_request_t request;

    prepare(&request, rt, get->ehr, get->url);
    request.method = SL_HTTP_GET;
    request.max_bytes = get->max_bytes;
    request.inspect = get->inspect;
    request.accept = get->accept;
    request.authorization = get->authorization;
    shorten(&request, get->timeout);
    if (get->holds_place) {
        request.gate = NULL;
    }
    return tell(rt, get->ehr, sl_http_do(rt->http, &request, reply, p, err), reply);
}

sl_rc_t sl_outbound_token(sl_http_reply_t *reply, const sl_runtime_t *rt,
                          const sl_outbound_post_t *post, apr_pool_t *p, sl_err_t *err)
{
    sl_http_request_t request;

    prepare(&request, rt, post->ehr, post->url);
    request.method = SL_HTTP_POST;
    request.body = post->call->body;
    request.authorization = post->call->authorization;
    request.max_bytes = SL_TOKEN_RESPONSE_MAX_BYTES;
    shorten(&request, post->timeout);
    if (post->holds_place) {
        request.gate = NULL;
    }
    return tell(rt, post->ehr, sl_http_do(rt->http, &request, reply, p, err), reply);
}
