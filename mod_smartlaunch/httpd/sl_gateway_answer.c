/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The EHR's answer on its way out, first filter: a 401 and a dead connection are kept back, headers
 * are put right, and it is decided which of the other filters there is work for.
 */
#include "httpd/sl_gateway_call.h"
#include "smart/sl_link_rewrite.h"

#include <apr_strings.h>
#include <http_connection.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>
#include <util_filter.h>

static ap_filter_rec_t *answer;
static ap_filter_rec_t *harmless;

/** EOC: mod_proxy would drop the caller's connection without an answer. */
static bool has_end_of_connection(const apr_bucket_brigade *bb)
{
    for (const apr_bucket *e = APR_BRIGADE_FIRST(bb); e != APR_BRIGADE_SENTINEL(bb);
         e = APR_BUCKET_NEXT(e)) {
        if (AP_BUCKET_IS_EOC(e)) {
            return true;
        }
    }
    return false;
}

/**
 * Cookies and rules of the EHR's origin would become those of ours; its software is nobody's
 * business.
 */
static void drop_headers(request_rec *r)
{
    static const char *const names[] = {"Set-Cookie",
                                        "Set-Cookie2",
                                        "WWW-Authenticate",
                                        "Proxy-Authenticate",
                                        "Server",
                                        "X-Powered-By",
                                        "X-AspNet-Version",
                                        "Via",
                                        "Age",
                                        "Expires",
                                        "Pragma",
                                        "Surrogate-Control",
                                        "Accept-Ranges",
                                        "Alt-Svc",
                                        "Clear-Site-Data",
                                        "Content-Security-Policy",
                                        "NEL",
                                        "Refresh",
                                        "Report-To",
                                        "Service-Worker-Allowed",
                                        "SourceMap",
                                        "Strict-Transport-Security",
                                        "Access-Control-Allow-Origin",
                                        "Access-Control-Allow-Credentials",
                                        "Access-Control-Allow-Headers",
                                        "Access-Control-Allow-Methods",
                                        "Access-Control-Expose-Headers",
                                        "Access-Control-Max-Age"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        apr_table_unset(r->headers_out, names[i]);
    }
}

static void rewrite_header(const sl_gateway_call_t *call, const char *name)
{
    apr_table_t *headers = call->r->headers_out;
    const char *value = apr_table_get(headers, name);

    if (value != NULL) {
        apr_table_setn(headers, name,
                       sl_link_rewrite_header(call->r->pool, call->base, call->gateway, value));
    }
}

/** Whatever it is, it is no page of our origin. */
static void make_harmless(request_rec *r)
{
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   "default-src 'none'; frame-ancestors 'none'; sandbox");
}

/** Behind mod_headers: what a host says of its own pages (Header set) is not for these. */
static apr_status_t harmless_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    make_harmless(f->r);
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

static void set_headers(const sl_gateway_call_t *call)
{
    request_rec *r = call->r;

    drop_headers(r);
    rewrite_header(call, "Location");
    rewrite_header(call, "Content-Location");
    r->no_cache = 1;
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    make_harmless(r);
}

/** application/json, application/fhir+json and the like. */
static bool is_json(const request_rec *r)
{
    const char *type = r->content_type;
    size_t len;

    if (type == NULL) {
        return false;
    }
    len = strcspn(type, "; \t");
    return len >= 4 && strncasecmp(type + len - 4, "json", 4) == 0;
}

static bool has_content(const request_rec *r)
{
    return !r->header_only && !AP_STATUS_IS_HEADER_ONLY(r->status);
}

/** INFLATE would mark it ("7-gunzip"), and an If-Match with that is nothing the EHR knows. */
static void keep_etag(request_rec *r)
{
    const char *etag = apr_table_get(r->headers_out, "ETag");

    if (etag != NULL) {
        apr_table_setn(r->err_headers_out, "ETag", etag);
        apr_table_unset(r->headers_out, "ETag");
    }
}

/** Nobody asked for it, but some EHRs compress all the same. False: it cannot be undone. */
static bool decode(sl_gateway_call_t *call)
{
    request_rec *r = call->r;
    const char *encoding = apr_table_get(r->headers_out, "Content-Encoding");

    if (encoding == NULL) {
        return true;
    }
    if (strcasecmp(encoding, "identity") == 0) {
        apr_table_unset(r->headers_out, "Content-Encoding");
        return true;
    }
    if (!has_content(r)) {
        apr_table_unset(r->headers_out, "Content-Encoding");
        apr_table_unset(r->headers_out, "Content-Length");
        return true;
    }
    if ((strcasecmp(encoding, "gzip") != 0 && strcasecmp(encoding, "x-gzip") != 0) ||
        ap_get_output_filter_handle("INFLATE") == NULL) {
        return false;
    }
    keep_etag(r);
    ap_add_output_filter("INFLATE", NULL, r, r->connection);
    return true;
}

/** Bodies that may have links in them; where only the headers come, they tell of no other length.
 */
static void insert_rest(sl_gateway_call_t *call)
{
    request_rec *r = call->r;

    if (has_content(r) && call->verdict.check_answer) {
        sl_gateway_proof_insert(call);
    }
    if (!is_json(r)) {
        ap_add_output_filter_handle(harmless, NULL, r, r->connection);
        return;
    }
    if (r->status == HTTP_PARTIAL_CONTENT) {
        return;
    }
    apr_table_unset(r->headers_out, "Content-Length");
    apr_table_unset(r->headers_out, "Content-MD5");
    apr_table_unset(r->headers_out, "Digest");
    if (has_content(r)) {
        sl_gateway_links_insert(call);
    }
}

/** What becomes of this answer; PASSED: it goes on. */
static sl_answer_t look_at(sl_gateway_call_t *call, const apr_bucket_brigade *bb)
{
    request_rec *r = call->r;

    if (has_end_of_connection(bb)) {
        return SL_ANSWER_NONE;
    }
    if (r->status == HTTP_UNAUTHORIZED) {
        return SL_ANSWER_REFUSED;
    }
    set_headers(call);
    if (!decode(call)) {
        return SL_ANSWER_UNREADABLE;
    }
    insert_rest(call);
    if (has_content(r) && call->verdict.check_answer) {
        return SL_ANSWER_PASSED; /* it may yet be kept back; recorded when it goes out */
    }
    return sl_gateway_record(call) ? SL_ANSWER_PASSED : SL_ANSWER_UNRECORDED;
}

static apr_status_t filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    sl_gateway_call_t *call = f->ctx;

    if (!call->is_proxying) { /* an answer of ours */
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, bb);
    }
    if (call->answer == SL_ANSWER_PASSED && !APR_BRIGADE_EMPTY(bb)) {
        call->answer = look_at(call, bb);
    }
    if (call->answer != SL_ANSWER_PASSED) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void sl_gateway_answer_insert(sl_gateway_call_t *call)
{
    ap_add_output_filter_handle(answer, call, call->r, call->r->connection);
}

void sl_gateway_answer_register(void)
{
    /* Before INFLATE, which is AP_FTYPE_RESOURCE - 1. */
    answer = ap_register_output_filter("SMARTLAUNCH_ANSWER", filter, NULL, AP_FTYPE_RESOURCE - 2);
    harmless = ap_register_output_filter("SMARTLAUNCH_HARMLESS", harmless_filter, NULL,
                                         AP_FTYPE_PROTOCOL - 1);
}
