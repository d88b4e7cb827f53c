/* SPDX-License-Identifier: Apache-2.0 */
/** Where an EHR's endpoints and keys are: stored, or asked for once (DIS-*, IDT-1). */
#ifndef SL_DISCOVER_H
#define SL_DISCOVER_H

#include "flow/sl_runtime.h"
#include "flow/sl_trace.h"
#include "smart/sl_discovery.h"
#include "smart/sl_jwks.h"

/** The endpoints; no request where authorize and token are stored. SL_UPSTREAM, SL_TIMEOUT, … */
SL_MUST_USE sl_rc_t sl_discover_endpoints(sl_endpoints_t *out, const sl_runtime_t *rt,
                                          const sl_ehr_t *ehr, sl_trace_t *trace, sl_err_t *err);

/**
 * Stored endpoints may lack their issuer; what the EHR's own smart-configuration says of issuer and
 * keys is filled in. Where it cannot be asked, nothing changes: the FHIR base is the issuer then.
 */
void sl_discover_issuer(sl_endpoints_t *endpoints, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                        sl_trace_t *trace);

/** The token endpoint does not know us any more: ask again at the next launch (DIS-9). */
void sl_discover_forget(const sl_runtime_t *rt, const sl_ehr_t *ehr, apr_pool_t *tmp);

/**
 * The EHR's keys. `endpoints->jwks` is filled in from the openid-configuration where it is NULL.
 * @param newer_than keys stored before this instant will not do; 0: any fresh ones
 */
SL_MUST_USE sl_rc_t sl_discover_keys(sl_jwks_t **out, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                                     sl_endpoints_t *endpoints, apr_time_t newer_than,
                                     sl_trace_t *trace, sl_err_t *err);

#endif
