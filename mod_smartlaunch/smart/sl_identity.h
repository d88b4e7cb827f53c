/* SPDX-License-Identifier: Apache-2.0 */
/** Which EHR user this is: the sources of SmartIdentity, and nothing else. */
#ifndef SL_IDENTITY_H
#define SL_IDENTITY_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include "smart/sl_ehr.h"
#include "smart/sl_fhir_user.h"
#include <apr_pools.h>

#define SL_IDENTITY_MAX 255

/** What was verified in this launch. */
typedef struct {
    const sl_json_t *claims;         /* of the id_token; NULL: there was none */
    const sl_json_t *response;       /* the token response */
    const sl_fhir_user_t *fhir_user; /* NULL: none */
} sl_identity_facts_t;

typedef struct {
    const char *user;   /* printable ASCII, 1 to SL_IDENTITY_MAX bytes, no blank at either end */
    const char *source; /* "id_token:sub" */
} sl_identity_t;

/**
 * One SOURCE of SmartIdentity: `id_token:CLAIM`, `token:MEMBER` or `fhirUser`. SL_INVALID with a
 * sentence for configtest.
 */
SL_MUST_USE sl_rc_t sl_identity_source(sl_identity_source_t *out, const char *text, apr_pool_t *p,
                                       sl_err_t *err);

/**
 * The first source that has a value. A local fhirUser gives "Practitioner/123", a foreign one its
 * URL. SL_NONE: no source has one; SL_UPSTREAM: the first value is no string or unfit for a header.
 * @param sources of sl_identity_source_t
 */
SL_MUST_USE sl_rc_t sl_identity_find(sl_identity_t *out, const apr_array_header_t *sources,
                                     const sl_identity_facts_t *facts, apr_pool_t *p,
                                     sl_err_t *err);

#endif
