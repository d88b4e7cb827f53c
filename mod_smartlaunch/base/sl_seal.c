/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_keyring_key.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

/* Layout: version, nonce, tag, ciphertext. */
#define VERSION 1
#define NONCE_LEN 12
#define TAG_LEN 16
#define NONCE_AT 1
#define TAG_AT (NONCE_AT + NONCE_LEN)
#define TEXT_AT (TAG_AT + TAG_LEN)
#define MAX_BYTES (16 * 1024 * 1024)

/* Highest byte first; written out, it is one store to the compiler. */
static void put_length(unsigned char to[8], apr_size_t len)
{
    uint64_t n = len;

    to[0] = (unsigned char)(n >> 56);
    to[1] = (unsigned char)(n >> 48);
    to[2] = (unsigned char)(n >> 40);
    to[3] = (unsigned char)(n >> 32);
    to[4] = (unsigned char)(n >> 24);
    to[5] = (unsigned char)(n >> 16);
    to[6] = (unsigned char)(n >> 8);
    to[7] = (unsigned char)n;
}

/* The version and every part with its length, so that no two lists give the same bytes. In one run
 * where it is short, since each call costs more than the bytes: tokens are opened for every call.
 */
static bool add_aad(EVP_CIPHER_CTX *ctx, const char *const *aad)
{
    unsigned char run[512];
    apr_size_t have = 1;
    int n;

    run[0] = VERSION;
    for (; aad != NULL && *aad != NULL; aad++) {
        apr_size_t len = strlen(*aad);

        if (len > INT_MAX) {
            return false;
        }
        if (have + 8 + len > sizeof(run)) {
            if (EVP_CipherUpdate(ctx, NULL, &n, run, (int)have) != 1) {
                return false;
            }
            have = 0;
        }
        put_length(run + have, len);
        have += 8;
        if (have + len <= sizeof(run)) {
            memcpy(run + have, *aad, len);
            have += len;
        } else if (EVP_CipherUpdate(ctx, NULL, &n, run, (int)have) != 1 ||
                   EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)*aad, (int)len) != 1) {
            return false;
        } else {
            have = 0;
        }
    }
    return have == 0 || EVP_CipherUpdate(ctx, NULL, &n, run, (int)have) == 1;
}

static bool encrypt(const sl_keyring_t *ring, const char *const *aad, const sl_secret_t *value,
                    unsigned char *run)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    bool done =
        ctx != NULL &&
        EVP_EncryptInit_ex2(ctx, ring->gcm,
                            (const unsigned char *)sl_secret_reveal(ring->keys[0].seal),
                            run + NONCE_AT, NULL) == 1 &&
        add_aad(ctx, aad) &&
        EVP_EncryptUpdate(ctx, run + TEXT_AT, &n, (const unsigned char *)sl_secret_reveal(value),
                          (int)sl_secret_len(value)) == 1 &&
        EVP_EncryptFinal_ex(ctx, run + TEXT_AT + n, &n) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, run + TAG_AT) == 1;

    EVP_CIPHER_CTX_free(ctx);
    return done;
}

sl_rc_t sl_keyring_seal(sl_bytes_t *out, const sl_keyring_t *ring, const char *const *aad,
                        const sl_secret_t *value, apr_pool_t *p, sl_err_t *err)
{
    unsigned char *run;
    sl_rc_t rc;

    if (value == NULL || sl_secret_len(value) > MAX_BYTES) {
        return sl_err_set(err, SL_INVALID, "SL1408", "there is nothing to seal, or too much");
    }
    run = apr_palloc(p, TEXT_AT + sl_secret_len(value));
    run[0] = VERSION;
    rc = sl_digest_random(run + NONCE_AT, NONCE_LEN, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (!encrypt(ring, aad, value, run)) {
        return sl_err_set(err, SL_FAILED, "SL1409", "OpenSSL could not seal a value");
    }
    out->bytes = run;
    out->len = TEXT_AT + sl_secret_len(value);
    return SL_OK;
}

/* A context with the key set: to set a key anew costs as much as to open a token. */
static EVP_CIPHER_CTX *take_spare(const sl_keyring_t *ring, const sl_keyring_key_t *key)
{
    EVP_CIPHER_CTX *ctx = NULL;

    for (int i = 0; i < SL_KEYRING_SPARE && ctx == NULL; i++) {
        ctx = atomic_exchange(&key->spare[i], NULL);
    }
    if (ctx != NULL) {
        return ctx;
    }
    ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL &&
        EVP_DecryptInit_ex2(ctx, ring->gcm, (const unsigned char *)sl_secret_reveal(key->seal),
                            NULL, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static void give_spare(const sl_keyring_key_t *key, EVP_CIPHER_CTX *ctx)
{
    for (int i = 0; i < SL_KEYRING_SPARE && ctx != NULL; i++) {
        ctx = atomic_exchange(&key->spare[i], ctx);
    }
    EVP_CIPHER_CTX_free(ctx);
}

/* Decrypt into `text`, which is worth nothing unless it says true. */
static bool decrypt(const sl_keyring_t *ring, const sl_keyring_key_t *key,
                    const sl_sealed_t *sealed, unsigned char *text)
{
    EVP_CIPHER_CTX *ctx = take_spare(ring, key);
    const unsigned char *run = sealed->sealed.bytes;
    unsigned char tag[TAG_LEN];
    int n = 0;
    bool done;

    memcpy(tag, run + TAG_AT, TAG_LEN);
    done =
        ctx != NULL && EVP_DecryptInit_ex2(ctx, NULL, NULL, run + NONCE_AT, NULL) == 1 &&
        add_aad(ctx, sealed->aad) &&
        EVP_DecryptUpdate(ctx, text, &n, run + TEXT_AT, (int)(sealed->sealed.len - TEXT_AT)) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) == 1 &&
        EVP_DecryptFinal_ex(ctx, text + n, &n) == 1;
    if (done) {
        give_spare(key, ctx);
    } else {
        EVP_CIPHER_CTX_free(ctx);
    }
    return done;
}

sl_rc_t sl_keyring_open(sl_secret_t **out, const sl_keyring_t *ring, const sl_sealed_t *sealed,
                        apr_pool_t *p, sl_err_t *err)
{
    const sl_keyring_key_t *key = sl_keyring_key(ring, sealed->key_id);
    apr_size_t len = sealed->sealed.len;
    sl_secret_t *secret;
    char *text;

    if (key == NULL) {
        return sl_err_set(err, SL_DENIED, "SL1410",
                          "a stored value was sealed with a key that is not in the key ring");
    }
    if (len < TEXT_AT || len > TEXT_AT + MAX_BYTES || sealed->sealed.bytes[0] != VERSION) {
        return sl_err_set(err, SL_DENIED, "SL1411", "a stored value is not one that was sealed");
    }
    secret = sl_secret_room(p, len - TEXT_AT, &text);
    if (!decrypt(ring, key, sealed, (unsigned char *)text)) {
        sl_secret_wipe(text, len - TEXT_AT);
        return sl_err_set(err, SL_DENIED, "SL1412",
                          "a stored value was altered or belongs to another row");
    }
    *out = secret;
    return SL_OK;
}
