/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_proxy does the forwarding; this is what stands around it: the bound on calls under way, a
 * token that is good, and one more try where the EHR refused it or a kept connection was dead.
 */
#include "flow/sl_renew.h"
#include "httpd/sl_gateway_call.h"
#include "smart/sl_renewal.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

/* A child that is killed gives its places back after this much more than any call should take. */
#define PLACE_SLACK apr_time_from_sec(60)

/** The longest that a body is kept for a second try. */
static apr_off_t replay_limit(const sl_gateway_call_t *call)
{
    return sl_conf_replay(call->location);
}

static sl_gateway_no_t make_ready(sl_gateway_call_t *call, sl_err_t *err)
{
    sl_renewal_token_t token;

    if (call->grant.via == SL_VIA_SYSTEM) {
        return sl_gateway_system_ready(call, err);
    }
    token.issued_at = call->grant.issued_at;
    token.expires_at = call->grant.expires_at;
    token.can_renew = call->grant.can_renew;
    if (sl_renewal_need(&token, call->ehr, call->r->request_time) == SL_RENEWAL_NOT_NEEDED) {
        return SL_GATEWAY_OK; /* nothing to trace: no flight recorder on the short way */
    }
    return sl_gateway_no(sl_renew_ready(&call->grant, call->rt, call->ehr,
                                        sl_request_trace(call->r), call->r->pool, err));
}

/** Before a second try, or before an answer of ours: as if mod_proxy had not been there. */
static void reset(sl_gateway_call_t *call)
{
    request_rec *r = call->r;

    r->headers_out = call->headers_out != NULL ? apr_table_copy(r->pool, call->headers_out)
                                               : apr_table_make(r->pool, 8);
    apr_table_clear(r->trailers_out);
    r->status = HTTP_OK;
    r->status_line = NULL;
    ap_set_content_type(r, NULL);
    r->content_encoding = NULL;
    r->content_languages = NULL;
    r->sent_bodyct = 0;
    r->eos_sent = 0;
    r->bytes_sent = 0;
    r->no_cache = 0;
    apr_table_unset(r->notes, "proxy-error-override");
    apr_table_unset(r->notes, "proxy-status");
    apr_table_unset(r->notes, "proxy_timedout");
    apr_table_unset(r->notes, "error-notes");
    apr_table_unset(r->notes, "verbose-error-to");
    apr_table_unset(r->err_headers_out, "WWW-Authenticate");
    apr_table_unset(r->err_headers_out, "ETag"); /* of an answer that came compressed */
    (void)apr_pool_userdata_setn(NULL, "proxy-req-input", NULL, r->pool); /* its saved body */
}

/** Our own answers pass none of the filters that were made for the EHR's. */
static void leave_filters(sl_gateway_call_t *call)
{
    reset(call);
    call->r->output_filters = call->r->proto_output_filters;
}

/**
 * One exchange with the EHR. Meanwhile r->uri ends with the EHR's name: mod_proxy, which goes by
 * r->filename, prints it when a connection breaks, and the rest of it may name a patient.
 * @return httpd's or mod_proxy's status
 */
static int run(sl_gateway_call_t *call)
{
    request_rec *r = call->r;
    char *uri = r->uri;
    int rc;

    call->attempts++;
    call->began = apr_time_now();
    call->answer = SL_ANSWER_PASSED;
    sl_gateway_body_replay(call);
    call->is_proxying = true;
    r->uri = apr_pstrcat(r->pool, call->ask->gateway->path, "/", call->ask->ehr, NULL);
    rc = ap_run_handler(r);
    r->uri = uri;
    call->is_proxying = false;
    return rc;
}

/** mod_proxy does not tell a connection that was refused from one that came to nothing in time. */
static sl_gateway_no_t unreachable(const sl_gateway_call_t *call)
{
    return apr_time_now() - call->began >= call->ehr->connect_timeout ? SL_GATEWAY_EHR_TIMEOUT
                                                                      : SL_GATEWAY_NO_CONNECTION;
}

/** mod_proxy made no answer of it. */
static sl_gateway_no_t explain(const sl_gateway_call_t *call, int rc)
{
    if (apr_table_get(call->r->notes, "proxy_timedout") != NULL) {
        return SL_GATEWAY_EHR_TIMEOUT;
    }
    switch (rc) {
    case HTTP_BAD_REQUEST:
    case HTTP_REQUEST_TIME_OUT:
        return SL_GATEWAY_BODY_BAD;
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        return SL_GATEWAY_BODY_LONG;
    case HTTP_SERVICE_UNAVAILABLE:
        return unreachable(call);
    case HTTP_GATEWAY_TIME_OUT:
        return SL_GATEWAY_EHR_TIMEOUT;
    case DECLINED:
        return SL_GATEWAY_OWN_FAULT; /* configtest asks for mod_proxy_http */
    default:
        return SL_GATEWAY_EHR_ERROR; /* 500 is what mod_proxy says of a failed TLS handshake */
    }
}

