/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The second half of a launch: the EHR's answer comes back to the Redirect URL.
 * Two calls, since the name of an app user may follow from the EHR user's (SmartLink same-name):
 * sl_finish_answer, then, unless it is done, sl_finish_settle.
 */
#ifndef SL_FINISH_H
#define SL_FINISH_H

#include "flow/sl_redeem.h"
#include "smart/sl_redirect.h"
#include "store/sl_store_link.h"

typedef struct {
    const sl_site_t *site;
    const sl_redirect_t *answer; /* of kind CODE or ERROR */
    const char *browser;         /* value of our cookie, checked; NULL: none came */
    bool toplevel;               /* the browser says it is in a window of its own, no frame */
    bool is_untied;              /* no cookie tells that this browser began it: always held */
} sl_finish_t;

/** A launch between claim and settlement. */
typedef struct {
    const sl_ehr_t *ehr;
    sl_launch_claimed_t claimed;
    sl_pending_t pending;
    sl_redeemed_t redeemed;
} sl_finishing_t;

typedef struct {
    bool done;               /* by sl_finish_answer: it was finished before, by this browser */
    bool held;               /* somebody else is live here: ask, on the confirm page */
    const char *handle;      /* where to go on */
    const char *new_browser; /* value for the cookie; NULL: leave it */
    sl_link_state_t link_state;
    bool asks;             /* a question is open: does the user who began it join the accounts? */
    const char *return_to; /* where a standalone launch goes back to; NULL: SmartTarget */
    const char *app_user; /* NULL unless linked */
} sl_finished_t;

/**
 * Claim the launch and redeem its code. SL_INVALID, SL_FOREIGN, SL_EXPIRED, SL_USED: 400 and no
 * token call; SL_DENIED: the user or the EHR refused; the launch is closed then.
 */
SL_MUST_USE sl_rc_t sl_finish_answer(sl_finished_t *out, sl_finishing_t *finishing,
                                     const sl_runtime_t *rt, const sl_finish_t *finish,
                                     sl_trace_t *trace, sl_err_t *err);

/**
 * Store tokens, link and launch in one commit.
 * @param same_name the app user that the EHR user's name gives; NULL: none, or another policy
 * @return SL_CONFLICT: the names are linked otherwise; SL_DENIED: this user may not be linked
 */
SL_MUST_USE sl_rc_t sl_finish_settle(sl_finished_t *out, const sl_runtime_t *rt,
                                     const sl_finish_t *finish, sl_finishing_t *finishing,
                                     const char *same_name, sl_trace_t *trace, sl_err_t *err);

#endif
