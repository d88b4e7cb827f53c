/* SPDX-License-Identifier: Apache-2.0 */
/** What the readers of FHIR resources share: datatypes, and texts that are safe to show. */
#ifndef SL_CDP_FHIR_H
#define SL_CDP_FHIR_H

#include "base/sl_json.h"
#include <apr_pools.h>

#define SL_CDP_FHIR_LABEL 1000 /* bytes of a label; a longer one is cut, and ends with "…" */

/** Elements of an array; 0 for anything else. */
int sl_cdp_fhir_count(const sl_json_t *array);
/** The element, NULL beyond the end and where `array` is none. */
sl_json_t *sl_cdp_fhir_at(const sl_json_t *array, int i);
/** The first element of a member that is an array. */
sl_json_t *sl_cdp_fhir_first(const sl_json_t *object, const char *name);

/** Is the member this string? */
bool sl_cdp_fhir_is(const sl_json_t *object, const char *name, const char *value);
/** Is the member true? */
bool sl_cdp_fhir_is_true(const sl_json_t *object, const char *name);

/**
 * A text without control characters: blanks in their place, none at its ends; of line ends one
 * "\n" stays when `keep_lines`. Markup stays as it is. NULL: nothing is left.
 */
const char *sl_cdp_fhir_clean(apr_pool_t *p, const char *bytes, apr_size_t len, bool keep_lines);

/** At most `max` bytes of valid UTF-8, with "…" where something was cut. */
const char *sl_cdp_fhir_cut(apr_pool_t *p, const char *text, apr_size_t max);

/** A member that is a string, on one line and cut to a label; NULL: none, or blank. */
const char *sl_cdp_fhir_label(apr_pool_t *p, const sl_json_t *object, const char *name);

/** A CodeableConcept in words: text, else the first display, else the first code. */
const char *sl_cdp_fhir_concept(apr_pool_t *p, const sl_json_t *concept);
/** Its first code; NULL: none. */
const char *sl_cdp_fhir_code(const sl_json_t *concept);
/** Has one of its codings the code? `system` NULL: of any. */
bool sl_cdp_fhir_has_code(const sl_json_t *concept, const char *system, const char *code);
/** Does it say why there is no value (data-absent-reason)? */
bool sl_cdp_fhir_is_absent(const sl_json_t *concept);

/** The extension with this URL. */
sl_json_t *sl_cdp_fhir_extension(const sl_json_t *element, const char *url);
/** Has it a modifierExtension? None is expected, so that its meaning is unknown to us. */
bool sl_cdp_fhir_has_modifier(const sl_json_t *element);

/** "Type/id" of a reference, relative or absolute, without a version; NULL: it has no such end. */
const char *sl_cdp_fhir_target(apr_pool_t *p, const char *reference);

#endif
