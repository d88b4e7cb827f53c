/* SPDX-License-Identifier: Apache-2.0 */
/** Can what a form says be done to this sheet? Never believes a form. No I/O. */
#ifndef SL_CDP_DECIDE_CHECK_H
#define SL_CDP_DECIDE_CHECK_H

#include "flow/sl_cdp_decide_store.h"

/**
 * Fill in choose, exclude and include of `decision`, whose `seen` is set.
 * @return SL_INVALID: as sl_cdp_decide(); SL_NONE: ids that the sheet does not have, in `unknown`
 */
SL_MUST_USE sl_rc_t sl_cdp_decide_check(sl_cdp_decision_t *decision, apr_array_header_t **unknown,
                                        const sl_cdp_sheet_t *sheet,
                                        const sl_cdp_choices_t *choices, apr_pool_t *p,
                                        sl_err_t *err);

#endif
