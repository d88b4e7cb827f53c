/* SPDX-License-Identifier: Apache-2.0 */
/** The fields of the EHR that can be mapped (reference section 5): one constant table. */
#ifndef SL_CDP_CATALOGUE_H
#define SL_CDP_CATALOGUE_H

#include <apr_tables.h>
#include <stdbool.h>

#define SL_CDP_MAX_CODES 20 /* LOINC codes of one source */

typedef enum {
    SL_CDP_KIND_PATIENT,     /* an element of Patient */
    SL_CDP_KIND_OBSERVATION, /* by LOINC, temporal */
    SL_CDP_KIND_LIST         /* one text of many resources */
} sl_cdp_kind_t;

typedef struct {
    const char *name;  /* "name-given", "2951-2", "active-problem-list" */
    const char *label; /* plain English */
    const char *group; /* heading: "Demographics", "Laboratory", "Vital signs", … */
    sl_cdp_kind_t kind;
    const char *unit; /* usual UCUM code; NULL */
    bool is_email;
} sl_cdp_source_t;

/** All of it, in the order of the screen; `*count` entries. */
const sl_cdp_source_t *sl_cdp_catalogue(int *count);

/** By exact name. Any well-formed LOINC code (its check digit is right), or several different ones
 * with commas and no blanks, is a source of kind OBSERVATION even if not in the table. False:
 * unknown. */
bool sl_cdp_catalogue_find(sl_cdp_source_t *out, const char *name, apr_pool_t *p);

/** Those whose name, label or group has every word of `words`, case ignored, all of them for none;
 * else what sl_cdp_catalogue_find() makes of a LOINC code: of const sl_cdp_source_t *. */
apr_array_header_t *sl_cdp_catalogue_search(const char *words, apr_pool_t *p);

/** The LOINC codes of an observation source, none of another: of const char *. */
apr_array_header_t *sl_cdp_catalogue_codes(const char *name, apr_pool_t *p);

bool sl_cdp_is_temporal(const sl_cdp_source_t *source);

#endif
