/* SPDX-License-Identifier: Apache-2.0 */
/** The fhirUser claim: who has logged in, as a FHIR resource (IDT-7, IDT-8). */
#ifndef SL_FHIR_USER_H
#define SL_FHIR_USER_H

#include "base/sl_rc.h"
#include <apr_pools.h>

typedef struct {
    const char *raw;  /* as the EHR wrote it */
    const char *url;  /* absolute */
    const char *type; /* Patient, Practitioner, PractitionerRole, RelatedPerson or Person */
    const char *id;
    bool is_local; /* below the FHIR base: may be read with the token */
} sl_fhir_user_t;

/**
 * Resolve against the FHIR base. SL_UPSTREAM: another type, another scheme, a malformed id,
 * anything that does not fit into a header.
 */
SL_MUST_USE sl_rc_t sl_fhir_user_resolve(sl_fhir_user_t *out, const char *raw,
                                         const char *fhir_base, apr_pool_t *p, sl_err_t *err);

#endif
