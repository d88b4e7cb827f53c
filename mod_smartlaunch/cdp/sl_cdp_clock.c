/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_clock.h"

#include <time.h>

#define FIRST_SECOND (-62135596800LL) /* 0001-01-01 00:00:00 */
#define LAST_SECOND 253402300799LL    /* 9999-12-31 23:59:59 */

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int sl_cdp_clock_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Years that begin in March end with the odd month, and 400 of them are always 146,097 days. */
apr_int64_t sl_cdp_clock_days(int year, int month, int day)
{
    apr_int64_t y = month <= 2 ? year - 1 : year;
    apr_int64_t era = (y >= 0 ? y : y - 399) / 400;
    apr_int64_t year_of_era = y - era * 400;
    apr_int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    apr_int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void split_day(sl_cdp_clock_t *out, apr_int64_t days)
{
    apr_int64_t era, day_of_era, year_of_era, day_of_year, month;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month = (5 * day_of_year + 2) / 153;
    out->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    out->month = (int)(month < 10 ? month + 3 : month - 9);
    out->year = (int)(year_of_era + era * 400 + (out->month <= 2 ? 1 : 0));
}

void sl_cdp_clock_split(sl_cdp_clock_t *out, apr_int64_t seconds)
{
    apr_int64_t days, rest;

    if (seconds < FIRST_SECOND) {
        seconds = FIRST_SECOND;
    } else if (seconds > LAST_SECOND) {
        seconds = LAST_SECOND;
    }
    days = (seconds >= 0 ? seconds : seconds - (SL_CDP_CLOCK_DAY - 1)) / SL_CDP_CLOCK_DAY;
    rest = seconds - days * SL_CDP_CLOCK_DAY;
    split_day(out, days);
    out->hour = (int)(rest / 3600);
    out->minute = (int)(rest / 60 % 60);
    out->second = (int)(rest % 60);
}

apr_int64_t sl_cdp_clock_wall(apr_int64_t instant)
{
    time_t t = (time_t)instant;
    struct tm tm;

    return localtime_r(&t, &tm) == NULL ? instant : instant + tm.tm_gmtoff;
}

/*
 * mktime() guesses at a wall clock that comes twice by what it was asked before, so that it would
 * answer differently from time to time. The offsets a day before and after are the candidates.
 */
apr_int64_t sl_cdp_clock_instant(apr_int64_t wall, bool later)
{
    apr_int64_t before = wall - SL_CDP_CLOCK_DAY, after = wall + SL_CDP_CLOCK_DAY;
    apr_int64_t by_old = wall - (sl_cdp_clock_wall(before) - before);
    apr_int64_t by_new = wall - (sl_cdp_clock_wall(after) - after);
    bool is_old = sl_cdp_clock_wall(by_old) == wall;
    bool is_new = sl_cdp_clock_wall(by_new) == wall;

    if (is_old == is_new) { /* both, or neither */
        return later == (by_new > by_old) ? by_new : by_old;
    }
    return is_new ? by_new : by_old;
}
