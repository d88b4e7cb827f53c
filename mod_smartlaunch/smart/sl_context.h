/* SPDX-License-Identifier: Apache-2.0 */
/** The launch context in a token response (SMART scopes and launch context; CTX-*). */
#ifndef SL_CONTEXT_H
#define SL_CONTEXT_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include "smart/sl_ehr.h"
#include <apr_pools.h>
#include <apr_tables.h>

#define SL_CONTEXT_MAX 4096 /* bytes of any one value */

typedef enum { SL_BANNER_UNKNOWN = 0, SL_BANNER_NO, SL_BANNER_YES } sl_banner_t;

/** Every value fits into a header: printable ASCII, at most SL_CONTEXT_MAX bytes. */
typedef struct {
    const char *patient;   /* FHIR id; NULL: none */
    const char *encounter; /* FHIR id; NULL: none */
    sl_banner_t need_banner;
    const char *intent;       /* NULL: none */
    const char *style_url;    /* https; NULL: none */
    const char *tenant;       /* NULL: none */
    const char *fhir_context; /* JSON array; NULL: none */
} sl_context_t;

typedef struct {
    const sl_json_t *response;   /* sl_token_response_t.json */
    const sl_quirks_t *quirks;   /* the EHR's */
    apr_array_header_t *notices; /* gets a warning for each member left out; may be NULL */
    const sl_json_t *claims;     /* of the verified id_token; NULL: none. Read for patient and
                                    encounter with patient-in-id-token only */
} sl_context_input_t;

/**
 * Read the context. SL_UPSTREAM: `patient` or `encounter` is malformed (CTX-1). Whatever else is
 * malformed or unfit for a header is left out whole (CTX-3 to 6).
 */
SL_MUST_USE sl_rc_t sl_context_parse(sl_context_t *out, const sl_context_input_t *input,
                                     apr_pool_t *p, sl_err_t *err);

/**
 * CTX-8: was a patient asked for (`launch/patient`) and none came? SL_DENIED, else SL_OK.
 */
SL_MUST_USE sl_rc_t sl_context_check_patient(const sl_context_t *context, const char *scope_asked,
                                             sl_err_t *err);

/** "true", "false" or "unknown". */
const char *sl_context_banner(sl_banner_t banner);

/** Is this a FHIR id: 1 to 64 of letters, digits, `-` and `.`? NULL is not. */
bool sl_context_is_fhir_id(const char *text);

#endif
