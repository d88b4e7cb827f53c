/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Documents of an EHR (smart-configuration, openid-configuration, keys) by way of shared memory:
 * fetched once for all children, at most one request in flight per host, failures remembered for
 * a short while, and an old document kept in use while the EHR cannot be asked (DIS-9).
 */
#ifndef SL_DOCUMENT_H
#define SL_DOCUMENT_H

#include "flow/sl_runtime.h"
#include "flow/sl_trace.h"

#define SL_DOCUMENT_FRESH apr_time_from_sec(3600)
#define SL_DOCUMENT_STALE apr_time_from_sec(24 * 3600)
#define SL_DOCUMENT_FAILED apr_time_from_sec(5)
#define SL_DOCUMENT_MOMENT apr_time_from_sec(1) /* how long one waits beyond SmartOutbound max= */

typedef struct {
    const sl_ehr_t *ehr;
    const char *url;
    const char *step; /* its name in the flight recorder: "discovery", "jwks" */
    apr_size_t max_bytes;
    apr_time_t newer_than; /* a copy stored before this instant will not do; 0: any fresh one */
} sl_document_t;

typedef struct {
    const char *body;
    apr_size_t len;
} sl_document_body_t;

/**
 * The document. SL_UPSTREAM, SL_TIMEOUT or SL_BUSY: the EHR, now or a moment ago.
 * @param out owned by `p`
 */
SL_MUST_USE sl_rc_t sl_document_get(sl_document_body_t *out, const sl_runtime_t *rt,
                                    const sl_document_t *document, sl_trace_t *trace,
                                    sl_err_t *err);

/** It could not be used: forget it, and answer `err` to everybody for a short while. */
void sl_document_reject(const sl_runtime_t *rt, const sl_document_t *document, const sl_err_t *err);

/** Forget it, so that the next one to ask fetches it anew. */
void sl_document_forget(const sl_runtime_t *rt, const sl_document_t *document);

#endif
