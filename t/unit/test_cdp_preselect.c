/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_decimal.h"
#include "cdp/sl_cdp_preselect.h"
#include "rule.h"

static void test_decimals(void)
{
    static const char *const numbers[] = {
        "0", "-0", "6.30", "1e2", "1E-7", "+5", "007.0", "-1.5", "12345678901234567890123456789"};
    static const char *const others[] = {"",   ".5",    "5.",  "1e",   "1e+", "<5",
                                         "5 ", " 5",    "0x1", "1,5",  "nan", "inf",
                                         "-",  "1.2.3", "--1", "1e1.5"};
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {
        {"6.30", "6.3", 0},
        {"-0", "0", 0},
        {"0.000", "0e9", 0},
        {"1e2", "100", 0},
        {"1e2", "99.9999", 1},
        {"100e-2", "1", 0},
        {"0.10", "0.9", -1},
        {"10", "9", 1},
        {"-10", "-9", -1},
        {"-1", "1", -1},
        {"-1", "0", -1},
        {"0", "0.0001", -1},
        {"0.00123", "1.23e-3", 0},
        {"0012", "12", 0},
        {"12345678901234567890123456789", "12345678901234567890123456788", 1},
        {"0.1234567890123456789012345", "0.1234567890123456789012346", -1},
        {"1e999999999999", "9e99", 1},
        {"1e-999999999999", "1e-99", -1},
        {"1.5", "1.49999999999999999999", 1},
        {"15", "1.5", 1},
        {"1.0", "1.00000", 0},
        {"1.2", "1.25", -1},
        {"-1.2", "-1.25", 1},
    };

    for (int i = 0; i < COUNT_OF(numbers); i++) {
        ok(sl_cdp_is_decimal(numbers[i]), "C8 a number: %s", numbers[i]);
    }
    for (int i = 0; i < COUNT_OF(others); i++) {
        ok(!sl_cdp_is_decimal(others[i]), "C8 no number: '%s'", others[i]);
    }
    ok(!sl_cdp_is_decimal(NULL), "C8 nothing is no number");
    for (int i = 0; i < COUNT_OF(rows); i++) {
        ok(sl_cdp_decimal_compare(rows[i].a, rows[i].b) == rows[i].order &&
               sl_cdp_decimal_compare(rows[i].b, rows[i].a) == -rows[i].order,
           "C8 %s and %s", rows[i].a, rows[i].b);
    }
}

/* Candidates of a row; ids are their places from 1. */
typedef struct {
    const char *value, *when;
    bool is_bad; /* does not fit */
} offer_t;

static int load(sl_cdp_candidate_t *out, const offer_t *offers)
{
    int n = 0;

    for (; offers[n].value != NULL; n++) {
        out[n] =
            (sl_cdp_candidate_t){.id = n + 1, .value = offers[n].value, .fits = !offers[n].is_bad};
        if (sl_cdp_when_parse(&out[n].when, offers[n].when) != SL_OK) {
            diag("no time: %s", offers[n].when);
        }
    }
    return n;
}

