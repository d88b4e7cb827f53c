/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_discovery.h"
#include "smart/sl_notice.h"
#include "vectors.h"
#include <apr_strings.h>

#define BASE "https://ehr.example/fhir"
#define BOTH                                                                                       \
    "\"authorization_endpoint\":\"https://a.example/az\",\"token_endpoint\":\"https://a.example/"  \
    "tk\""
#define S256 ",\"code_challenge_methods_supported\":[\"S256\"]"

static const sl_ehr_t plain = {
    .name = "epic", .issuer = BASE, .auth = SL_CLIENT_BASIC, .pkce = SL_SWITCH_ON};

static sl_rc_t parse(sl_endpoints_t *out, const sl_ehr_t *ehr, const char *body,
                     apr_array_header_t *notices, apr_pool_t *p, sl_err_t *err)
{
    const sl_discovery_body_t from = {body, strlen(body), notices};

    return sl_discovery_parse(out, ehr, &from, p, err);
}

static void test_failures(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *body;
        const char *id;
    } cases[] = {
        {"no JSON", "<html>", "SL2061"},
        {"nothing", "", "SL2061"},
        {"null", "null", "SL2061"},
        {"an array", "[{" BOTH "}]", "SL2061"},
        {"text behind the object", "{" BOTH "} x", "SL2061"},
        {"an empty object", "{}", "SL2062"},
        {"no authorize", "{\"token_endpoint\":\"https://a.example/tk\"}", "SL2062"},
        {"no token", "{\"authorization_endpoint\":\"https://a.example/az\"}", "SL2062"},
        {"token of another type",
         "{\"authorization_endpoint\":\"https://a.example/az\",\"token_endpoint\":7}", "SL2062"},
        {"an http token endpoint",
         "{\"authorization_endpoint\":\"https://a.example/az\","
         "\"token_endpoint\":\"http://a.example/tk\"}",
         "SL2062"},
        {"a loopback http endpoint where it is not allowed",
         "{\"authorization_endpoint\":\"https://a.example/az\","
         "\"token_endpoint\":\"http://127.0.0.1/tk\"}",
         "SL2062"},
        {"a javascript authorize endpoint",
         "{\"authorization_endpoint\":\"javascript:alert(1)\","
         "\"token_endpoint\":\"https://a.example/tk\"}",
         "SL2062"},
        {"an authorize endpoint with a fragment",
         "{\"authorization_endpoint\":\"https://a.example/az#x\","
         "\"token_endpoint\":\"https://a.example/tk\"}",
         "SL2062"},
    };
    sl_endpoints_t got;
    sl_err_t err;
    char *large = apr_pcalloc(p, SL_DISCOVERY_MAX_BYTES + 2);

    for (int i = 0; i < COUNT_OF(cases); i++) {
        is_end(parse(&got, &plain, cases[i].body, NULL, p, &err), &err, cases[i].id, SL_UPSTREAM,
               apr_pstrcat(p, "DIS-8 ", cases[i].name, " fails", NULL));
    }
    memset(large, ' ', SL_DISCOVERY_MAX_BYTES + 1);
    memcpy(large, "{" BOTH "}", strlen("{" BOTH "}"));
    is_end(parse(&got, &plain, large, NULL, p, &err), &err, "SL2061", SL_UPSTREAM,
           "DIS-8 more than 256 KiB fail");
    large[SL_DISCOVERY_MAX_BYTES] = '\0';
    is_end(parse(&got, &plain, large, NULL, p, &err), &err, NULL, SL_OK, "DIS-8 256 KiB are read");
}

