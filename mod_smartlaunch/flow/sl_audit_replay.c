/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_audit_replay.h"

#include "base/sl_json.h"
#include <apr_strings.h>

#define RECORDS 100 /* of one turn */

const char *sl_audit_late_json(apr_pool_t *p, const apr_array_header_t *rows)
{
    sl_json_t *all = sl_json_array(p);

    for (int i = 0; i < rows->nelts; i++) {
        const sl_access_t *row = &APR_ARRAY_IDX(rows, i, sl_access_t);
        sl_json_t *one = sl_json_object(p);

        sl_json_put_int(one, "at", row->at);
        sl_json_put_str(one, "reference", row->reference);
        sl_json_put_int(one, "bytes", row->bytes);
        sl_json_put_int(one, "ms", row->ms);
        sl_json_push(all, one);
    }
    return sl_json_text(p, all);
}

static int64_t number(const sl_json_t *object, const char *name)
{
    sl_json_t *member = sl_json_get(object, name);

    return member != NULL ? json_object_get_int64(member) : -1;
}

static sl_rc_t store_late(sl_db_t *db, const sl_json_t *all, apr_pool_t *p, sl_err_t *err)
{
    size_t count = json_object_array_length(all);
    apr_array_header_t *rows = apr_array_make(p, (int)count + 1, sizeof(sl_access_t));

    for (size_t i = 0; i < count; i++) {
        sl_json_t *one = json_object_array_get_idx(all, i);
        sl_access_t *row = apr_array_push(rows);

        row->at = number(one, "at");
        row->reference = sl_json_str(one, "reference");
        row->bytes = number(one, "bytes");
        row->ms = (int)number(one, "ms");
    }
    return sl_store_access_complete(db, rows, p, err);
}

/** Each row alone, so that those the table takes are not lost with one that it does not. */
static sl_rc_t store_singly(sl_db_t *db, const sl_json_t *all, apr_pool_t *p, sl_err_t *err)
{
    size_t count = json_object_array_length(all);
    sl_rc_t rc = SL_OK;
    bool refused = false;

    for (size_t i = 0; i < count; i++) {
        sl_json_t *one = sl_json_array(p);

        sl_json_push(one, json_object_array_get_idx(all, i));
        rc = sl_store_access_add(db, sl_json_text(p, one), err);
        refused = refused || rc == SL_INVALID;
        if (rc != SL_OK && rc != SL_INVALID) {
            return rc;
        }
    }
    return refused ? SL_INVALID : SL_OK;
}

static sl_rc_t store(sl_db_t *db, const char *name, const sl_secret_t *record, apr_pool_t *p,
                     sl_err_t *err)
{
    const char *text = sl_secret_reveal(record);
    sl_json_t *all = NULL;
    sl_rc_t rc;

    if (strncmp(name, SL_AUDIT_ROWS ".", sizeof(SL_AUDIT_ROWS)) == 0) {
        rc = sl_store_access_add(db, text, err);
        if (rc != SL_INVALID) {
            return rc;
        }
    }
    rc = sl_json_parse_any(&all, text, sl_secret_len(record), p, err);
    if (rc == SL_OK && !json_object_is_type(all, json_type_array)) {
        rc = sl_err_set(err, SL_INVALID, "SL4615", "the record is no list of rows");
    }
    if (rc != SL_OK) {
        return rc;
    }
    return strncmp(name, SL_AUDIT_LATE ".", sizeof(SL_AUDIT_LATE)) == 0
               ? store_late(db, all, p, err)
               : store_singly(db, all, p, err);
}

/** One record. SL_OK: it is home, gone or put aside. */
static sl_rc_t replay(const sl_audit_options_t *with, const char *name, apr_pool_t *p,
                      sl_err_t *err)
{
    sl_secret_t *record = NULL;
    sl_rc_t rc = sl_spool_get(&record, with->spool, name, p, err);

    if (rc == SL_NONE) {
        return SL_OK;
    }
    if (rc == SL_OK) {
        rc = store(with->db, name, record, p, err);
    }
    if (rc == SL_OK) {
        sl_spool_del(with->spool, name);
    } else if (rc == SL_INVALID || rc == SL_DENIED) {
        sl_spool_put_aside(with->spool, name);
        sl_log(&with->log, SL_LOG_ERROR, "SL4616",
               "a record of the journal stays aside as bad.%s: %s (%s)", name, err->text, err->id);
        rc = SL_OK;
    }
    return rc;
}

static sl_rc_t replay_kind(int *left, const sl_audit_options_t *with, const char *prefix,
                           apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *names = NULL;
    apr_pool_t *tmp = NULL;
    sl_rc_t rc = sl_spool_list(&names, with->spool, prefix, RECORDS, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *left = names->nelts;
    apr_pool_create(&tmp, p);
    for (int i = 0; i < names->nelts && rc == SL_OK; i++) {
        rc = replay(with, APR_ARRAY_IDX(names, i, const char *), tmp, err);
        *left -= rc == SL_OK ? 1 : 0;
        apr_pool_clear(tmp);
    }
    apr_pool_destroy(tmp);
    /* A full turn: there may be more. */
    *left += rc == SL_OK && names->nelts == RECORDS ? 1 : 0;
    return rc;
}

sl_rc_t sl_audit_replay(int *left, const sl_audit_options_t *with, apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = replay_kind(left, with, SL_AUDIT_ROWS ".", p, err);

    /* The figures of a row cannot come before the row. */
    if (rc == SL_OK && *left == 0) {
        rc = replay_kind(left, with, SL_AUDIT_LATE ".", p, err);
    }
    return rc;
}
