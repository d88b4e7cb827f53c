/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_when.h"
#include "rule.h"
#include <apr_strings.h>
#include <stdlib.h>
#include <time.h>

static void in_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static void test_fhir(apr_pool_t *p)
{
    static const struct {
        const char *name, *zone, *sent;
        bool convert;
        const char *want; /* NULL: refused */
    } rows[] = {
        {"W8 a date", "America/Chicago", "2024-03-15", true, "2024-03-15"},
        {"W8 a date is never shifted", "Asia/Kathmandu", "2024-03-15", true, "2024-03-15"},
        {"W8 UTC as sent", "America/Chicago", "2024-03-15T02:00:00Z", false, "2024-03-15 02:00:00"},
        {"W8 UTC to Chicago", "America/Chicago", "2024-03-15T02:00:00Z", true,
         "2024-03-14 21:00:00"},
        {"W8 UTC to Chicago in winter", "America/Chicago", "2024-01-15T02:00:00Z", true,
         "2024-01-14 20:00:00"},
        {"W8 UTC to Berlin", "Europe/Berlin", "2024-07-01T23:30:00Z", true, "2024-07-02 01:30:00"},
        {"W8 UTC to Kathmandu", "Asia/Kathmandu", "2024-07-01T23:30:00Z", true,
         "2024-07-02 05:15:00"},
        {"W8 UTC in UTC", "UTC", "2024-07-01T23:30:00Z", true, "2024-07-01 23:30:00"},
        {"W8 an offset as sent", "Europe/Berlin", "2024-07-01T23:30:00-05:00", false,
         "2024-07-01 23:30:00"},
        {"W8 an offset to Berlin", "Europe/Berlin", "2024-07-01T23:30:00-05:00", true,
         "2024-07-02 06:30:00"},
        {"W8 an offset of three quarters", "UTC", "2024-07-01T00:00:00+05:45", true,
         "2024-06-30 18:15:00"},
        {"W8 before the clock is set forward", "America/Chicago", "2024-03-10T07:59:59Z", true,
         "2024-03-10 01:59:59"},
        {"W8 after it", "America/Chicago", "2024-03-10T08:00:00Z", true, "2024-03-10 03:00:00"},
        {"W8 the hour that comes twice, first", "Europe/Berlin", "2024-10-27T00:30:00Z", true,
         "2024-10-27 02:30:00"},
        {"W8 the hour that comes twice, again", "Europe/Berlin", "2024-10-27T01:30:00Z", true,
         "2024-10-27 02:30:00"},
        {"W8 without offset it stays", "Europe/Berlin", "2024-07-01T23:30:00", true,
         "2024-07-01 23:30:00"},
        {"W8 without seconds", "UTC", "2024-07-01T23:30Z", true, "2024-07-01 23:30:00"},
        {"W8 a fraction is cut", "UTC", "2024-07-01T23:59:59.999Z", true, "2024-07-01 23:59:59"},
        {"W8 a leap second", "UTC", "2016-12-31T23:59:60Z", true, "2016-12-31 23:59:59"},
        {"W8 before 1970", "UTC", "1933-05-17T01:02:03Z", true, "1933-05-17 01:02:03"},
        {"W8 29 February", "UTC", "2024-02-29", true, "2024-02-29"},
        {"W8 29 February of no leap year", "UTC", "2023-02-29", true, NULL},
        {"W8 29 February 1900", "UTC", "1900-02-29", true, NULL},
        {"W8 29 February 2000", "UTC", "2000-02-29", true, "2000-02-29"},
        {"W8 a year alone", "UTC", "2024", true, NULL},
        {"W8 a month alone", "UTC", "2024-03", true, NULL},
        {"W8 month 13", "UTC", "2024-13-01", true, NULL},
        {"W8 month 0", "UTC", "2024-00-01", true, NULL},
        {"W8 day 0", "UTC", "2024-01-00", true, NULL},
        {"W8 year 0", "UTC", "0000-01-01", true, NULL},
        {"W8 hour 24", "UTC", "2024-01-01T24:00:00Z", true, NULL},
        {"W8 minute 60", "UTC", "2024-01-01T10:60:00Z", true, NULL},
        {"W8 second 61", "UTC", "2024-01-01T10:00:61Z", true, NULL},
        {"W8 an hour alone", "UTC", "2024-01-01T10", true, NULL},
        {"W8 a blank in place of T", "UTC", "2024-01-01 10:00:00Z", true, NULL},
        {"W8 a bare point", "UTC", "2024-01-01T10:00:00.Z", true, NULL},
        {"W8 an offset of 15 hours", "UTC", "2024-01-01T10:00:00+15:00", true, NULL},
        {"W8 an offset without colon", "UTC", "2024-01-01T10:00:00+0100", true, NULL},
        {"W8 something behind", "UTC", "2024-01-01T10:00:00Zx", true, NULL},
        {"W8 something behind a date", "UTC", "2024-01-01x", true, NULL},
        {"W8 a sign in the year", "UTC", "+024-01-01", true, NULL},
        {"W8 nothing", "UTC", "", true, NULL},
        {"W8 no text at all", "UTC", NULL, true, NULL},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_when_t when;
        const char *got = NULL;

        in_zone(rows[i].zone);
        if (sl_cdp_when_from_fhir(&when, rows[i].sent, rows[i].convert) == SL_OK) {
            got = sl_cdp_when_text(p, when);
        }
        is_str(got, rows[i].want, rows[i].name);
    }
}