static void test_rules(void)
{
    static const struct {
        const char *name;
        sl_cdp_pick_t pick;
        const char *date;
        offer_t offers[5];
        int want;
        bool is_sure;
    } rows[] = {
        {"C8 nothing there", SL_CDP_PICK_MAX, "2024-03-15", {{0}}, -1, false},
        {"C8 the only one", SL_CDP_PICK_NONE, "2024-03-15", {{"5", "2024-03-10", 0}}, 0, true},
        {"C8 the only one, below a limit, though the rule is of numbers",
         SL_CDP_PICK_MIN,
         "2024-03-15",
         {{"<5", "2024-03-10", 0}},
         0,
         true},
        {"H5 the only one does not fit",
         SL_CDP_PICK_MAX,
         "2024-03-15",
         {{"5", "2024-03-10", 1}},
         -1,
         false},
        {"C8 MAX",
         SL_CDP_PICK_MAX,
         "2024-03-15",
         {{"72.4", "2024-03-14", 0}, {"73", "2024-03-15", 0}, {"9.9", "2024-03-15", 0}},
         1,
         true},
        {"C8 MIN",
         SL_CDP_PICK_MIN,
         "2024-03-15",
         {{"72.4", "2024-03-14", 0}, {"73", "2024-03-15", 0}, {"9.9", "2024-03-15", 0}},
         2,
         true},
        {"C8 MAX, equal: the earlier",
         SL_CDP_PICK_MAX,
         "2024-03-15",
         {{"73.0", "2024-03-15", 0}, {"73", "2024-03-14", 0}},
         1,
         true},
        {"C8 MAX, equal at once: the lower id",
         SL_CDP_PICK_MAX,
         "2024-03-15",
         {{"73.0", "2024-03-15", 0}, {"73", "2024-03-15", 0}},
         0,
         true},
        {"C8 MAX passes over comparators and words",
         SL_CDP_PICK_MAX,
         "2024-03-15",
         {{">90", "2024-03-15", 0}, {"positive", "2024-03-15", 0}, {"73", "2024-03-14", 0}},
         2,
         true},
        {"C8 MIN of no numbers",
         SL_CDP_PICK_MIN,
         "2024-03-15",
         {{"<5", "2024-03-15", 0}, {"neg", "2024-03-15", 0}},
         -1,
         false},
        {"H5 MAX passes over what does not fit",
         SL_CDP_PICK_MAX,
         "2024-03-15",
         {{"900", "2024-03-15", 1}, {"73", "2024-03-14", 0}},
         1,
         true},
        {"C8 FIRST",
         SL_CDP_PICK_FIRST,
         "2024-03-15",
         {{"b", "2024-03-15 08:00:00", 0}, {"a", "2024-03-14 09:00:00", 0}},
         1,
         true},
        {"C8 FIRST at once: the lower id",
         SL_CDP_PICK_FIRST,
         "2024-03-15",
         {{"b", "2024-03-15", 0}, {"a", "2024-03-15", 0}},
         0,
         true},
        {"C8 LAST",
         SL_CDP_PICK_LAST,
         "2024-03-15",
         {{"b", "2024-03-15 08:00:00", 0}, {"a", "2024-03-14 09:00:00", 0}},
         0,
         true},
        {"C8 LAST at once: the lower id",
         SL_CDP_PICK_LAST,
         "2024-03-15",
         {{"b", "2024-03-15", 0}, {"a", "2024-03-15", 0}},
         0,
         true},
        {"C8 NEAR, to the second",
         SL_CDP_PICK_NEAR,
         "2024-03-15 12:00:00",
         {{"a", "2024-03-15 10:59:59", 0}, {"b", "2024-03-15 13:00:00", 0}},
         1,
         true},
        {"C8 NEAR, equal: the earlier",
         SL_CDP_PICK_NEAR,
         "2024-03-15 12:00:00",
         {{"b", "2024-03-15 13:00:00", 0}, {"a", "2024-03-15 11:00:00", 0}},
         1,
         true},
        {"C8 NEAR a date: days first",
         SL_CDP_PICK_NEAR,
         "2024-03-15",
         {{"a", "2024-03-14 23:59:00", 0}, {"b", "2024-03-15 23:59:00", 0}},
         1,
         true},
        {"C8 NEAR a date, equal days: the earlier time of day",
         SL_CDP_PICK_NEAR,
         "2024-03-15",
         {{"a", "2024-03-14 23:59:00", 0}, {"b", "2024-03-16 00:01:00", 0}},
         1,
         true},
        {"C8 NEAR a date, equal days and times: the earlier",
         SL_CDP_PICK_NEAR,
         "2024-03-15",
         {{"b", "2024-03-16 08:00:00", 0}, {"a", "2024-03-14 08:00:00", 0}},
         1,
         true},
        {"C8 NEAR nothing",
         SL_CDP_PICK_NEAR,
         "",
         {{"b", "2024-03-16 08:00:00", 0}, {"a", "2024-03-14 08:00:00", 0}},
         -1,
         false},
        {"C8 no rule: the only one of the day",
         SL_CDP_PICK_NONE,
         "2024-03-15 09:00",
         {{"a", "2024-03-14 23:59:00", 0}, {"b", "2024-03-15 23:59:00", 0}},
         1,
         false},
        {"C8 no rule: two of the day",
         SL_CDP_PICK_NONE,
         "2024-03-15",
         {{"a", "2024-03-15 08:00:00", 0}, {"b", "2024-03-15 23:59:00", 0}},
         -1,
         false},
        {"C8 no rule: two of the day, of which one does not fit",
         SL_CDP_PICK_NONE,
         "2024-03-15",
         {{"a", "2024-03-15 08:00:00", 1}, {"b", "2024-03-15 23:59:00", 0}},
         -1,
         false},
        {"C8 no rule: none of the day",
         SL_CDP_PICK_NONE,
         "2024-03-15",
         {{"a", "2024-03-14", 0}, {"b", "2024-03-16", 0}},
         -1,
         false},
        {"C8 one-time, several", SL_CDP_PICK_NONE, NULL, {{"a", "", 0}, {"b", "", 0}}, -1, false},
        {"C8 one-time, several that are equal",
         SL_CDP_PICK_NONE,
         NULL,
         {{"a", "", 0}, {"a", "", 0}},
         0,
         true},
        {"C8 one-time, equal and not fitting",
         SL_CDP_PICK_NONE,
         NULL,
         {{"a", "", 0}, {"a", "", 1}},
         -1,
         false},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_candidate_t candidates[5];
        int count = load(candidates, rows[i].offers);

        is_int(sl_cdp_preselect(candidates, count, rows[i].pick, rows[i].date), rows[i].want,
               rows[i].name);
        ok(sl_cdp_is_unambiguous(candidates, count, rows[i].pick, rows[i].date) == rows[i].is_sure,
           "H7 %s: %s", rows[i].name, rows[i].is_sure ? "sure" : "not sure");
    }
}

/* What was unreadable has no value. */
static void test_unreadable(void)
{
    sl_cdp_candidate_t one = {.id = 1, .value = NULL, .fits = true};

    is_int(sl_cdp_preselect(&one, 1, SL_CDP_PICK_NONE, NULL), -1, "H1 an unreadable one is none");
}

int main(void)
{
    test_decimals();
    test_rules();
    test_unreadable();
    return tap_done();
}
