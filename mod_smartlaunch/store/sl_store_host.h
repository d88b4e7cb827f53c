/* SPDX-License-Identifier: Apache-2.0 */
/** Which httpd hosts are at work, and which keys they have: so that nobody seals past them. */
#ifndef SL_STORE_HOST_H
#define SL_STORE_HOST_H

#include "store/sl_db.h"
#include <apr_tables.h>

/** How often a host says so, and how long it is believed. */
#define SL_HOST_EVERY apr_time_from_sec(15)
#define SL_HOST_BELIEVED apr_time_from_sec(45)

/** `name` (host and process) is at work, with these keys (names with blanks between). */
SL_MUST_USE sl_rc_t sl_store_host_report(sl_db_t *db, const char *name, const char *keys,
                                         sl_err_t *err);

/** … and is not any more. */
void sl_store_host_leave(sl_db_t *db, const char *name);

typedef struct {
    const char *name; /* of the host */
    bool has_key;
    apr_interval_time_t ago; /* when it said so last */
} sl_host_t;

/** The processes that are at work (an array of sl_host_t), and whether they have `key`. */
SL_MUST_USE sl_rc_t sl_store_hosts(apr_array_header_t **out, sl_db_t *db, const char *key,
                                   apr_pool_t *p, sl_err_t *err);

#endif
