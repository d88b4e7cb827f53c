/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_session.h"

#include <string.h>

sl_rc_t sl_session_begin(const char **new_browser, const sl_runtime_t *rt,
                         const sl_browser_key_t *key, const char *user, sl_trace_t *trace,
                         sl_err_t *err)
{
    unsigned char old_hash[SL_SHA256_LEN], new_hash[SL_SHA256_LEN];
    unsigned char handle_hash[SL_SHA256_LEN], session_hash[SL_SHA256_LEN];
    const char *handle;
    const char *session;
    sl_launch_finished_t done = {0};
    sl_session_new_t row;
    sl_rc_t rc;

    memset(&row, 0, sizeof(row));
    row.key_id = sl_keyring_active(rt->ring);
    rc = sl_store_launch_id(&row.id, key->now, trace->p, err);
    if (rc == SL_OK) {
        rc = sl_id_new(new_browser, rt->ring, SL_ID_BROWSER, trace->p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (sl_id_derive(&handle, rt->ring, row.key_id, SL_ID_HANDLE, row.id, trace->p) != SL_OK ||
        sl_id_derive(&session, rt->ring, row.key_id, SL_ID_SESSION, row.id, trace->p) != SL_OK) {
        return sl_err_set(err, SL_FAILED, "SL4701", "the active key of the ring is gone");
    }
    sl_id_print(handle, handle_hash);
    sl_id_print(session, session_hash);
    sl_id_print(*new_browser, new_hash);
    if (key->cookie != NULL) {
        sl_id_print(key->cookie, old_hash);
        row.browser_hash = old_hash;
    }
    row.app = key->app;
    row.app_user = user;
    row.new_browser_hash = new_hash;
    row.handle_hash = handle_hash;
    row.session_hash = session_hash;
    row.max = key->max;
    sl_trace_ok(trace, "session", 0, 0, "the app said who logged in");
    row.steps = trace->steps;
    rc = sl_store_session_begin(&done, rt->db, &row, trace->p, err);
    if (key->cookie != NULL) { /* not before: somebody might read what was, and keep it */
        sl_browser_forget(rt, key->cookie, key->app);
    }
    return rc;
}
