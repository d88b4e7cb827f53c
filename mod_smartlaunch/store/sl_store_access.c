/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_access.h"

#include "base/sl_text.h"
#include "store/sl_store_sql.h"
#include <apr_tables.h>
#include <string.h>

/* What a row has besides its texts: names, quotes, numbers. */
#define ROW_FRAME 400
/* A byte becomes six at most: \u001f. */
#define ESCAPED 6

/* clang-format off */
#define SQL_ROWS                                                                                   \
    "jsonb_to_recordset($1::jsonb) AS n"                                                           \
    " (at bigint, via text, caller text, app text, app_user text, session_print text, ehr text,"   \
    "  patient text, asked_patient text, method text, resource text, status integer,"              \
    "  bytes bigint, ms integer, reference text)"

static const sl_stmt_t ADD = {
    .name = "sl_access_add",
    .sql = "INSERT INTO smartlaunch.fhir_access (at, via, caller, app, app_user, session_print,"
           " ehr, patient, asked_patient, method, resource, status, bytes, ms, reference)"
           " SELECT to_timestamp(0) + n.at * interval '1 microsecond', n.via, n.caller, n.app,"
           "  n.app_user, n.session_print, n.ehr, n.patient, n.asked_patient, n.method,"
           "  n.resource, n.status, n.bytes, n.ms, n.reference FROM " SQL_ROWS,
    .params = 1,
};

static const sl_stmt_t COMPLETE = {
    .name = "sl_access_complete",
    .sql = "SELECT smartlaunch.access_complete($1::jsonb)",
    .params = 1,
    .read_only = true, /* what is filled in stays as it is */
};

static const sl_stmt_t PURGE = {
    .name = "sl_access_purge",
    .sql = "SELECT smartlaunch.access_purge(" SQL_FOR("$1") ") AS n",
    .params = 1,
};
/* clang-format on */

static const char *via_word(sl_access_via_t via)
{
    switch (via) {
    case SL_VIA_SESSION:
        return "session";
    case SL_VIA_USER:
        return "user";
    case SL_VIA_SYSTEM:
        return "system";
    case SL_VIA_NONE:
        break;
    }
    return "none";
}

/* json-c would make an object of every value, and this is done for every FHIR call. */

static char *put(char *to, const char *text)
{
    size_t len = strlen(text);

    memcpy(to, text, len);
    return to + len;
}

/** How many bytes at the beginning stand for themselves. */
static size_t count_plain(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\') {
        at++;
    }
    return (size_t)(at - (const unsigned char *)text);
}

/** The text as a JSON string. What is not UTF-8 keeps its ASCII, so that the row is not lost. */
static char *put_quoted(char *to, const char *text)
{
    size_t plain = count_plain(text);
    bool clean;

    *to++ = '"';
    memcpy(to, text, plain);
    to += plain;
    text += plain;
    clean = text[0] == '\0' || sl_text_is_utf8(text, strlen(text));
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            *to++ = '\\';
            *to++ = (char)*at;
        } else if (*at < 0x20) {
            static const char hex[] = "0123456789abcdef";

            to = put(to, "\\u00");
            *to++ = hex[*at >> 4];
            *to++ = hex[*at & 15];
        } else {
            *to++ = *at < 0x80 || clean ? (char)*at : '?';
        }
    }
    *to++ = '"';
    return to;
}

static char *put_text(char *to, const char *name, const char *text)
{
    return text == NULL ? to : put_quoted(put(to, name), text);
}

/** None of them is negative: times, sizes, statuses. */
static char *put_number(char *to, const char *name, apr_int64_t number)
{
    apr_uint64_t left = number > 0 ? (apr_uint64_t)number : 0;
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    to = put(to, name);
    memcpy(to, digits + at, sizeof(digits) - at);
    return to + (sizeof(digits) - at);
}

