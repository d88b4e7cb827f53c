/* SPDX-License-Identifier: Apache-2.0 */
/** An EHR's endpoints: stored ones, and those of its discovery documents (DIS-*, IDT-1). */
#ifndef SL_DISCOVERY_H
#define SL_DISCOVERY_H

#include "base/sl_rc.h"
#include "smart/sl_ehr.h"
#include <apr_pools.h>

#define SL_DISCOVERY_MAX_BYTES 262144 /* DIS-8; the cap for the HTTP client */

typedef struct {
    const char *issuer; /* of the authorization server; NULL: it said none */
    const char *authorize;
    const char *token;
    const char *jwks;       /* NULL: ask sl_discovery_openid_url() */
    const char *introspect; /* NULL: none */
    const char *revoke;     /* NULL: none */
    bool iss_parameter;     /* authorization_response_iss_parameter_supported (RFC 9207) */
    unsigned algs; /* token_endpoint_auth_signing_alg_values_supported, a bit for each sl_alg_t
                      (1u << SL_ALG_ES384); 0: it did not say (DIS-7) */
} sl_endpoints_t;

/** The body of an answer with status 200. */
typedef struct {
    const char *body;
    apr_size_t len;
    apr_array_header_t *notices; /* gets warnings (DIS-3, 6, 7); may be NULL */
} sl_discovery_body_t;

/**
 * What is stored in the configuration.
 * @return true when authorize and token are, so that a launch makes no discovery request; token
 *         alone where the EHR is for backend services only
 */
bool sl_discovery_stored(sl_endpoints_t *out, const sl_ehr_t *ehr);

/** What a way of client authentication is called there: "private_key_jwt". */
const char *sl_discovery_method(sl_client_auth_t auth);

/** Where to ask: {FHIR base}/.well-known/smart-configuration (the host's root: root-discovery). */
const char *sl_discovery_url(apr_pool_t *p, const sl_ehr_t *ehr);

/**
 * Read a smart-configuration (DIS-2 to 8): stored endpoints win, relative ones are resolved, each
 * is checked by sl_url_check_endpoint. SL_UPSTREAM: not a JSON object, authorize or token missing
 * or unusable; authorize may be missing where the EHR is for backend services only (DIS-4).
 * With a client key, introspect and revoke are of the token endpoint's origin, or the
 * administrator's: an assertion that goes there opens the token endpoint, too (SEC-1).
 */
SL_MUST_USE sl_rc_t sl_discovery_parse(sl_endpoints_t *out, const sl_ehr_t *ehr,
                                       const sl_discovery_body_t *from, apr_pool_t *p,
                                       sl_err_t *err);

/** The issuer an id_token must name: the endpoints' own, else the FHIR base (IDT-2). */
const char *sl_discovery_issuer(const sl_endpoints_t *endpoints, const sl_ehr_t *ehr);

/** Where the keys are found when `endpoints->jwks` is NULL (IDT-1). */
const char *sl_discovery_openid_url(apr_pool_t *p, const sl_endpoints_t *endpoints,
                                    const sl_ehr_t *ehr);

/**
 * Read an openid-configuration into `endpoints->jwks` and `issuer`. SL_UPSTREAM: its `issuer` is
 * not sl_discovery_issuer() byte for byte (IDT-2), or it has no usable jwks_uri. With openid-issuer
 * it may be any https URL where nobody has named one.
 */
SL_MUST_USE sl_rc_t sl_discovery_openid(sl_endpoints_t *endpoints, const sl_ehr_t *ehr,
                                        const sl_discovery_body_t *from, apr_pool_t *p,
                                        sl_err_t *err);

#endif
