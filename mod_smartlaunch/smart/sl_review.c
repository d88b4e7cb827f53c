/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_review.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define DAYS_LEFT 21 /* warn before: a certificate has to be ordered, and put in place */
#define SKEW_MAX 60  /* seconds: beyond it id_tokens are refused (IDT-5), and assertions there */
#define SKEW_WARN 10

void sl_review_certificate(const sl_findings_t *findings, const char *host, apr_time_t ends,
                           apr_time_t now)
{
    int days = (int)((ends - now) / apr_time_from_sec(86400));

    if (ends == 0) {
        sl_finding_warn(findings, "tls", "use https before real patients' data go that way",
                        "%s is asked without TLS", host);
    } else if (days < DAYS_LEFT) {
        sl_finding_warn(findings, "tls", "remind those who look after it",
                        "%s: chain and name are right, but a certificate ends in %d day%s", host,
                        days, days == 1 ? "" : "s");
    } else {
        sl_finding_ok(findings, "tls", "%s: chain and name are right, %d days left", host, days);
    }
}

void sl_review_clock(const sl_findings_t *findings, apr_time_t theirs, apr_time_t ours)
{
    int skew = (int)apr_time_sec(theirs - ours);
    const char *way = skew < 0 ? "behind" : "ahead of";

    if (theirs == 0) {
        sl_finding_warn(findings, "clock", "compare the clocks by hand",
                        "the EHR does not say what time it has");
    } else if (abs(skew) > SKEW_MAX) {
        sl_finding_wrong(findings, "clock",
                         "let this host take its time from NTP; if it does, tell the EHR's people",
                         "the EHR's clock is %d s %s ours: its id_tokens are refused beyond %d s",
                         abs(skew), way, SKEW_MAX);
    } else if (abs(skew) > SKEW_WARN) {
        sl_finding_warn(findings, "clock", "let this host take its time from NTP",
                        "the EHR's clock is %d s %s ours", abs(skew), way);
    } else {
        sl_finding_ok(findings, "clock", "the EHR's clock and ours agree");
    }
}

/* invalid_client: what of it is ours to look at. */
static const char *unknown_client(const sl_ehr_t *ehr)
{
    switch (ehr->auth) {
    case SL_CLIENT_BASIC:
        return ehr->basic == SL_BASIC_FORM
                   ? "compare SmartClient and SmartClientSecret with the registration; if they are "
                     "right, try SmartClientAuth basic raw, or post"
                   : "compare SmartClient and SmartClientSecret with the registration; if they are "
                     "right, try SmartClientAuth basic form, or post";
    case SL_CLIENT_POST:
        return "compare SmartClient and SmartClientSecret with the registration; if they are "
               "right, "
               "try SmartClientAuth basic";
    case SL_CLIENT_KEY:
        return "register the public key, or the URL of jwks.json, for this SmartClient; new "
               "registrations may take a day to reach every server of the EHR";
    case SL_CLIENT_NONE:
        return "compare SmartClient with the registration, which must be that of a public client";
    case SL_CLIENT_UNSET:
        break;
    }
    return "compare SmartClient with the registration";
}

static bool is(const sl_review_answer_t *answer, const char *error)
{
    return strcmp(answer->error, error) == 0;
}

/* What a refusal means whatever was asked for. False: nothing in particular. */
static bool review_refusal(const sl_findings_t *findings, const char *what, const sl_ehr_t *ehr,
                           const sl_review_answer_t *answer)
{
    if (is(answer, "invalid_client") || (answer->status == 401 && is(answer, "none"))) {
        sl_finding_wrong(findings, what, unknown_client(ehr),
                         "the token endpoint does not accept who we say we are (status %d, %s)",
                         answer->status, answer->error);
    } else if (is(answer, "unauthorized_client") || is(answer, "unsupported_grant_type")) {
        sl_finding_wrong(findings, what, "have this grant allowed in the registration",
                         "our client may not use this grant (status %d, %s)", answer->status,
                         answer->error);
    } else if (answer->status == 429 || answer->status == 503) {
        sl_finding_warn(findings, what, "try again in some minutes",
                        "the token endpoint is busy (status %d)", answer->status);
    } else if (answer->status == 404 || answer->status == 405) {
        sl_finding_wrong(findings, what, "look at SmartEndpoint token, or ask the EHR's people",
                         "there is no token endpoint where there should be one (status %d)",
                         answer->status);
    } else if (answer->status >= 500) {
        sl_finding_wrong(findings, what, "ask the EHR's people",
                         "the token endpoint is out of order (status %d)", answer->status);
    } else {
        return false;
    }
    return true;
}

void sl_review_made_up_code(const sl_findings_t *findings, const sl_ehr_t *ehr,
                            const sl_review_answer_t *answer)
{
    static const char what[] = "client";

    if (is(answer, "invalid_grant")) {
        sl_finding_ok(findings, what,
                      ehr->auth == SL_CLIENT_NONE
                          ? "the token endpoint refuses a made-up code, as it should"
                          : "the token endpoint knows us, and refuses a made-up code");
    } else if (answer->status == 200) {
        sl_finding_wrong(findings, what, "tell the EHR's people at once",
                         "the token endpoint takes a made-up code");
    } else if (!review_refusal(findings, what, ehr, answer)) {
        sl_finding_warn(findings, what, "only a launch shows whether the EHR knows our client",
                        "the token endpoint refuses a made-up code in another way than usual "
                        "(status %d, %s)",
                        answer->status, answer->error);
    }
}

void sl_review_system(const sl_findings_t *findings, const sl_ehr_t *ehr,
                      const sl_review_answer_t *answer)
{
    static const char what[] = "system";

    if (answer->status == 200) {
        sl_finding_ok(findings, what, "a token for SmartSystemScope was granted");
    } else if (is(answer, "invalid_scope")) {
        sl_finding_wrong(findings, what, "compare SmartSystemScope with the registration",
                         "SmartSystemScope is refused (status %d, %s)", answer->status,
                         answer->error);
    } else if (!review_refusal(findings, what, ehr, answer)) {
        sl_finding_wrong(findings, what, "have backend services allowed in the registration",
                         "no token for SmartSystemScope (status %d, %s)", answer->status,
                         answer->error);
    }
}
