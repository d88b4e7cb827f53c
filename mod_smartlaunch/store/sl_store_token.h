/* SPDX-License-Identifier: Apache-2.0 */
/** Tokens as they are stored: sealed, one row per launch. Sealing and opening is the caller's. */
#ifndef SL_STORE_TOKEN_H
#define SL_STORE_TOKEN_H

#include "store/sl_db.h"
#include <apr_tables.h>

/** The tokens of a launch that finishes. app, ehr, user, patient come from the launch. */
typedef struct {
    sl_bytes_t access_sealed;
    sl_bytes_t refresh_sealed; /* {NULL, 0}: none */
    const char *key_id;
    const char *scope_asked, *scope_granted;
    apr_interval_time_t lifetime; /* expires_in; 0: the EHR did not say */
} sl_token_new_t;

typedef enum { SL_TOKEN_ACTIVE, SL_TOKEN_RELAUNCH, SL_TOKEN_REVOKED } sl_token_status_t;

/** A row of `token`. What the AAD covers is all here (design section 12, "Tampered rows"). */
typedef struct {
    const char *launch, *link, *app, *ehr, *app_user,
        *patient;                             /* link, app_user, patient: or NULL */
    sl_bytes_t access_sealed, refresh_sealed; /* {NULL, 0} once revoked */
    const char *key_id, *scope_asked, *scope_granted;
    apr_time_t issued_at, expires_at; /* expires_at 0: not known */
    int64_t generation;
    sl_token_status_t status;
} sl_token_t;

/** The token of a launch. SL_NONE: it has none. */
SL_MUST_USE sl_rc_t sl_store_token_find(sl_token_t *out, sl_db_t *db, const char *launch,
                                        apr_pool_t *p, sl_err_t *err);

/** What the gateway has to know of a launch and its token, in one look. */
typedef struct {
    sl_token_t token; /* token.launch NULL: the launch has none */
    bool can_renew;   /* there is a refresh token, whether `token` has it or not */
    const char *launch, *app, *ehr, *app_user,
        *patient;              /* the launch's; the last two may be NULL */
    const char *launch_key_id; /* derives the session id */
    const char *issuer, *sub;  /* of the id_token of the launch; NULL: there was none */
    unsigned char session_hash[SL_SHA256_LEN];
    bool is_live; /* the launch's state, not its limits; a pending one is not */
    apr_time_t last_seen_at, launch_expires_at;
    apr_time_t lease_until; /* 0: nobody renews it */
    apr_time_t retry_at;    /* no renewal before; 0: none */
    apr_time_t now;         /* the database's clock, which all of these are by */
} sl_token_view_t;

/**
 * By session id, without the refresh token. SL_NONE: no such session. Whether launch and token are
 * of use is the caller's.
 */
SL_MUST_USE sl_rc_t sl_store_token_by_session(sl_token_view_t *out, sl_db_t *db,
                                              const unsigned char *session_hash, apr_pool_t *p,
                                              sl_err_t *err);

/** By launch, with the refresh token. SL_NONE. */
SL_MUST_USE sl_rc_t sl_store_token_by_launch(sl_token_view_t *out, sl_db_t *db, const char *launch,
                                             apr_pool_t *p, sl_err_t *err);

typedef struct {
    const char *app, *ehr, *app_user;
    const char *patient; /* bound to this patient, else unbound; NULL: unbound only */
} sl_token_of_user_t;

/**
 * A user's newest usable token: active, its link not revoked, and not expired unless it can be
 * renewed; whether its launch lives does not matter. Without the refresh token. SL_NONE.
 */
SL_MUST_USE sl_rc_t sl_store_token_by_user(sl_token_view_t *out, sl_db_t *db,
                                           const sl_token_of_user_t *who, apr_pool_t *p,
                                           sl_err_t *err);

