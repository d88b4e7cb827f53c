/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the parts of the patient guard share (sl_guard*.c only): whose launch it is, why a request
 * is refused, what its parameters named.
 */
#ifndef SL_GUARD_RULE_H
#define SL_GUARD_RULE_H

#include "base/sl_json.h"
#include "smart/sl_guard.h"

/** One run of the guard. */
typedef struct {
    bool is_strict;
    const char *patient; /* NULL: nobody is guarded, only `asked` is looked for */
    const char *base;    /* NULL: none */
    const char *asked;   /* the first FHIR id of a patient that the request names; NULL: none yet */
    bool check_answer;   /* see sl_guard_verdict_t */
    apr_pool_t *p;
    sl_err_t *err;
} sl_guard_t;

/** Why a request is refused; each has its log id and sentence. */
typedef enum {
    SL_GUARD_PATH,
    SL_GUARD_UNKNOWN,
    SL_GUARD_SYSTEM,
    SL_GUARD_WHOLE_TYPE,
    SL_GUARD_MANY,
    SL_GUARD_PARAM,
    SL_GUARD_UNCLEAR,
    SL_GUARD_CHAIN,
    SL_GUARD_SEARCH,
    SL_GUARD_INCLUDE,
    SL_GUARD_QUERY,
    SL_GUARD_NO_ID,
    SL_GUARD_NOT_OURS,
    SL_GUARD_BODY,
    SL_GUARD_BODY_TYPE,
    SL_GUARD_BODY_JSON,
    SL_GUARD_RESOURCE,
    SL_GUARD_RESOURCE_TYPE,
    SL_GUARD_SUBSCRIPTION,
    SL_GUARD_ENTRY,
    SL_GUARD_STRICT_SEARCH,
    SL_GUARD_STRICT_WRITE,
    SL_GUARD_ANSWER_JSON,
    SL_GUARD_ANSWER
} sl_guard_why_t;

/** SL_DENIED, with the sentence in g->err. */
sl_rc_t sl_guard_deny(const sl_guard_t *g, sl_guard_why_t why);

/** Note a patient's id for the audit; only the first one counts, and only what is an id. */
void sl_guard_note(sl_guard_t *g, const char *id, apr_size_t len);

/** What a set of parameters says of the launch's patient. */
typedef struct {
    bool by_id;            /* _id=ours, on Patient */
    bool by_subject;       /* patient=ours, subject=ours */
    bool by_other;         /* ours by another parameter, with its type: actor=Patient/ours */
    bool is_page;          /* the server's mark of a further page */
    bool is_search;        /* something besides such a mark, _include and _count and the like */
    bool includes;         /* _include */
    bool includes_patient; /* …of what patient or subject point to */
} sl_guard_found_t;

#endif
