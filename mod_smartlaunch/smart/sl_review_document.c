/* SPDX-License-Identifier: Apache-2.0 */
/* A smart-configuration against what is configured. It is a hint, not a promise (DIS-5 to 7). */
#include "smart/sl_review.h"

#include "smart/sl_assertion.h"
#include "smart/sl_scope.h"
#include "smart/sl_scope_diff.h"
#include "smart/sl_scope_token.h"
#include <apr_strings.h>
#include <string.h>

/* The texts of an array, one blank between; NULL: it has no such member. */
static const char *joined(const sl_json_t *doc, const char *member, apr_pool_t *p)
{
    const sl_json_t *list = sl_json_get(doc, member);
    const char *text = "";

    if (!json_object_is_type(list, json_type_array)) {
        return NULL;
    }
    for (apr_size_t i = 0; i < json_object_array_length(list); i++) {
        sl_json_t *item = json_object_array_get_idx(list, i);

        if (json_object_is_type(item, json_type_string)) {
            text = apr_pstrcat(p, text, text[0] == '\0' ? "" : " ", json_object_get_string(item),
                               NULL);
        }
    }
    return text;
}

static void review_stored(const sl_findings_t *findings, const sl_ehr_t *ehr, const sl_json_t *doc)
{
    const struct {
        const char *name, *stored, *member;
    } endpoints[] = {{"issuer", ehr->ep_issuer, "issuer"},
                     {"authorize", ehr->ep_authorize, "authorization_endpoint"},
                     {"token", ehr->ep_token, "token_endpoint"},
                     {"jwks", ehr->ep_jwks, "jwks_uri"},
                     {"introspect", ehr->ep_introspect, "introspection_endpoint"},
                     {"revoke", ehr->ep_revoke, "revocation_endpoint"}};
    int stored = 0;
    int agree = 0;

    for (apr_size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        const char *said = sl_json_str(doc, endpoints[i].member);

        stored += endpoints[i].stored != NULL;
        if (endpoints[i].stored == NULL || said == NULL || strcmp(endpoints[i].stored, said) == 0) {
            agree += endpoints[i].stored != NULL;
            continue;
        }
        sl_finding_warn(findings, "endpoints", "remove the line unless it is meant so",
                        "SmartEndpoint %s is another than the EHR says: %s", endpoints[i].name,
                        said);
    }
    if (stored > 0 && stored == agree) {
        sl_finding_ok(findings, "endpoints", "the EHR says nothing else than SmartEndpoint does");
    }
}

static void review_launches(const sl_findings_t *findings, const sl_ehr_t *ehr,
                            const char *capabilities)
{
    if (capabilities == NULL) {
        sl_finding_warn(findings, "launch", "see by a launch what it can do",
                        "the EHR does not list its capabilities");
        return;
    }
    if (!sl_scope_has(capabilities, "launch-ehr")) {
        sl_finding_warn(findings, "launch", "ask the EHR's people whether apps open from charts",
                        "the EHR does not list launch-ehr");
    } else {
        sl_finding_ok(findings, "launch", "apps can be opened from the EHR");
    }
    if (ehr->standalone_scope != NULL && !sl_scope_has(capabilities, "launch-standalone")) {
        sl_finding_warn(findings, "launch", "ask the EHR's people, or remove SmartStandaloneScope",
                        "the EHR does not list launch-standalone");
    }
}

typedef struct {
    bool v1, v2;
} style_t;

/* patient/X.read is the first version's way, patient/X.rs the second's. */
static style_t style_of(const char *scope, apr_pool_t *p)
{
    style_t style = {false, false};
    char *rest = apr_pstrdup(p, scope);
    char *state = NULL;

    for (char *one = apr_strtok(rest, " ", &state); one != NULL;
         one = apr_strtok(NULL, " ", &state)) {
        const char *rights;

        one += sl_scope_prefix(one);
        one[strcspn(one, "?")] = '\0';
        rights = strrchr(one, '.');
        if (strchr(one, '/') == NULL || rights == NULL) {
            continue;
        }
        if (strcmp(rights, ".read") == 0 || strcmp(rights, ".write") == 0 ||
            strcmp(rights, ".*") == 0) {
            style.v1 = true;
        } else {
            style.v2 = true;
        }
    }
    return style;
}

static void review_style(const sl_findings_t *findings, const char *directive, const char *scope,
                         const char *capabilities)
{
    style_t style = style_of(scope, findings->list->pool);
    bool v1 = capabilities != NULL && sl_scope_has(capabilities, "permission-v1");
    bool v2 = capabilities != NULL && sl_scope_has(capabilities, "permission-v2");

    if (style.v2 && v1 && !v2) {
        sl_finding_warn(findings, "scopes",
                        "write them the first version's way, patient/Observation.read, and see "
                        "that the registration has the same version",
                        "%s has scopes of version 2, the EHR lists version 1 only", directive);
    } else if (style.v1 && v2 && !v1) {
        sl_finding_warn(findings, "scopes",
                        "write them the second version's way, patient/Observation.rs, and see "
                        "that the registration has the same version",
                        "%s has scopes of version 1, the EHR lists version 2 only", directive);
    }
}

