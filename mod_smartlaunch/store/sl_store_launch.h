/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Launches while the handshake runs: begin, claim, finish, each one statement and one commit.
 * All stamps are the database's clock. Hashes are SHA-256 (SL_SHA256_LEN bytes).
 *
 *   pending ──claim──▶ claimed ──finish──▶ live ──end──▶ ended
 *                         │          └───▶ held ──release──▶ live
 *                         └──fail──▶ failed
 */
#ifndef SL_STORE_LAUNCH_H
#define SL_STORE_LAUNCH_H

#include "store/sl_db.h"
#include "store/sl_store_step.h"
#include "store/sl_store_token.h"

typedef enum { SL_KIND_EHR, SL_KIND_STANDALONE, SL_KIND_SESSION } sl_launch_kind_t;

typedef enum {
    SL_LAUNCH_PENDING, /* the browser is at the EHR */
    SL_LAUNCH_CLAIMED, /* its callback came; the code is being redeemed */
    SL_LAUNCH_HELD,    /* tokens stored; waits for "you are now X" to be confirmed */
    SL_LAUNCH_LIVE,
    SL_LAUNCH_ENDED,
    SL_LAUNCH_FAILED
} sl_launch_state_t;

/** none: the app maps users itself (SmartLink none). */
typedef enum { SL_LINK_NONE, SL_LINK_PENDING, SL_LINK_LINKED } sl_link_state_t;

/** A new launch id: a UUID of version 7, so that rows of one hour lie side by side. */
SL_MUST_USE sl_rc_t sl_store_launch_id(const char **out, apr_time_t now, apr_pool_t *p,
                                       sl_err_t *err);

typedef struct {
    const char *id, *app, *ehr;
    sl_launch_kind_t kind;
    const unsigned char *state_hash, *browser_hash;
    sl_bytes_t pending_sealed;
    const char *key_id;              /* opens pending_sealed; derives handle and session */
    const char *return_to;           /* or NULL */
    const char *redirect_path;       /* where the callback has to come */
    const unsigned char *client_net; /* hash of the client's network, or NULL */
    int max_per_browser;             /* pending ones; older are dropped. 0: 16 */
    int max_per_net;                 /* pending ones of this network. 0: 2000 */
    const sl_steps_t *steps;
} sl_launch_new_t;

/**
 * Store a pending launch. Also drops the browser's oldest pending ones above the bound and a few
 * of anybody's that were abandoned. SL_BUSY: this network has too many pending launches.
 */
SL_MUST_USE sl_rc_t sl_store_launch_begin(sl_db_t *db, const sl_launch_new_t *launch, apr_pool_t *p,
                                          sl_err_t *err);

typedef enum {
    SL_CLAIM_WON,     /* yours, and nobody else's */
    SL_CLAIM_UNKNOWN, /* no such state */
    SL_CLAIM_FOREIGN, /* another browser's, or another redirect URL's */
    SL_CLAIM_USED,    /* this browser's, claimed before: see `state` */
    SL_CLAIM_EXPIRED  /* this browser's, answered too late */
} sl_claim_outcome_t;

typedef struct {
    const unsigned char *state_hash, *browser_hash; /* browser_hash NULL: no cookie came */
    const char *redirect_path;
    apr_interval_time_t max_age; /* of a pending launch; 0: 10 min */
} sl_launch_claim_t;

/** Filled in unless UNKNOWN or FOREIGN (then only outcome and old_cookie are set). */
typedef struct {
    sl_claim_outcome_t outcome;
    bool old_cookie; /* the cookie was renewed seconds ago in this browser; with FOREIGN or USED */
    bool moved; /* the cookie was renewed since the launch began: sealed browser hash is older */
    sl_launch_state_t state; /* before the claim */
    sl_launch_kind_t kind;
    const char *id, *app, *ehr, *key_id, *return_to;
    sl_bytes_t pending_sealed; /* WON only; the row has forgotten it */
    apr_time_t created_at;
} sl_launch_claimed_t;

/**
 * Claim the launch a callback belongs to; of any number of callers one wins. A launch begun under
 * the cookie before the last renewal is still this browser's. SL_OK whenever the database answered.
 */
SL_MUST_USE sl_rc_t sl_store_launch_claim(sl_launch_claimed_t *out, sl_db_t *db,
                                          const sl_launch_claim_t *claim, apr_pool_t *p,
                                          sl_err_t *err);

/** What becomes of live launches of other people in this browser. */
typedef enum {
    SL_OTHERS_END, /* they end; tokens that belong to no app user are revoked */
    SL_OTHERS_ASK, /* if there are any, the new launch is held */
    SL_OTHERS_KEEP,
    SL_OTHERS_HOLD /* the new launch is held, whoever lives here */
} sl_others_t;

/**
 * A claimed launch whose tokens came. "Other people" are launches of the same app with another app
 * user, or of the same EHR with another EHR user.
 */
typedef struct {
    const char *id;
    const unsigned char *browser_hash;     /* as the browser sent it */
    const unsigned char *new_browser_hash; /* it gets this one, if `moved` comes back */
    const unsigned char *handle_hash, *session_hash;
    const char *app_user;                                     /* NULL unless linked */
    const char *ehr_user, *issuer, *sub, *source, *fhir_user; /* the EHR's words; or NULL */
    const char *patient, *encounter;                          /* or NULL */
    const char *context;                                      /* JSON text, or NULL */
    sl_link_state_t link_state;
    const char *login_user; /* pending: who says to be the app user; waits for the confirm page */
    const char
        *link_how; /* linked: make the link if it is missing ("same-name"); NULL: it must be */
    sl_others_t others;
    apr_interval_time_t max; /* SmartSession max: expires_at, and which old launches move along */
    apr_interval_time_t
        idle; /* SmartSession idle: whoever is idle longer is not asked about; 0: no */
    const sl_token_new_t *token;
    const sl_steps_t *steps;
} sl_launch_result_t;

typedef struct {
    bool held;        /* others live here: ask, then sl_store_launch_release */
    bool moved;       /* set the new cookie. Not set: held, or a callback of the same browser did so
                         while this one was under way; then send no cookie */
    const char *link; /* id, or NULL */
    int ended;        /* launches of other people that ended */
} sl_launch_finished_t;

/**
 * claimed → live (or held), tokens stored, link made or touched, browser moved to its new cookie,
 * other people's launches ended, steps written: all or nothing.
 * SL_EXPIRED: it is not claimed any more. SL_NONE: linked was asked, and the link is not there (any
 * more). SL_CONFLICT: EHR user or app user is linked otherwise. Then nothing has happened.
 */
SL_MUST_USE sl_rc_t sl_store_launch_finish(sl_launch_finished_t *out, sl_db_t *db,
                                           const sl_launch_result_t *result, apr_pool_t *p,
                                           sl_err_t *err);

typedef struct {
    const char *id;
    const unsigned char *browser_hash, *new_browser_hash;
    apr_interval_time_t max;
    const sl_steps_t *steps;
} sl_launch_release_t;

/** held → live after the user confirmed; other people's launches end. SL_EXPIRED: not held here. */
SL_MUST_USE sl_rc_t sl_store_launch_release(sl_launch_finished_t *out, sl_db_t *db,
                                            const sl_launch_release_t *release, apr_pool_t *p,
                                            sl_err_t *err);

/** pending, claimed or held → failed. A launch that is none of these stays as it is (SL_OK). */
SL_MUST_USE sl_rc_t sl_store_launch_fail(sl_db_t *db, const char *id, const char *reason,
                                         const sl_steps_t *steps, sl_err_t *err);

#endif
