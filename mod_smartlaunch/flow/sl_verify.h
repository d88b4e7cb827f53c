/* SPDX-License-Identifier: Apache-2.0 */
/** An id_token verified with the EHR's keys, which are fetched where they are missing (IDT-*). */
#ifndef SL_VERIFY_H
#define SL_VERIFY_H

#include "base/sl_json.h"
#include "flow/sl_runtime.h"
#include "flow/sl_trace.h"

typedef struct {
    const sl_ehr_t *ehr;
    const char *issuer; /* of the authorization server; NULL: not known */
    const char *jwks;   /* NULL: ask the openid-configuration */
} sl_verify_t;

/** The claims, each of which may be trusted. SL_UPSTREAM, SL_TIMEOUT, SL_BUSY. */
SL_MUST_USE sl_rc_t sl_verify_id_token(sl_json_t **claims, const sl_runtime_t *rt,
                                       const sl_verify_t *by, const sl_secret_t *id_token,
                                       sl_trace_t *trace, sl_err_t *err);

#endif
