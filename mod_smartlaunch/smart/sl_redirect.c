/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_redirect.h"

#include "smart/sl_error_uri.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define DESCRIPTION_MAX 200

/* RFC 6749 section 4.1.2.1, and those of OpenID Connect and RFC 8707 that servers are seen to send.
   The sentences are for clinicians. */
static const struct {
    const char *code;
    const char *text;
    const char *hint; /* for the log; NULL: none */
} errors[] = {
    {"access_denied", "The EHR did not allow the launch, or you declined it.",
     "mostly the user's own no, or the app is not released for this user there"},
    {"unauthorized_client",
     "The EHR does not allow this application to be launched this way. "
     "Please tell your IT support.",
     "the app's registration does not allow this kind of launch, or is not released yet"},
    {"invalid_request",
     "The EHR did not understand the launch request. "
     "Please tell your IT support.",
     "redirect URI, aud (SmartAud) or PKCE (SmartPKCE) are not as it wants them"},
    {"unsupported_response_type",
     "The EHR does not offer this kind of launch. "
     "Please tell your IT support.",
     NULL},
    {"invalid_scope",
     "The EHR does not grant what this application asks for. "
     "Please tell your IT support.",
     "something in SmartScope is not in the app's registration, or it wants the other form (v1 "
     ".read, v2 .rs)"},
    {"invalid_target",
     "The EHR does not know the record server this application asked for. "
     "Please tell your IT support.",
     "it does not take our aud; see SmartAud"},
    {"server_error",
     "The EHR had a problem of its own. Please open the application again in a "
     "moment.",
     NULL},
    {"temporarily_unavailable", "The EHR is busy. Please open the application again in a moment.",
     NULL},
    {"login_required", "The EHR needs you to log in first. Please open the application again.",
     NULL},
    {"interaction_required",
     "The EHR needs an answer from you first. Please open the application "
     "again.",
     NULL},
    {"consent_required", "The EHR needs your consent first. Please open the application again.",
     NULL},
};

static int find_error(const char *error)
{
    for (int i = 0; i < (int)(sizeof(errors) / sizeof(errors[0])); i++) {
        if (error != NULL && strcmp(error, errors[i].code) == 0) {
            return i;
        }
    }
    return -1;
}

const char *sl_redirect_error_code(const char *error)
{
    int i = find_error(error);

    return i < 0 ? "other" : errors[i].code;
}

const char *sl_redirect_error_hint(const char *error)
{
    int i = find_error(error);

    return i < 0 ? NULL : errors[i].hint;
}

const char *sl_redirect_error_text(const char *error)
{
    int i = find_error(error);

    return i < 0 ? "The EHR ended the launch without telling a reason that we know."
                 : errors[i].text;
}

/* At most DESCRIPTION_MAX bytes, cut between characters, on one line. */
static const char *shorten(apr_pool_t *p, const char *description)
{
    apr_size_t len = description == NULL ? 0 : strlen(description);
    char *text;

    if (len == 0) {
        return NULL;
    }
    if (len > DESCRIPTION_MAX) {
        len = DESCRIPTION_MAX;
        while (((unsigned char)description[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    text = apr_pstrmemdup(p, description, len);
    for (char *c = text; *c != '\0'; c++) {
        if (apr_iscntrl(*c)) {
            *c = ' ';
        }
    }
    return text;
}

static bool is_sized(const char *value, apr_size_t max)
{
    return value != NULL && value[0] != '\0' && strlen(value) <= max;
}

static sl_rc_t read_launch(sl_redirect_t *out, const sl_params_t *params, sl_err_t *err)
{
    out->kind = SL_REDIRECT_LAUNCH;
    out->iss = sl_params_one(params, "iss");
    out->launch = sl_params_one(params, "launch");
    if (!is_sized(out->iss, SL_REDIRECT_MAX_ISS) ||
        !is_sized(out->launch, SL_REDIRECT_MAX_LAUNCH)) {
        return sl_err_set(err, SL_INVALID, "SL2021", "iss or launch is missing, empty or too long");
    }
    return SL_OK;
}

static sl_rc_t read_answer(sl_redirect_t *out, const sl_params_t *params, apr_pool_t *p,
                           sl_err_t *err)
{
    const char *code = sl_params_one(params, "code");

    out->kind = code == NULL ? SL_REDIRECT_ERROR : SL_REDIRECT_CODE;
    out->iss = sl_params_one(params, "iss");
    out->state = sl_params_one(params, "state");
    if ((out->iss != NULL && strlen(out->iss) > SL_REDIRECT_MAX_ISS) ||
        (out->state != NULL && strlen(out->state) > SL_REDIRECT_MAX_STATE)) {
        return sl_err_set(err, SL_INVALID, "SL2022", "iss or state of the answer is too long");
    }
    if (out->state != NULL && out->state[0] == '\0') {
        out->state = NULL;
    }
    if (out->kind == SL_REDIRECT_ERROR) {
        out->error = sl_redirect_error_code(sl_params_one(params, "error"));
        out->description = shorten(p, sl_params_one(params, "error_description"));
        out->error_uri = sl_error_uri_loggable(p, sl_params_one(params, "error_uri"));
        return SL_OK;
    }
    if (!is_sized(code, SL_REDIRECT_MAX_CODE) || out->state == NULL) {
        return sl_err_set(err, SL_INVALID, "SL2023",
                          "code or state of the answer is missing, empty or too long");
    }
    out->code = sl_secret_str(p, code);
    return SL_OK;
}

sl_rc_t sl_redirect_classify(sl_redirect_t *out, const sl_params_t *params, apr_pool_t *p,
                             sl_err_t *err)
{
    static const char *const single[] = {"iss", "launch", "code", "state", "error"};
    bool has_launch = sl_params_count(params, "launch") > 0;
    bool has_code = sl_params_count(params, "code") > 0;
    bool has_error = sl_params_count(params, "error") > 0;

    memset(out, 0, sizeof(*out));
    for (apr_size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
        if (sl_params_count(params, single[i]) > 1) {
            return sl_err_set(err, SL_INVALID, "SL2024", "%s is given more than once", single[i]);
        }
    }
    if (has_launch + has_code + has_error > 1) {
        return sl_err_set(err, SL_INVALID, "SL2025", "launch, code and error do not go together");
    }
    return has_code || has_error ? read_answer(out, params, p, err) : read_launch(out, params, err);
}
