/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_authorize.h"

#include "base/sl_text.h"
#include "smart/sl_scope.h"
#include "smart/sl_url.h"
#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

static void push(apr_array_header_t *list, const char *text)
{
    APR_ARRAY_PUSH(list, const char *) = text;
}

const char *sl_authorize_scope(apr_pool_t *p, const char *configured, bool is_ehr_launch)
{
    apr_array_header_t *tokens = apr_array_make(p, 8, sizeof(const char *));
    char *rest = apr_pstrdup(p, configured == NULL ? "" : configured);

    if (is_ehr_launch && !sl_scope_has(rest, "launch")) {
        push(tokens, "launch");
    }
    for (char *token = apr_strtok(rest, " \t\r\n", &rest); token != NULL;
         token = apr_strtok(NULL, " \t\r\n", &rest)) {
        if (is_ehr_launch || strcmp(token, "launch") != 0) {
            push(tokens, token);
        }
    }
    return apr_array_pstrcat(p, tokens, ' ');
}

bool sl_authorize_take_aud(sl_ehr_t *ehr, const char *text)
{
    if (strcmp(text, "iss") == 0) {
        ehr->aud = SL_AUD_ISS;
    } else if (strcmp(text, "strip-slash") == 0) {
        ehr->aud = SL_AUD_STRIP_SLASH;
    } else if (strcmp(text, "none") == 0) {
        ehr->aud = SL_AUD_NONE;
    } else if (sl_text_has_prefix(text, "https://")) {
        ehr->aud = SL_AUD_URL;
        ehr->aud_url = text;
    } else {
        return false;
    }
    return true;
}

const char *sl_authorize_aud(apr_pool_t *p, const sl_ehr_t *ehr, const char *iss)
{
    const char *aud = iss == NULL ? ehr->issuer : iss;
    apr_size_t len = strlen(aud);

    switch (ehr->aud) {
    case SL_AUD_NONE:
        return NULL;
    case SL_AUD_URL:
        return ehr->aud_url;
    case SL_AUD_STRIP_SLASH:
        while (len > 0 && aud[len - 1] == '/') {
            len--;
        }
        break;
    case SL_AUD_UNSET:
    case SL_AUD_ISS:
        break;
    }
    return apr_pstrmemdup(p, aud, len);
}

static void push_param(apr_array_header_t *list, const char *name, const char *value)
{
    if (value != NULL) {
        push(list, apr_pstrcat(list->pool, name, "=", sl_text_percent(list->pool, value), NULL));
    }
}

const char *sl_authorize_url(apr_pool_t *p, const sl_authorize_t *request)
{
    apr_array_header_t *params = apr_array_make(p, 10, sizeof(const char *));

    push_param(params, "response_type", "code");
    push_param(params, "client_id", request->client_id);
    push_param(params, "redirect_uri", request->redirect_uri);
    push_param(params, "scope", request->scope);
    push_param(params, "state", request->state);
    push_param(params, "aud", request->aud);
    push_param(params, "launch", request->launch);
    if (request->challenge != NULL) {
        push_param(params, "code_challenge", request->challenge);
        push_param(params, "code_challenge_method", "S256");
    }
    if (request->form_post) {
        push_param(params, "response_mode", "form_post");
    }
    return sl_url_add_query(p, request->endpoint, apr_array_pstrcat(p, params, '&'));
}
