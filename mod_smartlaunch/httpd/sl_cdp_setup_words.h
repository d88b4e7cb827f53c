/* SPDX-License-Identifier: Apache-2.0 */
/** The words of a mapping in plain English. */
#ifndef SL_CDP_SETUP_WORDS_H
#define SL_CDP_SETUP_WORDS_H

#include "cdp/sl_cdp_mapping.h"

/** Behind a number of days, before a date field: "around", "after", "before". */
const char *sl_cdp_setup_direction_text(sl_cdp_direction_t direction);

/** Which value is ticked: "the highest number". */
const char *sl_cdp_setup_pick_text(sl_cdp_pick_t pick);

/** What is saved without a person, a sentence. */
const char *sl_cdp_setup_adjudication_text(sl_cdp_adjudication_t adjudication);

#endif
