/* SPDX-License-Identifier: Apache-2.0 */
/* RFR-5 to RFR-7, RFR-9, RFR-10 */
#include "rule.h"
#include "smart/sl_renewal.h"
#include "smart/sl_token_response.h"

#define T(seconds) apr_time_from_sec(seconds)

static const struct {
    const char *name;
    int issued, expires, now; /* seconds */
    bool can_renew;
    int ahead, interval;
    sl_renewal_need_t want;
} needs[] = {
    {"fresh", 1000, 4600, 1001, true, 60, 0, SL_RENEWAL_NOT_NEEDED},
    {"one second before it is time", 1000, 4600, 4539, true, 60, 0, SL_RENEWAL_NOT_NEEDED},
    {"it is time", 1000, 4600, 4540, true, 60, 0, SL_RENEWAL_AHEAD},
    {"the last second", 1000, 4600, 4599, true, 60, 0, SL_RENEWAL_AHEAD},
    {"expired", 1000, 4600, 4600, true, 60, 0, SL_RENEWAL_NEEDED},
    {"long expired", 1000, 4600, 99999, true, 60, 0, SL_RENEWAL_NEEDED},
    {"RFR-10: about to expire, no refresh token", 1000, 4600, 4599, false, 60, 0,
     SL_RENEWAL_NOT_NEEDED},
    {"RFR-10: expired, no refresh token", 1000, 4600, 4600, false, 60, 0, SL_RENEWAL_IMPOSSIBLE},
    {"the EHR did not say when it ends", 1000, 0, 99999, true, 60, 0, SL_RENEWAL_NOT_NEEDED},
    {"a minute's token, first half", 1000, 1060, 1029, true, 60, 0, SL_RENEWAL_NOT_NEEDED},
    {"a minute's token, second half", 1000, 1060, 1030, true, 60, 0, SL_RENEWAL_AHEAD},
    {"throttled", 1000, 1100, 1059, true, 60, 60, SL_RENEWAL_NOT_NEEDED},
    {"no longer throttled", 1000, 1100, 1060, true, 60, 60, SL_RENEWAL_AHEAD},
    {"expired within the throttle", 1000, 1030, 1030, true, 60, 60, SL_RENEWAL_NEEDED},
    {"issued in the future (clocks)", 2000, 5600, 1990, true, 60, 60, SL_RENEWAL_NOT_NEEDED},
    {"ahead of nothing", 1000, 4600, 4599, true, 0, 0, SL_RENEWAL_NOT_NEEDED},
};

static void check_needs(void)
{
    for (int i = 0; i < COUNT_OF(needs); i++) {
        sl_renewal_token_t token = {T(needs[i].issued), T(needs[i].expires), needs[i].can_renew};
        sl_ehr_t ehr = {.name = "demo"};

        ehr.renew_ahead = T(needs[i].ahead);
        ehr.renew_interval = T(needs[i].interval);
        is_int(sl_renewal_need(&token, &ehr, T(needs[i].now)), needs[i].want, needs[i].name);
    }
}

/* What the token endpoint answers, as sl_token_response_error() reads it. */
static const struct {
    int status;
    const char *body;
    bool final;
} answers[] = {
    {400, "{\"error\":\"invalid_grant\"}", true},
    {401, "{\"error\":\"invalid_client\"}", true},
    {403, "{\"error\":\"invalid_grant\"}", true},
    {400, "{\"error\":\"something_new\"}", true},
    {400, "", true},
    {401, "<html>no</html>", true},
    {403, "{\"resourceType\":\"OperationOutcome\"}", true},
    {404, "", true},
    {499, "", true},
    {200, "{\"error\":\"invalid_grant\"}", true},
    {200, "{\"error\":\"temporarily_unavailable\"}", false},
    {200, "{}", false},
    {200, "<html>come again</html>", false},
    {204, "", false},
    {302, "", false},
    {400, "{\"error\":\"temporarily_unavailable\"}", false},
    {400, "{\"error\":\"slow_down\"}", false},
    {400, "{\"error\":\"server_error\"}", false},
    {408, "", false},
    {408, "{\"error\":\"invalid_grant\"}", false},
    {429, "{\"error\":\"invalid_grant\"}", false},
    {500, "{\"error\":\"invalid_grant\"}", false},
    {502, "", false},
    {503, "", false},
    {504, "", false},
    {0, "", false},
};

static void check_answers(apr_pool_t *p)
{
    static const sl_ehr_t usual = {.quirks = {.error_by_500 = SL_SWITCH_OFF}};
    static const sl_ehr_t odd = {.quirks = {.error_by_500 = SL_SWITCH_ON}};

    for (int i = 0; i < COUNT_OF(answers); i++) {
        const char *body = answers[i].body;
        const char *error = sl_token_response_error(body, strlen(body), p);

        ok(sl_renewal_is_final(&usual, answers[i].status, error) == answers[i].final, "%s: %d %s",
           answers[i].final ? "RFR-6 final" : "RFR-7 passing", answers[i].status, body);
        if (answers[i].status < 500) {
            is_int(sl_renewal_is_final(&odd, answers[i].status, error), answers[i].final,
                   "RFR-6 error-by-500 changes nothing below 500");
        }
    }
    ok(sl_renewal_is_final(&odd, 500, "access_denied") &&
           sl_renewal_is_final(&odd, 502, "invalid_grant"),
       "RFR-6 error-by-500: an OAuth error by 5xx is final");
    ok(!sl_renewal_is_final(&odd, 500, "none") && !sl_renewal_is_final(&odd, 500, "other") &&
           !sl_renewal_is_final(&odd, 500, "server_error") && !sl_renewal_is_final(&odd, 0, "none"),
       "RFR-7 error-by-500: a 5xx without one is not");
}

static const struct {
    const char *name, *now, *was;
    sl_rc_t want;
} patients[] = {
    {"RFR-9: the same patient", "p1", "p1", SL_OK},
    {"RFR-9: not said, unchanged", NULL, "p1", SL_OK},
    {"RFR-9: never one", NULL, NULL, SL_OK},
    {"RFR-9: another patient", "p2", "p1", SL_DENIED},
    {"RFR-9: another case is another patient", "P1", "p1", SL_DENIED},
    {"RFR-9: the beginning of it is another patient", "p", "p1", SL_DENIED},
    {"RFR-9: a patient where there was none", "p1", NULL, SL_DENIED},
};

static void check_patients(void)
{
    for (int i = 0; i < COUNT_OF(patients); i++) {
        sl_context_t now = {.patient = patients[i].now};
        sl_err_t err;
        sl_rc_t rc = sl_renewal_check_patient(&now, patients[i].was, &err);

        is_end(rc, &err, "SL2701", patients[i].want, patients[i].name);
        ok(rc == SL_OK || !holds(err.text, "p1"), "%s: the log does not name it", patients[i].name);
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    check_needs();
    check_answers(p);
    check_patients();
    rule_release(p);
    return tap_done();
}
