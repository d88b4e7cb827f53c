/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What an administrator sees and does by smartlaunchctl: the views, and the functions that go one
 * way. Whether the role may is PostgreSQL's to say (SL_FAILED, "permission denied").
 */
#ifndef SL_STORE_ADMIN_H
#define SL_STORE_ADMIN_H

#include "store/sl_db.h"

/** Of whom; NULL: of anybody. */
typedef struct {
    const char *app, *ehr, *app_user, *ehr_user;
    bool all; /* what is over, too */
    int limit;
} sl_admin_filter_t;

/**
 * Lists, newest first: the columns of link_status, launch_status and token_status, times in
 * microseconds.
 */
SL_MUST_USE sl_rc_t sl_store_admin_links(sl_rows_t **out, sl_db_t *db,
                                         const sl_admin_filter_t *filter, apr_pool_t *p,
                                         sl_err_t *err);
SL_MUST_USE sl_rc_t sl_store_admin_launches(sl_rows_t **out, sl_db_t *db,
                                            const sl_admin_filter_t *filter, apr_pool_t *p,
                                            sl_err_t *err);
SL_MUST_USE sl_rc_t sl_store_admin_tokens(sl_rows_t **out, sl_db_t *db,
                                          const sl_admin_filter_t *filter, apr_pool_t *p,
                                          sl_err_t *err);

/** One launch, with the columns of its list. SL_NONE: it is gone. */
SL_MUST_USE sl_rc_t sl_store_admin_launch(sl_rows_t **out, sl_db_t *db, const char *id,
                                          apr_pool_t *p, sl_err_t *err);

/**
 * Calls through the gateway of this reference, not older than `days` (31 at most): at, via, caller,
 * app, app_user, ehr, method, resource, status, ms, launch. No patients.
 */
SL_MUST_USE sl_rc_t sl_store_admin_calls(sl_rows_t **out, sl_db_t *db, const char *reference,
                                         int days, apr_pool_t *p, sl_err_t *err);

/** A link by its id, or by app, EHR and EHR user (the one that is not revoked). */
typedef struct {
    const char *id; /* NULL: by the names */
    const char *app, *ehr, *ehr_user;
    const char *reason; /* NULL: none given */
} sl_admin_link_t;

typedef struct {
    const char *id;
    bool first_time; /* it was not revoked before */
    int launches;    /* that were live and are not any more */
} sl_admin_done_t;

/** Revoke a link with its launches and tokens. SL_NONE: there is no such link. */
SL_MUST_USE sl_rc_t sl_store_admin_revoke_link(sl_admin_done_t *out, sl_db_t *db,
                                               const sl_admin_link_t *link, apr_pool_t *p,
                                               sl_err_t *err);

/** End a launch and wipe its tokens. SL_NONE: there is no such launch. */
SL_MUST_USE sl_rc_t sl_store_admin_end_launch(bool *was_over, sl_db_t *db, const char *id,
                                              const char *reason, apr_pool_t *p, sl_err_t *err);

/** Wipe the tokens of a launch, which goes on. SL_NONE: it has none. */
SL_MUST_USE sl_rc_t sl_store_admin_revoke_token(bool *was_revoked, sl_db_t *db, const char *launch,
                                                const char *reason, apr_pool_t *p, sl_err_t *err);

#endif
