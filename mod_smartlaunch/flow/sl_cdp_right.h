/* SPDX-License-Identifier: Apache-2.0 */
/** Who may do what in a project: rows of cdp_right, and the app's own word (SmartCDPAccess). */
#ifndef SL_CDP_RIGHT_H
#define SL_CDP_RIGHT_H

#include "flow/sl_cdp.h"

typedef struct {
    bool setup, adjudicate;
} sl_cdp_rights_t;

/**
 * The rights of a user; both false: none. With SmartCDPAccess the app is asked once per session and
 * project (remembered in shared memory for `SmartSession idle` at most, by launch or by user): POST
 * user=…&project=…, "1" lets in; "0", anything else and no answer take every right away (H9).
 * SL_UNAVAILABLE, SL_BUSY: PostgreSQL.
 */
SL_MUST_USE sl_rc_t sl_cdp_right_of(sl_cdp_rights_t *out, const sl_cdp_t *cdp,
                                    const sl_cdp_project_t *project, const sl_cdp_actor_t *actor,
                                    apr_pool_t *p, sl_err_t *err);

/** Can `text` be the name of a user: one line of UTF-8? Nobody else has a right. */
bool sl_cdp_right_is_user(const char *text);

/** SmartCDPAccess alone. SL_DENIED: refused, or no answer to go by. */
SL_MUST_USE sl_rc_t sl_cdp_access_ask(const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                                      const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err);

/** Give (`may`) or take a right: "setup" or "adjudicate". SL_INVALID: the word, or the name. */
typedef struct {
    const char *right;
    bool may;
    const char *by; /* who gives or takes it */
} sl_cdp_right_change_t;
SL_MUST_USE sl_rc_t sl_cdp_right_set(const sl_cdp_t *cdp, const char *project, const char *user,
                                     const sl_cdp_right_change_t *change, sl_err_t *err);

/** Everybody with a right: of sl_cdp_right_row_t, by name. */
typedef struct {
    const char *user;
    sl_cdp_rights_t rights;
    const char *granted_by;
    apr_time_t granted_at;
} sl_cdp_right_row_t;
SL_MUST_USE sl_rc_t sl_cdp_right_list(apr_array_header_t **out, const sl_cdp_t *cdp,
                                      const char *project, apr_pool_t *p, sl_err_t *err);

#endif
