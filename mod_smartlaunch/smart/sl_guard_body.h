/* SPDX-License-Identifier: Apache-2.0 */
/** Bodies under the patient guard: resources, Parameters, patches. */
#ifndef SL_GUARD_BODY_H
#define SL_GUARD_BODY_H

#include "smart/sl_guard_rule.h"

/**
 * Parse a body: an object (or, where `allow_array`, an array) in which no member is given twice,
 * since the EHR may take the one we do not see. NULL when it is none.
 */
const sl_json_t *sl_guard_body_parse(sl_guard_t *g, const char *text, apr_size_t len,
                                     apr_size_t max, bool allow_array);

/** Does a resource, Parameters included, name nobody but our patient? */
SL_MUST_USE sl_rc_t sl_guard_body_resource(sl_guard_t *g, const sl_json_t *resource);

/** The same for a JSON Patch, of which only the values that it brings are known. */
SL_MUST_USE sl_rc_t sl_guard_body_patch(sl_guard_t *g, const sl_json_t *patch);

/** The same for a FHIRPath Patch (a Parameters resource). */
SL_MUST_USE sl_rc_t sl_guard_body_fhirpath(sl_guard_t *g, const sl_json_t *parameters);

/** The parts of a Parameters resource, each as if it were a parameter of the query. */
SL_MUST_USE sl_rc_t sl_guard_body_parameters(sl_guard_t *g, sl_guard_found_t *found,
                                             const char *type, const sl_json_t *parameters);

/** "Observation"; "" when it is no resource. */
const char *sl_guard_body_type(const sl_json_t *resource);

#endif