/** A kept connection may have ended just when it was used; reads are sent once more. */
static bool may_repeat(const sl_gateway_call_t *call, int rc)
{
    if (call->attempts > 1 || !call->fhir.is_read || !call->is_whole ||
        apr_table_get(call->r->notes, "proxy_timedout") != NULL) {
        return false;
    }
    return call->answer == SL_ANSWER_NONE ||
           (call->answer == SL_ANSWER_PASSED && rc == HTTP_BAD_GATEWAY);
}

/** What the filters kept back, in words. */
static sl_gateway_no_t judge(sl_gateway_call_t *call, int rc, sl_err_t *err)
{
    switch (call->answer) {
    case SL_ANSWER_PASSED:
        return rc == OK || rc == DONE ? SL_GATEWAY_OK : explain(call, rc);
    case SL_ANSWER_REFUSED:
        return call->grant.via == SL_VIA_SYSTEM ? SL_GATEWAY_EHR_ERROR : SL_GATEWAY_RELAUNCH;
    case SL_ANSWER_NONE:
        (void)sl_err_set(err, SL_UPSTREAM, "SL5832", "the EHR closed the connection");
        return SL_GATEWAY_EHR_ERROR;
    case SL_ANSWER_UNREADABLE:
        (void)sl_err_set(err, SL_UPSTREAM, "SL5833",
                         "the EHR's answer is compressed although nobody asked for that");
        return SL_GATEWAY_EHR_ERROR;
    case SL_ANSWER_CUT:
        (void)sl_err_set(err, SL_UPSTREAM, "SL5834", "the EHR's answer ended before its end");
        return SL_GATEWAY_EHR_ERROR;
    case SL_ANSWER_UNPROVEN:
        (void)sl_err_set(err, SL_DENIED, "SL5835",
                         "the answer is not provably of this session's patient alone");
        return SL_GATEWAY_GUARD;
    case SL_ANSWER_UNRECORDED:
        return SL_GATEWAY_UNRECORDED;
    }
    return SL_GATEWAY_OWN_FAULT;
}

static int run_or_repeat(sl_gateway_call_t *call)
{
    int rc = run(call);

    if (may_repeat(call, rc)) {
        reset(call);
        rc = run(call);
    }
    return rc;
}

/** The EHR said 401: renew the token, once (RFR-5). */
static sl_gateway_no_t renew(sl_gateway_call_t *call, sl_err_t *err)
{
    sl_gateway_no_t no =
        call->grant.via == SL_VIA_SYSTEM
            ? sl_gateway_system_refused(call, err)
            : sl_gateway_no(sl_renew_refused(&call->grant, call->rt, call->ehr,
                                             sl_request_trace(call->r), call->r->pool, err));

    if (no == SL_GATEWAY_OK && !call->is_whole) {
        err->id = NULL;
        return SL_GATEWAY_AGAIN;
    }
    return no;
}

static sl_gateway_no_t exchange(sl_gateway_call_t *call, sl_err_t *err)
{
    int rc = run_or_repeat(call);
    sl_gateway_no_t no = SL_GATEWAY_OK;

    if (call->answer == SL_ANSWER_REFUSED) {
        no = renew(call, err);
        if (no == SL_GATEWAY_OK) {
            reset(call);
            rc = run_or_repeat(call);
        }
        if (no == SL_GATEWAY_OK && call->answer == SL_ANSWER_REFUSED) {
            (void)sl_err_set(err, SL_EXPIRED, "SL5836",
                             "the EHR refuses a token that was renewed for this very call");
        }
    }
    if (no == SL_GATEWAY_OK) {
        no = judge(call, rc, err);
    }
    if (no != SL_GATEWAY_OK) {
        leave_filters(call);
    }
    return no;
}

/** Whoever waits for a renewal holds a worker because of the EHR, as the one who renews does. */
static sl_gateway_no_t forward_in_place(sl_gateway_call_t *call, sl_err_t *err)
{
    const sl_ehr_t *ehr = call->ehr;
    sl_http_gate_t *gate = sl_runtime_gate(call->rt, ehr);
    sl_http_place_t place;
    sl_gateway_no_t no;

    err->id = NULL;
    if (!sl_http_gate_enter(gate, ehr->connect_timeout + ehr->timeout + PLACE_SLACK, &place)) {
        return SL_GATEWAY_BUSY;
    }
    no = make_ready(call, err);
    if (no == SL_GATEWAY_OK) {
        err->id = NULL;
        no = exchange(call, err);
    }
    sl_http_gate_leave(gate, &place);
    return no;
}

sl_gateway_no_t sl_gateway_forward(sl_gateway_call_t *call, sl_err_t *err)
{
    request_rec *r = call->r;
    sl_gateway_no_t no = sl_gateway_body_read(call, replay_limit(call), err);

    if (no != SL_GATEWAY_OK) {
        return no;
    }
    /* Parts of what links were rewritten in would be parts of something else. */
    apr_table_unset(r->headers_in, "Range");
    apr_table_unset(r->headers_in, "If-Range");
    /* Answers in front of the answer pass no filter, and no audit. */
    apr_table_setn(r->subprocess_env, "proxy-interim-response", "Suppress");
    call->headers_out =
        apr_is_empty_table(r->headers_out) ? NULL : apr_table_copy(r->pool, r->headers_out);
    return forward_in_place(call, err);
}
