/* SPDX-License-Identifier: Apache-2.0 */
/** SmartProfile: what a vendor's EHR needs that others do not. Defaults only. */
#ifndef SL_PROFILE_H
#define SL_PROFILE_H

#include "base/sl_rc.h"
#include "smart/sl_ehr.h"
#include <apr_pools.h>

typedef struct {
    const char *name;
    const char *identity[3]; /* sources as in SmartIdentity, NULL after the last */
    sl_aud_t aud;
    sl_switch_t pkce;
    sl_basic_form_t basic;
    sl_quirks_t quirks;
    int renew_ahead;    /* seconds */
    int renew_interval; /* seconds; 0: none */
    const char *note;   /* a line for people, or NULL */
} sl_profile_t;

/** The profile, or NULL. */
const sl_profile_t *sl_profile_find(const char *name);

/** All names with blanks between, for the sentence of configtest. */
const char *sl_profile_names(apr_pool_t *p);

/**
 * Fill in what the configuration left unset (identity, aud, pkce, basic, quirks, renewal) from the
 * EHR's profile. SL_INVALID: there is no such profile.
 */
SL_MUST_USE sl_rc_t sl_profile_complete(sl_ehr_t *ehr, apr_pool_t *p, sl_err_t *err);

#endif
