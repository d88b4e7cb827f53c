/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is sealed under which key, and the exchange of one sealed value for the same under another
 * key: only onto the very bytes that were read, so that a renewal meanwhile is never undone.
 */
#ifndef SL_STORE_RESEAL_H
#define SL_STORE_RESEAL_H

#include "store/sl_store_token.h"

/** A batch: rows whose key is not `active`, in order of launch, behind `after`. */
typedef struct {
    const char *active;
    const char *after; /* "": from the beginning */
    int limit;
} sl_reseal_batch_t;

/** Tokens (an array of sl_token_t). An empty one: none are left. */
SL_MUST_USE sl_rc_t sl_store_reseal_tokens(apr_array_header_t **out, sl_db_t *db,
                                           const sl_reseal_batch_t *batch, apr_pool_t *p,
                                           sl_err_t *err);

/** @param done false: the row is not as it was read any more */
SL_MUST_USE sl_rc_t sl_store_reseal_token(bool *done, sl_db_t *db, const sl_token_t *was,
                                          const sl_token_t *now, apr_pool_t *p, sl_err_t *err);

/** What a pending launch's particulars are sealed with. */
typedef struct {
    const char *id, *app, *ehr, *key_id;
    sl_bytes_t sealed;
} sl_reseal_pending_t;

/** Pending launches (an array of sl_reseal_pending_t), and their exchange. */
SL_MUST_USE sl_rc_t sl_store_reseal_pendings(apr_array_header_t **out, sl_db_t *db,
                                             const sl_reseal_batch_t *batch, apr_pool_t *p,
                                             sl_err_t *err);
SL_MUST_USE sl_rc_t sl_store_reseal_pending(bool *done, sl_db_t *db, const sl_reseal_pending_t *was,
                                            const sl_reseal_pending_t *now, apr_pool_t *p,
                                            sl_err_t *err);

/** What needs a key, and until when. */
typedef struct {
    const char *key_id;
    int64_t tokens;   /* sealed under it: until they are sealed anew */
    int64_t launches; /* whose handle and session id come of it */
    int64_t others;   /* pending launches and tickets */
    apr_time_t until; /* end of the last launch or ticket; 0: there is none */
} sl_key_use_t;

/** An array of sl_key_use_t, one per key that is in use. */
SL_MUST_USE sl_rc_t sl_store_key_use(apr_array_header_t **out, sl_db_t *db, apr_pool_t *p,
                                     sl_err_t *err);

#endif
