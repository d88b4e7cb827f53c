/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Inside of sl_grant: tokens and whose they are in shared memory. A session's entry is found by the
 * session id itself (random and checked, so no digest is needed); a user's holds the session id.
 */
#ifndef SL_GRANT_MEMORY_H
#define SL_GRANT_MEMORY_H

#include "flow/sl_grant.h"

typedef struct {
    sl_token_view_t view; /* in our time, without the refresh token; launch NULL: no such session */
    bool unsaved;         /* in the journal, not in PostgreSQL */
    bool fresh;           /* read a moment ago: no need to ask */
} sl_grant_held_t;

/** False: nothing is known. Texts live in `p`. */
bool sl_grant_memory_get(sl_grant_held_t *out, const sl_runtime_t *rt, const char *session,
                         apr_pool_t *p);

/**
 * Store what was read since `began`. What somebody forgot meanwhile stays forgotten, and what is
 * newer stays. A view without launch: there is no such session.
 */
void sl_grant_memory_put(const sl_runtime_t *rt, const char *session, const sl_grant_held_t *held,
                         apr_time_t began);

/** A user's session id. @return NULL: not known; `fresh` as above */
const char *sl_grant_memory_user(bool *fresh, const sl_runtime_t *rt, const sl_token_of_user_t *who,
                                 apr_pool_t *p);
void sl_grant_memory_put_user(const sl_runtime_t *rt, const sl_token_of_user_t *who,
                              const char *session, apr_time_t began);

#endif
