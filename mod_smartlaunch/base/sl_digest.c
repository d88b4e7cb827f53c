/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

void sl_digest_sha256(const void *bytes, apr_size_t len, unsigned char out[SL_SHA256_LEN])
{
    if (EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) != 1) {
        abort();
    }
}

void sl_digest_hmac(const unsigned char *key, apr_size_t key_len, const void *bytes, apr_size_t len,
                    unsigned char out[SL_SHA256_LEN])
{
    unsigned int n = 0;

    if (HMAC(EVP_sha256(), key, (int)key_len, bytes, len, out, &n) == NULL || n != SL_SHA256_LEN) {
        abort();
    }
}

/* RFC 5869: without salt, 32 bytes out, one block of info: two keyed digests. */
sl_rc_t sl_digest_hkdf(const unsigned char *key, apr_size_t key_len, const char *info,
                       unsigned char out[SL_SHA256_LEN], sl_err_t *err)
{
    static const unsigned char no_salt[SL_SHA256_LEN];
    unsigned char extracted[SL_SHA256_LEN];
    unsigned char block[256];
    apr_size_t n = strlen(info);

    if (n >= sizeof(block)) {
        return sl_err_set(err, SL_INVALID, "SL1101", "key derivation label is too long");
    }
    sl_digest_hmac(no_salt, sizeof(no_salt), key, key_len, extracted);
    memcpy(block, info, n);
    block[n] = 1;
    sl_digest_hmac(extracted, sizeof(extracted), block, n + 1, out);
    sl_secret_wipe(extracted, sizeof(extracted));
    return SL_OK;
}

sl_rc_t sl_digest_random(void *out, apr_size_t len, sl_err_t *err)
{
    if (len > INT32_MAX || RAND_bytes(out, (int)len) != 1) {
        return sl_err_set(err, SL_FAILED, "SL1102", "the system gave no random bytes");
    }
    return SL_OK;
}

void sl_digest_leave_thread(void)
{
    OPENSSL_thread_stop();
}
