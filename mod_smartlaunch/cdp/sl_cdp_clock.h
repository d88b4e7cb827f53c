/* SPDX-License-Identifier: Apache-2.0 */
/** The calendar, and the way between wall clock and instants in the process's time zone (TZ). */
#ifndef SL_CDP_CLOCK_H
#define SL_CDP_CLOCK_H

#include <apr.h>
#include <stdbool.h>

#define SL_CDP_CLOCK_DAY 86400 /* seconds */

typedef struct {
    int year, month, day, hour, minute, second;
} sl_cdp_clock_t;

/** Days of a month, 1 to 12. */
int sl_cdp_clock_month_days(int year, int month);

/** Days since 1970-01-01 of the Gregorian calendar. */
apr_int64_t sl_cdp_clock_days(int year, int month, int day);

/** Take seconds of a wall clock apart; years 1 to 9999, beyond them the nearest. */
void sl_cdp_clock_split(sl_cdp_clock_t *out, apr_int64_t seconds);

/** The wall clock at an instant (seconds since 1970 UTC), as seconds as if it were UTC. */
apr_int64_t sl_cdp_clock_wall(apr_int64_t instant);

/** The instant of a wall clock. One that comes twice (the clock was set back) or never (set
 * forward) can be meant in two ways: the earlier of them, or the `later`. */
apr_int64_t sl_cdp_clock_instant(apr_int64_t wall, bool later);

#endif
