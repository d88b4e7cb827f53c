/* SPDX-License-Identifier: Apache-2.0 */
/** How statements of store/ read a launch with its token: the columns, and the way back. */
#ifndef SL_STORE_VIEW_H
#define SL_STORE_VIEW_H

#include "store/sl_store_sql.h"
#include "store/sl_store_token.h"

/* clang-format off */

/** The columns of a sl_token_t from `t`; `refresh` is its column, or NULL::bytea. */
#define SQL_TOKEN(t, refresh)                                                                      \
    t ".launch, " t ".link, " t ".app, " t ".ehr, " t ".app_user, " t ".patient,"                  \
    " " t ".access_sealed, " refresh " AS refresh_sealed, " t ".key_id, " t ".scope_asked,"        \
    " " t ".scope_granted, " SQL_US(t ".issued_at") " AS issued_at,"                               \
    " " SQL_US(t ".expires_at") " AS expires_at, " t ".generation, " t ".status"

/** What a sl_token_view_t has besides, from the launch `l` and the token `t`. */
#define SQL_VIEW(t)                                                                                \
    "l.id AS l_id, l.app AS l_app, l.ehr AS l_ehr, l.app_user AS l_app_user,"                      \
    " l.patient AS l_patient, l.key_id AS l_key_id, l.session_hash,"                               \
    " l.state = 'live' AND l.link_state <> 'pending' AS is_live,"                                  \
    " l.issuer AS l_issuer, l.sub AS l_sub,"                                                       \
    " " SQL_US("l.last_seen_at") " AS last_seen_at,"                                               \
    " " SQL_US("l.expires_at") " AS launch_expires_at,"                                            \
    " " t ".refresh_sealed IS NOT NULL AS can_renew, " SQL_US(t ".lease_until") " AS lease_until," \
    " " SQL_US(t ".retry_at") " AS retry_at, " SQL_US("now()") " AS now"

/* clang-format on */

/** Row `i` of an answer that has the columns of SQL_TOKEN; `launch` NULL: there is none. */
void sl_store_read_token(sl_token_t *out, const sl_rows_t *rows, int i);

/** Row `i` of an answer that has the columns of SQL_TOKEN and SQL_VIEW. */
void sl_store_read_view(sl_token_view_t *out, const sl_rows_t *rows, int i);

#endif
