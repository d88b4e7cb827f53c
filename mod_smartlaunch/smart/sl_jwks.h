/* SPDX-License-Identifier: Apache-2.0 */
/** A set of public keys (RFC 7517 section 5) and the one that made a signature (IDT-3, IDT-4). */
#ifndef SL_JWKS_H
#define SL_JWKS_H

#include "base/sl_jwk.h"
#include "base/sl_rc.h"
#include <apr_pools.h>

#define SL_JWKS_MAX_BYTES 262144
#define SL_JWKS_MAX_KEYS 64

typedef struct sl_jwks sl_jwks_t;

/** Read a set; keys we cannot use are skipped. SL_UPSTREAM: not a key set, or too many keys. */
SL_MUST_USE sl_rc_t sl_jwks_parse(sl_jwks_t **out, const char *text, apr_size_t len, apr_pool_t *p,
                                  sl_err_t *err);

/** How many usable keys there are. */
int sl_jwks_count(const sl_jwks_t *keys);

/**
 * The key of a signature (IDT-4). With a kid: the one of this kid that fits; without: the only one
 * that fits. SL_NONE: no such kid (fetch the set again, once); SL_DENIED: none or several fit.
 * @param kid NULL when the header has none
 */
SL_MUST_USE sl_rc_t sl_jwks_select(const sl_jwk_t **out, const sl_jwks_t *keys, const char *kid,
                                   sl_alg_t alg, sl_err_t *err);

#endif