static void test_field(apr_pool_t *p)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"W2 a date field", "2024-03-15", "2024-03-15"},
        {"W3 to the minute", "2024-03-15 10:51", "2024-03-15 10:51:00"},
        {"W3 to the second", "2024-03-15 10:51:09", "2024-03-15 10:51:09"},
        {"W3 with T", "2024-03-15T10:51:09", "2024-03-15 10:51:09"},
        {"W3 a zone is none of a field's", "2024-03-15T10:51:09Z", NULL},
        {"W3 another order", "15-03-2024", NULL},
        {"W3 American", "03/15/2024", NULL},
        {"W3 a time alone", "10:51", NULL},
        {"W3 a word", "yesterday", NULL},
        {"W3 empty", "", NULL},
    };
    sl_cdp_when_t when;

    for (int i = 0; i < COUNT_OF(rows); i++) {
        bool is_read = sl_cdp_when_from_field(&when, rows[i].text) == SL_OK;

        is_str(is_read ? sl_cdp_when_text(p, when) : NULL, rows[i].want, rows[i].name);
    }
    ok(sl_cdp_when_parse(&when, "") == SL_OK && when.precision == SL_CDP_NO_TIME,
       "no time is an empty text");
    is_str(sl_cdp_when_text(p, when), "", "and the other way");
    ok(sl_cdp_when_parse(&when, NULL) == SL_INVALID, "no text is none");
}

/* Every day of 800 years, and back. */
static void test_calendar(apr_pool_t *p)
{
    sl_cdp_when_t when = {0, SL_CDP_DATE};
    int wrong = 0;

    for (apr_int64_t day = -146097; day <= 146097; day++) {
        sl_cdp_when_t back;
        time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        char want[16];

        when.seconds = day * 86400;
        gmtime_r(&seconds, &tm);
        strftime(want, sizeof(want), "%Y-%m-%d", &tm);
        if (day % 1000 == 0) {
            apr_pool_clear(p);
        }
        if (strcmp(sl_cdp_when_text(p, when), want) != 0 ||
            sl_cdp_when_parse(&back, want) != SL_OK || back.seconds != when.seconds) {
            wrong++;
        }
    }
    is_int(wrong, 0, "W7 every day of 800 years as the C library has it, and back");
}

