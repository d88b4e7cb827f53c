/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_profile.h"

#include "base/sl_text.h"
#include "smart/sl_identity.h"
#include <apr_strings.h>
#include <string.h>

#define ON SL_SWITCH_ON
#define OFF SL_SWITCH_OFF

/* The quirks are bare_token, patient_reference, client_id_in_body. Vendors that are known to keep
   to the rules get none. */
static const sl_profile_t profiles[] = {
    {
        .name = "generic",
        .identity = {"id_token:sub"},
        .aud = SL_AUD_ISS,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {OFF, OFF, OFF},
        .renew_ahead = 60,
    },
    {
        .name = "epic",
        .identity = {"id_token:sub"},
        .aud = SL_AUD_ISS,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {OFF, OFF, OFF},
        .renew_ahead = 60,
        .note = "a refresh token needs a confidential client and persistent access",
    },
    {
        .name = "oracle",
        .identity = {"id_token:sub"},
        .aud = SL_AUD_ISS,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {OFF, OFF, OFF},
        .renew_ahead = 60,
        .renew_interval = 60,
        .note = "renewals are throttled to one a minute; the refresh token stays the same",
    },
    {
        .name = "athena",
        .identity = {"id_token:sub"},
        .aud = SL_AUD_ISS,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {OFF, OFF, OFF},
        .renew_ahead = 60,
        .note = "the issuer of the id_token is on another host than FHIR",
    },
    {
        .name = "athena-practice",
        .identity = {"id_token:sub"},
        .aud = SL_AUD_ISS,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {ON, ON, OFF},
        .renew_ahead = 60,
        .note = "the callback comes by form_post; the client id is a long JWT",
    },
    {
        .name = "ecw",
        .identity = {"id_token:sub"},
        .aud = SL_AUD_STRIP_SLASH,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {ON, ON, OFF},
        .renew_ahead = 60,
        .note = "aud without trailing slash; refresh tokens are used once",
    },
    {
        .name = "nextgen",
        .identity = {"id_token:sub"},
        .aud = SL_AUD_NONE,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {ON, ON, OFF},
        .renew_ahead = 60,
        .note = "aud must not be sent, so the token is bound to its server less tightly",
    },
    {
        .name = "meditech",
        .identity = {"id_token:sub"},
        .aud = SL_AUD_ISS,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {ON, ON, OFF},
        .renew_ahead = 60,
        .note = "discovery is at the root of the host: store the endpoints with SmartEndpoint",
    },
    {
        .name = "openemr",
        .identity = {"id_token:sub"},
        .aud = SL_AUD_ISS,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {ON, ON, ON},
        .renew_ahead = 60,
        .note = "client_id is wanted in the body of a renewal, too",
    },
    {
        .name = "smarthealthit",
        .identity = {"fhirUser", "id_token:sub"},
        .aud = SL_AUD_ISS,
        .pkce = ON,
        .basic = SL_BASIC_RAW,
        .quirks = {OFF, OFF, OFF},
        .renew_ahead = 60,
        .note = "a sandbox: sub is a hash there",
    },
};

#define COUNT (sizeof(profiles) / sizeof(profiles[0]))

const sl_profile_t *sl_profile_find(const char *name)
{
    for (apr_size_t i = 0; name != NULL && i < COUNT; i++) {
        if (strcmp(name, profiles[i].name) == 0) {
            return &profiles[i];
        }
    }
    return NULL;
}

const char *sl_profile_names(apr_pool_t *p)
{
    const char *names = profiles[0].name;

    for (apr_size_t i = 1; i < COUNT; i++) {
        names = apr_pstrcat(p, names, " ", profiles[i].name, NULL);
    }
    return names;
}

static sl_rc_t complete_identity(sl_ehr_t *ehr, const sl_profile_t *profile, apr_pool_t *p,
                                 sl_err_t *err)
{
    apr_array_header_t *sources = apr_array_make(p, 3, sizeof(sl_identity_source_t));

    for (int i = 0; i < 3 && profile->identity[i] != NULL; i++) {
        sl_rc_t rc = sl_identity_source(apr_array_push(sources), profile->identity[i], p, err);

        if (rc != SL_OK) {
            return rc;
        }
    }
    ehr->identity = sources;
    return SL_OK;
}

static void complete_switch(sl_switch_t *own, sl_switch_t preset)
{
    if (*own == SL_SWITCH_UNSET) {
        *own = preset;
    }
}

sl_rc_t sl_profile_complete(sl_ehr_t *ehr, apr_pool_t *p, sl_err_t *err)
{
    const char *name = ehr->profile == NULL ? "generic" : ehr->profile;
    const sl_profile_t *profile = sl_profile_find(name);

    if (profile == NULL) {
        return sl_err_set(err, SL_INVALID, "SL2381",
                          "SmartProfile \"%s\" is unknown; write one of: %s",
                          sl_text_loggable(p, name, 40), sl_profile_names(p));
    }
    ehr->profile = profile->name;
    if (ehr->aud == SL_AUD_UNSET) {
        ehr->aud = profile->aud;
    }
    if (ehr->basic == SL_BASIC_UNSET) {
        ehr->basic = profile->basic;
    }
    complete_switch(&ehr->pkce, profile->pkce);
    complete_switch(&ehr->quirks.bare_token, profile->quirks.bare_token);
    complete_switch(&ehr->quirks.patient_reference, profile->quirks.patient_reference);
    complete_switch(&ehr->quirks.client_id_in_body, profile->quirks.client_id_in_body);
    if (ehr->renew_ahead == 0) {
        ehr->renew_ahead = apr_time_from_sec(profile->renew_ahead);
    }
    if (ehr->renew_interval == 0) {
        ehr->renew_interval = apr_time_from_sec(profile->renew_interval);
    }
    return ehr->identity == NULL || ehr->identity->nelts == 0
               ? complete_identity(ehr, profile, p, err)
               : SL_OK;
}
