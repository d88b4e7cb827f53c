/* SPDX-License-Identifier: Apache-2.0 */
/** The client assertion of a call that authenticates with our key (TKR-A1 to A5). */
#ifndef SL_PROVE_H
#define SL_PROVE_H

#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include "smart/sl_ehr.h"

typedef struct {
    const char *audience; /* the token endpoint, for revocation and introspection as well */
    unsigned algs;        /* as in sl_endpoints_t */
} sl_prove_t;

/**
 * Make an assertion for one request; the next one, a retry too, needs another (TKR-A5).
 * @param assertion NULL where SmartClientAuth is not private-key-jwt; goes as it is into the
 *                  `assertion` of what sl_token_request_*() take
 * SL_FAILED: OpenSSL gave no signature, or no random bytes.
 */
SL_MUST_USE sl_rc_t sl_prove_client(const sl_secret_t **assertion, const sl_ehr_t *ehr,
                                    const sl_prove_t *prove, apr_pool_t *p, sl_err_t *err);

#endif
