/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_scope_diff.h"

#include "base/sl_text.h"
#include "smart/sl_scope.h"
#include "smart/sl_scope_token.h"
#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#define SHOWN_MAX 400 /* bytes of a list in a line */
#define LONG_LIST 2000

static bool is(const char *token, const char *name)
{
    return strcmp(token, name) == 0;
}

static bool is_refresh(const char *token)
{
    return is(token, "offline_access") || is(token, "online_access");
}

/* Did what this scope is for come, whatever was said of it? */
static bool came(const char *token, const sl_scope_facts_t *facts, apr_pool_t *p)
{
    if (is(token, "launch")) {
        return true;
    }
    if (is_refresh(token)) {
        return facts->has_refresh;
    }
    if (is(token, "openid")) {
        return facts->has_id_token;
    }
    if (is(token, "fhirUser")) {
        return facts->has_fhir_user;
    }
    if (sl_text_has_prefix(token, "launch/")) {
        return facts->has_patient || !sl_text_has_prefix(token, "launch/patient");
    }
    return facts->granted == NULL || sl_scope_covers(facts->granted, token, p);
}

static apr_array_header_t *tokens_of(const char *text, apr_pool_t *p)
{
    apr_array_header_t *tokens = apr_array_make(p, 8, sizeof(const char *));
    char *rest = apr_pstrdup(p, text == NULL ? "" : text);

    for (const char *token = apr_strtok(rest, " \t\r\n", &rest); token != NULL;
         token = apr_strtok(NULL, " \t\r\n", &rest)) {
        APR_ARRAY_PUSH(tokens, const char *) = token;
    }
    return tokens;
}

/* A data scope taken apart. */
static bool read_data(sl_scope_token_t *out, const char *token, apr_pool_t *p)
{
    return sl_scope_token_parse(out, token, p, NULL) == SL_OK && out->kind == SL_SCOPE_RESOURCE;
}

static bool is_v1(const char *token)
{
    const char *dot = strrchr(token, '.');

    return dot != NULL && (is(dot, ".read") || is(dot, ".write") || is(dot, ".*"));
}

/* What is known of the data scopes that were granted, beside one that was not. */
typedef struct {
    bool any, level, type, single, constrained, v1, v2;
} granted_t;

static granted_t look_at_granted(const sl_scope_token_t *wanted, const char *granted, apr_pool_t *p)
{
    apr_array_header_t *tokens = tokens_of(granted, p);
    granted_t seen = {0};

    for (int i = 0; i < tokens->nelts; i++) {
        const char *token = APR_ARRAY_IDX(tokens, i, const char *);
        sl_scope_token_t one;
        bool level, type;

        if (!read_data(&one, token, p)) {
            continue;
        }
        level = is(one.level, wanted->level);
        type = level && is(one.type, wanted->type);
        seen.any = true;
        seen.level = seen.level || level;
        seen.single = seen.single || (level && !is(one.type, "*"));
        seen.constrained = seen.constrained || (type && one.query != NULL && wanted->query == NULL);
        seen.type = seen.type || type;
        seen.v1 = seen.v1 || is_v1(token);
        seen.v2 = seen.v2 || !is_v1(token);
    }
    return seen;
}

/* Why this data scope was not granted. */
static const char *why_data(const char *token, const sl_scope_token_t *wanted, const char *granted,
                            apr_pool_t *p)
{
    granted_t seen = look_at_granted(wanted, granted, p);

    if (seen.type) {
        return seen.constrained ? "some data scopes were granted with a constraint (?...) only"
                                : "of some data scopes not all rights were granted; does the "
                                  "registration allow writing?";
    }
    if (!seen.any) {
        return "no data scope was granted: not in the app's registration there, or there in the "
               "other form (SMART v1 .read, v2 .rs)";
    }
    if (is_v1(token) && !seen.v1) {
        return "the app may be registered there for SMART v2 scopes: write .rs for .read";
    }
    if (!is_v1(token) && !seen.v2) {
        return "the app may be registered there for SMART v1 scopes: write .read for .rs";
    }
    if (is(wanted->type, "*") && seen.single) {
        return "it grants single types of data, no *; name the types in SmartScope";
    }
    if (!seen.level) {
        return apr_psprintf(p, "%s/ scopes are not in the app's registration there", wanted->level);
    }
    return "not in the app's registration there";
}

