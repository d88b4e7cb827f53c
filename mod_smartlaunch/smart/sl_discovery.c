/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_discovery.h"

#include "base/sl_json.h"
#include "smart/sl_assertion.h"
#include "smart/sl_notice.h"
#include "smart/sl_url.h"
#include <string.h>

/* One document being read. */
typedef struct {
    const sl_ehr_t *ehr;
    const sl_json_t *doc;
    apr_array_header_t *notices;
    apr_pool_t *p;
} reader_t;

/* DIS-4: backend services alone need no authorize endpoint. */
static bool has_launches(const sl_ehr_t *ehr)
{
    return ehr->scope != NULL || ehr->standalone_scope != NULL || ehr->system_scope == NULL;
}

bool sl_discovery_stored(sl_endpoints_t *out, const sl_ehr_t *ehr)
{
    memset(out, 0, sizeof(*out));
    out->issuer = ehr->ep_issuer;
    out->authorize = ehr->ep_authorize;
    out->token = ehr->ep_token;
    out->jwks = ehr->ep_jwks;
    out->introspect = ehr->ep_introspect;
    out->revoke = ehr->ep_revoke;
    return (out->authorize != NULL || !has_launches(ehr)) && out->token != NULL;
}

const char *sl_discovery_url(apr_pool_t *p, const sl_ehr_t *ehr)
{
    const char *root = NULL;

    if (ehr->quirks.root_discovery == SL_SWITCH_ON) {
        root = sl_url_origin(p, ehr->issuer);
    }
    return sl_url_well_known(p, root != NULL ? root : ehr->issuer, "smart-configuration");
}

/* A member that is an endpoint; NULL when it is missing or unusable. */
static const char *endpoint(const reader_t *r, const char *member)
{
    const char *said = sl_json_str(r->doc, member);
    const char *url;

    if (said == NULL) {
        return NULL;
    }
    url = sl_url_resolve(r->p, r->ehr->issuer, said);
    if (url == NULL || sl_url_check_endpoint(url, r->ehr->insecure_loopback, r->p, NULL) != SL_OK) {
        sl_notice_add(r->notices, "SL2051", "%s in the discovery document is unusable", member);
        return NULL;
    }
    if (said[0] != '/' && strstr(said, "://") == NULL) {
        sl_notice_add(r->notices, "SL2052",
                      "%s in the discovery document is relative; taken as below the FHIR base",
                      member);
    }
    return url;
}

/* An issuer is compared as it stands, so it is not resolved. */
static const char *issuer(const reader_t *r)
{
    const char *said = sl_json_str(r->doc, "issuer");

    if (said == NULL) {
        return NULL;
    }
    if (sl_url_check_issuer(said, r->ehr->insecure_loopback, r->p, NULL) != SL_OK) {
        sl_notice_add(r->notices, "SL2053", "the discovery document's issuer is unusable");
        return NULL;
    }
    return said;
}

