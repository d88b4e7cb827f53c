/* SPDX-License-Identifier: Apache-2.0 */
/** From what was read of a record to the targets of its sheet. No I/O, no clock. */
#ifndef SL_CDP_SHEET_BUILD_H
#define SL_CDP_SHEET_BUILD_H

#include "cdp/sl_cdp_plan.h"
#include "flow/sl_cdp_sheet.h"

/** A candidate, opened. */
typedef struct {
    apr_int64_t id, mapping;
    int instance;
    sl_cdp_when_t when;
    sl_cdp_value_state_t state;
    const char *value;              /* NULL: see problem */
    const char *code, *unit, *note; /* NULL: none */
    const char *problem;            /* why it can never be saved; NULL: none */
    bool is_closed;                 /* its seal cannot be opened here and now */
} sl_cdp_opened_t;

/** The last value that was saved for a target. */
typedef struct {
    const char *event;
    int instance;
    const char *field;
    sl_cdp_sent_t sent;
    sl_cdp_revised_t revised;
    const char *refusal;            /* REFUSED: the app's reason; ASIDE: ours */
    const sl_cdp_opened_t *refused; /* REFUSED: what can be chosen again; NULL: nothing */
} sl_cdp_last_t;

typedef struct {
    const sl_cdp_mapping_t *mapping;
    const sl_cdp_dictionary_t *dictionary; /* NULL: the app does not tell, or is away */
    bool is_away;                          /* it could not be asked: nothing can be judged */
    const apr_array_header_t *current;     /* of sl_cdp_current_t; NULL: not known */
    const apr_array_header_t *dates;       /* of sl_cdp_date_t, where `current` has none; NULL */
    const apr_array_header_t *values;      /* of sl_cdp_opened_t, by time */
    const apr_array_header_t *last;        /* of sl_cdp_last_t */
} sl_cdp_sheet_parts_t;

/** Of sl_cdp_target_t, in the order of the mapping, then of instances. Points into `parts`. */
apr_array_header_t *sl_cdp_sheet_build(const sl_cdp_sheet_parts_t *parts, apr_pool_t *p);

#endif
