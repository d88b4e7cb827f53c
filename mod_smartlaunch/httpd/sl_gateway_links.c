/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of the EHR's answers: links point back at the gateway, as a stream; and under the strict
 * guard nothing goes out before all of it has proved to be our patient's.
 */
#include "httpd/sl_gateway_call.h"
#include "smart/sl_link_rewrite.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <stdlib.h>
#include <string.h>
#include <util_filter.h>

APLOG_USE_MODULE(smartlaunch);

#define BLOCK 65536
#define SMALL_BLOCK 4096

static ap_filter_rec_t *links;
static ap_filter_rec_t *proof;

/** Output is gathered in blocks of its own: thousands of buckets a megabyte would be slow. */
typedef struct {
    sl_gateway_call_t *call;
    sl_link_rewrite_t *rewrite;
    apr_bucket_brigade *out;
    apr_bucket_alloc_t *alloc;
    char *block;
    apr_size_t used, size, next_size;
    bool is_out_of_memory;
} links_t;

static void push_block(links_t *state)
{
    if (state->used > 0) {
        APR_BRIGADE_INSERT_TAIL(
            state->out, apr_bucket_heap_create(state->block, state->used, free, state->alloc));
        state->block = NULL;
    }
    state->used = 0;
}

static void sink(void *data, const char *bytes, apr_size_t len)
{
    links_t *state = data;

    while (len > 0) {
        apr_size_t part;

        if (state->block == NULL) {
            state->size = state->next_size;
            state->block = malloc(state->size);
        }
        if (state->block == NULL) {
            state->is_out_of_memory = true;
            return;
        }
        part = len < state->size - state->used ? len : state->size - state->used;
        memcpy(state->block + state->used, bytes, part);
        state->used += part;
        bytes += part;
        len -= part;
        if (state->used == state->size) {
            push_block(state);
        }
    }
}

/** Most answers are short, and links change their length by little. */
static apr_size_t block_for(apr_size_t len)
{
    apr_size_t size = len + len / 8 + SMALL_BLOCK;

    return size < BLOCK ? size : BLOCK;
}

static void tell_foreign(const links_t *state)
{
    const sl_link_counts_t *counts = sl_link_rewrite_counts(state->rewrite);

    if (counts->foreign > 0) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, state->call->r,
                      "SL5840: the answer of <SmartEHR %s> has links to another host, %s: left "
                      "as they are (%" APR_UINT64_T_FMT ")",
                      state->call->ehr->name, counts->foreign_host, counts->foreign);
    }
}

/** One bucket of the answer; others than data go on as they are, in their place. */
static apr_status_t feed(links_t *state, apr_bucket *e)
{
    const char *bytes;
    apr_size_t len;
    apr_status_t status;

    if (APR_BUCKET_IS_METADATA(e)) {
        /* At a flush the rewriter keeps its window: what it holds may become a link yet. */
        if (APR_BUCKET_IS_EOS(e)) {
            sl_link_rewrite_flush(state->rewrite, sink, state);
            tell_foreign(state);
        }
        push_block(state);
        APR_BUCKET_REMOVE(e);
        APR_BRIGADE_INSERT_TAIL(state->out, e);
        return APR_SUCCESS;
    }
    status = apr_bucket_read(e, &bytes, &len, APR_BLOCK_READ);
    if (status == APR_SUCCESS) {
        state->next_size = block_for(len);
        sl_link_rewrite_feed(state->rewrite, bytes, len, sink, state);
        apr_bucket_delete(e);
    }
    return status;
}

static apr_status_t links_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    links_t *state = f->ctx;
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && !APR_BRIGADE_EMPTY(bb)) {
        status = feed(state, APR_BRIGADE_FIRST(bb));
    }
    push_block(state);
    if (state->is_out_of_memory) {
        status = APR_ENOMEM;
    }
    if (status == APR_SUCCESS && !APR_BRIGADE_EMPTY(state->out)) {
        status = ap_pass_brigade(f->next, state->out);
    }
    apr_brigade_cleanup(state->out);
    return status;
}

