/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_profile.h"

#include "base/sl_text.h"
#include "smart/sl_authorize.h"
#include "smart/sl_identity.h"
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

/* clang-format off */
static const sl_profile_line_t lines[] = {
    /* profile            switch                 value                     reported by */
    {"generic",           "identity",            "id_token:sub",           "OpenID Connect"},
    {"generic",           "aud",                 "iss",                    "SMART App Launch"},
    {"generic",           "pkce",                "always",                 "SMART App Launch"},
    {"generic",           "basic",               "raw",                    "SMART App Launch"},
    {"generic",           "renew-ahead",         "60",                     "Cerner's 570 s tokens"},
    {"generic",           "token-life",          "300",                    "client-py 179"},
    {"generic",           "bare-token",          "off",                    "RFC 6749"},
    {"generic",           "patient-reference",   "off",                    "SMART App Launch"},
    {"generic",           "patient-in-id-token", "off",                    "SMART App Launch"},
    {"generic",           "client-id-in-body",   "off",                    "RFC 6749"},
    {"generic",           "form-post",           "off",                    "RFC 6749"},
    {"generic",           "root-discovery",      "off",                    "SMART App Launch"},
    {"generic",           "openid-issuer",       "off",                    "OpenID Discovery"},
    {"generic",           "error-by-500",        "off",                    "RFC 6749"},

    /* A refresh token needs a confidential client and "persistent access". The code is a JWT of
       kilobytes. Secrets stand raw in Basic. */
    {"epic",              "basic",               "raw",                    "fhir.org forum 4312"},
    {"epic",              "pkce",                "always",                 "medplum 1486"},
    {"epic",              "openid-issuer",       "on",                     "discovery captures"},
    {"epic",              "bare-token",          "on",                     "fhir-server 703"},
    {"epic",              "patient-reference",   "on",                     "g10-test-kit 317"},

    /* The tenant is in the FHIR base; refresh tokens stay the same; errors say error_uri only. */
    {"oracle",            "aud",                 "iss",                    "fhir.cerner.com"},
    {"oracle",            "renew-every",         "60",                     "fhir.cerner.com"},
    {"oracle",            "bare-token",          "on",                     "fhir-server 703"},
    {"oracle",            "patient-reference",   "on",                     "g10-test-kit 317"},

    /* Tokens come from another host than FHIR; S256 works though it is not advertised. */
    {"athena",            "pkce",                "always",                 "client-js 174"},
    {"athena",            "openid-issuer",       "on",                     "discovery captures"},
    {"athena",            "bare-token",          "on",                     "fhir-server 703"},
    {"athena",            "patient-reference",   "on",                     "g10-test-kit 317"},

    /* The client id is a JWT of kilobytes. */
    {"athena-practice",   "form-post",           "on",                     "athenaFlex 299"},
    {"athena-practice",   "aud",                 "iss",                    "athenaFlex 348"},
    {"athena-practice",   "bare-token",          "on",                     "fhir-server 703"},
    {"athena-practice",   "patient-reference",   "on",                     "g10-test-kit 317"},

    /* Refresh tokens are used once; an unsupported scope is invalid_grant. */
    {"ecw",               "aud",                 "strip-slash",            "fasten-sources"},
    {"ecw",               "error-by-500",        "on",                     "field notes"},
    {"ecw",               "bare-token",          "on",                     "fhir-server 703"},
    {"ecw",               "patient-reference",   "on",                     "g10-test-kit 317"},

    /* Without aud the token is bound to its server less tightly. */
    {"nextgen",           "aud",                 "none",                   "fasten-sources"},
    {"nextgen",           "bare-token",          "on",                     "fhir-server 703"},
    {"nextgen",           "patient-reference",   "on",                     "g10-test-kit 317"},

    {"meditech",          "root-discovery",      "on",                     "discovery captures"},
    {"meditech",          "bare-token",          "on",                     "fhir-server 703"},
    {"meditech",          "patient-reference",   "on",                     "g10-test-kit 317"},

    {"openemr",           "client-id-in-body",   "on",                     "openemr 7182"},
    {"openemr",           "bare-token",          "on",                     "fhir-server 703"},
    {"openemr",           "patient-reference",   "on",                     "g10-test-kit 317"},

    /* A sandbox: sub is a hash there. */
    {"smarthealthit",     "identity",            "fhirUser id_token:sub",  "smart-launcher"},
    {"smarthealthit",     "bare-token",          "on",                     "fhir-server 703"},
    {"smarthealthit",     "patient-reference",   "on",                     "g10-test-kit 317"},
};
/* clang-format on */

