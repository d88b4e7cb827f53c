/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What an EHR is to us: its issuer, our registration there and the vendor's switches. The
 * configuration fills it in, everybody else only reads it. The value 0 of a switch means "not
 * said"; sl_profile_complete() replaces it by the profile's default.
 */
#ifndef SL_EHR_H
#define SL_EHR_H

#include "base/sl_secret.h"
#include "base/sl_signer.h"
#include <apr_tables.h>
#include <apr_time.h>
#include <stdbool.h>

/** SmartClientAuth. The configuration must have decided before anything else reads it (REG-5). */
typedef enum {
    SL_CLIENT_UNSET = 0,
    SL_CLIENT_BASIC, /* client_secret_basic */
    SL_CLIENT_POST,  /* client_secret_post */
    SL_CLIENT_KEY,   /* private_key_jwt */
    SL_CLIENT_NONE   /* public client */
} sl_client_auth_t;

/** How id and secret are written inside Basic (TKR-S3). */
typedef enum { SL_BASIC_UNSET = 0, SL_BASIC_RAW, SL_BASIC_FORM } sl_basic_form_t;

/** SmartAud: what `aud` of the authorize request is (AZR-3). */
typedef enum { SL_AUD_UNSET = 0, SL_AUD_ISS, SL_AUD_STRIP_SLASH, SL_AUD_NONE, SL_AUD_URL } sl_aud_t;

typedef enum { SL_SWITCH_UNSET = 0, SL_SWITCH_ON, SL_SWITCH_OFF } sl_switch_t;

/** One SOURCE of SmartIdentity, in the order they are tried. */
typedef enum { SL_SOURCE_ID_TOKEN, SL_SOURCE_TOKEN, SL_SOURCE_FHIR_USER } sl_source_from_t;
typedef struct {
    sl_source_from_t from;
    const char *member; /* claim or member; NULL for fhirUser */
    const char *text;   /* as configured: "id_token:sub"; kept with the link */
} sl_identity_source_t;

/** Departures from the rules that a vendor needs and nobody else gets: options of SmartProfile. */
typedef struct {
    sl_switch_t bare_token;          /* a token response without token_type means Bearer */
    sl_switch_t patient_reference;   /* `patient` may come as "Patient/123" */
    sl_switch_t patient_in_id_token; /* `patient`, `encounter` may be claims of the id_token only */
    sl_switch_t client_id_in_body;   /* confidential clients send client_id, too (TKR-S2) */
    sl_switch_t form_post;           /* the answer is asked for by response_mode=form_post */
    sl_switch_t root_discovery;      /* .well-known is at the root of the FHIR base's host */
    sl_switch_t openid_issuer;       /* the openid-configuration below the FHIR base may name the
                                        issuer where the smart-configuration names none */
    sl_switch_t error_by_500;        /* an OAuth error is believed whatever its status */
} sl_quirks_t;

typedef struct {
    const char *name;    /* of <SmartEHR NAME> */
    const char *issuer;  /* FHIR base, as configured */
    const char *profile; /* NULL: "generic" */

    const char *client_id;
    sl_client_auth_t auth;
    sl_basic_form_t basic;
    const sl_secret_t *client_secret; /* NULL where auth needs none */
    const apr_array_header_t *keys;   /* of const sl_signer_t *: SmartClientKey, the first signs,
                                         all are published; NULL: none */

    const char *scope;            /* of the EHR launch */
    const char *standalone_scope; /* NULL: no standalone launch */
    const char *system_scope;     /* of backend services; NULL: none */

    /* stored endpoints; NULL: discover */
    const char *ep_issuer;
    const char *ep_authorize;
    const char *ep_token;
    const char *ep_jwks;
    const char *ep_introspect;
    const char *ep_revoke;

    const apr_array_header_t *identity; /* of sl_identity_source_t; NULL: the profile's */
    sl_aud_t aud;
    const char *aud_url; /* for SL_AUD_URL */
    sl_switch_t pkce;
    sl_quirks_t quirks;
    const apr_array_header_t *embed; /* of const char *: origins; may be NULL */

    /* outgoing connections */
    const char *ca_file;
    const char *proxy;
    apr_interval_time_t connect_timeout;
    apr_interval_time_t timeout;
    int max_outbound;
    bool insecure_loopback;

    apr_interval_time_t renew_ahead;    /* 0: the profile's */
    apr_interval_time_t renew_interval; /* least time between two renewals; 0: the profile's */
    apr_interval_time_t token_life;     /* where the EHR does not say; 0: the profile's */
} sl_ehr_t;

#endif
