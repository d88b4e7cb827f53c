/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Pieces of SQL that several statements of store/ share, and the words of enums in the tables.
 *
 * Statements that finish something for a browser have their first parameters in common:
 *   $1 launch, $2 browser hash as sent, $3 new browser hash, $4 max (microseconds), $5 steps (JSON)
 * and the same course: `seen` locks the browser's launches in one order, so that two of these
 * never wait for each other; `go` has one row if all conditions hold, else none, and everything
 * that writes reads from it.
 */
#ifndef SL_STORE_SQL_H
#define SL_STORE_SQL_H

#include "store/sl_store_launch.h"

/* ISO C promises 4095 bytes of a literal; every compiler we build with takes more. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* clang-format off */

/** A time as microseconds since 1970. */
#define SQL_US(column) "(extract(epoch FROM " column ") * 1000000)::bigint"
/** Microseconds as an interval. */
#define SQL_FOR(param) "(" param "::bigint * interval '1 microsecond')"

/**
 * The launches of a browser that can matter still, by its cookie or the one before. Waiting for a
 * lock, PostgreSQL looks at the row again: so what is `seen` is what is, not what was.
 */
#define SQL_SEEN                                                                                   \
    "seen AS ("                                                                                    \
    " SELECT l.* FROM smartlaunch.launch l"                                                        \
    " WHERE l.id = $1::uuid OR ((l.browser_hash = $2::bytea OR l.prev_browser_hash = $2::bytea)"   \
    "  AND l.created_at > now() - interval '10 minutes' - " SQL_FOR("$4") ")"                      \
    " ORDER BY l.id FOR UPDATE)"

/** Is launch `s` another person's than `g`? Where nothing can be compared, it is not. */
#define SQL_OTHER                                                                                  \
    "(CASE WHEN s.app = g.app AND s.app_user IS NOT NULL AND g.app_user IS NOT NULL"               \
    "  THEN s.app_user <> g.app_user"                                                              \
    " WHEN s.ehr = g.ehr AND s.ehr_user IS NOT NULL AND g.ehr_user IS NOT NULL"                    \
    "  THEN s.ehr_user <> g.ehr_user"                                                              \
    " ELSE false END)"

/**
 * From `go g` (id, app, ehr, app_user, ehr_user, browser_hash, moved, ends): the browser's other
 * launches move to the new cookie, and those of other people end.
 */
#define SQL_MATES                                                                                  \
    "doom AS ("                                                                                    \
    " SELECT s.id, g.moved, g.ends AND s.state IN ('held', 'live') AND " SQL_OTHER " AS ends"      \
    " FROM go g JOIN seen s ON s.browser_hash = g.browser_hash AND s.id <> g.id),"                 \
    "mates AS ("                                                                                   \
    " UPDATE smartlaunch.launch m SET"                                                             \
    "  browser_hash = CASE WHEN d.moved THEN $3::bytea ELSE m.browser_hash END,"                   \
    "  prev_browser_hash = CASE WHEN d.moved THEN m.browser_hash ELSE m.prev_browser_hash END,"    \
    "  moved_at = CASE WHEN d.moved THEN now() ELSE m.moved_at END,"                               \
    "  state = CASE WHEN d.ends THEN 'ended' ELSE m.state END,"                                    \
    "  ended_at = CASE WHEN d.ends THEN now() ELSE m.ended_at END,"                                \
    "  end_reason = CASE WHEN d.ends THEN 'other user' ELSE m.end_reason END"                      \
    " FROM doom d WHERE m.id = d.id AND (d.moved OR d.ends) RETURNING m.id, d.ends),"              \
    "shut AS ("                                                                                    \
    " UPDATE smartlaunch.token t SET status = 'revoked', access_sealed = NULL,"                    \
    "  refresh_sealed = NULL, last_error = 'other user'"                                           \
    " FROM mates WHERE mates.ends AND t.launch = mates.id AND t.app_user IS NULL"                  \
    "  AND t.status <> 'revoked')"

/** Links of today that have the EHR user or the app user of `o`: each by its own index. */
#define SQL_RIVALS                                                                                 \
    "SELECT e.* FROM smartlaunch.link e WHERE e.app = o.app AND e.ehr = o.ehr"                     \
    " AND e.ehr_user = o.ehr_user AND e.revoked_at IS NULL"                                        \
    " UNION SELECT a.* FROM smartlaunch.link a WHERE a.app = o.app AND a.ehr = o.ehr"              \
    " AND a.app_user = o.app_user AND a.revoked_at IS NULL"

/** Write the steps in parameter `json` for the launch `id`, once per row of `from`. */
#define SQL_NOTED(id, from, json)                                                                  \
    "noted AS ("                                                                                   \
    " INSERT INTO smartlaunch.launch_step"                                                         \
    "  (launch, at, step, outcome, http_status, ms, detail, reference)"                            \
    " SELECT " id ", to_timestamp(0) + n.at * interval '1 microsecond', n.step, n.outcome,"        \
    "  n.http_status, n.ms, n.detail, n.reference"                                                 \
    " FROM " from "jsonb_to_recordset(" json "::jsonb) AS n"                                       \
    "  (at bigint, step text, outcome text, http_status integer, ms integer, detail text,"         \
    "   reference text))"

/* clang-format on */

/** The words of the tables. */
const char *sl_store_kind_word(sl_launch_kind_t kind);
const char *sl_store_link_word(sl_link_state_t state);
const char *sl_store_others_word(sl_others_t others);

/** And back; a word the tables cannot hold gives SESSION, FAILED, NONE. */
sl_launch_kind_t sl_store_kind(const char *word);
sl_launch_state_t sl_store_state(const char *word);
sl_link_state_t sl_store_link_state(const char *word);

/** Run a statement whose answer is a number in the column `n`. */
SL_MUST_USE sl_rc_t sl_store_count(int *n, sl_db_t *db, const sl_db_call_t *call, apr_pool_t *p,
                                   sl_err_t *err);

/** The same, with a pool of its own. */
SL_MUST_USE sl_rc_t sl_store_number(int *n, sl_db_t *db, const sl_db_call_t *call, sl_err_t *err);

/** Run a statement whose answer does not matter, with a pool of its own. */
SL_MUST_USE sl_rc_t sl_store_do(sl_db_t *db, const sl_db_call_t *call, sl_err_t *err);

#endif
