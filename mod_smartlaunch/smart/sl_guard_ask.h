/* SPDX-License-Identifier: Apache-2.0 */
/** One FHIR request under the patient guard: of its own, or an entry of a batch. */
#ifndef SL_GUARD_ASK_H
#define SL_GUARD_ASK_H

#include "smart/sl_guard_rule.h"

typedef struct {
    const sl_fhir_request_t *request;
    const char *query;         /* NULL: none */
    const char *if_none_exist; /* NULL: none */
    const char *form; /* body of a search or operation; need not end with NUL; NULL: none */
    apr_size_t form_len;
    const sl_json_t *json; /* any other body; NULL: none */
    bool is_json_patch;
} sl_guard_ask_t;

/** SL_OK or SL_DENIED; g->check_answer is set where the answer must prove to be our patient's. */
SL_MUST_USE sl_rc_t sl_guard_ask(sl_guard_t *g, const sl_guard_ask_t *ask);

/** All entries of a batch or transaction. */
SL_MUST_USE sl_rc_t sl_guard_batch(sl_guard_t *g, const sl_json_t *bundle);

/** Is a resource our patient's by what it says itself? */
bool sl_guard_belongs(sl_guard_t *g, const sl_json_t *resource);

#endif
