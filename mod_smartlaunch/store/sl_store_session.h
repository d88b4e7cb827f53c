/* SPDX-License-Identifier: Apache-2.0 */
/** Launches after the handshake: which a browser has, who logged in, how they end. */
#ifndef SL_STORE_SESSION_H
#define SL_STORE_SESSION_H

#include "store/sl_store_launch.h"

/** A finished launch of one browser. Texts may be NULL where the launch has none. */
typedef struct {
    const char *id, *app, *ehr, *key_id; /* ehr NULL: kind session */
    sl_launch_kind_t kind;
    sl_launch_state_t state; /* HELD, LIVE or ENDED */
    sl_link_state_t link_state;
    const char *link;
    const char *app_user, *ehr_user, *issuer, *sub, *source, *fhir_user;
    const char *patient, *encounter, *context, *scope_granted;
    const char *login_user; /* the app said this user logged in; waits for the confirm page */
    const char *return_to, *redirect_path, *end_reason;
    const char *stand_in_for; /* the launch that left this browser by a ticket; NULL: this is one */
    apr_time_t authorized_at, last_seen_at, expires_at, ended_at, login_at, token_expires_at;
    bool old_cookie; /* found by the cookie before the last renewal */
} sl_launch_t;

typedef struct {
    const unsigned char *browser_hash;
    const char *app;           /* NULL: of every app */
    apr_interval_time_t since; /* SmartSession max: how far back ended ones count */
    int limit;                 /* 0: 64 */
} sl_browser_query_t;

typedef struct {
    apr_array_header_t *launches; /* of sl_launch_t, newest first */
    bool more;                    /* there are more than `limit` */
    apr_time_t now;               /* the database's clock */
} sl_browser_t;

/**
 * The launches of a browser: held, live and ended ones. A cookie that was renewed less than 10
 * seconds ago finds those that were live before. Idle and absolute limits are the caller's to
 * judge. SL_OK also when there are none.
 */
SL_MUST_USE sl_rc_t sl_store_browser_launches(sl_browser_t *out, sl_db_t *db,
                                              const sl_browser_query_t *query, apr_pool_t *p,
                                              sl_err_t *err);

/** It was used just now. SL_EXPIRED: not live any more. */
SL_MUST_USE sl_rc_t sl_store_launch_touch(sl_db_t *db, const char *id, sl_err_t *err);

/** End launches: the named one, or all of a browser. */
typedef struct {
    const char *id; /* or NULL. With revoke_tokens and of a standalone launch: its
                       user's session in the app ends, too */
    const unsigned char *browser_hash; /* with id: only when it is this browser's. Never NULL */
    const char *app;                   /* without id: of this app only; NULL: every app */
    const char *reason;                /* "logout", "idle", "expired", "other user", … */
    bool revoke_tokens;                /* logout does; an idle session leaves its token usable */
    const sl_steps_t *steps;
} sl_launch_end_t;

/** @param ended how many ended; 0 is no error */
SL_MUST_USE sl_rc_t sl_store_launch_end(int *ended, sl_db_t *db, const sl_launch_end_t *end,
                                        apr_pool_t *p, sl_err_t *err);

/**
 * The app said that `login_user` logged in on this pending launch; NULL takes it back.
 * `return_to` NULL leaves it. SL_EXPIRED: not a live pending launch.
 */
SL_MUST_USE sl_rc_t sl_store_launch_login(sl_db_t *db, const char *id, const char *login_user,
                                          const char *return_to, sl_err_t *err);

/** A session without an EHR: the app said who logged in, and there is no launch. */
typedef struct {
    const char *id, *app, *app_user, *key_id;
    const unsigned char *browser_hash; /* NULL: the browser had no cookie */
    const unsigned char *new_browser_hash, *handle_hash, *session_hash;
    apr_interval_time_t max;
    const sl_steps_t *steps;
} sl_session_new_t;

/**
 * Live at once; other people's launches of this app in this browser end; the browser moves to its
 * new cookie (`moved` is always true). SL_EXPIRED: the cookie was renewed seconds ago, this request
 * came with the one before; nothing has happened.
 */
SL_MUST_USE sl_rc_t sl_store_session_begin(sl_launch_finished_t *out, sl_db_t *db,
                                           const sl_session_new_t *session, apr_pool_t *p,
                                           sl_err_t *err);

#endif
