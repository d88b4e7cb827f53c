/* SPDX-License-Identifier: Apache-2.0 */
/** What a GET or POST on the Redirect URL is: a launch, or the answer to an authorize request. */
#ifndef SL_REDIRECT_H
#define SL_REDIRECT_H

#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include "smart/sl_params.h"

#define SL_REDIRECT_MAX_ISS 2048
#define SL_REDIRECT_MAX_LAUNCH 16384
#define SL_REDIRECT_MAX_CODE 16384
#define SL_REDIRECT_MAX_STATE 512

typedef enum { SL_REDIRECT_LAUNCH, SL_REDIRECT_CODE, SL_REDIRECT_ERROR } sl_redirect_kind_t;

typedef struct {
    sl_redirect_kind_t kind;
    const char *iss;         /* launch: the FHIR base; answer: RFC 9207, NULL when absent */
    const char *launch;      /* launch only; opaque */
    const sl_secret_t *code; /* code only; opaque */
    const char *state;       /* code: never NULL; error: NULL when absent */
    const char *error;       /* error only: a literal of sl_redirect_error_code() */
    const char *description; /* error only: for people, ≤ 200 bytes, to be escaped; may be NULL */
    const char *error_uri;   /* error only: of sl_error_uri_loggable(), never a link; may be NULL */
} sl_redirect_t;

/**
 * Classify (LCH-1, CBK-4, CBK-6, CBK-8, CBK-11). Unknown parameters are ignored.
 * SL_INVALID: iss or launch missing or repeated, code and error together, code without state,
 * something empty or too long, none of the three.
 */
SL_MUST_USE sl_rc_t sl_redirect_classify(sl_redirect_t *out, const sl_params_t *params,
                                         apr_pool_t *p, sl_err_t *err);

/** The code itself when it is a known one (a literal, safe in logs), else "other". */
const char *sl_redirect_error_code(const char *error);

/** What mostly lies behind it: words for the log; NULL: nobody knows. */
const char *sl_redirect_error_hint(const char *error);

/** One plain sentence for people; never NULL. */
const char *sl_redirect_error_text(const char *error);

#endif