static void test_members(apr_pool_t *p)
{
    sl_endpoints_t got;
    sl_err_t err;

    is_end(parse(&got, &plain, "{" BOTH "}", NULL, p, &err), &err, NULL, SL_OK,
           "DIS-4 authorize and token are enough");
    is_str(got.authorize, "https://a.example/az", "DIS-4 authorize");
    is_str(got.token, "https://a.example/tk", "DIS-4 token");
    ok(got.issuer == NULL && got.jwks == NULL && got.introspect == NULL && got.revoke == NULL &&
           !got.iss_parameter,
       "DIS-4 the rest is not there");
    is_end(parse(&got, &plain,
                 "{" BOTH
                 ",\"issuer\":\"https://a.example/\",\"jwks_uri\":\"https://a.example/ks\","
                 "\"introspection_endpoint\":\"https://a.example/in\","
                 "\"revocation_endpoint\":\"https://a.example/re\","
                 "\"authorization_response_iss_parameter_supported\":true,"
                 "\"capabilities\":[\"x\",7,{}],\"scopes_supported\":[],\"junk\":{\"a\":[1]}}",
                 NULL, p, &err),
           &err, NULL, SL_OK, "DIS-4 unknown members and capabilities are ignored");
    is_str(got.issuer, "https://a.example/", "IDT-2 issuer, byte for byte");
    is_str(got.jwks, "https://a.example/ks", "IDT-1 jwks_uri");
    is_str(got.introspect, "https://a.example/in", "introspection");
    is_str(got.revoke, "https://a.example/re", "revocation");
    ok(got.iss_parameter, "CBK-7 iss parameter is advertised");
    is_end(parse(&got, &plain,
                 "{" BOTH ",\"issuer\":\"http://a.example\",\"jwks_uri\":\"http://a.example/ks\","
                 "\"authorization_response_iss_parameter_supported\":\"true\"}",
                 NULL, p, &err),
           &err, NULL, SL_OK, "DIS-4 an optional member that is unusable does not fail");
    ok(got.issuer == NULL && got.jwks == NULL, "DIS-8 nothing but https");
    ok(!got.iss_parameter, "CBK-7 only true is true");
}

static void test_relative(apr_pool_t *p)
{
    apr_array_header_t *notices = sl_notice_list(p);
    sl_ehr_t local = plain;
    sl_endpoints_t got;
    sl_err_t err;

    is_end(parse(&got, &plain,
                 "{\"authorization_endpoint\":\"/auth/az\",\"token_endpoint\":\"/auth/tk\"" S256
                 "}",
                 notices, p, &err),
           &err, NULL, SL_OK, "DIS-3 path-absolute endpoints");
    is_str(got.token, "https://ehr.example/auth/tk", "DIS-3 resolve against the host");
    is_int(notices->nelts, 0, "DIS-3 without a warning");
    is_end(parse(&got, &plain,
                 "{\"authorization_endpoint\":\"auth/az\",\"token_endpoint\":\"/auth/tk\"" S256 "}",
                 notices, p, &err),
           &err, NULL, SL_OK, "DIS-3 a path-relative endpoint");
    is_str(got.authorize, BASE "/auth/az", "DIS-3 resolves below the FHIR base");
    ok(sl_notice_has(notices, "SL2052"), "DIS-3 with a warning");
    local.issuer = "http://127.0.0.1:8080/fhir";
    local.insecure_loopback = true;
    is_end(parse(&got, &local,
                 "{\"authorization_endpoint\":\"/az\",\"token_endpoint\":"
                 "\"http://127.0.0.1:9/tk\"}",
                 NULL, p, &err),
           &err, NULL, SL_OK, "TKR-3 loopback http with the explicit switch");
    is_str(got.authorize, "http://127.0.0.1:8080/az", "TKR-3 also when it is relative");
}

static void test_notices(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *more;
        const char *id;
        bool want;
    } cases[] = {
        {"DIS-6 S256 is listed", S256, "SL2054", false},
        {"DIS-6 no methods are listed", "", "SL2054", true},
        {"DIS-6 only plain is listed", ",\"code_challenge_methods_supported\":[\"plain\"]",
         "SL2054", true},
        {"DIS-6 methods are no list", ",\"code_challenge_methods_supported\":\"S256\"", "SL2054",
         true},
        {"DIS-7 our method is listed",
         ",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\",\"client_secret_basic\"]",
         "SL2055", false},
        {"DIS-7 our method is not listed",
         ",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]", "SL2055", true},
        {"DIS-7 no methods are listed", "", "SL2055", false},
        {"DIS-8 an unusable optional endpoint", ",\"jwks_uri\":\"ftp://a.example/\"", "SL2051",
         true},
        {"IDT-2 an unusable issuer", ",\"issuer\":\"a.example\"", "SL2053", true},
        {"CBK-6 answers in the fragment only", ",\"response_modes_supported\":[\"fragment\"]",
         "SL2056", true},
        {"CBK-6 answers in the fragment, too",
         ",\"response_modes_supported\":[\"fragment\",\"query\"]", "SL2056", false},
        {"CBK-6 does not say how it answers", "", "SL2056", false},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        apr_array_header_t *notices = sl_notice_list(p);
        sl_endpoints_t got;
        sl_err_t err;

        is_end(parse(&got, &plain, apr_pstrcat(p, "{" BOTH, cases[i].more, "}", NULL), notices, p,
                     &err),
               &err, NULL, SL_OK, cases[i].name);
        is_int(sl_notice_has(notices, cases[i].id), cases[i].want,
               apr_pstrcat(p, cases[i].name, cases[i].want ? ": warned" : ": not warned", NULL));
    }
}

