/* SPDX-License-Identifier: Apache-2.0 */
/** smartlaunchctl: what the command line said, and the verbs. */
#ifndef SL_CTL_H
#define SL_CTL_H

#include "base/sl_json.h"
#include "base/sl_keyring.h"
#include "base/sl_rc.h"
#include "store/sl_db.h"
#include <apr_pools.h>
#include <apr_tables.h>
#include <sys/types.h>

/** How the program ends. */
enum { SL_CTL_OK = 0, SL_CTL_FAILED = 1, SL_CTL_USAGE = 2, SL_CTL_NOT_THERE = 3 };

typedef struct {
    const char *httpd_conf; /* -f: configuration of httpd; NULL: httpd's own default */
    const char *db;         /* --db, or NULL */
    const char *sql;        /* --sql: directory of the migrations */
    const char *keyring;    /* --keyring, or NULL */
    const char *state_dir;  /* --state-dir, or NULL */
    const char *app, *ehr, *user, *ehr_user; /* of whom; NULL: of anybody */
    const char *reason;                      /* --reason, or NULL */
    const char *alg, *kid;                   /* of a new key, or NULL */
    int limit;                               /* rows of a list */
    bool json;
    bool all;                /* what is over, too */
    bool patients;           /* name patients */
    bool last;               /* keyring add: at the end */
    bool jwk;                /* jwks new: a JWK, not PEM */
    bool csv;                /* cdp mapping export: CSV, not JSON */
    bool unchecked;          /* cdp mapping import: the app is not asked */
    const char *const *args; /* after the verb; NULL-terminated */
    sl_json_t *dump;         /* of sl_ctl_configuration(), once it was asked */
    apr_pool_t *p;
} sl_ctl_t;

/** A verb. @return how the program ends */
typedef int sl_ctl_verb_t(sl_ctl_t *ctl);
sl_ctl_verb_t sl_ctl_cdp;
sl_ctl_verb_t sl_ctl_check;
sl_ctl_verb_t sl_ctl_jwks;
sl_ctl_verb_t sl_ctl_keyring;
sl_ctl_verb_t sl_ctl_launch;
sl_ctl_verb_t sl_ctl_link;
sl_ctl_verb_t sl_ctl_schema;
sl_ctl_verb_t sl_ctl_token;
sl_ctl_verb_t sl_ctl_trace;

/** What httpd is configured for, as httpd itself says (-f), asked once. Owned by the pool. */
SL_MUST_USE sl_rc_t sl_ctl_configuration(sl_json_t **dump, sl_ctl_t *ctl, sl_err_t *err);

/** The connection string: --db, or SmartDatabase of httpd's configuration. */
SL_MUST_USE sl_rc_t sl_ctl_database(const char **conninfo, sl_ctl_t *ctl, sl_err_t *err);

/** Go on as this user, for good, where we are root: files of root's have to be read before. */
SL_MUST_USE sl_rc_t sl_ctl_become(uid_t uid, sl_err_t *err);
/** … httpd's, by what it says of its configuration; NULL: nobody. */
SL_MUST_USE sl_rc_t sl_ctl_become_httpd(const sl_json_t *dump, sl_err_t *err);

/**
 * Connect, and look whether the tables are those we know. By httpd's configuration: as httpd's
 * user, whom PostgreSQL may know by that, and who alone may read its password.
 */
SL_MUST_USE sl_rc_t sl_ctl_open(sl_db_t **db, sl_ctl_t *ctl, sl_err_t *err);

/** --keyring, or SmartKeyring of httpd's configuration; and the ring itself. */
SL_MUST_USE sl_rc_t sl_ctl_keyring_path(const char **path, sl_ctl_t *ctl, sl_err_t *err);
SL_MUST_USE sl_rc_t sl_ctl_ring(sl_keyring_t **ring, sl_ctl_t *ctl, sl_err_t *err);

/** --state-dir, or SmartStateDir of httpd's configuration; NULL: there is none. */
SL_MUST_USE sl_rc_t sl_ctl_state_dir(const char **path, sl_ctl_t *ctl, sl_err_t *err);

/** Is this word the only one of its verb? */
bool sl_ctl_is(const sl_ctl_t *ctl, const char *word);

/** The one id after the verb's word, or NULL: there is none, there are more, or it is no id. */
const char *sl_ctl_id(const sl_ctl_t *ctl);

/** Say on stderr what went wrong. @return SL_CTL_FAILED */
int sl_ctl_fail(const sl_err_t *err);

/** The same where what was asked for may not be there (SL_NONE). @return SL_CTL_NOT_THERE then */
int sl_ctl_missing(const sl_err_t *err);

/** Say on stderr that the arguments make no sense. @return SL_CTL_USAGE */
int sl_ctl_usage(void);

#endif
