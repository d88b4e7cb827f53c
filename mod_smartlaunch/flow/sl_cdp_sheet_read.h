/* SPDX-License-Identifier: Apache-2.0 */
/** Reading a record's sheet from tables and app, for the screen and for decisions. */
#ifndef SL_CDP_SHEET_READ_H
#define SL_CDP_SHEET_READ_H

#include "flow/sl_cdp_sheet.h"

typedef struct {
    const sl_cdp_t *cdp;
    const sl_cdp_project_t *project;
    const char *record;
    bool without_current; /* the app is not asked what the record has: `current`, `date`, `clear`
                             and `ticked` do not count then */
} sl_cdp_sheet_ask_t;

/** As sl_cdp_sheet_load(), without a view log. */
SL_MUST_USE sl_rc_t sl_cdp_sheet_read(sl_cdp_sheet_t *out, const sl_cdp_sheet_ask_t *ask,
                                      apr_pool_t *p, sl_err_t *err);

/** Is `token` the one of sl_cdp_sheet_token()? SL_DENIED: it is not ours. */
SL_MUST_USE sl_rc_t sl_cdp_sheet_check(apr_int64_t *version, apr_int64_t *seen,
                                       const sl_cdp_sheet_ask_t *ask, const sl_cdp_actor_t *actor,
                                       const char *token, apr_pool_t *p, sl_err_t *err);

#endif
