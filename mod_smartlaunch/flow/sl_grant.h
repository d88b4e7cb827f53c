/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which token a call of the gateway gets, by way of shared memory (design sections 3 "Gateway", 7
 * "Tokens"): read from PostgreSQL at most every few seconds, believed for SmartOffline while
 * PostgreSQL is away, sealed in memory as in the table.
 */
#ifndef SL_GRANT_H
#define SL_GRANT_H

#include "flow/sl_runtime.h"
#include "store/sl_store_access.h"
#include "store/sl_store_token.h"

/** How long shared memory is believed before PostgreSQL is asked again. */
#define SL_GRANT_FRESH apr_time_from_sec(4)

typedef struct {
    const char *app;          /* the gateway location's SmartApp */
    const sl_ehr_t *ehr;      /* the one in the path; NULL, by session only: whichever it is of */
    const char *session;      /* session id as it came; NULL: by user */
    const char *user;         /* Smart-User of a caller that proved itself; NULL: by session */
    const char *patient;      /* Smart-Patient, beside `user` only; NULL: none */
    apr_interval_time_t idle; /* SmartSession: gateway calls do not extend it */
    apr_time_t now;
} sl_grant_ask_t;

typedef struct {
    sl_access_via_t via;
    const char *launch;        /* id */
    const char *ehr;           /* its name */
    const char *key_id;        /* the launch's: with it the id gives the session id */
    const char *session_print; /* 32 hexadecimal digits, for the audit */
    const char *app_user;      /* NULL: none */
    const char *patient;       /* the patient this call is confined to; NULL: none */
    const char *scope;         /* granted; NULL: not said */
    const sl_secret_t *access;
    apr_int64_t generation;
    apr_time_t issued_at, expires_at; /* our clock; expires_at 0: not known */
    bool can_renew;
} sl_grant_t;

/**
 * Find the token. It may be expired: sl_renew_ready() is next.
 * SL_NONE: no such session or token, or another app's, or its launch or token is over: 401, launch
 * again. SL_INVALID: not one of our ids, no look-up was made: 401. SL_DENIED: a session of another
 * EHR: 403. SL_UNAVAILABLE, SL_BUSY: neither PostgreSQL nor shared memory can say.
 */
SL_MUST_USE sl_rc_t sl_grant_find(sl_grant_t *out, const sl_runtime_t *rt,
                                  const sl_grant_ask_t *ask, apr_pool_t *p, sl_err_t *err);

/** The launch of this id changed: read again at the next request. */
void sl_grant_forget(const sl_runtime_t *rt, const char *launch, const char *key_id);

/**
 * Hints may have been missed: everything is read again at its next request. Until PostgreSQL can be
 * asked, what is in memory is believed as before.
 */
void sl_grant_doubt_all(const sl_runtime_t *rt);

/* For sl_renew only. */

/** Every time of a row moved from the database's clock to ours, once: `now` is 0 from then on. */
void sl_grant_our_time(sl_token_view_t *view);

/**
 * Open what a row holds, in our time, into `out`: launch, scope, access token, generation, times.
 * What the call was asked with stays. SL_FAILED: tampered with, or no key.
 */
SL_MUST_USE sl_rc_t sl_grant_open(sl_grant_t *out, const sl_runtime_t *rt,
                                  const sl_token_view_t *view, apr_pool_t *p, sl_err_t *err);

/**
 * Put what was read or renewed, in our time, into shared memory. `began`: before the row was read;
 * what somebody forgot since then has changed, and is read again. `unsaved`: the generation is in
 * the journal and not yet in PostgreSQL; it is then believed until it is.
 */
void sl_grant_remember(const sl_runtime_t *rt, const sl_token_view_t *view, bool unsaved,
                       apr_time_t began);

/** What shared memory knows of a launch, however old, in our time. SL_NONE. */
SL_MUST_USE sl_rc_t sl_grant_recall(sl_token_view_t *out, bool *unsaved, const sl_runtime_t *rt,
                                    const char *launch, const char *key_id, apr_pool_t *p);

#endif
