/* SPDX-License-Identifier: Apache-2.0 */
/** A refusal of the token endpoint (TRS-5): what it is, and what mostly lies behind it. */
#ifndef SL_TOKEN_ERROR_H
#define SL_TOKEN_ERROR_H

#include "smart/sl_ehr.h"
#include <apr_pools.h>

#define SL_TOKEN_ERROR_MAX_BYTES 1048576 /* longer bodies are not looked into (TRS-4) */

typedef struct {
    const char *code; /* a literal: of RFC 6749, "other" for one we do not know, "none" for a body
                         without (OperationOutcome, text, HTML, nothing) */
    const char *uri;  /* of sl_error_uri_loggable(); NULL: none */
    const char *body; /* a literal that says what the body is: "nothing", "a web page", … */
} sl_token_error_t;

/** Read the body of a refusal, whatever it is. Nothing in `out` is text of the EHR but `uri`. */
void sl_token_error_read(sl_token_error_t *out, const char *body, apr_size_t len, apr_pool_t *p);

/** What was asked for when it was refused. */
typedef struct {
    const sl_ehr_t *ehr;
    int status;
    bool is_renewal;
} sl_token_asked_t;

/** What mostly lies behind it and what to look at: words for the log. NULL: nobody knows. */
const char *sl_token_error_hint(const sl_token_error_t *error, const sl_token_asked_t *asked);

#endif
