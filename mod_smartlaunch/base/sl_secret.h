/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Tokens, codes, verifiers, keys and client secrets. Opaque, so that no printf takes one by
 * mistake; wiped when the pool goes; one reveal call that grep can find.
 */
#ifndef SL_SECRET_H
#define SL_SECRET_H

#include <apr_pools.h>
#include <stdbool.h>

typedef struct sl_secret sl_secret_t;

/** Copy `len` bytes; the caller wipes its own copy where it has one. Never NULL. */
sl_secret_t *sl_secret_new(apr_pool_t *p, const void *bytes, apr_size_t len);

/** A secret of `len` bytes that the caller writes to `*bytes`, at once. Wiped whatever is in it. */
sl_secret_t *sl_secret_room(apr_pool_t *p, apr_size_t len, char **bytes);

/** Copy a NUL-terminated text; NULL gives NULL. */
sl_secret_t *sl_secret_str(apr_pool_t *p, const char *text);

/** "Bearer " and the token: the value of an Authorization header. */
sl_secret_t *sl_secret_bearer(apr_pool_t *p, const sl_secret_t *token);

/** The bytes, followed by a NUL. Owned by the secret. Only for the call that needs them. */
const char *sl_secret_reveal(const sl_secret_t *secret);

/** Number of bytes; 0 for NULL. */
apr_size_t sl_secret_len(const sl_secret_t *secret);

/** Equal, in time that depends on the length only. Missing or empty never matches. */
bool sl_secret_eq(const sl_secret_t *a, const sl_secret_t *b);

/** Equal texts in time that depends on the length only. Missing or empty never matches. */
bool sl_secret_text_eq(const char *a, const char *b);

/** Overwrite memory so that the compiler leaves it in. */
void sl_secret_wipe(void *bytes, apr_size_t len);

#endif
