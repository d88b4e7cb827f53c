/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_trace.h"

#include <apr_strings.h>
#include <string.h>

sl_trace_t *sl_trace_new(apr_pool_t *p, const char *reference)
{
    sl_trace_t *trace = apr_pcalloc(p, sizeof(*trace));

    trace->steps = apr_array_make(p, 4, sizeof(sl_step_t));
    trace->reference = reference;
    trace->p = p;
    return trace;
}

static sl_step_t *push(sl_trace_t *trace, const char *name, int status, apr_time_t began)
{
    sl_step_t *step = apr_array_push(trace->steps);

    step->at = apr_time_now();
    step->step = name;
    step->http_status = status;
    step->ms = began == 0 ? -1 : (int)apr_time_as_msec(step->at - began);
    step->reference = trace->reference;
    return step;
}

void sl_trace_ok(sl_trace_t *trace, const char *name, int status, apr_time_t began,
                 const char *detail)
{
    sl_step_t *step = push(trace, name, status, began);

    step->outcome = "ok";
    step->detail = detail;
}

void sl_trace_explain(sl_trace_t *trace, const char *name, const char *detail)
{
    for (int i = trace->steps->nelts - 1; i >= 0; i--) {
        sl_step_t *step = &APR_ARRAY_IDX(trace->steps, i, sl_step_t);

        if (strcmp(step->step, name) == 0) {
            step->detail = detail;
            return;
        }
    }
}

sl_rc_t sl_trace_failed(sl_trace_t *trace, const char *name, int status, apr_time_t began,
                        const sl_err_t *err)
{
    sl_step_t *step = push(trace, name, status, began);

    step->outcome = err->id;
    step->detail = apr_pstrdup(trace->p, err->text);
    return err->rc;
}
