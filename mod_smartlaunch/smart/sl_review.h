/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The rules of smartlaunchctl check for one EHR: what its documents and answers mean for the way
 * it is configured. No I/O, no clock. Each adds its findings to a list.
 */
#ifndef SL_REVIEW_H
#define SL_REVIEW_H

#include "base/sl_json.h"
#include "smart/sl_discovery.h"
#include "smart/sl_finding.h"
#include <apr_time.h>

/** A request came through: when the first certificate of the chain ends. */
void sl_review_certificate(const sl_findings_t *findings, const char *host, apr_time_t ends,
                           apr_time_t now);

/** The Date of an answer, 0 for none, against our clock at that moment. */
void sl_review_clock(const sl_findings_t *findings, apr_time_t theirs, apr_time_t ours);

/**
 * What its smart-configuration offers, against what is configured: stored endpoints, launches,
 * scopes, PKCE, client authentication, revocation, introspection.
 */
void sl_review_document(const sl_findings_t *findings, const sl_ehr_t *ehr, const sl_json_t *doc,
                        const sl_endpoints_t *endpoints);

/** Where EHRs share a Redirect URL: does it say whose answer it is (RFC 9207; SEC-1)? */
void sl_review_answers(const sl_findings_t *findings, const sl_ehr_t *ehr,
                       const sl_endpoints_t *endpoints);

/** How a token endpoint answered a request with our client authentication. */
typedef struct {
    int status;
    const char *error; /* sl_token_response_error() */
} sl_review_answer_t;

/** The answer to a code that was made up: who is not known is told apart from that (TKR-S3). */
void sl_review_made_up_code(const sl_findings_t *findings, const sl_ehr_t *ehr,
                            const sl_review_answer_t *answer);

/** The answer to a grant for SmartSystemScope (BKS-1). */
void sl_review_system(const sl_findings_t *findings, const sl_ehr_t *ehr,
                      const sl_review_answer_t *answer);

#endif
