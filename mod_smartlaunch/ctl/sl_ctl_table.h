/* SPDX-License-Identifier: Apache-2.0 */
/** Answers of smartlaunchctl: a narrow table for people, JSON for programs. */
#ifndef SL_CTL_TABLE_H
#define SL_CTL_TABLE_H

#include "ctl/sl_ctl.h"
#include "store/sl_rows.h"
#include "store/sl_store_admin.h"

typedef enum { SL_CTL_TEXT, SL_CTL_NUMBER, SL_CTL_YES_NO, SL_CTL_TIME } sl_ctl_kind_t;

/** Where a column is shown. */
typedef enum { SL_CTL_BOTH, SL_CTL_JSON_ONLY, SL_CTL_PATIENT } sl_ctl_where_t;

typedef struct {
    const char *name; /* of the statement's column and of the JSON member */
    const char *head; /* over the table's column */
    sl_ctl_kind_t kind;
    sl_ctl_where_t where; /* PATIENT: only with --patients */
} sl_ctl_column_t;

/** Print at most --limit rows; says on stderr when there are more. Columns end with a NULL name. */
void sl_ctl_print_rows(const sl_ctl_t *ctl, const sl_rows_t *rows, const sl_ctl_column_t *columns);

/** Reads what --app, --ehr, --user, --ehr-user, --all and --limit ask for. */
typedef sl_rc_t sl_ctl_read_t(sl_rows_t **out, sl_db_t *db, const sl_admin_filter_t *filter,
                              apr_pool_t *p, sl_err_t *err);

/** The verb `list`: connect, read, print. @return how the program ends */
int sl_ctl_list(sl_ctl_t *ctl, sl_ctl_read_t *read, const sl_ctl_column_t *columns);

/** "2026-03-14T15:09:26Z"; "" for 0. */
const char *sl_ctl_stamp(apr_pool_t *p, apr_time_t at);

/** A copy in which nothing can move a terminal's cursor. NULL gives "". */
const char *sl_ctl_plain(apr_pool_t *p, const char *text);

/** Print an object as JSON. */
void sl_ctl_print_json(const sl_ctl_t *ctl, const sl_json_t *value);

#endif
