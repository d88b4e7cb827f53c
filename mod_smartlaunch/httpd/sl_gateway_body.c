/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of requests. What fits SmartReplay is read before mod_proxy starts, in memory, so that it
 * can be sent again; mod_proxy then meets all of it in one piece, and so makes no temporary file
 * of it. Longer ones stream through untouched.
 */
#include "httpd/sl_gateway_call.h"
#include "smart/sl_session_param.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>
#include <util_filter.h>

#define FIRST_PIECE 8192

static ap_filter_rec_t *replay;

typedef struct {
    char *bytes;
    apr_size_t len, size;
} buffer_t;

static void grow(buffer_t *buffer, apr_size_t needed, apr_pool_t *p)
{
    apr_size_t size = buffer->size > 0 ? buffer->size : FIRST_PIECE;
    char *bytes;

    while (size < needed) {
        size *= 2;
    }
    bytes = apr_palloc(p, size);
    if (buffer->len > 0) {
        memcpy(bytes, buffer->bytes, buffer->len);
    }
    buffer->bytes = bytes;
    buffer->size = size;
}

/** Take a brigade's bytes. */
static apr_status_t take(buffer_t *buffer, apr_bucket_brigade *bb, bool *is_end, apr_pool_t *p)
{
    apr_bucket *e;

    for (e = APR_BRIGADE_FIRST(bb); e != APR_BRIGADE_SENTINEL(bb); e = APR_BUCKET_NEXT(e)) {
        const char *bytes;
        apr_size_t len;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(e)) {
            *is_end = true;
            return APR_SUCCESS;
        }
        if (APR_BUCKET_IS_METADATA(e)) {
            continue;
        }
        status = apr_bucket_read(e, &bytes, &len, APR_BLOCK_READ);
        if (status != APR_SUCCESS) {
            return status;
        }
        if (buffer->len + len + 1 > buffer->size) {
            grow(buffer, buffer->len + len + 1, p);
        }
        memcpy(buffer->bytes + buffer->len, bytes, len);
        buffer->len += len;
    }
    return APR_SUCCESS;
}

static sl_gateway_no_t unreadable(apr_status_t status, sl_err_t *err)
{
    if (status == AP_FILTER_ERROR) { /* a filter of httpd's has answered already */
        return SL_GATEWAY_ANSWERED;
    }
    if (APR_STATUS_IS_ENOSPC(status)) {
        return SL_GATEWAY_BODY_LONG;
    }
    (void)sl_err_set(err, SL_INVALID, "SL5830", "the caller's body ended before its end");
    return SL_GATEWAY_BODY_BAD;
}

static sl_gateway_no_t read_all(sl_gateway_call_t *call, apr_off_t limit, sl_err_t *err)
{
    request_rec *r = call->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    buffer_t buffer = {NULL, 0, 0};
    bool is_end = false;

    while (!is_end && (apr_off_t)buffer.len <= limit) {
        apr_status_t status =
            ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, FIRST_PIECE);

        if (status == APR_SUCCESS) {
            status = take(&buffer, bb, &is_end, r->pool);
        }
        apr_brigade_cleanup(bb);
        if (status != APR_SUCCESS) {
            return unreadable(status, err);
        }
    }
    apr_brigade_destroy(bb);
    if (buffer.bytes != NULL) {
        buffer.bytes[buffer.len] = '\0';
    }
    call->is_read = true;
    call->is_whole = is_end;
    call->body = buffer.bytes != NULL ? buffer.bytes : "";
    call->body_len = buffer.len;
    return SL_GATEWAY_OK;
}

/** Content-Length; 0: none was sent; -1: chunked, so nobody knows. */
static apr_off_t announced(const request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t value = 0;

    if (apr_table_get(r->headers_in, "Transfer-Encoding") != NULL) {
        return -1;
    }
    if (length == NULL || apr_strtoff(&value, length, NULL, 10) != APR_SUCCESS) {
        return 0; /* httpd itself refuses a malformed one when the body is read */
    }
    return value;
}