static apr_status_t drop_block(void *data)
{
    free(((links_t *)data)->block);
    return APR_SUCCESS;
}

void sl_gateway_links_insert(sl_gateway_call_t *call)
{
    request_rec *r = call->r;
    links_t *state = apr_pcalloc(r->pool, sizeof(*state));

    state->call = call;
    state->alloc = r->connection->bucket_alloc;
    state->rewrite = sl_link_rewrite_new(r->pool, call->base, call->gateway);
    state->out = apr_brigade_create(r->pool, state->alloc);
    state->next_size = SMALL_BLOCK;
    apr_pool_cleanup_register(r->pool, state, drop_block, apr_pool_cleanup_null);
    ap_add_output_filter_handle(links, state, r, r->connection);
}

typedef struct {
    sl_gateway_call_t *call;
    apr_bucket_brigade *kept;
    apr_off_t len;
} proof_t;

/** The whole answer is there; one without a body tells nothing. */
static bool is_proven(proof_t *state)
{
    request_rec *r = state->call->r;
    char *bytes = NULL;
    apr_size_t len = 0;
    sl_err_t err;

    if (state->len == 0) {
        return true;
    }
    return apr_brigade_pflatten(state->kept, &bytes, &len, r->pool) == APR_SUCCESS &&
           sl_guard_answer(state->call->grant.patient, state->call->ehr->issuer, bytes, len,
                           r->pool, &err) == SL_OK;
}

/** Keep what came. @return true with the end of the answer */
static bool keep(proof_t *state, apr_bucket_brigade *bb)
{
    while (!APR_BRIGADE_EMPTY(bb)) {
        apr_bucket *e = APR_BRIGADE_FIRST(bb);
        bool is_end = APR_BUCKET_IS_EOS(e);

        APR_BUCKET_REMOVE(e);
        if (AP_BUCKET_IS_ERROR(e)) {
            state->call->answer = SL_ANSWER_CUT;
        }
        if (APR_BUCKET_IS_METADATA(e) && !is_end) {
            apr_bucket_destroy(e);
            continue;
        }
        if (apr_bucket_setaside(e, state->call->r->pool) == APR_ENOTIMPL) {
            const char *bytes;
            apr_size_t len;

            (void)apr_bucket_read(e, &bytes, &len, APR_BLOCK_READ);
        }
        state->len += (apr_off_t)e->length;
        APR_BRIGADE_INSERT_TAIL(state->kept, e);
        if (is_end) {
            return true;
        }
    }
    return false;
}

static apr_status_t proof_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    proof_t *state = f->ctx;
    bool is_end = keep(state, bb);

    if (state->call->answer == SL_ANSWER_PASSED &&
        (state->len > SL_GUARD_MAX_ANSWER || (is_end && !is_proven(state)))) {
        state->call->answer = SL_ANSWER_UNPROVEN;
    }
    if (is_end && state->call->answer == SL_ANSWER_PASSED && !sl_gateway_record(state->call)) {
        state->call->answer = SL_ANSWER_UNRECORDED;
    }
    if (state->call->answer != SL_ANSWER_PASSED) {
        apr_brigade_cleanup(state->kept);
        return APR_EGENERAL; /* mod_proxy need not read on */
    }
    if (!is_end) {
        return APR_SUCCESS;
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, state->kept);
}

void sl_gateway_proof_insert(sl_gateway_call_t *call)
{
    request_rec *r = call->r;
    proof_t *state = apr_pcalloc(r->pool, sizeof(*state));

    state->call = call;
    state->kept = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_table_unset(r->headers_out, "Content-Length");
    ap_add_output_filter_handle(proof, state, r, r->connection);
}

void sl_gateway_links_register(void)
{
    links = ap_register_output_filter("SMARTLAUNCH_LINKS", links_filter, NULL, AP_FTYPE_RESOURCE);
    proof = ap_register_output_filter("SMARTLAUNCH_PROOF", proof_filter, NULL, AP_FTYPE_RESOURCE);
}
