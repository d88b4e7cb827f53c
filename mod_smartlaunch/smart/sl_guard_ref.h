/* SPDX-License-Identifier: Apache-2.0 */
/** References as texts (FHIR R4 references, search of reference parameters): whose are they? */
#ifndef SL_GUARD_REF_H
#define SL_GUARD_REF_H

#include "smart/sl_guard_rule.h"

typedef enum {
    SL_GUARD_REF_OURS,    /* Patient/ours, also below the EHR's base, also a version of it */
    SL_GUARD_REF_PATIENT, /* another patient, patients by a search, a Group */
    SL_GUARD_REF_ELSE,    /* Type/id of something else */
    SL_GUARD_REF_BARE     /* no type: an id, a fragment, a urn, whatever */
} sl_guard_ref_t;

/** `text` need not end with NUL. A patient that it names is noted. */
sl_guard_ref_t sl_guard_ref_read(sl_guard_t *g, const char *text, apr_size_t len);

/** Is it the bare id of our patient? */
bool sl_guard_ref_is_our_id(const sl_guard_t *g, const char *text, apr_size_t len);

/** Does it name a Patient or Group with what follows, anywhere inside: `Patient/`, `Group?`? */
bool sl_guard_ref_is_inside(const char *text);

#endif
