/* SPDX-License-Identifier: Apache-2.0 */
/** Parameters of a search, an operation or a condition under the patient guard. */
#ifndef SL_GUARD_PARAMS_H
#define SL_GUARD_PARAMS_H

#include "smart/sl_guard_rule.h"

/**
 * Judge every parameter of a query string or form. `found` tells what they say of our patient; of
 * an empty text nothing.
 * @param type whose parameters they are; NULL: of all types
 */
SL_MUST_USE sl_rc_t sl_guard_params(sl_guard_t *g, sl_guard_found_t *found, const char *type,
                                    const char *text, apr_size_t len);

/** One of them, decoded; `found` is added to. */
SL_MUST_USE sl_rc_t sl_guard_param(sl_guard_t *g, sl_guard_found_t *found, const char *type,
                                   const char *name, const char *value);

/** What two sets, which count together, say. */
void sl_guard_found_join(sl_guard_found_t *found, const sl_guard_found_t *more);

#endif
