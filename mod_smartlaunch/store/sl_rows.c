/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_rows.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

struct sl_rows {
    PGresult *result;
    apr_pool_t *pool;
};

static apr_status_t forget(void *data)
{
    PQclear(data);
    return APR_SUCCESS;
}

sl_rows_t *sl_rows_new(PGresult *result, apr_pool_t *p)
{
    sl_rows_t *rows = apr_palloc(p, sizeof(*rows));

    rows->result = result;
    rows->pool = p;
    apr_pool_cleanup_register(p, result, forget, apr_pool_cleanup_null);
    return rows;
}

int sl_rows_count(const sl_rows_t *rows)
{
    return PQntuples(rows->result);
}

const char *sl_rows_text(const sl_rows_t *rows, int row, const char *column)
{
    int col = PQfnumber(rows->result, column);

    if (col < 0 || row < 0 || row >= PQntuples(rows->result) ||
        PQgetisnull(rows->result, row, col)) {
        return NULL;
    }
    return PQgetvalue(rows->result, row, col);
}

int64_t sl_rows_int(const sl_rows_t *rows, int row, const char *column, int64_t otherwise)
{
    const char *text = sl_rows_text(rows, row, column);

    return text == NULL ? otherwise : (int64_t)strtoll(text, NULL, 10);
}

bool sl_rows_bool(const sl_rows_t *rows, int row, const char *column)
{
    const char *text = sl_rows_text(rows, row, column);

    return text != NULL && strcmp(text, "t") == 0;
}

apr_time_t sl_rows_time(const sl_rows_t *rows, int row, const char *column)
{
    return sl_rows_int(rows, row, column, 0);
}

sl_bytes_t sl_rows_bytes(const sl_rows_t *rows, int row, const char *column)
{
    sl_bytes_t bytes = {NULL, 0};
    const char *text = sl_rows_text(rows, row, column);
    size_t len = 0;
    unsigned char *raw;

    if (text == NULL) {
        return bytes;
    }
    raw = PQunescapeBytea((const unsigned char *)text, &len);
    if (raw != NULL) {
        bytes.bytes = apr_pmemdup(rows->pool, raw, len == 0 ? 1 : len);
        bytes.len = len;
        PQfreemem(raw);
    }
    return bytes;
}
