/* SPDX-License-Identifier: Apache-2.0 */
/** Targets while a sheet is made of them: for the files of sl_cdp_sheet_build only. */
#ifndef SL_CDP_SHEET_TARGET_H
#define SL_CDP_SHEET_TARGET_H

#include "flow/sl_cdp_sheet_build.h"
#include <apr_hash.h>

typedef struct {
    sl_cdp_target_t shown;
    const sl_cdp_field_t *field; /* NULL: the app does not tell, or has none */
    apr_array_header_t *candidates;
    const sl_cdp_map_t *first; /* mapping whose rule decides */
    bool is_mixed;             /* its mappings have different rules: none of them decides */
    const sl_cdp_last_t *last; /* NULL: nothing was saved yet */
} sl_cdp_sheet_target_t;

typedef struct {
    const sl_cdp_sheet_parts_t *parts;
    apr_array_header_t *order; /* of sl_cdp_sheet_target_t * */
    apr_hash_t *targets;       /* place → sl_cdp_sheet_target_t */
    apr_hash_t *current;       /* place → value */
    apr_hash_t *maps;          /* cdp_mapping.id → const sl_cdp_map_t */
    apr_hash_t *labels;        /* source → label */
    apr_pool_t *p;
} sl_cdp_sheet_making_t;

/** All targets, without candidates. */
void sl_cdp_sheet_target_begin(sl_cdp_sheet_making_t *b, const sl_cdp_sheet_parts_t *parts,
                               apr_pool_t *p);

/** The target of a mapping; made where it is not there yet. */
sl_cdp_sheet_target_t *sl_cdp_sheet_target_of(sl_cdp_sheet_making_t *b, const sl_cdp_map_t *map,
                                              int instance);

/** NULL: there is none. */
sl_cdp_sheet_target_t *sl_cdp_sheet_target_find(const sl_cdp_sheet_making_t *b, const char *event,
                                                int instance, const char *field);

/** What the record has in a field; NULL: not known. A repeating form may have its date on one that
 * does not repeat. */
const char *sl_cdp_sheet_target_value(const sl_cdp_sheet_making_t *b, const char *event,
                                      int instance, const char *field);

/** Equal, or both NULL. */
bool sl_cdp_sheet_target_same(const char *a, const char *b);

#endif
