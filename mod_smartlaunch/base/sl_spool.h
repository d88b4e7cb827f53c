/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A directory of small sealed records that survive a crash (SmartStateDir): what must not be lost
 * while PostgreSQL is away. A record is there, whole and on the disk, when sl_spool_put returns.
 * Several processes use one directory at once. Mode 0700, owned by us, no links followed.
 */
#ifndef SL_SPOOL_H
#define SL_SPOOL_H

#include "base/sl_keyring.h"
#include <apr_tables.h>
#include <apr_user.h>

typedef struct sl_spool sl_spool_t;

#define SL_SPOOL_MAX_RECORD (1024 * 1024)

/**
 * Is `path` a directory we can trust, now? SL_NONE: not there; SL_DENIED: others may enter it, it
 * is not ours (`uid`), or a link. The text of `err` says what to do.
 */
SL_MUST_USE sl_rc_t sl_spool_check(const char *path, apr_uid_t uid, apr_pool_t *p, sl_err_t *err);

/** Open after fork, as the user who runs. SL_NONE, SL_DENIED as above; SL_FAILED. */
SL_MUST_USE sl_rc_t sl_spool_open(sl_spool_t **out, const char *path, const sl_keyring_t *ring,
                                  apr_pool_t *p, sl_err_t *err);

/**
 * Store a record under `name` (letters, digits, `.`, `-`; a kind, then what it is of:
 * "token.<launch>.<generation>", "access.<random>"), replacing one of that name. Sealed with the
 * name bound in; written, fsynced, renamed. Thread safe. SL_INVALID: name or size; SL_FAILED.
 */
SL_MUST_USE sl_rc_t sl_spool_put(sl_spool_t *spool, const char *name, const sl_secret_t *value,
                                 apr_pool_t *tmp, sl_err_t *err);

/** Names that begin with `prefix`, oldest first, at most `limit`. An empty array: none. */
SL_MUST_USE sl_rc_t sl_spool_list(apr_array_header_t **names, sl_spool_t *spool, const char *prefix,
                                  int limit, apr_pool_t *p, sl_err_t *err);

typedef struct {
    int records;   /* that wait to be brought home */
    int set_aside; /* "bad.…": that somebody has to look at */
} sl_spool_count_t;

/** How many there are; counted up to `most` files. */
SL_MUST_USE sl_rc_t sl_spool_count(sl_spool_count_t *out, sl_spool_t *spool, int most,
                                   sl_err_t *err);

/** SL_NONE: gone meanwhile. SL_DENIED: altered, or its key is gone. */
SL_MUST_USE sl_rc_t sl_spool_get(sl_secret_t **out, sl_spool_t *spool, const char *name,
                                 apr_pool_t *p, sl_err_t *err);

/** Id of the key that sealed a record, without opening it. SL_NONE: gone meanwhile; SL_DENIED. */
SL_MUST_USE sl_rc_t sl_spool_key(const char **key_id, sl_spool_t *spool, const char *name,
                                 apr_pool_t *p, sl_err_t *err);

/** Remove a record; one that is gone is no error. */
void sl_spool_del(sl_spool_t *spool, const char *name);

/** Put a record that cannot be opened aside as "bad.<name>", so that it stays for the admin. */
void sl_spool_put_aside(sl_spool_t *spool, const char *name);

#endif
