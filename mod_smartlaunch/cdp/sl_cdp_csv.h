/* SPDX-License-Identifier: Apache-2.0 */
/** CSV as RFC 4180 has it, and as spreadsheets write it: a BOM, any line end, semicolons or tabs.
 */
#ifndef SL_CDP_CSV_H
#define SL_CDP_CSV_H

#include "base/sl_rc.h"
#include <apr_tables.h>

typedef struct {
    apr_array_header_t *rows; /* of apr_array_header_t * of const char *; row 1 is the first, as in
                                 a spreadsheet: an empty line is a row, too, of one empty cell */
    int bad_row;              /* SL_INVALID: where, 0: the whole */
    const char *reason;       /* and why, a plain sentence */
} sl_cdp_csv_t;

/**
 * Read it. The first row tells what separates: a comma, else a semicolon, else a tab.
 * @return SL_INVALID: no UTF-8, or quotation marks that do not match
 */
SL_MUST_USE sl_rc_t sl_cdp_csv_parse(sl_cdp_csv_t *out, const char *text, apr_size_t len,
                                     apr_pool_t *p);

/** One row with its CR LF: cells are quoted where they have to be. */
const char *sl_cdp_csv_row(apr_pool_t *p, const char *const *cells, int count);

#endif