static void test_methods(apr_pool_t *p)
{
    static const struct {
        const char *method;
        sl_client_auth_t auth;
    } cases[] = {
        {"client_secret_basic", SL_CLIENT_BASIC},
        {"client_secret_post", SL_CLIENT_POST},
        {"private_key_jwt", SL_CLIENT_KEY},
        {"none", SL_CLIENT_NONE},
    };

    for (int listed = 0; listed < COUNT_OF(cases); listed++) {
        const char *body = apr_pstrcat(p, "{" BOTH ",\"token_endpoint_auth_methods_supported\":[\"",
                                       cases[listed].method, "\"]}", NULL);

        for (int ours = 0; ours < COUNT_OF(cases); ours++) {
            apr_array_header_t *notices = sl_notice_list(p);
            sl_ehr_t ehr = plain;
            sl_endpoints_t got;
            sl_err_t err;

            ehr.auth = cases[ours].auth;
            is_end(parse(&got, &ehr, body, notices, p, &err), &err, NULL, SL_OK,
                   "DIS-7 the configured method is used, listed or not");
            is_int(sl_notice_has(notices, "SL2055"), ours != listed,
                   apr_psprintf(p, "DIS-7 ours is %s, %s is listed", cases[ours].method,
                                cases[listed].method));
        }
    }
}

static void test_stored(apr_pool_t *p)
{
    sl_ehr_t ehr = plain;
    sl_endpoints_t got;
    sl_err_t err;

    ok(!sl_discovery_stored(&got, &ehr), "DIS-2 nothing stored: discovery is needed");
    ehr.ep_token = "https://s.example/tk";
    ok(!sl_discovery_stored(&got, &ehr), "DIS-2 token alone: discovery is needed");
    is_end(parse(&got, &ehr, "{" BOTH "}", NULL, p, &err), &err, NULL, SL_OK, "discovery");
    is_str(got.token, "https://s.example/tk", "DIS-2 the stored endpoint wins");
    is_str(got.authorize, "https://a.example/az", "DIS-2 the other is discovered");
    ehr.ep_authorize = "https://s.example/az";
    ehr.ep_jwks = "https://s.example/ks";
    ok(sl_discovery_stored(&got, &ehr), "DIS-2 both stored: no discovery request");
    is_str(got.jwks, "https://s.example/ks", "DIS-2 with the stored keys");
    ehr.ep_jwks = NULL;
    ehr.ep_issuer = "https://s.example";
    is_end(parse(&got, &ehr,
                 "{" BOTH
                 ",\"issuer\":\"https://a.example\",\"jwks_uri\":\"https://a.example/ks\"}",
                 NULL, p, &err),
           &err, NULL, SL_OK, "discovery of another issuer than the stored one");
    is_str(got.issuer, "https://s.example", "IDT-2 the stored issuer wins");
    is_str(got.jwks, NULL, "IDT-1 keys of another issuer are not taken");
    is_end(parse(&got, &ehr,
                 "{" BOTH
                 ",\"issuer\":\"https://s.example\",\"jwks_uri\":\"https://a.example/ks\"}",
                 NULL, p, &err),
           &err, NULL, SL_OK, "discovery of the stored issuer");
    is_str(got.jwks, "https://a.example/ks", "IDT-1 keys of the agreed issuer are taken");
}

static void test_openid(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *body;
        const char *id;
    } cases[] = {
        {"IDT-2 another issuer", "{\"issuer\":\"https://b.example\",\"jwks_uri\":\"https://a/ks\"}",
         "SL2064"},
        {"IDT-2 a slash more", "{\"issuer\":\"https://a.example/\",\"jwks_uri\":\"https://a/ks\"}",
         "SL2064"},
        {"IDT-2 no issuer", "{\"jwks_uri\":\"https://a.example/ks\"}", "SL2064"},
        {"IDT-1 no jwks_uri", "{\"issuer\":\"https://a.example\"}", "SL2065"},
        {"IDT-1 an http jwks_uri",
         "{\"issuer\":\"https://a.example\",\"jwks_uri\":\"http://a.example/ks\"}", "SL2065"},
        {"DIS-8 no JSON", "oops", "SL2063"},
    };
    sl_endpoints_t endpoints = {.issuer = "https://a.example"};
    sl_discovery_body_t from = {NULL, 0, NULL};
    sl_err_t err;

    is_str(sl_discovery_openid_url(p, &endpoints, &plain),
           "https://a.example/.well-known/openid-configuration", "IDT-1 asked at the issuer");
    for (int i = 0; i < COUNT_OF(cases); i++) {
        from.body = cases[i].body;
        from.len = strlen(from.body);
        is_end(sl_discovery_openid(&endpoints, &plain, &from, p, &err), &err, cases[i].id,
               SL_UPSTREAM, cases[i].name);
    }
    ok(endpoints.jwks == NULL, "IDT-2 nothing was taken from any of them");
    from.body = "{\"issuer\":\"https://a.example\",\"jwks_uri\":\"https://a.example/ks\"}";
    from.len = strlen(from.body);
    is_end(sl_discovery_openid(&endpoints, &plain, &from, p, &err), &err, NULL, SL_OK,
           "IDT-1 the issuer's own document");
    is_str(endpoints.jwks, "https://a.example/ks", "IDT-1 its keys");
    endpoints.issuer = NULL;
    is_str(sl_discovery_issuer(&endpoints, &plain), BASE, "IDT-2 else the FHIR base is the issuer");
    is_str(sl_discovery_url(p, &plain), BASE "/.well-known/smart-configuration",
           "DIS-1 appended to the FHIR base");
}

