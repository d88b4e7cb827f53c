/* SPDX-License-Identifier: Apache-2.0 */
/** A study for the tests of the holding area: project `study`, at a PostgreSQL, without an EHR. */
#ifndef STORE_CDP_H
#define STORE_CDP_H

#include "flow/sl_cdp_hold.h"
#include "flow/sl_cdp_setup.h"
#include "store.h"

#define MINUTE apr_time_from_sec(60)
#define MRN "MRN-4711"

/** Key rings: the first key seals. */
#define RING_ONE "k1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
#define RING_TWO "k2 AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"

extern sl_cdp_t cdp;           /* key ring: RING_ONE unless cdp_ring() said otherwise */
extern sl_cdp_project_t study; /* refetched every day, for a week */

/** Empty the tables, and save a mapping: see FIELDS in store_cdp.c. */
void cdp_begin(void);

/** The process has this key ring from now on. */
void cdp_ring(const char *text);

/** The mapping as it is stored. */
sl_cdp_mapping_t cdp_mapping(apr_int64_t *revision);

/** Save it over whatever is there. */
sl_rc_t cdp_save(const sl_cdp_mapping_t *mapping, apr_int64_t revision);

/** Take the record for a fetch by alice; `mrn` NULL: the one that is known. */
sl_rc_t cdp_claim(sl_cdp_claim_t *claim, const char *record, const char *mrn);

/** One item: "field" or "field/instance", its value, its time ("" for none). */
typedef struct {
    const char *field, *value, *when;
} cdp_item_t;

/** Hold `count` of them; adds up in `held`. `current` as sl_cdp_hold_t, or NULL. */
sl_rc_t cdp_hold(sl_cdp_held_t *held, const sl_cdp_claim_t *claim, const cdp_item_t *items,
                 int count, const apr_array_header_t *current);

sl_rc_t cdp_finish(const sl_cdp_claim_t *claim, const char *outcome);

/** Claim with `mrn`, hold, and give back. */
sl_cdp_held_t cdp_fetch(const char *record, const char *mrn, const cdp_item_t *items, int count);

/** The values that can be decided, opened: "field=value|…" by id; "field!" for an unreadable one.
 */
const char *cdp_values(const char *record);

/** Targets with something new. */
int cdp_fresh(const char *record);

#define ITEMS(list) (list), (int)(sizeof(list) / sizeof((list)[0]))

#endif
