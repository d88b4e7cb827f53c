/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What httpd itself refuses in a gateway location (Require, limits, a bad query, an ErrorDocument
 * in the place of any of these) is told as FHIR has it, too.
 */
#include "httpd/sl_gateway_call.h"
#include "httpd/sl_respond.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>
#include <util_filter.h>

static const char filter_name[] = "SMARTLAUNCH_ERROR";

static const char *title_of(int status)
{
    switch (status) {
    case HTTP_UNAUTHORIZED:
        return "This server wants to know first who calls";
    case HTTP_FORBIDDEN:
        return "This address is not for everybody";
    case HTTP_NOT_FOUND:
        return "There is nothing at this address";
    case HTTP_METHOD_NOT_ALLOWED:
        return "This address does not take that method";
    case HTTP_REQUEST_TIME_OUT:
        return "The request came too slowly";
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
    case HTTP_REQUEST_URI_TOO_LARGE:
        return "The request is too long";
    default:
        return status < 500 ? "This request cannot be used" : "Something went wrong on our side";
    }
}

static void describe(sl_refusal_t *refusal, int status)
{
    memset(refusal, 0, sizeof(*refusal));
    refusal->status = status;
    refusal->error = "refused";
    refusal->title = title_of(status);
    refusal->text[0] = "Nothing was given out.";
    refusal->log_id = "SL5841";
    refusal->detail = "httpd itself refused a gateway call";
}

/** Headers that belong to such a status survive. */
static const char *body_of(request_rec *r)
{
    static const char *const names[] = {"WWW-Authenticate", "Allow", "Retry-After"};
    const char *values[sizeof(names) / sizeof(names[0])];
    sl_refusal_t refusal;
    const char *body;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        values[i] = apr_table_get(r->headers_out, names[i]);
        values[i] = values[i] != NULL ? values[i] : apr_table_get(r->err_headers_out, names[i]);
    }
    describe(&refusal, r->status);
    body = sl_respond_prepare(r, &refusal);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (values[i] != NULL) {
            apr_table_setn(r->err_headers_out, names[i], values[i]);
        }
    }
    return body;
}

static apr_status_t filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    bool *is_replaced = f->ctx;
    const char *body;

    if (*is_replaced) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    if (sl_request_of(r)->is_answered || r->status < 400) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, bb);
    }
    *is_replaced = true;
    body = body_of(r);
    apr_brigade_cleanup(bb);
    ap_set_content_length(r, (apr_off_t)strlen(body));
    APR_BRIGADE_INSERT_TAIL(
        bb, apr_bucket_pool_create(body, strlen(body), r->pool, f->c->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return ap_pass_brigade(f->next, bb);
}

void sl_gateway_error_insert(request_rec *r)
{
    for (const ap_filter_t *f = r->output_filters; f != NULL; f = f->next) {
        if (f->r == r && strcasecmp(f->frec->name, filter_name) == 0) {
            return;
        }
    }
    ap_add_output_filter(filter_name, apr_pcalloc(r->pool, sizeof(bool)), r, r->connection);
}

void sl_gateway_error_register(void)
{
    (void)ap_register_output_filter(filter_name, filter, NULL, AP_FTYPE_PROTOCOL - 1);
}