/* Why this scope is missing, in words; the same words for scopes that lack for the same reason. */
static const char *why(const char *token, const sl_scope_facts_t *facts, apr_pool_t *p)
{
    sl_scope_token_t wanted;

    if (is_refresh(token)) {
        return facts->is_public
                   ? "many EHRs give no refresh token to a client without secret or key"
                   : "no refresh token came: the app's registration must allow persistent access";
    }
    if (is(token, "openid")) {
        return "no id_token came: openid is not in the app's registration, or the EHR wants "
               "fhirUser or profile beside it";
    }
    if (is(token, "fhirUser")) {
        return "the id_token has no fhirUser: not in the app's registration, or the user has no "
               "record there";
    }
    if (sl_text_has_prefix(token, "launch/")) {
        return "no patient came: none was open or chosen, or launch is not in the registration";
    }
    return read_data(&wanted, token, p) ? why_data(token, &wanted, facts->granted, p)
                                        : "not in the app's registration there";
}

static void add_once(apr_array_header_t *causes, const char *cause)
{
    for (int i = 0; i < causes->nelts; i++) {
        if (is(APR_ARRAY_IDX(causes, i, const char *), cause)) {
            return;
        }
    }
    APR_ARRAY_PUSH(causes, const char *) = cause;
}

static const char *join(const apr_array_header_t *texts, const char *between, apr_pool_t *p)
{
    const char *all = "";

    for (int i = 0; i < texts->nelts; i++) {
        all =
            apr_pstrcat(p, all, i == 0 ? "" : between, APR_ARRAY_IDX(texts, i, const char *), NULL);
    }
    return all;
}

void sl_scope_diff(sl_scope_diff_t *out, const sl_scope_facts_t *facts, apr_pool_t *p)
{
    apr_array_header_t *asked = tokens_of(facts->asked, p);
    apr_array_header_t *missing = apr_array_make(p, 4, sizeof(const char *));
    apr_array_header_t *causes = apr_array_make(p, 4, sizeof(const char *));
    apr_pool_t *tmp;

    apr_pool_create(&tmp, p);
    for (int i = 0; i < asked->nelts; i++) {
        const char *token = APR_ARRAY_IDX(asked, i, const char *);
        const char *plain = token + sl_scope_prefix(token);

        /* The EHR's list is looked through for each of ours: it must not add up. */
        if (!came(plain, facts, tmp)) {
            APR_ARRAY_PUSH(missing, const char *) = token;
            add_once(causes, apr_pstrdup(p, why(plain, facts, tmp)));
        }
        apr_pool_clear(tmp);
    }
    apr_pool_destroy(tmp);
    if (missing->nelts > 0 && strlen(facts->asked) > LONG_LIST) {
        add_once(causes, "SmartScope is long, and some EHRs cut long lists");
    }
    out->missing = join(missing, " ", p);
    out->cause = missing->nelts > 0 ? join(causes, "; ", p) : NULL;
}

static const char *shown(apr_pool_t *p, const char *list)
{
    return apr_pstrcat(p, "\"", sl_text_loggable(p, list == NULL ? "" : list, SHOWN_MAX),
                       list != NULL && strlen(list) > SHOWN_MAX ? "...\"" : "\"", NULL);
}

const char *sl_scope_diff_text(const sl_scope_diff_t *diff, const sl_scope_facts_t *facts,
                               apr_pool_t *p)
{
    const char *granted = facts->granted != NULL
                              ? apr_pstrcat(p, "granted ", shown(p, facts->granted), NULL)
                              : "it does not say what it granted";
    const char *text = apr_pstrcat(p, "asked ", shown(p, facts->asked), ", ", granted, NULL);

    if (diff->cause == NULL) {
        return apr_pstrcat(p, text, ", nothing is missing", NULL);
    }
    return apr_pstrcat(p, text, ", missing ", shown(p, diff->missing), ": ", diff->cause, NULL);
}
