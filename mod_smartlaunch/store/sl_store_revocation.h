/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Tokens that are revoked here and on their way to their EHR's revocation endpoint. Whatever
 * revokes a row of `token` puts them there by a trigger, sealed as they were. See SEC-10.
 */
#ifndef SL_STORE_REVOCATION_H
#define SL_STORE_REVOCATION_H

#include "store/sl_store_token.h"

typedef struct {
    sl_token_t token; /* what its seal covers, and what is sealed */
    int tries;        /* how often it was taken, this time included */
} sl_revocation_t;

/**
 * One that is due, of an EHR among `ehrs` (a JSON array of names). It is the caller's for `length`:
 * longer than any call to an EHR. SL_NONE: none.
 */
SL_MUST_USE sl_rc_t sl_store_revocation_take(sl_revocation_t *out, sl_db_t *db, const char *ehrs,
                                             apr_interval_time_t length, apr_pool_t *p,
                                             sl_err_t *err);

/** The EHR has been told, or never will be. */
SL_MUST_USE sl_rc_t sl_store_revocation_done(sl_db_t *db, const sl_revocation_t *done,
                                             sl_err_t *err);

typedef struct {
    const sl_revocation_t *revocation;
    apr_interval_time_t wait;   /* it is due after this */
    apr_interval_time_t others; /* and all others of its EHR not before this */
} sl_revocation_later_t;
SL_MUST_USE sl_rc_t sl_store_revocation_later(sl_db_t *db, const sl_revocation_later_t *later,
                                              sl_err_t *err);

/** Tokens that never came into `token`, as it was revoked by then. The same twice is SL_OK. */
SL_MUST_USE sl_rc_t sl_store_revocation_add(sl_db_t *db, const sl_token_t *token, sl_err_t *err);

#endif
