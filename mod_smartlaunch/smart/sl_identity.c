/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_identity.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <string.h>

sl_rc_t sl_identity_source(sl_identity_source_t *out, const char *text, apr_pool_t *p,
                           sl_err_t *err)
{
    const char *colon = strchr(text, ':');

    out->text = apr_pstrdup(p, text);
    out->member = NULL;
    if (strcmp(text, "fhirUser") == 0) {
        out->from = SL_SOURCE_FHIR_USER;
        return SL_OK;
    }
    if (sl_text_has_prefix(text, "id_token:")) {
        out->from = SL_SOURCE_ID_TOKEN;
    } else if (sl_text_has_prefix(text, "token:")) {
        out->from = SL_SOURCE_TOKEN;
    } else {
        colon = NULL;
    }
    if (colon == NULL || !sl_text_is_header_safe(colon + 1, 128)) {
        return sl_err_set(err, SL_INVALID, "SL2361",
                          "\"%s\" is no source of the user's name: write id_token:CLAIM, "
                          "token:MEMBER or fhirUser",
                          sl_text_loggable(p, text, 60));
    }
    out->member = apr_pstrdup(p, colon + 1);
    return SL_OK;
}

/* Fit for REMOTE_USER, a header and a log line, and the same after any of them was trimmed. */
static bool is_name(const char *text)
{
    return sl_text_is_header_safe(text, SL_IDENTITY_MAX) && text[0] != ' ' &&
           text[strlen(text) - 1] != ' ';
}

static const char *fhir_user_name(const sl_fhir_user_t *user, apr_pool_t *p)
{
    return user->is_local ? apr_pstrcat(p, user->type, "/", user->id, NULL) : user->url;
}

/* The value of one source. SL_NONE: it has none. */
static sl_rc_t look_up(const char **out, const sl_identity_source_t *source,
                       const sl_identity_facts_t *facts, apr_pool_t *p)
{
    const sl_json_t *object = source->from == SL_SOURCE_TOKEN ? facts->response : facts->claims;

    if (source->from == SL_SOURCE_FHIR_USER) {
        *out = facts->fhir_user == NULL ? NULL : fhir_user_name(facts->fhir_user, p);
        return facts->fhir_user == NULL ? SL_NONE : SL_OK;
    }
    if (object == NULL || sl_json_get(object, source->member) == NULL) {
        return SL_NONE;
    }
    *out = sl_json_str(object, source->member);
    return SL_OK;
}

sl_rc_t sl_identity_find(sl_identity_t *out, const apr_array_header_t *sources,
                         const sl_identity_facts_t *facts, apr_pool_t *p, sl_err_t *err)
{
    for (int i = 0; i < sources->nelts; i++) {
        const sl_identity_source_t *source = &APR_ARRAY_IDX(sources, i, sl_identity_source_t);
        const char *value;

        if (look_up(&value, source, facts, p) == SL_NONE) {
            continue;
        }
        if (!is_name(value)) {
            return sl_err_set(err, SL_UPSTREAM, "SL2362",
                              "the user's name in %s is no text, too long or has odd characters",
                              source->text);
        }
        out->user = apr_pstrdup(p, value);
        out->source = source->text;
        return SL_OK;
    }
    return sl_err_set(err, SL_NONE, "SL2363", "none of the sources in SmartIdentity has a name");
}
