/* SPDX-License-Identifier: Apache-2.0 */
/** Names of FHIR R4 as the patient guard sorts them. Upper and lower case are the same. */
#ifndef SL_GUARD_NAMES_H
#define SL_GUARD_NAMES_H

#include <stdbool.h>

/** What a parameter may hold, by its name without modifier. */
typedef enum {
    SL_GUARD_NAME_PATIENT, /* a patient: patient, subject, and what sounds so */
    SL_GUARD_NAME_MAYBE,   /* a reference that can be to a patient: actor, performer, … */
    SL_GUARD_NAME_TOKEN,   /* a code with its system, a URI: never a reference */
    SL_GUARD_NAME_FORM,    /* how the answer looks: _count, _format, … */
    SL_GUARD_NAME_PAGE,    /* a server's mark of a further page */
    SL_GUARD_NAME_REFUSED, /* reaches beyond what it names: _has, _filter, _revinclude, … */
    SL_GUARD_NAME_INCLUDE, /* _include */
    SL_GUARD_NAME_ID,      /* _id */
    SL_GUARD_NAME_OTHER
} sl_guard_name_t;

sl_guard_name_t sl_guard_name_of(const char *name);

/** A reference parameter that in no resource of R4 points to a patient or a group: encounter, … */
bool sl_guard_is_safe_link(const char *name);

/** A type whose resources belong to no patient: Practitioner, Medication, ValueSet, … */
bool sl_guard_is_nobodys(const char *type);

bool sl_guard_is(const char *name, const char *word);

#endif
