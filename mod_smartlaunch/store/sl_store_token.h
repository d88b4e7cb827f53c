/* SPDX-License-Identifier: Apache-2.0 */
/** Tokens as they are stored: sealed, one row per launch. Sealing and opening is the caller's. */
#ifndef SL_STORE_TOKEN_H
#define SL_STORE_TOKEN_H

#include "store/sl_db.h"

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

#endif
