/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Times as clinicians read them, and the window a date opens (W1 to W10). A time is the wall clock
 * of the process's time zone (TZ), without a zone: what an EHR sent is converted to it, or stripped
 * of its offset as sent (W8). Day arithmetic of dates is by calendar days, that of date-times by
 * seconds, daylight saving included (W7).
 */
#ifndef SL_CDP_WHEN_H
#define SL_CDP_WHEN_H

#include "base/sl_rc.h"
#include "cdp/sl_cdp_mapping.h"

typedef enum { SL_CDP_NO_TIME, SL_CDP_DATE, SL_CDP_DATETIME } sl_cdp_precision_t;

typedef struct {
    apr_int64_t seconds; /* of the wall clock, as if it were UTC, since 1970 */
    sl_cdp_precision_t precision;
} sl_cdp_when_t;

/** FHIR date, dateTime or instant. A year or month alone is SL_INVALID: no use for windows. */
SL_MUST_USE sl_rc_t sl_cdp_when_from_fhir(sl_cdp_when_t *out, const char *text, bool convert_gmt);

/** A date field of the project: "2024-03-15", "2024-03-15 10:51[:00]", also with T. */
SL_MUST_USE sl_rc_t sl_cdp_when_from_field(sl_cdp_when_t *out, const char *text);

/** "2024-03-15" or "2024-03-15 10:51:00"; "" without a time. */
const char *sl_cdp_when_text(apr_pool_t *p, sl_cdp_when_t when);
/** Back from that text. */
SL_MUST_USE sl_rc_t sl_cdp_when_parse(sl_cdp_when_t *out, const char *text);

/** An instant as wall clock, to the second. */
sl_cdp_when_t sl_cdp_when_at(apr_time_t instant);

/** Order; a date counts as the beginning of its day. */
int sl_cdp_when_compare(sl_cdp_when_t a, sl_cdp_when_t b);

typedef struct {
    sl_cdp_when_t from, to; /* both to the second, both inclusive */
} sl_cdp_window_t;

/** SL_NONE: the date is empty (W1). SL_INVALID: it is none. */
SL_MUST_USE sl_rc_t sl_cdp_window_make(sl_cdp_window_t *out, const char *date,
                                       sl_cdp_offset_t offset);

/** A date-only value is inside when its day touches a day of the window. */
bool sl_cdp_window_has(const sl_cdp_window_t *window, sl_cdp_when_t when);

/** "ge2024-03-14T00:00:00-05:00": a bound for a FHIR search, in local time with its offset. */
const char *sl_cdp_when_bound(apr_pool_t *p, const char *comparator, sl_cdp_when_t when);

#endif
