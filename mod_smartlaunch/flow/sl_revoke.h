/* SPDX-License-Identifier: Apache-2.0 */
/**
 * RFC 7009 (SEC-10): what was revoked here is revoked at its EHR, where that has a revocation
 * endpoint. It happens after the end of the launch and beside it: nobody waits for an EHR in order
 * to log out, and a process that dies loses nothing, as the tokens wait in PostgreSQL.
 */
#ifndef SL_REVOKE_H
#define SL_REVOKE_H

#include "flow/sl_runtime.h"

/**
 * Tell the EHRs of up to `limit` tokens; stops at the first EHR in trouble, which is left alone for
 * half a minute then. Any number of hosts may do it at once.
 * @param told how many are done with, whether the EHR took them or not
 * SL_UNAVAILABLE and the like: PostgreSQL.
 */
SL_MUST_USE sl_rc_t sl_revoke_due(int *told, const sl_runtime_t *rt, int limit, apr_pool_t *p,
                                  sl_err_t *err);

#endif
