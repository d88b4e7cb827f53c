/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_profile.h"
#include <apr_strings.h>

static void test_names(apr_pool_t *p)
{
    static const char *const names[] = {"generic",         "epic",         "oracle",  "athena",
                                        "athena-practice", "ecw",          "nextgen", "meditech",
                                        "openemr",         "smarthealthit"};

    for (int i = 0; i < COUNT_OF(names); i++) {
        sl_ehr_t ehr = {.name = "e", .profile = names[i]};
        sl_switch_t stands = SL_SWITCH_UNSET;
        sl_err_t err;

        ok(sl_profile_is_known(names[i]), "profile %s is known", names[i]);
        ok(holds(sl_profile_names(p), names[i]), "and %s is named in the list", names[i]);
        is_end(sl_profile_complete(&ehr, p, &err), &err, NULL, SL_OK, "and completes an EHR");
        ok(ehr.aud != SL_AUD_UNSET && ehr.pkce == SL_SWITCH_ON && ehr.basic == SL_BASIC_RAW &&
               ehr.renew_ahead > 0 && ehr.token_life > 0 && ehr.identity != NULL &&
               ehr.identity->nelts > 0,
           "DIS-6, TKR-S3 %s leaves nothing unset: PKCE on, Basic raw", names[i]);
        for (int q = 0; sl_profile_switch(q, &ehr.quirks, &stands) != NULL; q++) {
            ok(stands != SL_SWITCH_UNSET, "and %s is decided",
               sl_profile_switch(q, &ehr.quirks, &stands));
        }
    }
    ok(!sl_profile_is_known("Epic") && !sl_profile_is_known("") && !sl_profile_is_known(NULL),
       "other names are unknown");
}

/* Each line of the table does something, and says where it comes from. */
static void test_table(apr_pool_t *p)
{
    static const char *const others[] = {"identity",    "aud",         "pkce",      "basic",
                                         "renew-ahead", "renew-every", "token-life"};
    int count;
    const sl_profile_line_t *lines = sl_profile_lines(&count);

    for (int i = 0; i < count; i++) {
        bool known = false;
        sl_quirks_t quirks = {0};

        for (int o = 0; o < COUNT_OF(others); o++) {
            known = known || strcmp(lines[i].name, others[o]) == 0;
        }
        known = known ||
                sl_profile_option(&quirks, apr_pstrcat(p, lines[i].name, "=", lines[i].value, NULL),
                                  p, NULL) == SL_OK;
        ok(known && lines[i].source[0] != '\0', "%s: %s %s is a switch, and has its source",
           lines[i].profile, lines[i].name, lines[i].value);
        for (int o = 0; o < i; o++) {
            if (strcmp(lines[i].profile, lines[o].profile) == 0 &&
                strcmp(lines[i].name, lines[o].name) == 0) {
                ok(false, "%s says %s twice", lines[i].profile, lines[i].name);
            }
        }
    }
}

static void test_options(apr_pool_t *p)
{
    static const struct {
        const char *word, *id;
    } wrong[] = {
        {"bare-token", "SL2383"},    {"bare-token=", "SL2383"}, {"bare-token=yes", "SL2383"},
        {"bare-token=ON", "SL2383"}, {"bare=on", "SL2382"},     {"", "SL2382"},
        {"=on", "SL2382"},           {"aud=none", "SL2382"}};
    const char *name;
    sl_switch_t stands = SL_SWITCH_UNSET;
    sl_quirks_t none = {0};
    int number = 0;
    sl_err_t err;

    for (; (name = sl_profile_switch(number, &none, &stands)) != NULL; number++) {
        static const char *const profiles[] = {"generic", "ecw", "openemr", "athena-practice"};

        for (int i = 0; i < 2 * COUNT_OF(profiles); i++) {
            sl_ehr_t ehr = {.name = "e", .profile = profiles[i / 2]};
            bool on = i % 2 == 0;
            const char *word = apr_pstrcat(p, name, on ? "=on" : "=off", NULL);

            ok(sl_profile_option(&ehr.quirks, word, p, &err) == SL_OK &&
                   sl_profile_complete(&ehr, p, &err) == SL_OK &&
                   sl_profile_switch(number, &ehr.quirks, &stands) != NULL &&
                   stands == (on ? SL_SWITCH_ON : SL_SWITCH_OFF),
               "SmartProfile %s %s holds", profiles[i / 2], word);
        }
    }
    ok(number >= 8, "there are switches");
    for (int i = 0; i < COUNT_OF(wrong); i++) {
        is_end(sl_profile_option(&none, wrong[i].word, p, &err), &err, wrong[i].id, SL_INVALID,
               apr_pstrcat(p, "SmartProfile NAME ", wrong[i].word, " is refused", NULL));
    }
}