typedef enum {
    SL_LEASE_WON,         /* yours: `view` is what to renew */
    SL_LEASE_BUSY,        /* somebody renews it */
    SL_LEASE_NEWER,       /* there is a newer generation: `view` */
    SL_LEASE_LATER,       /* the EHR had trouble: not before view.retry_at */
    SL_LEASE_INTERRUPTED, /* a lease ran out unfinished, or the row is behind `generation` (which is
                             in a journal): the refresh token may be used up */
    SL_LEASE_OVER         /* no refresh token, or not active */
} sl_lease_outcome_t;

typedef struct {
    const char *launch;
    int64_t generation;         /* the one that is not good enough any more */
    const char *by;             /* host and process: lease_by */
    apr_interval_time_t length; /* longer than any call to the EHR and what comes after it */
} sl_lease_t;

typedef struct {
    sl_lease_outcome_t outcome;
    sl_token_view_t view;
} sl_leased_t;

/**
 * Lease the right to renew, by one statement. SL_NONE: the row is gone. SL_UNAVAILABLE: the lease
 * may have been taken; give it back when PostgreSQL answers again, or it counts as interrupted.
 */
SL_MUST_USE sl_rc_t sl_store_token_lease(sl_leased_t *out, sl_db_t *db, const sl_lease_t *lease,
                                         apr_pool_t *p, sl_err_t *err);

/** What a renewal brought: the next generation. */
typedef struct {
    const char *launch;
    int64_t follows;      /* the generation it replaces; the new one is follows + 1 */
    const char *app_user; /* under which it is sealed; or NULL */
    sl_bytes_t access_sealed, refresh_sealed; /* refresh {NULL, 0}: none */
    const char *key_id;
    const char *scope_granted;    /* NULL: unchanged */
    apr_time_t issued_at;         /* by the database's clock as far as we know it; 0: now */
    apr_interval_time_t lifetime; /* 0: not known */
    const char *encounter;        /* NULL: unchanged */
    const char *context;          /* JSON members that replace the launch's; NULL: unchanged */
} sl_token_next_t;

/**
 * Store the next generation; lease and retry_at go, an interrupted token is active again. Nothing
 * that was revoked comes back. SL_CONFLICT: the row is not at `follows` any more, or its app_user
 * is another by now (a link was made meanwhile): read again. SL_EXPIRED: revoked or gone.
 * The same `next` twice is SL_OK twice.
 */
SL_MUST_USE sl_rc_t sl_store_token_renew(sl_db_t *db, const sl_token_next_t *next, sl_err_t *err);

/** A renewal that failed for the moment: give the lease back. One that is not ours stays (SL_OK).
 */
typedef struct {
    const char *launch, *by;
    int64_t generation;
    apr_interval_time_t retry; /* not before now + this; 0: at once */
    const char *error;         /* last_error: redacted, a sentence */
} sl_token_release_t;
SL_MUST_USE sl_rc_t sl_store_token_release(sl_db_t *db, const sl_token_release_t *release,
                                           sl_err_t *err);

/**
 * Only a new launch helps: status relaunch, tokens wiped; unless there is a newer generation or it
 * is revoked, then nothing happens (SL_OK).
 */
typedef struct {
    const char *launch;
    int64_t generation;
    const char *error;      /* last_error */
    const char *end_launch; /* end the launch, too, with this reason; NULL: it lives on */
} sl_token_over_t;
SL_MUST_USE sl_rc_t sl_store_token_over(sl_db_t *db, const sl_token_over_t *over, sl_err_t *err);

/** What the watchdog renews. */
typedef struct {
    const char *ehr;
    apr_interval_time_t ahead; /* those that end within this */
    int limit;
    apr_interval_time_t idle; /* a launch idle for longer does not count as living; 0: it does */
} sl_token_due_t;

/**
 * Tokens of this EHR that are about to lapse (or have, within the last hour), whom nobody renews,
 * whose launch lives; or that have offline_access, whose link lives, and which are the newest of
 * their link and patient. An array of sl_token_view_t without refresh tokens, soonest first.
 */
SL_MUST_USE sl_rc_t sl_store_token_due(apr_array_header_t **out, sl_db_t *db,
                                       const sl_token_due_t *due, apr_pool_t *p, sl_err_t *err);

#endif
