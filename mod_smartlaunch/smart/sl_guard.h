/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SmartPatientGuard: a request within a launch never reads or writes another patient's data than
 * the launch's (design section 12, "Patient guard"). Pure: requests in, decisions out.
 */
#ifndef SL_GUARD_H
#define SL_GUARD_H

#include "base/sl_rc.h"
#include "smart/sl_fhir_request.h"

/** UNSET is as ON. */
typedef enum { SL_GUARD_UNSET = 0, SL_GUARD_ON, SL_GUARD_STRICT, SL_GUARD_OFF } sl_guard_mode_t;

#define SL_GUARD_MAX_BODY (1024 * 1024)       /* longer bodies cannot be looked into: refused */
#define SL_GUARD_MAX_ANSWER (4 * 1024 * 1024) /* the same of answers, under strict */

typedef struct {
    sl_guard_mode_t mode;
    const char *patient; /* FHIR id; NULL: nobody's in particular, everything passes */
    const char *base;    /* FHIR base of the EHR, for absolute references into it */
    const sl_fhir_request_t *request;
    const char *query;            /* as it is forwarded; NULL: none */
    const char *if_none_exist;    /* the header (conditional create); NULL: none */
    const char *content_type;     /* of the body; NULL: none */
    const char *content_encoding; /* NULL: none */
    const char *body;             /* NULL: there is none, or it was not read: see has_body */
    apr_size_t body_len;
    bool has_body; /* with body NULL: too long to be read, so refused */
} sl_guard_input_t;

typedef struct {
    const char *asked_patient; /* FHIR id the request names, for the audit; NULL: none */
    bool check_answer;         /* strict: pass the answer only if sl_guard_answer() says so */
} sl_guard_verdict_t;

/**
 * May this request go to the EHR? SL_OK or SL_DENIED (err says why in plain words, without ids).
 * `out` is filled in either way, also when mode is OFF (for the audit).
 */
SL_MUST_USE sl_rc_t sl_guard_check(sl_guard_verdict_t *out, const sl_guard_input_t *input,
                                   apr_pool_t *p, sl_err_t *err);

/** Does the guard have to see the body of such a request before it can decide? */
bool sl_guard_wants_body(const sl_guard_input_t *input);

/**
 * Strict: is every resource in this answer (a resource or a Bundle) our patient's, or of a type
 * that belongs to no patient? SL_DENIED: no, or it cannot be told. OperationOutcome passes.
 */
SL_MUST_USE sl_rc_t sl_guard_answer(const char *patient, const char *base, const char *body,
                                    apr_size_t len, apr_pool_t *p, sl_err_t *err);

#endif
