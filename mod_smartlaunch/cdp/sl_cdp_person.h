/* SPDX-License-Identifier: Apache-2.0 */
/** Which of several names, addresses, numbers and identifiers of a Patient counts. */
#ifndef SL_CDP_PERSON_H
#define SL_CDP_PERSON_H

#include "base/sl_json.h"
#include <apr_pools.h>

/* `today` is "YYYY-MM-DD": what ended before it, or begins after it, does not count. */

/** official, usual, unsaid, then the first; never an old one, a maiden name or a nickname. */
sl_json_t *sl_cdp_person_name(const sl_json_t *patient, const char *today);

/** home, temp, work, then the first; never an old one. */
sl_json_t *sl_cdp_person_address(const sl_json_t *patient, const char *today);

/**
 * The `nth` (from 1) telecom by rank, then by place.
 * @param use NULL: any
 */
typedef struct {
    const char *system, *use;
    int nth;
} sl_cdp_person_line_t;
const char *sl_cdp_person_telecom(const sl_json_t *patient, const sl_cdp_person_line_t *line,
                                  const char *today, apr_pool_t *p);

/** The MRN: in `system`, or of type MR where that is NULL; official before others; not an old one.
 */
const char *sl_cdp_person_mrn(const sl_json_t *patient, const char *system, const char *today);

/** Is this one of its MRNs? */
bool sl_cdp_person_has_mrn(const sl_json_t *patient, const char *mrn, const char *system,
                           const char *today);

#endif
