/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_when.h"

#include "cdp/sl_cdp_clock.h"
#include <apr_strings.h>
#include <string.h>

/* Exactly `n` digits at `*at`, which moves behind them; -1: they are not there. */
static int take_digits(const char **at, int n)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9') {
            return -1;
        }
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += n;
    return value;
}

static bool take(const char **at, char wanted)
{
    if (**at != wanted) {
        return false;
    }
    (*at)++;
    return true;
}

static bool take_day(apr_int64_t *seconds, const char **at)
{
    int year = take_digits(at, 4);
    int month = year > 0 && take(at, '-') ? take_digits(at, 2) : -1;
    int day = month > 0 && take(at, '-') ? take_digits(at, 2) : -1;

    if (month > 12 || day < 1 || day > sl_cdp_clock_month_days(year, month)) {
        return false;
    }
    *seconds = sl_cdp_clock_days(year, month, day) * SL_CDP_CLOCK_DAY;
    return true;
}

/* hh:mm[:ss]; a leap second is the one before it. */
static bool take_time(apr_int64_t *seconds, const char **at)
{
    int hour = take_digits(at, 2);
    int minute = hour >= 0 && take(at, ':') ? take_digits(at, 2) : -1;
    int second = 0;

    if (minute >= 0 && take(at, ':')) {
        second = take_digits(at, 2);
    }
    if (hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
        return false;
    }
    *seconds += hour * 3600 + minute * 60 + (second == 60 ? 59 : second);
    return true;
}

/* Fractions of a second are of no account: a time is to the second, downward. */
static bool skip_fraction(const char **at)
{
    const char *digits = *at + 1;

    if (**at != '.') {
        return true;
    }
    *at = digits;
    while (**at >= '0' && **at <= '9') {
        (*at)++;
    }
    return *at > digits;
}

typedef struct {
    bool is_given;
    int seconds; /* east of UTC */
} zone_t;

static bool take_zone(zone_t *out, const char **at)
{
    int sign = **at == '-' ? -1 : 1;
    int hours, minutes;

    out->is_given = **at != '\0';
    out->seconds = 0;
    if (!out->is_given || take(at, 'Z')) {
        return true;
    }
    if (!take(at, '+') && !take(at, '-')) {
        return false;
    }
    hours = take_digits(at, 2);
    minutes = hours >= 0 && take(at, ':') ? take_digits(at, 2) : -1;
    if (minutes < 0 || minutes > 59 || hours > 14) {
        return false;
    }
    out->seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

sl_rc_t sl_cdp_when_from_fhir(sl_cdp_when_t *out, const char *text, bool convert_gmt)
{
    apr_int64_t seconds;
    zone_t zone;

    if (text == NULL || !take_day(&seconds, &text)) {
        return SL_INVALID;
    }
    *out = (sl_cdp_when_t){seconds, SL_CDP_DATE};
    if (*text == '\0') {
        return SL_OK;
    }
    if (!take(&text, 'T') || !take_time(&seconds, &text) || !skip_fraction(&text) ||
        !take_zone(&zone, &text) || *text != '\0') {
        return SL_INVALID;
    }
    if (convert_gmt && zone.is_given) {
        seconds = sl_cdp_clock_wall(seconds - zone.seconds);
    }
    *out = (sl_cdp_when_t){seconds, SL_CDP_DATETIME};
    return SL_OK;
}

sl_rc_t sl_cdp_when_from_field(sl_cdp_when_t *out, const char *text)
{
    apr_int64_t seconds;

    if (text == NULL || !take_day(&seconds, &text)) {
        return SL_INVALID;
    }
    *out = (sl_cdp_when_t){seconds, SL_CDP_DATE};
    if (*text == '\0') {
        return SL_OK;
    }
    if ((!take(&text, ' ') && !take(&text, 'T')) || !take_time(&seconds, &text) || *text != '\0') {
        return SL_INVALID;
    }
    *out = (sl_cdp_when_t){seconds, SL_CDP_DATETIME};
    return SL_OK;
}

const char *sl_cdp_when_text(apr_pool_t *p, sl_cdp_when_t when)
{
    sl_cdp_clock_t clock;

    if (when.precision == SL_CDP_NO_TIME) {
        return "";
    }
    sl_cdp_clock_split(&clock, when.seconds);
    if (when.precision == SL_CDP_DATE) {
        return apr_psprintf(p, "%04d-%02d-%02d", clock.year, clock.month, clock.day);
    }
    return apr_psprintf(p, "%04d-%02d-%02d %02d:%02d:%02d", clock.year, clock.month, clock.day,
                        clock.hour, clock.minute, clock.second);
}

sl_rc_t sl_cdp_when_parse(sl_cdp_when_t *out, const char *text)
{
    if (text != NULL && *text == '\0') {
        *out = (sl_cdp_when_t){0, SL_CDP_NO_TIME};
        return SL_OK;
    }
    return sl_cdp_when_from_field(out, text);
}

sl_cdp_when_t sl_cdp_when_at(apr_time_t instant)
{
    return (sl_cdp_when_t){sl_cdp_clock_wall(apr_time_sec(instant)), SL_CDP_DATETIME};
}

int sl_cdp_when_compare(sl_cdp_when_t a, sl_cdp_when_t b)
{
    return (a.seconds > b.seconds) - (a.seconds < b.seconds);
}

const char *sl_cdp_when_bound(apr_pool_t *p, const char *comparator, sl_cdp_when_t when)
{
    bool is_upper = comparator[0] == 'l';
    apr_int64_t instant = sl_cdp_clock_instant(when.seconds, is_upper);
    apr_int64_t wall = sl_cdp_clock_wall(instant);
    apr_int64_t zone = wall - instant;
    apr_int64_t ahead = zone < 0 ? -zone : zone;
    sl_cdp_clock_t clock;

    if (zone % 60 != 0 || ahead > 14 * 3600) { /* local mean time, which FHIR cannot write */
        wall = instant;
        zone = ahead = 0;
    }
    sl_cdp_clock_split(&clock, wall);
    return apr_psprintf(p, "%s%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", comparator, clock.year,
                        clock.month, clock.day, clock.hour, clock.minute, clock.second,
                        zone < 0 ? '-' : '+', (int)(ahead / 3600), (int)(ahead / 60 % 60));
}
