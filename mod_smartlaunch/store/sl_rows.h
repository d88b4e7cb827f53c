/* SPDX-License-Identifier: Apache-2.0 */
/** The answer to one statement. Values live as long as the pool it was asked with. */
#ifndef SL_ROWS_H
#define SL_ROWS_H

#include "base/sl_keyring.h"
#include <apr_pools.h>
#include <apr_time.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct sl_rows sl_rows_t;

/** Take a libpq result over; it is freed with `p`. */
sl_rows_t *sl_rows_new(PGresult *result, apr_pool_t *p);

int sl_rows_count(const sl_rows_t *rows);

/** The value, or NULL for SQL NULL. Columns are asked by name; a wrong name is NULL. */
const char *sl_rows_text(const sl_rows_t *rows, int row, const char *column);

/** A number, or `otherwise` for SQL NULL. */
int64_t sl_rows_int(const sl_rows_t *rows, int row, const char *column, int64_t otherwise);

/** True only when the value is true. */
bool sl_rows_bool(const sl_rows_t *rows, int row, const char *column);

/** Microseconds since 1970 as our statements hand times over; 0 for SQL NULL. */
apr_time_t sl_rows_time(const sl_rows_t *rows, int row, const char *column);

/** A bytea; {NULL, 0} for SQL NULL. */
sl_bytes_t sl_rows_bytes(const sl_rows_t *rows, int row, const char *column);

#endif
