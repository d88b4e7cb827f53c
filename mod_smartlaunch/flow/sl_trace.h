/* SPDX-License-Identifier: Apache-2.0 */
/** The steps of one request, gathered for the flight recorder (table launch_step). */
#ifndef SL_TRACE_H
#define SL_TRACE_H

#include "store/sl_store_step.h"

typedef struct {
    sl_steps_t *steps;
    const char *reference; /* of this request, as the user sees it */
    apr_pool_t *p;
    bool holds_place; /* in the EHR's gate: what this request asks the EHR takes no other */
} sl_trace_t;

/** An empty trace. */
sl_trace_t *sl_trace_new(apr_pool_t *p, const char *reference);

/** A step that went well. `status` 0: none; `began` 0: not measured; `detail` may be NULL. */
void sl_trace_ok(sl_trace_t *trace, const char *step, int status, apr_time_t began,
                 const char *detail);

/** Say more of the newest step of this name; without one nothing happens. */
void sl_trace_explain(sl_trace_t *trace, const char *step, const char *detail);

/** A step that failed: outcome and detail come from `err`. Hands back err->rc. */
sl_rc_t sl_trace_failed(sl_trace_t *trace, const char *step, int status, apr_time_t began,
                        const sl_err_t *err);

#endif
