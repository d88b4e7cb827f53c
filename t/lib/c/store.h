/* SPDX-License-Identifier: Apache-2.0 */
/** What the groups of the store's tests share. Works on a real database, as the module's role. */
#ifndef STORE_H
#define STORE_H

#include "store/sl_store_keep.h"
#include "store/sl_store_link.h"
#include "store/sl_store_session.h"
#include "store/sl_store_token.h"

#define REDIRECT "/smart"
#define HOUR apr_time_from_sec(3600)

extern sl_db_t *db;      /* the module's pool */
extern apr_pool_t *pool; /* for the whole run */

/** A group of tests; prints TAP. @return exit status */
typedef int group_fn(void);
group_fn test_db, test_launch, test_finish, test_race, test_link, test_session, test_scale;
group_fn test_token, test_renew, test_access, test_listen;
group_fn test_cdp_setup, test_cdp_hold, test_cdp_claim, test_cdp_keys, test_cdp_decide;
group_fn serve; /* a statement per line of input, its outcome per line of output */

/** SHA-256 of a text, for whatever a hash is wanted; NULL for NULL. */
const unsigned char *hash(const char *text);

/** Bytes that stand for something sealed. */
sl_bytes_t sealed(const char *text);

/** As the owner of the tables: run, and give the first value back ("" for none or NULL). */
const char *owner(const char *sql, ...) __attribute__((format(printf, 1, 2)));
int owner_int(const char *sql, ...) __attribute__((format(printf, 1, 2)));

/** As a DBA, who may leave a transaction open. Did it go well? */
bool as_dba(const char *sql);

/** Poll until this query of the owner gives "t". False after half a minute. */
bool eventually(const char *sql);

/** A new launch of app `app` at EHR `epic`, with state `state` in browser `browser`. Its id. */
const char *begin(const char *state, const char *browser);

/** The claim of that callback. */
sl_launch_claimed_t claim(const char *state, const char *browser);

/** A launch about to finish: linked as alice/dr-smith, patient p1; change what you want. */
typedef struct {
    sl_launch_result_t result;
    sl_token_new_t token;
} finish_t;
finish_t finishing(const char *id, const char *browser, const char *new_browser);

/** Finish it. `out` may be NULL. */
sl_rc_t finish(finish_t *f, sl_launch_finished_t *out);

/** begin, claim and finish with link_how "same-name". The id. */
const char *launch(const char *state, const char *browser, const char *new_browser);

/** The same, without a link: a pending launch of this EHR user. */
const char *launch_pending(const char *state, const char *browser, const char *new_browser,
                           const char *ehr_user);

/** Empty all tables. */
void clean(void);

/** Run `count` threads of `run`, each with its index and a pool of its own, at the same time. */
void together(int count, void (*run)(int index, apr_pool_t *p, void *data), void *data);

/** Let the launch's cookie have been renewed so many seconds earlier. */
void age_move(const char *id, int seconds);

#endif
