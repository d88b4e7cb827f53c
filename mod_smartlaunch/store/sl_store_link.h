/* SPDX-License-Identifier: Apache-2.0 */
/** Links: this EHR user is that application user. */
#ifndef SL_STORE_LINK_H
#define SL_STORE_LINK_H

#include "store/sl_store_launch.h"

typedef enum {
    SL_LINK_FOUND,
    SL_LINK_MISSING,
    SL_LINK_REVOKED, /* there was one, and it was revoked: ask again */
    SL_LINK_MISMATCH /* the name is linked, but issuer, subject or source differ: 409 */
} sl_link_outcome_t;

/** Who the EHR says it is (design section 12, "Name games"). Texts may be NULL but ehr_user. */
typedef struct {
    const char *app, *ehr, *ehr_user, *issuer, *sub, *source;
} sl_link_key_t;

typedef struct {
    sl_link_outcome_t outcome;
    const char *id, *app_user; /* FOUND and MISMATCH */
} sl_link_t;

/** SL_OK whenever the database answered. */
SL_MUST_USE sl_rc_t sl_store_link_find(sl_link_t *out, sl_db_t *db, const sl_link_key_t *key,
                                       apr_pool_t *p, sl_err_t *err);

/** Is this app user linked at this EHR? FOUND fills in `ehr_user`. FOUND or MISSING. */
typedef struct {
    sl_link_outcome_t outcome;
    const char *id, *ehr_user;
} sl_link_user_t;
SL_MUST_USE sl_rc_t sl_store_link_by_user(sl_link_user_t *out, sl_db_t *db,
                                          const sl_link_key_t *app_and_ehr, const char *app_user,
                                          apr_pool_t *p, sl_err_t *err);

/**
 * Link the EHR user of a pending launch with an app user. The token's seal covers the app user, so
 * its values come sealed anew, for the generation that was read.
 */
typedef struct {
    const char *launch;
    const unsigned char *browser_hash, *new_browser_hash;
    const char *app_user, *how; /* how: "app", "site", "same-name" */
    int64_t generation;         /* of the token read; 0: the launch has no active token */
    sl_bytes_t access_sealed, refresh_sealed;
    const char *key_id;
    sl_others_t others; /* END or KEEP; by app user, now that it is known */
    apr_interval_time_t max;
    const sl_steps_t *steps;
} sl_link_make_t;

typedef struct {
    const char *link;
    bool moved; /* set the new cookie */
    int ended;
} sl_link_made_t;

/**
 * Link stored (or found the same), launch linked, token its user's, browser moved, other people's
 * launches ended: all or nothing. SL_CONFLICT: EHR user or app user is linked otherwise.
 * SL_EXPIRED: not a live pending launch of this browser, or the token changed: read again.
 */
SL_MUST_USE sl_rc_t sl_store_link_make(sl_link_made_t *out, sl_db_t *db, const sl_link_make_t *make,
                                       apr_pool_t *p, sl_err_t *err);

#endif
