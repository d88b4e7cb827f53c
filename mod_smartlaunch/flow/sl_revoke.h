/* SPDX-License-Identifier: Apache-2.0 */
/**
 * RFC 7009 (SEC-10): what was revoked here is revoked at its EHR, where that has a revocation
 * endpoint. It happens after the end of the launch and beside it: nobody waits for an EHR in order
 * to log out, and a process that dies loses nothing, as the tokens wait in PostgreSQL.
 */
#ifndef SL_REVOKE_H
#define SL_REVOKE_H

#include "flow/sl_runtime.h"
#include "flow/sl_vault.h"

/**
 * Tell the EHRs of up to `limit` tokens; stops at the first EHR in trouble, which is left alone for
 * half a minute then. Any number of hosts may do it at once.
 * @param told how many are done with, whether the EHR took them or not
 * SL_UNAVAILABLE and the like: PostgreSQL.
 */
SL_MUST_USE sl_rc_t sl_revoke_due(int *told, const sl_runtime_t *rt, int limit, apr_pool_t *p,
                                  sl_err_t *err);

/** A launch that failed although the EHR gave tokens: nobody will ever use them. */
typedef struct {
    const char *launch, *app, *ehr;
    sl_tokens_t tokens; /* access NULL: there were none */
} sl_revoke_unused_t;

/** Puts them with those that sl_revoke_due() tells EHRs of; whether that worked stands in the log.
 */
void sl_revoke_unused(const sl_runtime_t *rt, const sl_revoke_unused_t *unused, apr_pool_t *p);

#endif
