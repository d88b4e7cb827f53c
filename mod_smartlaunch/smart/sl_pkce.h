/* SPDX-License-Identifier: Apache-2.0 */
/** Proof key for code exchange, S256 only (RFC 7636; AZR-6). */
#ifndef SL_PKCE_H
#define SL_PKCE_H

#include "base/sl_secret.h"
#include <apr_pools.h>

#define SL_PKCE_RANDOM_LEN 32

/** 32 random bytes → a verifier of 43 unreserved characters. The caller wipes `random`. */
sl_secret_t *sl_pkce_verifier(apr_pool_t *p, const unsigned char random[SL_PKCE_RANDOM_LEN]);

/** base64url(SHA-256(verifier)), unpadded: a pool string of 43 characters. */
const char *sl_pkce_challenge(apr_pool_t *p, const sl_secret_t *verifier);

#endif