static void test_window(apr_pool_t *p)
{
    static const struct {
        const char *name, *zone, *date;
        int centidays;
        sl_cdp_direction_t direction;
        const char *from, *to; /* NULL: refused */
    } rows[] = {
        {"C7 a date, one day around", "UTC", "2024-03-15", 100, SL_CDP_AROUND,
         "2024-03-14 00:00:00", "2024-03-16 23:59:59"},
        {"C7 a date-time, one day around", "UTC", "2024-06-15 10:51:00", 100, SL_CDP_AROUND,
         "2024-06-14 10:51:00", "2024-06-16 10:51:00"},
        {"C7 the same in Chicago", "America/Chicago", "2024-06-15 10:51:00", 100, SL_CDP_AROUND,
         "2024-06-14 10:51:00", "2024-06-16 10:51:00"},
        {"W4 a date, after", "UTC", "2024-03-15", 200, SL_CDP_AFTER, "2024-03-15 00:00:00",
         "2024-03-17 23:59:59"},
        {"W4 a date, before", "UTC", "2024-03-15", 200, SL_CDP_BEFORE, "2024-03-13 00:00:00",
         "2024-03-15 23:59:59"},
        {"W4 a date-time, after", "UTC", "2024-03-15 10:00", 200, SL_CDP_AFTER,
         "2024-03-15 10:00:00", "2024-03-17 10:00:00"},
        {"W4 a date-time, before", "UTC", "2024-03-15 10:00", 200, SL_CDP_BEFORE,
         "2024-03-13 10:00:00", "2024-03-15 10:00:00"},
        {"W6 half a day more", "UTC", "2024-03-15", 150, SL_CDP_AROUND, "2024-03-13 12:00:00",
         "2024-03-17 11:59:59"},
        {"W6 a hundredth of a day", "UTC", "2024-03-15 10:00:00", 1, SL_CDP_AROUND,
         "2024-03-15 09:45:36", "2024-03-15 10:14:24"},
        {"W6 a year over 29 February", "UTC", "2024-02-29", 36500, SL_CDP_AROUND,
         "2023-03-01 00:00:00", "2025-02-28 23:59:59"},
        {"W7 a date over the day of 23 hours", "America/Chicago", "2024-03-10", 100, SL_CDP_AROUND,
         "2024-03-09 00:00:00", "2024-03-11 23:59:59"},
        {"W7 a date-time over the day of 23 hours", "America/Chicago", "2024-03-09 12:00:00", 100,
         SL_CDP_AROUND, "2024-03-08 12:00:00", "2024-03-10 13:00:00"},
        {"W7 backward over it", "America/Chicago", "2024-03-10 12:00:00", 100, SL_CDP_BEFORE,
         "2024-03-09 11:00:00", "2024-03-10 12:00:00"},
        {"W7 a date over the day of 25 hours", "Europe/Berlin", "2024-10-27", 100, SL_CDP_AROUND,
         "2024-10-26 00:00:00", "2024-10-28 23:59:59"},
        {"W7 a date-time over the day of 25 hours", "Europe/Berlin", "2024-10-26 12:00:00", 100,
         SL_CDP_AFTER, "2024-10-26 12:00:00", "2024-10-27 11:00:00"},
        {"W7 from the hour that comes twice", "Europe/Berlin", "2024-10-27 02:30:00", 100,
         SL_CDP_AFTER, "2024-10-27 02:30:00", "2024-10-28 01:30:00"},
        {"W7 from the hour that never comes", "Europe/Berlin", "2024-03-31 02:30:00", 100,
         SL_CDP_AFTER, "2024-03-31 02:30:00", "2024-04-01 02:30:00"},
        {"W7 no daylight saving", "Asia/Kathmandu", "2024-03-31 02:30:00", 100, SL_CDP_AROUND,
         "2024-03-30 02:30:00", "2024-04-01 02:30:00"},
        {"W2 no date", "UTC", "soon", 100, SL_CDP_AROUND, NULL, NULL},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_window_t window;
        sl_cdp_offset_t offset = {rows[i].centidays, rows[i].direction};
        bool is_made;

        in_zone(rows[i].zone);
        is_made = sl_cdp_window_make(&window, rows[i].date, offset) == SL_OK;
        is_str(is_made ? sl_cdp_when_text(p, window.from) : NULL, rows[i].from,
               apr_pstrcat(p, rows[i].name, ": from", NULL));
        is_str(is_made ? sl_cdp_when_text(p, window.to) : NULL, rows[i].to,
               apr_pstrcat(p, rows[i].name, ": to", NULL));
    }
}