#define COUNT (sizeof(lines) / sizeof(lines[0]))

static const struct {
    const char *name;
    size_t at; /* in sl_quirks_t */
} quirks[] = {
    {"bare-token", offsetof(sl_quirks_t, bare_token)},
    {"patient-reference", offsetof(sl_quirks_t, patient_reference)},
    {"patient-in-id-token", offsetof(sl_quirks_t, patient_in_id_token)},
    {"client-id-in-body", offsetof(sl_quirks_t, client_id_in_body)},
    {"form-post", offsetof(sl_quirks_t, form_post)},
    {"root-discovery", offsetof(sl_quirks_t, root_discovery)},
    {"openid-issuer", offsetof(sl_quirks_t, openid_issuer)},
    {"error-by-500", offsetof(sl_quirks_t, error_by_500)},
};

#define QUIRKS (sizeof(quirks) / sizeof(quirks[0]))

const sl_profile_line_t *sl_profile_lines(int *count)
{
    *count = (int)COUNT;
    return lines;
}

bool sl_profile_is_known(const char *name)
{
    for (apr_size_t i = 0; name != NULL && i < COUNT; i++) {
        if (strcmp(name, lines[i].profile) == 0) {
            return true;
        }
    }
    return false;
}

const char *sl_profile_names(apr_pool_t *p)
{
    const char *names = lines[0].profile;

    for (apr_size_t i = 1; i < COUNT; i++) {
        if (strcmp(lines[i].profile, lines[i - 1].profile) != 0) {
            names = apr_pstrcat(p, names, " ", lines[i].profile, NULL);
        }
    }
    return names;
}

/* Where the quirk of this name (of `len` bytes) is; NULL: there is none. */
static sl_switch_t *find_quirk(sl_quirks_t *of, const char *name, apr_size_t len)
{
    for (apr_size_t i = 0; i < QUIRKS; i++) {
        if (strlen(quirks[i].name) == len && memcmp(quirks[i].name, name, len) == 0) {
            return (sl_switch_t *)(void *)((char *)of + quirks[i].at);
        }
    }
    return NULL;
}

const char *sl_profile_switch(int number, const sl_quirks_t *of, sl_switch_t *stands)
{
    if (number < 0 || (apr_size_t)number >= QUIRKS) {
        return NULL;
    }
    *stands = *(const sl_switch_t *)(const void *)((const char *)of + quirks[number].at);
    return quirks[number].name;
}

static const char *switch_names(apr_pool_t *p)
{
    const char *names = quirks[0].name;

    for (apr_size_t i = 1; i < QUIRKS; i++) {
        names = apr_pstrcat(p, names, " ", quirks[i].name, NULL);
    }
    return names;
}

sl_rc_t sl_profile_option(sl_quirks_t *of, const char *word, apr_pool_t *p, sl_err_t *err)
{
    apr_size_t len = strcspn(word, "=");
    sl_switch_t *quirk = find_quirk(of, word, len);

    if (quirk == NULL) {
        return sl_err_set(err, SL_INVALID, "SL2382",
                          "\"%s\" is no switch; write NAME=on or NAME=off with one of: %s",
                          sl_text_loggable(p, word, 40), switch_names(p));
    }
    if (strcmp(word + len, "=on") != 0 && strcmp(word + len, "=off") != 0) {
        return sl_err_set(err, SL_INVALID, "SL2383", "\"%s\": write %.*s=on or %.*s=off",
                          sl_text_loggable(p, word, 40), (int)len, word, (int)len, word);
    }
    *quirk = strcmp(word + len, "=on") == 0 ? SL_SWITCH_ON : SL_SWITCH_OFF;
    return SL_OK;
}