/** Neither mod_proxy nor the guard could do anything with a body that is packed besides. */
static bool is_packed(const request_rec *r)
{
    const char *coding = apr_table_get(r->headers_in, "Transfer-Encoding");

    return coding != NULL && strcasecmp(coding, "chunked") != 0;
}

sl_gateway_no_t sl_gateway_body_read(sl_gateway_call_t *call, apr_off_t limit, sl_err_t *err)
{
    apr_off_t length;

    err->id = NULL;
    if (call->is_read || call->is_whole) {
        return SL_GATEWAY_OK;
    }
    if (is_packed(call->r)) {
        return SL_GATEWAY_BODY_BAD;
    }
    length = announced(call->r);
    call->has_body = length != 0;
    if (!call->has_body) {
        call->is_whole = true;
        return SL_GATEWAY_OK;
    }
    return length > limit ? SL_GATEWAY_OK : read_all(call, limit, err);
}

static bool is_form(const request_rec *r)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = apr_table_get(r->headers_in, "Content-Type");

    return type != NULL && strncasecmp(type, form, sizeof(form) - 1) == 0 &&
           !apr_isalnum(type[sizeof(form) - 1]);
}

/** Compressed: the guard has its say about that. */
static bool is_encoded(const request_rec *r)
{
    const char *encoding = apr_table_get(r->headers_in, "Content-Encoding");

    return encoding != NULL && strcasecmp(encoding, "identity") != 0;
}

sl_gateway_no_t sl_gateway_body_form(sl_gateway_call_t *call, sl_err_t *err)
{
    sl_session_param_t param;
    sl_gateway_no_t no;

    err->id = NULL;
    if (call->fhir.kind != SL_FHIR_SEARCH || call->r->method_number != M_POST ||
        !is_form(call->r) || is_encoded(call->r)) {
        return SL_GATEWAY_OK;
    }
    no = sl_gateway_body_read(call, SL_GUARD_MAX_BODY, err);
    if (no != SL_GATEWAY_OK || !call->has_body) {
        return no;
    }
    if (!call->is_whole || memchr(call->body, '\0', call->body_len) != NULL) {
        return call->is_whole ? SL_GATEWAY_BODY_BAD : SL_GATEWAY_BODY_LONG;
    }
    sl_session_param_take(&param, call->body, sl_conf_session_params(call->location),
                          call->r->pool);
    if (param.several || (param.session != NULL && call->session != NULL &&
                          strcmp(param.session, call->session) != 0)) {
        return SL_GATEWAY_TWO_SESSIONS;
    }
    if (call->session == NULL) {
        call->session = param.session;
    }
    call->body = param.rest != NULL ? param.rest : "";
    call->body_len = strlen(call->body);
    return SL_GATEWAY_OK;
}

/** What was read in advance, then the end, or whatever else there is to read. */
static apr_status_t replay_filter(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                  apr_read_type_e block, apr_off_t readbytes)
{
    const sl_gateway_call_t *call = f->ctx;
    apr_bucket_alloc_t *alloc = f->c->bucket_alloc;

    if (mode != AP_MODE_READBYTES && mode != AP_MODE_SPECULATIVE) {
        return ap_get_brigade(f->next, bb, mode, block, readbytes);
    }
    if (call->body_len > 0) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_immortal_create(call->body, call->body_len, alloc));
    }
    if (call->is_whole) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    }
    if (mode == AP_MODE_READBYTES) {
        ap_remove_input_filter(f);
    }
    return APR_SUCCESS;
}

void sl_gateway_body_replay(sl_gateway_call_t *call)
{
    if (call->is_read) {
        ap_add_input_filter_handle(replay, call, call->r, call->r->connection);
    }
}

void sl_gateway_body_register(void)
{
    /* Above all others: what was read has been through them. */
    replay =
        ap_register_input_filter("SMARTLAUNCH_BODY", replay_filter, NULL, AP_FTYPE_RESOURCE - 1);
}