/* What is in and what is out, to the second. */
static void test_inside(void)
{
    static const struct {
        const char *name, *date, *sent;
        bool is_in;
    } rows[] = {
        {"C7 13th 23:59:59 is out", "2024-03-15", "2024-03-13T23:59:59Z", false},
        {"C7 13th 23:59:59.999 is out", "2024-03-15", "2024-03-13T23:59:59.999Z", false},
        {"C7 14th 00:00:00 is in", "2024-03-15", "2024-03-14T00:00:00Z", true},
        {"C7 16th 23:59:59 is in", "2024-03-15", "2024-03-16T23:59:59Z", true},
        {"C7 17th 00:00:00 is out", "2024-03-15", "2024-03-17T00:00:00Z", false},
        {"C7 the 13th is out", "2024-03-15", "2024-03-13", false},
        {"C7 the 14th is in", "2024-03-15", "2024-03-14", true},
        {"C7 the 16th is in", "2024-03-15", "2024-03-16", true},
        {"C7 the 17th is out", "2024-03-15", "2024-03-17", false},
        {"C7 14th 10:50:59 is out", "2024-06-15 10:51:00", "2024-06-14T10:50:59Z", false},
        {"C7 14th 10:51:00 is in", "2024-06-15 10:51:00", "2024-06-14T10:51:00Z", true},
        {"C7 16th 10:51:00 is in", "2024-06-15 10:51:00", "2024-06-16T10:51:00Z", true},
        {"C7 16th 10:51:01 is out", "2024-06-15 10:51:00", "2024-06-16T10:51:01Z", false},
        {"W5 the 13th is out of the date-time's", "2024-06-15 10:51:00", "2024-06-13", false},
        {"W5 the 14th touches it", "2024-06-15 10:51:00", "2024-06-14", true},
        {"W5 the 16th touches it", "2024-06-15 10:51:00", "2024-06-16", true},
        {"W5 the 17th is out of it", "2024-06-15 10:51:00", "2024-06-17", false},
    };
    static const sl_cdp_offset_t around = {100, SL_CDP_AROUND};
    sl_cdp_window_t window;

    in_zone("UTC");
    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_when_t when;

        ok(sl_cdp_window_make(&window, rows[i].date, around) == SL_OK &&
               sl_cdp_when_from_fhir(&when, rows[i].sent, false) == SL_OK &&
               sl_cdp_window_has(&window, when) == rows[i].is_in,
           "%s", rows[i].name);
    }
    ok(!sl_cdp_window_has(&window, (sl_cdp_when_t){0, SL_CDP_NO_TIME}),
       "W5 what has no time is in no window");
    is_int(sl_cdp_window_make(&window, "", around), SL_NONE, "W1 an empty date opens none");
    is_int(sl_cdp_window_make(&window, NULL, around), SL_NONE, "W1 nor does none at all");
}

static void test_bound(apr_pool_t *p)
{
    static const struct {
        const char *name, *zone, *comparator, *time, *want;
    } rows[] = {
        {"W2 Chicago in summer", "America/Chicago", "ge", "2024-03-14 00:00:00",
         "ge2024-03-14T00:00:00-05:00"},
        {"W2 Chicago in winter", "America/Chicago", "ge", "2024-01-14 00:00:00",
         "ge2024-01-14T00:00:00-06:00"},
        {"W2 Berlin", "Europe/Berlin", "le", "2024-01-14 23:59:59", "le2024-01-14T23:59:59+01:00"},
        {"W2 Kathmandu", "Asia/Kathmandu", "le", "2024-01-14 23:59:59",
         "le2024-01-14T23:59:59+05:45"},
        {"W2 UTC", "UTC", "le", "2024-01-14 23:59:59", "le2024-01-14T23:59:59+00:00"},
        {"W7 a lower bound in the hour that comes twice is the first", "Europe/Berlin", "ge",
         "2024-10-27 02:30:00", "ge2024-10-27T02:30:00+02:00"},
        {"W7 an upper bound in it is the second", "Europe/Berlin", "le", "2024-10-27 02:30:00",
         "le2024-10-27T02:30:00+01:00"},
        {"W7 a lower bound in the hour that never comes", "Europe/Berlin", "ge",
         "2024-03-31 02:30:00", "ge2024-03-31T01:30:00+01:00"},
        {"W7 an upper bound in it", "Europe/Berlin", "le", "2024-03-31 02:30:00",
         "le2024-03-31T03:30:00+02:00"},
        {"W7 local mean time is told in UTC", "America/Chicago", "ge", "1850-01-01 00:00:00",
         "ge1850-01-01T05:50:36+00:00"},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_when_t when;

        in_zone(rows[i].zone);
        ok(sl_cdp_when_parse(&when, rows[i].time) == SL_OK, "a time");
        is_str(sl_cdp_when_bound(p, rows[i].comparator, when), rows[i].want, rows[i].name);
    }
    in_zone("America/Chicago");
    is_str(sl_cdp_when_text(p, sl_cdp_when_at(apr_time_from_sec(1710471600))),
           "2024-03-14 22:00:00", "W8 an instant is local wall clock");
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    apr_pool_t *days;

    apr_pool_create(&days, p);
    test_fhir(p);
    test_field(p);
    test_calendar(days);
    test_window(p);
    test_inside();
    test_bound(p);
    rule_release(p);
    return tap_done();
}