static void preset_switch(sl_switch_t *own, const char *value)
{
    if (*own == SL_SWITCH_UNSET) {
        *own = strcmp(value, "off") == 0 ? SL_SWITCH_OFF : SL_SWITCH_ON;
    }
}

static void preset_time(apr_interval_time_t *own, const char *value)
{
    if (*own == 0) {
        *own = apr_time_from_sec(apr_atoi64(value));
    }
}

static void preset_aud(sl_ehr_t *ehr, const char *value)
{
    if (ehr->aud == SL_AUD_UNSET) {
        (void)sl_authorize_take_aud(ehr, value);
    }
}

static void preset_basic(sl_ehr_t *ehr, const char *value)
{
    if (ehr->basic == SL_BASIC_UNSET) {
        ehr->basic = strcmp(value, "form") == 0 ? SL_BASIC_FORM : SL_BASIC_RAW;
    }
}

static sl_rc_t preset_identity(sl_ehr_t *ehr, const char *value, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *sources = apr_array_make(p, 2, sizeof(sl_identity_source_t));
    char *rest = apr_pstrdup(p, value);
    sl_rc_t rc = SL_OK;

    if (ehr->identity != NULL && ehr->identity->nelts > 0) {
        return SL_OK;
    }
    for (const char *text = apr_strtok(rest, " ", &rest); text != NULL && rc == SL_OK;
         text = apr_strtok(NULL, " ", &rest)) {
        rc = sl_identity_source(apr_array_push(sources), text, p, err);
    }
    ehr->identity = sources;
    return rc;
}

/* What a line of the table says, where nothing was said before it. */
static sl_rc_t preset(sl_ehr_t *ehr, const sl_profile_line_t *line, apr_pool_t *p, sl_err_t *err)
{
    sl_switch_t *quirk = find_quirk(&ehr->quirks, line->name, strlen(line->name));

    if (quirk != NULL) {
        preset_switch(quirk, line->value);
    } else if (strcmp(line->name, "identity") == 0) {
        return preset_identity(ehr, line->value, p, err);
    } else if (strcmp(line->name, "aud") == 0) {
        preset_aud(ehr, line->value);
    } else if (strcmp(line->name, "pkce") == 0) {
        preset_switch(&ehr->pkce, line->value);
    } else if (strcmp(line->name, "basic") == 0) {
        preset_basic(ehr, line->value);
    } else if (strcmp(line->name, "renew-ahead") == 0) {
        preset_time(&ehr->renew_ahead, line->value);
    } else if (strcmp(line->name, "renew-every") == 0) {
        preset_time(&ehr->renew_interval, line->value);
    } else if (strcmp(line->name, "token-life") == 0) {
        preset_time(&ehr->token_life, line->value);
    }
    return SL_OK;
}

static sl_rc_t preset_all(sl_ehr_t *ehr, const char *profile, apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    for (apr_size_t i = 0; i < COUNT && rc == SL_OK; i++) {
        if (strcmp(lines[i].profile, profile) == 0) {
            rc = preset(ehr, &lines[i], p, err);
        }
    }
    return rc;
}

sl_rc_t sl_profile_complete(sl_ehr_t *ehr, apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc;

    if (ehr->profile == NULL) {
        ehr->profile = "generic";
    }
    if (!sl_profile_is_known(ehr->profile)) {
        return sl_err_set(err, SL_INVALID, "SL2381",
                          "SmartProfile \"%s\" is unknown; write one of: %s",
                          sl_text_loggable(p, ehr->profile, 40), sl_profile_names(p));
    }
    rc = preset_all(ehr, ehr->profile, p, err);
    return rc == SL_OK ? preset_all(ehr, "generic", p, err) : rc;
}
