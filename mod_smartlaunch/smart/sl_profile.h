/* SPDX-License-Identifier: Apache-2.0 */
/** SmartProfile: what a vendor's EHR needs that others do not. Defaults only. */
#ifndef SL_PROFILE_H
#define SL_PROFILE_H

#include "base/sl_rc.h"
#include "smart/sl_ehr.h"
#include <apr_pools.h>

/** One switch of one vendor, and who reported that it is needed. */
typedef struct {
    const char *profile;
    const char *name;
    const char *value;
    const char *source;
} sl_profile_line_t;

/** The whole table; "generic" has every switch, the others what they differ in. */
const sl_profile_line_t *sl_profile_lines(int *count);

/** Is there a profile of this name? */
bool sl_profile_is_known(const char *name);

/** All names with blanks between, for the sentence of configtest. */
const char *sl_profile_names(apr_pool_t *p);

/**
 * The switches that are options of SmartProfile: the name of the one with this number and how it
 * stands in `quirks`. NULL: there is none of this number.
 */
const char *sl_profile_switch(int number, const sl_quirks_t *quirks, sl_switch_t *stands);

/**
 * An option of SmartProfile: "bare-token=on". It holds whatever the profile says. SL_INVALID with
 * a sentence for configtest.
 */
SL_MUST_USE sl_rc_t sl_profile_option(sl_quirks_t *quirks, const char *word, apr_pool_t *p,
                                      sl_err_t *err);

/**
 * Fill in what the configuration left unset (identity, aud, pkce, basic, quirks, renewal) from the
 * EHR's profile, and the rest from "generic". SL_INVALID: there is no such profile.
 */
SL_MUST_USE sl_rc_t sl_profile_complete(sl_ehr_t *ehr, apr_pool_t *p, sl_err_t *err);

#endif
