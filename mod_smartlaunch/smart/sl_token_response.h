/* SPDX-License-Identifier: Apache-2.0 */
/** The token endpoint's answer (RFC 6749 section 5; TRS-1 to 5). */
#ifndef SL_TOKEN_RESPONSE_H
#define SL_TOKEN_RESPONSE_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include "smart/sl_ehr.h"
#include "smart/sl_notice.h"
#include <apr_time.h>

#define SL_TOKEN_RESPONSE_MAX_BYTES 1048576 /* TRS-4; the cap for the HTTP client */
#define SL_TOKEN_LIFE_DEFAULT 300           /* seconds, when the EHR does not say (TRS-2) */
#define SL_TOKEN_LIFE_MAX 86400             /* longer lives are not believed */

typedef struct {
    int status;
    const char *body; /* the caller wipes it */
    apr_size_t len;
    apr_time_t now;              /* when the answer arrived (for expires_at) */
    apr_array_header_t *notices; /* gets warnings; may be NULL */
    bool is_renewal;             /* the answer to a refresh token */
    const char *correlation;     /* sl_http_reply_t.correlation */
} sl_token_answer_t;

typedef struct {
    const sl_secret_t *access;
    const sl_secret_t *refresh;  /* NULL: none */
    const sl_secret_t *id_token; /* NULL: none */
    int expires_in;              /* seconds, 1 to SL_TOKEN_LIFE_MAX */
    bool says_life;              /* expires_in is the EHR's word, not ours */
    const char *scope;           /* granted; NULL: not said, so as requested (TRS-3) */
    sl_json_t *json;             /* the whole object without the three tokens */
} sl_token_response_t;

/**
 * Read the answer. Anything but a 2xx JSON object with a bearer token fails:
 * SL_BUSY for 429 and 503, SL_UPSTREAM for the rest. The text of `err` has a code of
 * sl_token_response_error() and its likely reason; of the EHR's own text only the error_uri, as far
 * as sl_error_uri_loggable() lets it.
 */
SL_MUST_USE sl_rc_t sl_token_response_parse(sl_token_response_t *out, const sl_ehr_t *ehr,
                                            const sl_token_answer_t *answer, apr_pool_t *p,
                                            sl_err_t *err);

/**
 * The `error` of an error body (TRS-5): a literal of RFC 6749, "other" for one we do not know,
 * "none" for a body without (OperationOutcome, text, HTML, nothing).
 */
const char *sl_token_response_error(const char *body, apr_size_t len, apr_pool_t *tmp);

#endif
