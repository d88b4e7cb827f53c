/* SPDX-License-Identifier: Apache-2.0 */
/** Digests, keyed digests and random bytes, by OpenSSL 3. */
#ifndef SL_DIGEST_H
#define SL_DIGEST_H

#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include <apr_pools.h>

#define SL_SHA256_LEN 32

/** SHA-256 of `len` bytes into `out`. Cannot fail short of a broken OpenSSL, which aborts. */
void sl_digest_sha256(const void *bytes, apr_size_t len, unsigned char out[SL_SHA256_LEN]);

/** HMAC-SHA-256 (RFC 2104). */
void sl_digest_hmac(const unsigned char *key, apr_size_t key_len, const void *bytes, apr_size_t len,
                    unsigned char out[SL_SHA256_LEN]);

/** HKDF-SHA-256 (RFC 5869), no salt, 32 bytes out. */
SL_MUST_USE sl_rc_t sl_digest_hkdf(const unsigned char *key, apr_size_t key_len, const char *info,
                                   unsigned char out[SL_SHA256_LEN], sl_err_t *err);

/** Random bytes from the operating system's generator, safe after fork. */
SL_MUST_USE sl_rc_t sl_digest_random(void *out, apr_size_t len, sl_err_t *err);

/**
 * What OpenSSL keeps for the calling thread is freed; it is made again when the thread uses OpenSSL
 * again. For threads that may still be there when the process calls exit(): OpenSSL's own clearing
 * up frees it there, and once more when the thread ends meanwhile.
 */
void sl_digest_leave_thread(void);

#endif
