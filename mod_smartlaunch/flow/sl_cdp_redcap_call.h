/* SPDX-License-Identifier: Apache-2.0 */
/** One call of REDCap's API: a form with the token in it, JSON back. */
#ifndef SL_CDP_REDCAP_CALL_H
#define SL_CDP_REDCAP_CALL_H

#include "base/sl_json.h"
#include "flow/sl_cdp.h"

#define SL_CDP_REDCAP_MAX_BYTES (8 * 1024 * 1024)

typedef struct {
    sl_json_t *json;   /* what it gave: object or array; NULL: it refused */
    const char *error; /* its words when it refused what was asked, which may hold values */
} sl_cdp_redcap_reply_t;

/**
 * Ask it. SL_OK: it gave, or refused by itself (status 4xx with its own {"error"}). SL_DENIED: the
 * token. SL_BUSY, SL_TIMEOUT, SL_UPSTREAM: no answer that can be used.
 * @param form names and values, without token and formats; UTF-8
 */
SL_MUST_USE sl_rc_t sl_cdp_redcap_call(sl_cdp_redcap_reply_t *out, const sl_cdp_t *cdp,
                                       const sl_cdp_project_t *project, const apr_table_t *form,
                                       apr_pool_t *p, sl_err_t *err);

#endif
