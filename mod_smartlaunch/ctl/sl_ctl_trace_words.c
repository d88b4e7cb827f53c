/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_table.h"
#include "ctl/sl_ctl_trace.h"

#include <apr_strings.h>
#include <string.h>

static const struct {
    const char *step, *went_well, *failed;
} STEPS[] = {
    {"launch", "the launch began", "the launch did not begin"},
    {"discovery", "the EHR said where its endpoints are",
     "the EHR did not say where its endpoints are"},
    {"openid", "the EHR described its logins", "the EHR did not describe its logins"},
    {"callback", "the browser came back from the EHR",
     "the browser came back, and could not go on"},
    {"token", "the EHR gave its tokens", "the EHR gave no tokens"},
    {"jwks", "the EHR gave its keys", "the EHR did not give its keys"},
    {"id_token", "the EHR's word on who the user is was verified",
     "who the user is could not be verified"},
    {"introspect", "the EHR was asked about the token", "the EHR did not answer about the token"},
    {"context", "patient and context were read", "patient and context could not be read"},
    {"finish", "the launch came to be", "the launch did not come to be"},
    {"store", "the launch was stored", "the launch could not be stored"},
    {"session", "a session without the EHR began", "a session without the EHR did not begin"},
    {"link", "the EHR user and the app user were joined",
     "the EHR user and the app user were not joined"},
    {"release", "a launch that waited for its user's word went on",
     "a launch that waited did not go on"},
    {"notify", "the app was told of the launch", "the app could not be told of the launch"},
    {"window", "the launch moved to another window", "the launch did not move to another window"},
    {"renew", "the token was renewed", "the token was not renewed"},
    {"end", "the launch was ended", "the launch could not be ended"},
    {"revoke", "the EHR was told to forget the tokens",
     "the EHR was not told to forget the tokens"},
};

const char *sl_ctl_trace_step(const sl_step_t *step, apr_pool_t *p)
{
    bool went_well = step->outcome != NULL && strcmp(step->outcome, "ok") == 0;
    const char *words = step->step;

    for (size_t i = 0; i < sizeof(STEPS) / sizeof(STEPS[0]); i++) {
        if (strcmp(STEPS[i].step, step->step) == 0) {
            words = went_well ? STEPS[i].went_well : STEPS[i].failed;
        }
    }
    return step->detail == NULL ? words
                                : apr_pstrcat(p, words, ": ", sl_ctl_plain(p, step->detail), NULL);
}

static const char *word(const sl_rows_t *rows, int i, const char *column, apr_pool_t *p)
{
    const char *text = sl_rows_text(rows, i, column);

    return text == NULL ? NULL : sl_ctl_plain(p, text);
}

static bool is(const char *text, const char *other)
{
    return text != NULL && strcmp(text, other) == 0;
}

/** How it stands. */
static const char *state_of(const sl_rows_t *rows, apr_pool_t *p)
{
    const char *state = sl_rows_text(rows, 0, "state");
    const char *why = word(rows, 0, "end_reason", p);
    const char *until = sl_ctl_stamp(p, sl_rows_time(rows, 0, "expires_at"));

    if (is(state, "pending")) {
        return "the browser is at the EHR";
    }
    if (is(state, "claimed")) {
        return "the callback is under way";
    }
    if (is(state, "held")) {
        return "it waits until the user has said who she is";
    }
    if (is(state, "live")) {
        return apr_pstrcat(p, "it is live, until ", until, NULL);
    }
    return apr_pstrcat(p, is(state, "failed") ? "it failed" : "it is over", why != NULL ? ": " : "",
                       why != NULL ? why : "", NULL);
}

static const char *begin_of(const sl_rows_t *rows, apr_pool_t *p)
{
    const char *kind = sl_rows_text(rows, 0, "kind");
    const char *ehr = word(rows, 0, "ehr", p);

    if (ehr == NULL || is(kind, "session")) {
        return "a login without an EHR";
    }
    return apr_pstrcat(
        p, is(kind, "standalone") ? "begun in the app, at the EHR " : "opened from the EHR ", ehr,
        NULL);
}

const char *sl_ctl_trace_launch(const sl_rows_t *rows, apr_pool_t *p)
{
    const char *ehr_user = word(rows, 0, "ehr_user", p);
    const char *app_user = word(rows, 0, "app_user", p);
    const char *linked =
        is(sl_rows_text(rows, 0, "link_state"), "pending") ? "not linked yet" : NULL;

    return apr_pstrcat(p, "  app ", word(rows, 0, "app", p), ", ", begin_of(rows, p),
                       ehr_user != NULL ? "; at the EHR " : "", ehr_user != NULL ? ehr_user : "",
                       app_user != NULL ? "; in the app " : "", app_user != NULL ? app_user : "",
                       linked != NULL ? "; " : "", linked != NULL ? linked : "", "\n  ",
                       state_of(rows, p), "\n", NULL);
}

static const char *whose(const sl_rows_t *rows, int i, apr_pool_t *p)
{
    const char *via = sl_rows_text(rows, i, "via");
    const char *user = word(rows, i, "app_user", p);
    const char *caller = word(rows, i, "caller", p);
    const char *how = is(via, "session")  ? "with the session of a launch"
                      : is(via, "user")   ? "in a user's name"
                      : is(via, "system") ? "as the system"
                                          : "without a token of ours";

    return apr_pstrcat(p, how, user != NULL ? " of " : "", user != NULL ? user : "",
                       caller != NULL ? ", by " : "", caller != NULL ? caller : "", NULL);
}

const char *sl_ctl_trace_call(const sl_rows_t *rows, int i, apr_pool_t *p)
{
    const char *resource = word(rows, i, "resource", p);
    const char *ehr = word(rows, i, "ehr", p);
    int64_t status = sl_rows_int(rows, i, "status", 0);

    return apr_pstrcat(p, "FHIR call ", word(rows, i, "method", p), resource != NULL ? " " : "",
                       resource != NULL ? resource : "", ehr != NULL ? " at " : "",
                       ehr != NULL ? ehr : "", ", ", whose(rows, i, p),
                       status >= 400 ? ": refused or failed with " : ": answered with ",
                       apr_ltoa(p, (long)status), NULL);
}