static void test_defaults(apr_pool_t *p)
{
    static const struct {
        const char *name;
        sl_aud_t aud;
        sl_switch_t bare_token, client_id_in_body;
        int renew_interval;
        const char *identity;
    } cases[] = {
        {NULL, SL_AUD_ISS, SL_SWITCH_OFF, SL_SWITCH_OFF, 0, "id_token:sub"},
        {"epic", SL_AUD_ISS, SL_SWITCH_ON, SL_SWITCH_OFF, 0, "id_token:sub"},
        {"oracle", SL_AUD_ISS, SL_SWITCH_ON, SL_SWITCH_OFF, 60, "id_token:sub"},
        {"ecw", SL_AUD_STRIP_SLASH, SL_SWITCH_ON, SL_SWITCH_OFF, 0, "id_token:sub"},
        {"nextgen", SL_AUD_NONE, SL_SWITCH_ON, SL_SWITCH_OFF, 0, "id_token:sub"},
        {"openemr", SL_AUD_ISS, SL_SWITCH_ON, SL_SWITCH_ON, 0, "id_token:sub"},
        {"athena", SL_AUD_ISS, SL_SWITCH_ON, SL_SWITCH_OFF, 0, "id_token:sub"},
        {"smarthealthit", SL_AUD_ISS, SL_SWITCH_ON, SL_SWITCH_OFF, 0, "fhirUser"},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *name = cases[i].name == NULL ? "no profile" : cases[i].name;
        sl_ehr_t ehr = {.name = "e", .profile = cases[i].name};
        sl_err_t err;

        is_end(sl_profile_complete(&ehr, p, &err), &err, NULL, SL_OK, name);
        is_int(ehr.aud, cases[i].aud, apr_pstrcat(p, "AZR-3 aud of ", name, NULL));
        is_int(ehr.quirks.bare_token, cases[i].bare_token,
               apr_pstrcat(p, "TRS-1 bare token of ", name, NULL));
        is_int(ehr.quirks.client_id_in_body, cases[i].client_id_in_body,
               apr_pstrcat(p, "TKR-S2 client_id of ", name, NULL));
        is_int(ehr.renew_interval, apr_time_from_sec(cases[i].renew_interval),
               apr_pstrcat(p, "RFR-5 least interval of ", name, NULL));
        is_str(APR_ARRAY_IDX(ehr.identity, 0, sl_identity_source_t).text, cases[i].identity,
               apr_pstrcat(p, "IDT-9 identity of ", name, NULL));
    }
}

static void test_overrides(apr_pool_t *p)
{
    apr_array_header_t *own = apr_array_make(p, 1, sizeof(sl_identity_source_t));
    sl_ehr_t ehr = {.name = "e",
                    .profile = "nextgen",
                    .aud = SL_AUD_ISS,
                    .pkce = SL_SWITCH_OFF,
                    .basic = SL_BASIC_FORM,
                    .quirks = {.bare_token = SL_SWITCH_OFF},
                    .renew_ahead = apr_time_from_sec(5),
                    .identity = own};
    sl_err_t err;

    *(sl_identity_source_t *)apr_array_push(own) =
        (sl_identity_source_t){SL_SOURCE_TOKEN, "user", "token:user"};
    is_end(sl_profile_complete(&ehr, p, &err), &err, NULL, SL_OK, "an EHR with its own switches");
    is_int(ehr.aud, SL_AUD_ISS, "configured aud stays");
    is_int(ehr.pkce, SL_SWITCH_OFF, "configured PKCE stays");
    is_int(ehr.basic, SL_BASIC_FORM, "configured Basic form stays");
    is_int(ehr.quirks.bare_token, SL_SWITCH_OFF, "a configured quirk stays");
    is_int(ehr.quirks.patient_reference, SL_SWITCH_ON, "the other quirk is the profile's");
    is_int(ehr.renew_ahead, apr_time_from_sec(5), "configured renewal stays");
    ok(ehr.identity == own, "configured identity stays");
    ehr.profile = "cerner";
    is_end(sl_profile_complete(&ehr, p, &err), &err, "SL2381", SL_INVALID,
           "an unknown profile is refused");
    ok(holds(err.text, "cerner") && holds(err.text, "oracle"),
       "the sentence names it and the others");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_names(p);
    test_table(p);
    test_options(p);
    test_defaults(p);
    test_overrides(p);
    rule_release(p);
    return tap_done();
}