static void review_scope(const sl_findings_t *findings, const char *directive, const char *scope,
                         const sl_json_t *doc)
{
    apr_pool_t *p = findings->list->pool;
    const char *listed = joined(doc, "scopes_supported", p);
    const sl_scope_facts_t facts = {scope, listed, true, true, true, true, false};
    sl_scope_diff_t diff;

    sl_scope_diff(&diff, &facts, p);
    if (diff.missing[0] != '\0') {
        sl_finding_warn(findings, "scopes",
                        "have them allowed in the registration; many EHRs list less than they "
                        "grant, and only a launch shows it",
                        "the EHR does not list all of %s: %s", directive, diff.missing);
    } else {
        sl_finding_ok(findings, "scopes",
                      listed != NULL ? "the EHR lists what %s asks for"
                                     : "the EHR does not list what %s may ask for",
                      directive);
    }
}

static void review_scopes(const sl_findings_t *findings, const sl_ehr_t *ehr, const sl_json_t *doc,
                          const char *capabilities)
{
    const struct {
        const char *directive, *scope;
    } asked[] = {{"SmartScope", ehr->scope},
                 {"SmartStandaloneScope", ehr->standalone_scope},
                 {"SmartSystemScope", ehr->system_scope}};

    for (apr_size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        if (asked[i].scope != NULL) {
            review_scope(findings, asked[i].directive, asked[i].scope, doc);
            review_style(findings, asked[i].directive, asked[i].scope, capabilities);
        }
    }
}

static void review_pkce(const sl_findings_t *findings, const sl_ehr_t *ehr, const sl_json_t *doc)
{
    const char *methods = joined(doc, "code_challenge_methods_supported", findings->list->pool);
    bool lists = methods != NULL && sl_scope_has(methods, "S256");

    if (ehr->pkce == SL_SWITCH_OFF) {
        sl_finding_warn(findings, "pkce",
                        lists ? "remove SmartPKCE off: the EHR takes S256"
                              : "ask the EHR's people for PKCE with S256",
                        "launches go without PKCE");
    } else if (lists) {
        sl_finding_ok(findings, "pkce", "S256 is offered and used");
    } else {
        sl_finding_warn(findings, "pkce", "write SmartPKCE off if launches fail by it",
                        "the EHR does not list S256, which is sent all the same");
    }
}

static void review_aud(const sl_findings_t *findings, const sl_ehr_t *ehr)
{
    if (ehr->aud == SL_AUD_NONE) {
        sl_finding_warn(findings, "aud", "leave it so only if the EHR refuses a request with aud",
                        "requests do not say for which FHIR server the token is to be (aud), which "
                        "binds it less tightly");
    }
}

static void review_method(const sl_findings_t *findings, const sl_ehr_t *ehr, const sl_json_t *doc,
                          const sl_endpoints_t *endpoints)
{
    const char *methods =
        joined(doc, "token_endpoint_auth_methods_supported", findings->list->pool);
    const char *method = sl_discovery_method(ehr->auth);

    if (ehr->auth == SL_CLIENT_KEY && sl_assertion_is_unfit(ehr, endpoints->algs)) {
        sl_finding_wrong(findings, "method",
                         "make a key for one of the algorithms it lists, RS384 or ES384",
                         "the EHR lists no algorithm that one of our keys has");
    } else if (methods == NULL || sl_scope_has(methods, method)) {
        sl_finding_ok(findings, "method", "we authenticate by %s%s", method,
                      methods == NULL ? ", and the EHR lists nothing" : ", which is offered");
    } else if (ehr->auth != SL_CLIENT_NONE) {
        sl_finding_warn(findings, "method",
                        "write SmartClientAuth for one of those; the check \"client\" tells "
                        "whether it is needed",
                        "we authenticate by %s, the EHR lists %s", method, methods);
    } else {
        sl_finding_ok(findings, "method", "we are a public client");
    }
}

static void review_offered(const sl_findings_t *findings, const sl_endpoints_t *endpoints)
{
    sl_finding_ok(findings, "revocation",
                  endpoints->revoke != NULL ? "offered: a logout revokes the tokens"
                                            : "not offered: a logout ends the launch here only");
    sl_finding_ok(findings, "introspection",
                  endpoints->introspect != NULL ? "offered" : "not offered");
}

void sl_review_document(const sl_findings_t *findings, const sl_ehr_t *ehr, const sl_json_t *doc,
                        const sl_endpoints_t *endpoints)
{
    const char *capabilities = joined(doc, "capabilities", findings->list->pool);

    review_stored(findings, ehr, doc);
    review_launches(findings, ehr, capabilities);
    review_scopes(findings, ehr, doc, capabilities);
    review_pkce(findings, ehr, doc);
    review_aud(findings, ehr);
    review_method(findings, ehr, doc, endpoints);
    review_offered(findings, endpoints);
}

void sl_review_answers(const sl_findings_t *findings, const sl_ehr_t *ehr,
                       const sl_endpoints_t *endpoints)
{
    if (ehr->scope == NULL && ehr->standalone_scope == NULL) {
        return;
    }
    if (endpoints->iss_parameter) {
        sl_finding_ok(findings, "answers", "they say whose they are (RFC 9207)");
    } else {
        sl_finding_warn(findings, "answers",
                        "give it a Redirect URL of its own (SmartTarget, SmartServe) and register "
                        "that",
                        "they do not say whose they are (RFC 9207), and other EHRs answer at the "
                        "same Redirect URL: a malicious one could be sent its codes");
    }
}
