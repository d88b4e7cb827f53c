/* SPDX-License-Identifier: Apache-2.0 */
/**
 * LISTEN smartlaunch: hints that a launch or its token changed. A connection of its own that
 * belongs to one thread. Hints are not queued while nobody listens: see `reconnected`.
 */
#ifndef SL_LISTEN_H
#define SL_LISTEN_H

#include "base/sl_log.h"
#include "store/sl_db.h"
#include <apr_tables.h>

typedef struct sl_listen sl_listen_t;

/** That launch or its token changed. Anybody may send one, so it is a hint and nothing more. */
typedef struct {
    const char *launch; /* launch.id */
    const char *key_id; /* launch.key_id: derives the session id */
} sl_hint_t;

typedef struct {
    apr_array_header_t *hints; /* of sl_hint_t */
    bool reconnected;          /* hints may have been missed: forget everything once */
} sl_hints_t;

/** No connection yet. Closed with the pool. */
sl_listen_t *sl_listen_new(apr_pool_t *p, const char *conninfo, const sl_log_t *log);

/**
 * Hints that came, waiting at most `wait` for the first. Connects when there is no connection (at
 * most every few seconds, for two seconds per host unless conninfo has connect_timeout).
 * SL_UNAVAILABLE: PostgreSQL is away, and some or all of `wait` has passed; nobody need be told
 * again.
 */
SL_MUST_USE sl_rc_t sl_listen_next(sl_hints_t *out, sl_listen_t *listen, apr_interval_time_t wait,
                                   apr_pool_t *p, sl_err_t *err);

#endif
