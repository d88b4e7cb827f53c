/* SPDX-License-Identifier: Apache-2.0 */
/** The flight recorder: table launch_step. Rows are added, never changed. */
#ifndef SL_STORE_STEP_H
#define SL_STORE_STEP_H

#include "store/sl_db.h"
#include <apr_tables.h>

/** One step of a handshake. Holds no secret and no patient: it is read by DBAs. */
typedef struct {
    apr_time_t at;
    const char *step;      /* "launch", "discovery", "authorize", "callback", "token", … */
    const char *outcome;   /* "ok", or the log id of what went wrong */
    int http_status;       /* of what the step was about; 0: none */
    int ms;                /* how long it took; negative: not measured */
    const char *detail;    /* redacted sentence, or NULL */
    const char *reference; /* the id the user sees and the error log has */
} sl_step_t;

/** Every `steps` argument of store/ is an array of sl_step_t, or NULL for none. */
typedef apr_array_header_t sl_steps_t;

/** Add steps of a launch, or of a request that never became one (`launch` NULL). */
SL_MUST_USE sl_rc_t sl_store_steps_add(sl_db_t *db, const char *launch, const sl_steps_t *steps,
                                       apr_pool_t *p, sl_err_t *err);

/** A step as it was stored. */
typedef struct {
    sl_step_t step;
    const char *launch; /* NULL: it never became one */
} sl_step_row_t;

/**
 * All steps of the handshakes in which this reference occurs, oldest first (array of
 * sl_step_row_t). SL_NONE: no step has it.
 */
SL_MUST_USE sl_rc_t sl_store_steps_find(apr_array_header_t **out, sl_db_t *db,
                                        const char *reference, apr_pool_t *p, sl_err_t *err);

/** All steps of one launch, the same way. An empty array: none (any more). */
SL_MUST_USE sl_rc_t sl_store_steps_of(apr_array_header_t **out, sl_db_t *db, const char *launch,
                                      apr_pool_t *p, sl_err_t *err);

/** As JSON text, the way statements take steps. "[]" for NULL. */
const char *sl_store_steps_json(const sl_steps_t *steps, apr_pool_t *p);

#endif