/* Switches of SmartProfile: root-discovery and openid-issuer. */
static void test_vendors(apr_pool_t *p)
{
    static const char good[] =
        "{\"issuer\":\"https://a.example\",\"jwks_uri\":\"https://a.example/ks\"}";
    static const char bad[] =
        "{\"issuer\":\"http://a.example\",\"jwks_uri\":\"https://a.example/ks\"}";
    sl_discovery_body_t from = {good, sizeof(good) - 1, NULL};
    sl_endpoints_t endpoints = {0};
    sl_ehr_t ehr = plain;
    sl_err_t err;

    ehr.issuer = "https://Ehr.example:8443/v2/uscore/STU6";
    ehr.quirks.root_discovery = SL_SWITCH_ON;
    is_str(sl_discovery_url(p, &ehr), "https://ehr.example:8443/.well-known/smart-configuration",
           "DIS-1 root-discovery: at the root of the host");
    is_end(sl_discovery_openid(&endpoints, &ehr, &from, p, &err), &err, "SL2064", SL_UPSTREAM,
           "IDT-2 nobody named the issuer: it must be the FHIR base");
    ehr.quirks.openid_issuer = SL_SWITCH_ON;
    is_end(sl_discovery_openid(&endpoints, &ehr, &from, p, &err), &err, NULL, SL_OK,
           "IDT-2 openid-issuer: the openid-configuration may name it");
    is_str(endpoints.issuer, "https://a.example", "IDT-2 openid-issuer: which holds from then on");
    is_str(endpoints.jwks, "https://a.example/ks", "IDT-1 openid-issuer: with its keys");
    endpoints.issuer = "https://b.example";
    is_end(sl_discovery_openid(&endpoints, &ehr, &from, p, &err), &err, "SL2064", SL_UPSTREAM,
           "IDT-2 openid-issuer: not against one that was named");
    endpoints.issuer = NULL;
    from.body = bad;
    from.len = sizeof(bad) - 1;
    is_end(sl_discovery_openid(&endpoints, &ehr, &from, p, &err), &err, "SL2064", SL_UPSTREAM,
           "IDT-2 openid-issuer: nor one that is not https");
}

static const sl_signer_t *a_key(apr_pool_t *p)
{
    sl_signer_t *signer = NULL;

    if (sl_signer_parse(&signer, vector_file(p, "ES384.private.json"), NULL, SL_ALG_NONE, p,
                        NULL) != SL_OK) {
        abort();
    }
    return signer;
}

/* Our key signs by ES384. */
static void test_algs(apr_pool_t *p)
{
    static const struct {
        const char *name, *listed;
        unsigned algs;
        bool warns;
    } cases[] = {
        {"nothing is listed", "", 0, false},
        {"both of SMART",
         ",\"token_endpoint_auth_signing_alg_values_supported\":[\"RS384\",\"ES384\"]",
         1u << SL_ALG_RS384 | 1u << SL_ALG_ES384, false},
        {"another one", ",\"token_endpoint_auth_signing_alg_values_supported\":[\"RS384\"]",
         1u << SL_ALG_RS384, true},
        {"those we do not know do not count",
         ",\"token_endpoint_auth_signing_alg_values_supported\":[\"PS384\",\"HS256\",\"none\"]", 0,
         false},
        {"no list", ",\"token_endpoint_auth_signing_alg_values_supported\":\"RS384\"", 0, false},
        {"odd members",
         ",\"token_endpoint_auth_signing_alg_values_supported\":[7,null,\"ES384\",\"ES384\"]",
         1u << SL_ALG_ES384, false},
    };
    apr_array_header_t *keys = apr_array_make(p, 1, sizeof(const sl_signer_t *));
    sl_ehr_t ehr = plain;

    APR_ARRAY_PUSH(keys, const sl_signer_t *) = a_key(p);
    ehr.keys = keys;
    ehr.auth = SL_CLIENT_KEY;
    for (int i = 0; i < COUNT_OF(cases); i++) {
        apr_array_header_t *notices = sl_notice_list(p);
        sl_endpoints_t got;
        sl_err_t err;

        is_end(parse(&got, &ehr, apr_pstrcat(p, "{" BOTH S256, cases[i].listed, "}", NULL), notices,
                     p, &err),
               &err, NULL, SL_OK, apr_pstrcat(p, "DIS-7 ", cases[i].name, NULL));
        is_int(got.algs, cases[i].algs, "DIS-7 the algorithms");
        ok(sl_notice_has(notices, "SL2057") == cases[i].warns, "DIS-7 and the warning");
    }
}

