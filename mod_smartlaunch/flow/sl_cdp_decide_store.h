/* SPDX-License-Identifier: Apache-2.0 */
/** What was chosen, sealed and written: the part that people's decisions and SYSTEM's share. */
#ifndef SL_CDP_DECIDE_STORE_H
#define SL_CDP_DECIDE_STORE_H

#include "flow/sl_cdp_sheet_read.h"

/** A candidate that is saved, with its target. */
typedef struct {
    const sl_cdp_target_t *target;
    const sl_cdp_shown_t *shown;
} sl_cdp_choice_of_t;

typedef struct {
    const char *user, *reference;
    apr_int64_t version, seen;
    apr_array_header_t *choose;            /* of sl_cdp_choice_of_t */
    apr_array_header_t *exclude, *include; /* of apr_int64_t */
} sl_cdp_decision_t;

/** SL_CONFLICT: the record is not any more what `version` and `seen` say. */
SL_MUST_USE sl_rc_t sl_cdp_decide_store(sl_cdp_decided_t *out, const sl_cdp_sheet_ask_t *ask,
                                        const sl_cdp_decision_t *decision, apr_pool_t *p,
                                        sl_err_t *err);

#endif
