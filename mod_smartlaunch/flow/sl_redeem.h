/* SPDX-License-Identifier: Apache-2.0 */
/** One authorization code against tokens, once, and who and what they stand for. */
#ifndef SL_REDEEM_H
#define SL_REDEEM_H

#include "flow/sl_runtime.h"
#include "flow/sl_trace.h"
#include "flow/sl_vault.h"
#include "smart/sl_context.h"
#include "smart/sl_identity.h"
#include "smart/sl_token_response.h"

typedef struct {
    const sl_ehr_t *ehr;
    const sl_pending_t *pending;
    const sl_secret_t *code;
} sl_redeem_t;

/** What a launch yields, verified. */
typedef struct {
    sl_token_response_t tokens;
    sl_context_t context;
    sl_identity_t identity;   /* user NULL: the EHR did not say who it is */
    sl_fhir_user_t fhir_user; /* url NULL: none */
    const char *issuer, *sub; /* of the id_token; NULL: there was none */
    const sl_json_t *claims;  /* the same; all of them */
} sl_redeemed_t;

/**
 * Call the token endpoint once [TKR-*, TRS-*], verify the id_token [IDT-*], read the context
 * [CTX-*]. SL_UPSTREAM, SL_TIMEOUT, SL_BUSY: nobody may be let in.
 */
SL_MUST_USE sl_rc_t sl_redeem_code(sl_redeemed_t *out, const sl_runtime_t *rt,
                                   const sl_redeem_t *redeem, sl_trace_t *trace, sl_err_t *err);

#endif
