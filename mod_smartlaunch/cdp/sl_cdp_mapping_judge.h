/* SPDX-License-Identifier: Apache-2.0 */
/** The rules of a mapping, for its three ways in: JSON, CSV, a form. */
#ifndef SL_CDP_MAPPING_JUDGE_H
#define SL_CDP_MAPPING_JUDGE_H

#include "cdp/sl_cdp_fault.h"

/** Where a mapping was written down. */
typedef struct {
    const apr_array_header_t *fields; /* of int, one for each field; NULL: its place from 1 */
    int identifier;                   /* 0: the whole */
} sl_cdp_rows_t;

/** Add everything that is wrong to `faults`. An identifier without `source` is none. */
void sl_cdp_mapping_judge(apr_array_header_t *faults, const sl_cdp_mapping_t *mapping,
                          const sl_cdp_rows_t *rows, const sl_cdp_mapping_rules_t *rules);

/** Can this field say which days are wanted: does it hold a date, or a date with a time? */
bool sl_cdp_is_date_field(const sl_cdp_field_t *field);

/** What is written in several ways is kept in one: no blanks between LOINC codes, no event where
 * the project has none. */
void sl_cdp_map_settle(sl_cdp_map_t *map, const sl_cdp_mapping_rules_t *rules, apr_pool_t *p);

#endif
