/* SPDX-License-Identifier: Apache-2.0 */
/** The rows of a record's sheet, opened. What cannot be opened is shown as unreadable (H1). */
#ifndef SL_CDP_SHEET_OPEN_H
#define SL_CDP_SHEET_OPEN_H

#include "flow/sl_cdp_sheet_build.h"
#include "flow/sl_cdp_sheet_read.h"

/** Fill in `values`, `last`, `dates` where the app does not tell them, and the newest id among the
 * values. */
SL_MUST_USE sl_rc_t sl_cdp_sheet_open(sl_cdp_sheet_parts_t *parts, apr_int64_t *newest,
                                      const sl_cdp_sheet_ask_t *ask, apr_pool_t *p, sl_err_t *err);

#endif
