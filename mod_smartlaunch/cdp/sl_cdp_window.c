/* SPDX-License-Identifier: Apache-2.0 */
/* The window that a date opens (W1 to W7). */
#include "cdp/sl_cdp_clock.h"
#include "cdp/sl_cdp_when.h"

#define CENTIDAY 864 /* seconds */

/* Dates move by calendar days, whatever the clock is set to on the way. */
static void around_date(sl_cdp_window_t *out, sl_cdp_when_t date, sl_cdp_offset_t offset)
{
    apr_int64_t span = (apr_int64_t)offset.centidays * CENTIDAY;

    out->from.seconds = date.seconds - (offset.direction == SL_CDP_AFTER ? 0 : span);
    out->to.seconds =
        date.seconds + SL_CDP_CLOCK_DAY - 1 + (offset.direction == SL_CDP_BEFORE ? 0 : span);
}

/* Date-times move by the seconds that pass. */
static void around_time(sl_cdp_window_t *out, sl_cdp_when_t date, sl_cdp_offset_t offset)
{
    apr_int64_t span = (apr_int64_t)offset.centidays * CENTIDAY;
    apr_int64_t instant = sl_cdp_clock_instant(date.seconds, false);

    out->from.seconds = out->to.seconds = date.seconds;
    if (offset.direction != SL_CDP_AFTER) {
        out->from.seconds = sl_cdp_clock_wall(instant - span);
    }
    if (offset.direction != SL_CDP_BEFORE) {
        out->to.seconds = sl_cdp_clock_wall(instant + span);
    }
}

sl_rc_t sl_cdp_window_make(sl_cdp_window_t *out, const char *date, sl_cdp_offset_t offset)
{
    sl_cdp_when_t when;

    if (date == NULL || *date == '\0') {
        return SL_NONE;
    }
    if (sl_cdp_when_from_field(&when, date) != SL_OK) {
        return SL_INVALID;
    }
    out->from.precision = out->to.precision = SL_CDP_DATETIME;
    if (when.precision == SL_CDP_DATE) {
        around_date(out, when, offset);
    } else {
        around_time(out, when, offset);
    }
    return SL_OK;
}

bool sl_cdp_window_has(const sl_cdp_window_t *window, sl_cdp_when_t when)
{
    apr_int64_t last = when.seconds + (when.precision == SL_CDP_DATE ? SL_CDP_CLOCK_DAY - 1 : 0);

    return when.precision != SL_CDP_NO_TIME && when.seconds <= window->to.seconds &&
           last >= window->from.seconds;
}
