/* SPDX-License-Identifier: Apache-2.0 */
/** Which candidate of a field is ticked before anybody looks (reference 4.3). */
#ifndef SL_CDP_PRESELECT_H
#define SL_CDP_PRESELECT_H

#include "cdp/sl_cdp_when.h"

typedef struct {
    apr_int64_t id; /* cdp_value.id */
    const char *value;
    sl_cdp_when_t when;
    bool fits; /* what does not fit its field, or has another unit, is shown and never ticked */
} sl_cdp_candidate_t;

/**
 * Index of the one that is ticked, -1: none.
 * @param date of the field that opened the window; NULL: one-time
 */
int sl_cdp_preselect(const sl_cdp_candidate_t *candidates, int count, sl_cdp_pick_t pick,
                     const char *date);

/** One that nobody has to look at (H7): preselected, and no other candidate speaks against it: the
 * only one, or the rule of the mapping decided. */
bool sl_cdp_is_unambiguous(const sl_cdp_candidate_t *candidates, int count, sl_cdp_pick_t pick,
                           const char *date);

#endif