static char *put_row(char *to, const sl_access_t *row)
{
    to = put_number(to, "{\"at\":", row->at);
    to = put_text(to, ",\"via\":", via_word(row->via));
    to = put_text(to, ",\"caller\":", row->caller);
    to = put_text(to, ",\"app\":", row->app);
    to = put_text(to, ",\"app_user\":", row->app_user);
    to = put_text(to, ",\"session_print\":", row->session_print);
    to = put_text(to, ",\"ehr\":", row->ehr);
    to = put_text(to, ",\"patient\":", row->patient);
    to = put_text(to, ",\"asked_patient\":", row->asked_patient);
    to = put_text(to, ",\"method\":", row->method);
    to = put_text(to, ",\"resource\":", row->resource);
    to = put_number(to, ",\"status\":", row->status);
    if (row->bytes >= 0) {
        to = put_number(to, ",\"bytes\":", row->bytes);
    }
    if (row->ms >= 0) {
        to = put_number(to, ",\"ms\":", row->ms);
    }
    to = put_text(to, ",\"reference\":", row->reference);
    *to++ = '}';
    return to;
}

static size_t length(const char *text)
{
    return text == NULL ? 0 : strlen(text);
}

static size_t bound(const apr_array_header_t *rows)
{
    size_t texts = 0;

    for (int i = 0; i < rows->nelts; i++) {
        const sl_access_t *row = &APR_ARRAY_IDX(rows, i, const sl_access_t);

        texts += length(row->caller) + length(row->app) + length(row->app_user) +
                 length(row->session_print) + length(row->ehr) + length(row->patient) +
                 length(row->asked_patient) + length(row->method) + length(row->resource) +
                 length(row->reference);
    }
    return texts * ESCAPED + (size_t)rows->nelts * ROW_FRAME + sizeof("[]");
}

const char *sl_store_access_json(apr_pool_t *p, const apr_array_header_t *rows)
{
    char *text = apr_palloc(p, bound(rows));
    char *to = text;

    *to++ = '[';
    for (int i = 0; i < rows->nelts; i++) {
        if (i > 0) {
            *to++ = ',';
        }
        to = put_row(to, &APR_ARRAY_IDX(rows, i, const sl_access_t));
    }
    *to++ = ']';
    *to = '\0';
    return text;
}

/** SQLSTATE classes 22 (a value that is none) and 23 (one that the table does not take). */
static bool is_bad_data(const sl_err_t *why)
{
    return strstr(why->text, "SQLSTATE 22") != NULL || strstr(why->text, "SQLSTATE 23") != NULL;
}

static sl_rc_t hand_over(sl_db_t *db, const sl_stmt_t *stmt, const char *json, sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_text(json)};
    const sl_db_call_t call = {stmt, params};
    sl_err_t why = {0};
    sl_rc_t rc = sl_store_do(db, &call, &why);

    if (rc == SL_FAILED && is_bad_data(&why)) {
        return sl_err_set(err, SL_INVALID, "SL3410",
                          "PostgreSQL refuses a row of the audit (%.100s)", why.text);
    }
    if (rc != SL_OK && err != NULL) {
        *err = why;
    }
    return rc;
}

sl_rc_t sl_store_access_add(sl_db_t *db, const char *json, sl_err_t *err)
{
    return hand_over(db, &ADD, json, err);
}

sl_rc_t sl_store_access_complete(sl_db_t *db, const apr_array_header_t *rows, apr_pool_t *tmp,
                                 sl_err_t *err)
{
    return hand_over(db, &COMPLETE, sl_store_access_json(tmp, rows), err);
}

sl_rc_t sl_store_access_purge(bool *more, sl_db_t *db, apr_interval_time_t keep, apr_pool_t *p,
                              sl_err_t *err)
{
    const sl_db_param_t params[] = {sl_db_int(keep)};
    const sl_db_call_t call = {&PURGE, params};
    int n;
    sl_rc_t rc = sl_store_count(&n, db, &call, p, err);

    *more = n > 0;
    return rc;
}
