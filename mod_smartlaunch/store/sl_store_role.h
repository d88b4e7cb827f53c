/* SPDX-License-Identifier: Apache-2.0 */
/** Who we are in the database, and which keys its rows need: for smartlaunchctl check. */
#ifndef SL_STORE_ROLE_H
#define SL_STORE_ROLE_H

#include "store/sl_db.h"
#include <apr_tables.h>
#include <apr_tables.h>

typedef struct {
    const char *name; /* the login role of the connection */
    bool is_superuser;
    bool is_owner;  /* of our schema */
    bool is_module; /* has the rights of smartlaunch_module */
} sl_store_role_t;

/** The role of this connection. SL_UNAVAILABLE, SL_BUSY, SL_FAILED. */
SL_MUST_USE sl_rc_t sl_store_role(sl_store_role_t *out, sl_db_t *db, apr_pool_t *p, sl_err_t *err);

/**
 * Names of the keys that something stored still needs: tokens, and launches that are not over.
 * @param out array of const char *
 */
SL_MUST_USE sl_rc_t sl_store_role_keys(apr_array_header_t **out, sl_db_t *db, apr_pool_t *p,
                                       sl_err_t *err);

#endif
