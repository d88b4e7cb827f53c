/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Links of FHIR answers point back at the gateway (design section 11, "Gateway"): a stream in, a
 * stream out, bounded memory, every other byte untouched (FHR-4, FHR-5).
 */
#ifndef SL_LINK_REWRITE_H
#define SL_LINK_REWRITE_H

#include <apr_pools.h>
#include <stdbool.h>

typedef struct sl_link_rewrite sl_link_rewrite_t;

/** Where output goes: `bytes` are the sink's to copy before it returns. */
typedef void (*sl_link_sink_fn)(void *data, const char *bytes, apr_size_t len);

typedef struct {
    apr_uint64_t links;     /* rewritten */
    apr_uint64_t foreign;   /* Bundle.link to another host: left alone */
    char foreign_host[128]; /* the first such host, for the log; "" none */
} sl_link_counts_t;

/** @param base FHIR base of the EHR (no slash at its end) @param gateway what replaces it */
sl_link_rewrite_t *sl_link_rewrite_new(apr_pool_t *p, const char *base, const char *gateway);

/** Some more of the body; any split gives the same output. */
void sl_link_rewrite_feed(sl_link_rewrite_t *rewrite, const char *bytes, apr_size_t len,
                          sl_link_sink_fn sink, void *data);

/**
 * What is still held back goes out as it is: at the end of the body, and before a flush that must
 * not wait. After a flush the rewriter goes on.
 */
void sl_link_rewrite_flush(sl_link_rewrite_t *rewrite, sl_link_sink_fn sink, void *data);

const sl_link_counts_t *sl_link_rewrite_counts(const sl_link_rewrite_t *rewrite);

/**
 * The same for the value of Location and Content-Location: below the base it points at the
 * gateway, else it is left alone. @return the very pointer given when nothing changes
 */
const char *sl_link_rewrite_header(apr_pool_t *p, const char *base, const char *gateway,
                                   const char *value);

#endif
