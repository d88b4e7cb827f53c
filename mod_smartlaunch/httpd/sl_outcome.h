/* SPDX-License-Identifier: Apache-2.0 */
/** Errors of the gateway as FHIR has them: OperationOutcome (FHIR R4, operationoutcome.html). */
#ifndef SL_OUTCOME_H
#define SL_OUTCOME_H

#include "httpd/sl_respond.h"

/** Does this request get its errors as an OperationOutcome? A person's browser gets the page. */
bool sl_outcome_is_wanted(request_rec *r);

/**
 * The body of a refusal, headers set: severity, a code of FHIR's issue-type, plain diagnostics with
 * the reference id.
 */
const char *sl_outcome_prepare(request_rec *r, const sl_refusal_t *refusal);

#endif
