/* SPDX-License-Identifier: Apache-2.0 */
/** Steps of a launch in plain words, for sl_ctl_trace.c. */
#ifndef SL_CTL_TRACE_H
#define SL_CTL_TRACE_H

#include "store/sl_rows.h"
#include "store/sl_store_step.h"

/** What a step was: a sentence, with its detail where it has one. */
const char *sl_ctl_trace_step(const sl_step_t *step, apr_pool_t *p);

/** Row 0 of a launch (columns of launch_status): who, where, and how it stands. Two lines. */
const char *sl_ctl_trace_launch(const sl_rows_t *rows, apr_pool_t *p);

/** Row `i` of calls through the gateway (sl_store_admin_calls). */
const char *sl_ctl_trace_call(const sl_rows_t *rows, int i, apr_pool_t *p);

#endif