/* SEC-1: an assertion is good at the token endpoint. Who says that it is another EHR's, and names
   an endpoint of its own beside it, would get one that opens that EHR. */
static void test_apart(apr_pool_t *p)
{
    static const char mixed[] = "{" BOTH S256 ",\"revocation_endpoint\":\"https://b.example/re\","
                                "\"introspection_endpoint\":\"https://a.example:444/in\"}";
    static const char same[] =
        "{" BOTH S256 ",\"revocation_endpoint\":\"https://A.example:443/re\","
        "\"introspection_endpoint\":\"/in\"}";
    sl_ehr_t ehr = plain;
    apr_array_header_t *notices = sl_notice_list(p);
    sl_endpoints_t got;
    sl_err_t err;

    ehr.auth = SL_CLIENT_KEY;
    ehr.issuer = "https://a.example/fhir";
    ok(parse(&got, &ehr, mixed, notices, p, &err) == SL_OK && got.revoke == NULL &&
           got.introspect == NULL,
       "SEC-1 with a key, endpoints apart from the token endpoint are not used");
    ok(sl_notice_has(notices, "SL2058"), "SEC-1 and it is said");
    notices = sl_notice_list(p);
    ok(parse(&got, &ehr, same, notices, p, &err) == SL_OK && got.revoke != NULL &&
           got.introspect != NULL && !sl_notice_has(notices, "SL2058"),
       "SEC-1 beside it they are");
    ehr.ep_revoke = "https://b.example/re";
    ok(parse(&got, &ehr, mixed, NULL, p, &err) == SL_OK && got.introspect == NULL,
       "SEC-1 the other one still is not");
    is_str(got.revoke, "https://b.example/re", "SEC-1 what the administrator wrote is used");
    ehr = plain;
    ok(parse(&got, &ehr, mixed, NULL, p, &err) == SL_OK && got.revoke != NULL &&
           got.introspect != NULL,
       "SEC-1 a secret is this EHR's only: they are used");
}

/* DIS-4: backend services need the token endpoint only; launches both. */
static void test_backend(apr_pool_t *p)
{
    static const char token_only[] = "{\"token_endpoint\":\"https://a.example/tk\"}";
    const struct {
        const char *name, *scope, *standalone, *system, *id;
    } cases[] = {{"backend services alone", NULL, NULL, "system/*.rs", NULL},
                 {"launches beside them", "launch", NULL, "system/*.rs", "SL2062"},
                 {"standalone launches beside them", NULL, "openid", "system/*.rs", "SL2062"},
                 {"launches alone", "launch", NULL, NULL, "SL2062"}};

    for (int i = 0; i < COUNT_OF(cases); i++) {
        sl_ehr_t ehr = plain;
        sl_endpoints_t got;
        sl_err_t err;

        ehr.scope = cases[i].scope;
        ehr.standalone_scope = cases[i].standalone;
        ehr.system_scope = cases[i].system;
        is_end(parse(&got, &ehr, token_only, NULL, p, &err), &err, cases[i].id,
               cases[i].id == NULL ? SL_OK : SL_UPSTREAM,
               apr_pstrcat(p, "DIS-4 ", cases[i].name, NULL));
        ehr.ep_token = "https://a.example/tk";
        ok(sl_discovery_stored(&got, &ehr) == (cases[i].id == NULL),
           "DIS-4 a stored token endpoint, too");
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_failures(p);
    test_members(p);
    test_relative(p);
    test_notices(p);
    test_methods(p);
    test_stored(p);
    test_openid(p);
    test_vendors(p);
    test_algs(p);
    test_apart(p);
    test_backend(p);
    rule_release(p);
    return tap_done();
}