static bool is_true(const sl_json_t *doc, const char *member)
{
    const sl_json_t *value = sl_json_get(doc, member);

    return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

static bool lists(const sl_json_t *array, const char *wanted)
{
    if (array == NULL || !json_object_is_type(array, json_type_array)) {
        return false;
    }
    for (apr_size_t i = 0; i < json_object_array_length(array); i++) {
        sl_json_t *item = json_object_array_get_idx(array, i);

        if (json_object_is_type(item, json_type_string) &&
            strcmp(json_object_get_string(item), wanted) == 0) {
            return true;
        }
    }
    return false;
}

const char *sl_discovery_method(sl_client_auth_t auth)
{
    switch (auth) {
    case SL_CLIENT_BASIC:
        return "client_secret_basic";
    case SL_CLIENT_POST:
        return "client_secret_post";
    case SL_CLIENT_KEY:
        return "private_key_jwt";
    case SL_CLIENT_NONE:
    case SL_CLIENT_UNSET:
        break;
    }
    return "none";
}

/* An answer in the fragment never reaches a server. */
static bool answers_in_fragment_only(const sl_json_t *doc)
{
    const sl_json_t *modes = sl_json_get(doc, "response_modes_supported");

    return lists(modes, "fragment") && !lists(modes, "query") && !lists(modes, "form_post");
}

/* DIS-7: a bit for each of the listed algorithms that we know. */
static unsigned listed_algs(const sl_json_t *doc)
{
    static const char *const names[] = {"RS256", "RS384", "ES256", "ES384"};
    const sl_json_t *array = sl_json_get(doc, "token_endpoint_auth_signing_alg_values_supported");
    unsigned algs = 0;

    for (apr_size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (lists(array, names[i])) {
            algs |= 1u << sl_alg_of(names[i]);
        }
    }
    return algs;
}

/* DIS-6, DIS-7: the document is not believed where it would weaken us, but it is worth a line. */
static void note_methods(const reader_t *r)
{
    const char *method = sl_discovery_method(r->ehr->auth);
    const sl_json_t *methods = sl_json_get(r->doc, "token_endpoint_auth_methods_supported");

    if (r->ehr->pkce != SL_SWITCH_OFF &&
        !lists(sl_json_get(r->doc, "code_challenge_methods_supported"), "S256")) {
        sl_notice_add(r->notices, "SL2054",
                      "it does not list PKCE method S256, which is sent all the same");
    }
    if (methods != NULL && !lists(methods, method)) {
        sl_notice_add(r->notices, "SL2055",
                      "it does not list %s among its ways of client authentication", method);
    }
    if (answers_in_fragment_only(r->doc)) {
        sl_notice_add(r->notices, "SL2056",
                      "it answers in the URL's fragment only, which no server sees: nobody can be "
                      "launched from it");
    }
}

/* What the document says, where the configuration says nothing. */
static void fill(sl_endpoints_t *out, const reader_t *r)
{
    const struct {
        const char **to;
        const char *member;
    } members[] = {
        {&out->authorize, "authorization_endpoint"},
        {&out->token, "token_endpoint"},
        {&out->jwks, "jwks_uri"},
        {&out->introspect, "introspection_endpoint"},
        {&out->revoke, "revocation_endpoint"},
    };

    for (apr_size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (*members[i].to == NULL) {
            *members[i].to = endpoint(r, members[i].member);
        }
    }
}

/*
 * An assertion is good at the token endpoint, and its client id and key may be known to other EHRs
 * as well. So a document that names the token endpoint of one of them must not get, at an endpoint
 * of its own beside it, what opens that one (SEC-1). The administrator's own endpoints stay.
 */
static const char *beside_token(const reader_t *r, const char *token, const char *url,
                                const char *member)
{
    const char *there = token != NULL ? sl_url_origin(r->p, token) : NULL;
    const char *here = url != NULL ? sl_url_origin(r->p, url) : NULL;

    if (r->ehr->auth != SL_CLIENT_KEY || here == NULL ||
        (there != NULL && strcmp(here, there) == 0)) {
        return url;
    }
    sl_notice_add(r->notices, "SL2058",
                  "%s in the discovery document is of another origin than token_endpoint; it is "
                  "not used",
                  member);
    return NULL;
}

static void keep_apart(sl_endpoints_t *out, const reader_t *r)
{
    if (r->ehr->ep_introspect == NULL) {
        out->introspect = beside_token(r, out->token, out->introspect, "introspection_endpoint");
    }
    if (r->ehr->ep_revoke == NULL) {
        out->revoke = beside_token(r, out->token, out->revoke, "revocation_endpoint");
    }
}

sl_rc_t sl_discovery_parse(sl_endpoints_t *out, const sl_ehr_t *ehr,
                           const sl_discovery_body_t *from, apr_pool_t *p, sl_err_t *err)
{
    sl_json_t *doc;
    const char *said;
    reader_t r = {ehr, NULL, from->notices, p};

    if (from->len > SL_DISCOVERY_MAX_BYTES ||
        sl_json_parse(&doc, from->body, from->len, p, NULL) != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL2061",
                          "EHR %s: the discovery document is no JSON object", ehr->name);
    }
    r.doc = doc;
    (void)sl_discovery_stored(out, ehr);
    said = issuer(&r);
    if (out->issuer == NULL) {
        out->issuer = said;
    } else if (said == NULL || strcmp(out->issuer, said) != 0) {
        /* Keys of another issuer would be the wrong keys (IDT-1). */
        json_object_object_del(doc, "jwks_uri");
    }
    fill(out, &r);
    keep_apart(out, &r);
    out->iss_parameter = is_true(doc, "authorization_response_iss_parameter_supported");
    out->algs = listed_algs(doc);
    note_methods(&r);
    if (ehr->auth == SL_CLIENT_KEY && sl_assertion_is_unfit(ehr, out->algs)) {
        sl_notice_add(r.notices, "SL2057",
                      "it takes assertions signed by another algorithm than our keys'; the first "
                      "key signs all the same");
    }
    if ((out->authorize == NULL && has_launches(ehr)) || out->token == NULL) {
        return sl_err_set(err, SL_UPSTREAM, "SL2062",
                          "EHR %s: the discovery document has no usable %s", ehr->name,
                          out->token == NULL ? "token_endpoint" : "authorization_endpoint");
    }
    return SL_OK;
}

const char *sl_discovery_issuer(const sl_endpoints_t *endpoints, const sl_ehr_t *ehr)
{
    return endpoints->issuer != NULL ? endpoints->issuer : ehr->issuer;
}

const char *sl_discovery_openid_url(apr_pool_t *p, const sl_endpoints_t *endpoints,
                                    const sl_ehr_t *ehr)
{
    return sl_url_well_known(p, sl_discovery_issuer(endpoints, ehr), "openid-configuration");
}

/* The issuer as it should be, or where nobody has named one as the document says (openid-issuer).
 */
static const char *expected_issuer(const sl_endpoints_t *endpoints, const sl_ehr_t *ehr,
                                   const char *said, apr_pool_t *p)
{
    if (endpoints->issuer == NULL && ehr->quirks.openid_issuer == SL_SWITCH_ON && said != NULL &&
        sl_url_check_issuer(said, ehr->insecure_loopback, p, NULL) == SL_OK) {
        return said;
    }
    return sl_discovery_issuer(endpoints, ehr);
}

sl_rc_t sl_discovery_openid(sl_endpoints_t *endpoints, const sl_ehr_t *ehr,
                            const sl_discovery_body_t *from, apr_pool_t *p, sl_err_t *err)
{
    const char *expected;
    sl_json_t *doc;
    const char *said;
    const char *jwks;

    if (from->len > SL_DISCOVERY_MAX_BYTES ||
        sl_json_parse(&doc, from->body, from->len, p, NULL) != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL2063",
                          "EHR %s: the openid-configuration is no JSON object", ehr->name);
    }
    said = sl_json_str(doc, "issuer");
    expected = expected_issuer(endpoints, ehr, said, p);
    if (said == NULL || strcmp(said, expected) != 0) {
        return sl_err_set(err, SL_UPSTREAM, "SL2064",
                          "EHR %s: the openid-configuration names another issuer", ehr->name);
    }
    jwks = sl_json_str(doc, "jwks_uri");
    if (jwks == NULL || sl_url_check_endpoint(jwks, ehr->insecure_loopback, p, NULL) != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL2065",
                          "EHR %s: the openid-configuration has no usable jwks_uri", ehr->name);
    }
    endpoints->issuer = expected;
    endpoints->jwks = jwks;
    return SL_OK;
}
