/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_preselect.h"

#include "cdp/sl_cdp_clock.h"
#include "cdp/sl_cdp_decimal.h"
#include <string.h>

typedef struct {
    sl_cdp_pick_t pick;
    sl_cdp_when_t date; /* of the field; SL_CDP_NO_TIME: there is none */
} rule_t;

static apr_int64_t day_of(sl_cdp_when_t when)
{
    apr_int64_t day = when.seconds / SL_CDP_CLOCK_DAY;

    return when.seconds % SL_CDP_CLOCK_DAY < 0 ? day - 1 : day;
}

static apr_int64_t distance(apr_int64_t a, apr_int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Where ties are left: the earlier one, then the one that was held first. */
static bool is_earlier(const sl_cdp_candidate_t *a, const sl_cdp_candidate_t *b)
{
    int order = sl_cdp_when_compare(a->when, b->when);

    return order != 0 ? order < 0 : a->id < b->id;
}

/* A date says nothing of hours, so that days are compared; two of a day: the earlier. */
static bool is_nearer(const sl_cdp_candidate_t *a, const sl_cdp_candidate_t *b, sl_cdp_when_t date)
{
    apr_int64_t left, right;

    if (date.precision == SL_CDP_DATE) {
        left = distance(day_of(a->when), day_of(date));
        right = distance(day_of(b->when), day_of(date));
        if (left == right) {
            apr_int64_t a_time = a->when.seconds - day_of(a->when) * SL_CDP_CLOCK_DAY;
            apr_int64_t b_time = b->when.seconds - day_of(b->when) * SL_CDP_CLOCK_DAY;

            return a_time != b_time ? a_time < b_time : is_earlier(a, b);
        }
    } else {
        left = distance(a->when.seconds, date.seconds);
        right = distance(b->when.seconds, date.seconds);
    }
    return left != right ? left < right : is_earlier(a, b);
}

static bool is_better(const sl_cdp_candidate_t *a, const sl_cdp_candidate_t *b, const rule_t *rule)
{
    int order;

    switch (rule->pick) {
    case SL_CDP_PICK_MIN:
    case SL_CDP_PICK_MAX:
        order = sl_cdp_decimal_compare(a->value, b->value);
        if (order == 0) {
            return is_earlier(a, b);
        }
        return rule->pick == SL_CDP_PICK_MIN ? order < 0 : order > 0;
    case SL_CDP_PICK_FIRST:
        return is_earlier(a, b);
    case SL_CDP_PICK_LAST:
        order = sl_cdp_when_compare(a->when, b->when);
        return order != 0 ? order > 0 : a->id < b->id;
    case SL_CDP_PICK_NEAR:
        return is_nearer(a, b, rule->date);
    case SL_CDP_PICK_NONE:
        break;
    }
    return false;
}

/* May the rule of the mapping look at it? Smallest and largest are of numbers, first, last and
 * nearest of what has a time. */
static bool is_eligible(const sl_cdp_candidate_t *candidate, sl_cdp_pick_t pick)
{
    if (!candidate->fits || candidate->value == NULL) {
        return false;
    }
    if (pick == SL_CDP_PICK_MIN || pick == SL_CDP_PICK_MAX) {
        return sl_cdp_is_decimal(candidate->value);
    }
    return candidate->when.precision != SL_CDP_NO_TIME;
}

static int by_rule(const sl_cdp_candidate_t *candidates, int count, const rule_t *rule)
{
    int best = -1;

    if (rule->pick == SL_CDP_PICK_NEAR && rule->date.precision == SL_CDP_NO_TIME) {
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (is_eligible(&candidates[i], rule->pick) &&
            (best < 0 || is_better(&candidates[i], &candidates[best], rule))) {
            best = i;
        }
    }
    return best;
}

/* The only one of the day of the date field. */
static int by_day(const sl_cdp_candidate_t *candidates, int count, sl_cdp_when_t date)
{
    int found = -1;

    for (int i = 0; i < count; i++) {
        if (candidates[i].when.precision != SL_CDP_NO_TIME &&
            day_of(candidates[i].when) == day_of(date)) {
            if (found >= 0) {
                return -1;
            }
            found = i;
        }
    }
    return found >= 0 && is_eligible(&candidates[found], SL_CDP_PICK_NONE) ? found : -1;
}

static bool are_equal(const sl_cdp_candidate_t *candidates, int count)
{
    for (int i = 0; i < count; i++) {
        if (!candidates[i].fits || candidates[i].value == NULL ||
            strcmp(candidates[i].value, candidates[0].value) != 0) {
            return false;
        }
    }
    return true;
}

static sl_cdp_when_t date_of(const char *date)
{
    sl_cdp_when_t when = {0, SL_CDP_NO_TIME};

    return date != NULL && sl_cdp_when_from_field(&when, date) == SL_OK
               ? when
               : (sl_cdp_when_t){0, SL_CDP_NO_TIME};
}

int sl_cdp_preselect(const sl_cdp_candidate_t *candidates, int count, sl_cdp_pick_t pick,
                     const char *date)
{
    rule_t rule = {pick, date_of(date)};

    if (count == 0) {
        return -1;
    }
    if (count == 1) {
        return candidates[0].fits && candidates[0].value != NULL ? 0 : -1;
    }
    if (date == NULL) {
        return are_equal(candidates, count) ? 0 : -1;
    }
    if (pick != SL_CDP_PICK_NONE) {
        return by_rule(candidates, count, &rule);
    }
    return rule.date.precision == SL_CDP_NO_TIME ? -1 : by_day(candidates, count, rule.date);
}

bool sl_cdp_is_unambiguous(const sl_cdp_candidate_t *candidates, int count, sl_cdp_pick_t pick,
                           const char *date)
{
    return sl_cdp_preselect(candidates, count, pick, date) >= 0 &&
           (count == 1 || pick != SL_CDP_PICK_NONE || are_equal(candidates, count));
}
