/* SPDX-License-Identifier: Apache-2.0 */
/** smartlaunchctl: what the command line said, and the verbs. */
#ifndef SL_CTL_H
#define SL_CTL_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include <apr_pools.h>

/** How the program ends. */
enum { SL_CTL_OK = 0, SL_CTL_FAILED = 1, SL_CTL_USAGE = 2, SL_CTL_NOT_THERE = 3 };

typedef struct {
    const char *httpd_conf; /* -f: configuration of httpd; NULL: httpd's own default */
    const char *db;         /* --db, or NULL */
    const char *sql;        /* --sql: directory of the migrations */
    bool json;
    const char *const *args; /* after the verb; NULL-terminated */
    apr_pool_t *p;
} sl_ctl_t;

/** A verb. @return how the program ends */
typedef int sl_ctl_verb_t(sl_ctl_t *ctl);
sl_ctl_verb_t sl_ctl_schema;
sl_ctl_verb_t sl_ctl_keyring;
sl_ctl_verb_t sl_ctl_trace;

/** What httpd is configured for, as httpd itself says (-f). Owned by the pool. SL_FAILED. */
SL_MUST_USE sl_rc_t sl_ctl_configuration(sl_json_t **dump, sl_ctl_t *ctl, sl_err_t *err);

/** The connection string: --db, or SmartDatabase of httpd's configuration. */
SL_MUST_USE sl_rc_t sl_ctl_database(const char **conninfo, sl_ctl_t *ctl, sl_err_t *err);

/** Say on stderr what went wrong. @return SL_CTL_FAILED */
int sl_ctl_fail(const sl_err_t *err);

/** Say on stderr that the arguments make no sense. @return SL_CTL_USAGE */
int sl_ctl_usage(void);

#endif
