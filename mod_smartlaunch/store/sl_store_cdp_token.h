/* SPDX-License-Identifier: Apache-2.0 */
/** Which patients a user has tokens for: where none of them is good for every patient. */
#ifndef SL_STORE_CDP_TOKEN_H
#define SL_STORE_CDP_TOKEN_H

#include "store/sl_store_token.h"

typedef struct {
    const char *app, *ehr, *app_user;
    int limit;
} sl_cdp_token_owner_t;

/** FHIR ids (const char *), those with the newest usable token first; usable as in
 * sl_store_token_by_user(). */
SL_MUST_USE sl_rc_t sl_store_cdp_token_patients(apr_array_header_t **out, sl_db_t *db,
                                                const sl_cdp_token_owner_t *owner, apr_pool_t *p,
                                                sl_err_t *err);

#endif
