/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_setup_words.h"

const char *sl_cdp_setup_direction_text(sl_cdp_direction_t direction)
{
    switch (direction) {
    case SL_CDP_AROUND:
        break;
    case SL_CDP_AFTER:
        return "after";
    case SL_CDP_BEFORE:
        return "before";
    }
    return "around";
}

const char *sl_cdp_setup_pick_text(sl_cdp_pick_t pick)
{
    switch (pick) {
    case SL_CDP_PICK_NONE:
        break;
    case SL_CDP_PICK_MIN:
        return "the lowest number";
    case SL_CDP_PICK_MAX:
        return "the highest number";
    case SL_CDP_PICK_FIRST:
        return "the earliest";
    case SL_CDP_PICK_LAST:
        return "the latest";
    case SL_CDP_PICK_NEAR:
        return "the nearest to the date";
    }
    return "the day's only one";
}

const char *sl_cdp_setup_adjudication_text(sl_cdp_adjudication_t adjudication)
{
    switch (adjudication) {
    case SL_CDP_MANUAL:
        break;
    case SL_CDP_AUTO:
        return "Values that leave no choice are saved by themselves after unattended fetches.";
    case SL_CDP_INSTANT:
        return "Values that leave no choice are saved by themselves after every fetch.";
    }
    return "A person looks at every value before it is saved.";
}
