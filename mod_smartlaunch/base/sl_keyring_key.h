/* SPDX-License-Identifier: Apache-2.0 */
/** Inside of the key ring, for sl_keyring.c, sl_seal.c and sl_id.c only. */
#ifndef SL_KEYRING_KEY_H
#define SL_KEYRING_KEY_H

#include "base/sl_keyring.h"
#include "base/sl_siphash.h"
#include <openssl/evp.h>
#include <stdatomic.h>

#define SL_KEYRING_MAX 16
#define SL_KEYRING_SPARE 8

/** A decryption context with its key set, or NULL: whoever takes it has it alone. */
typedef _Atomic(EVP_CIPHER_CTX *) sl_keyring_spare_t;

/** One line of the ring. The contexts are keyed once and only ever copied. */
typedef struct {
    const char *id;
    sl_secret_t *seal;
    unsigned char check[SL_SIPHASH_KEY_LEN]; /* check values of ids */
    EVP_MAC_CTX *derive;                     /* derived ids */
    EVP_MAC_CTX *form;                       /* sl_keyring_mac */
    sl_keyring_spare_t *spare;               /* SL_KEYRING_SPARE places, for whoever opens */
} sl_keyring_key_t;

/** Read-only after sl_keyring_parse but for the spare contexts, so that all threads share it. */
struct sl_keyring {
    int count;
    sl_keyring_key_t keys[SL_KEYRING_MAX];
    EVP_MAC *hmac;
    EVP_CIPHER *gcm;
};

/** The key of this id, or NULL. */
const sl_keyring_key_t *sl_keyring_key(const sl_keyring_t *ring, const char *key_id);

/** HMAC over two runs of bytes, with a key prepared in `keyed`. Aborts when OpenSSL fails. */
void sl_keyring_hmac(const EVP_MAC_CTX *keyed, const sl_bytes_t parts[2],
                     unsigned char out[SL_SHA256_LEN]);

#endif
