/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_keyring_key.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define KEY_CHARS 44 /* base64 of 32 bytes */

static apr_status_t release(void *data)
{
    sl_keyring_t *ring = data;

    for (int i = 0; i < ring->count; i++) {
        sl_secret_wipe(ring->keys[i].check, sizeof(ring->keys[i].check));
        EVP_MAC_CTX_free(ring->keys[i].derive);
        EVP_MAC_CTX_free(ring->keys[i].form);
        for (int j = 0; ring->keys[i].spare != NULL && j < SL_KEYRING_SPARE; j++) {
            EVP_CIPHER_CTX_free(atomic_load(&ring->keys[i].spare[j]));
        }
    }
    EVP_MAC_free(ring->hmac);
    EVP_CIPHER_free(ring->gcm);
    return APR_SUCCESS;
}

/* The key for one purpose. The labels are part of what is stored: they never change. */
static sl_rc_t subkey(unsigned char out[SL_SHA256_LEN], const unsigned char *master,
                      const char *label, sl_err_t *err)
{
    return sl_digest_hkdf(master, SL_SHA256_LEN, label, out, err);
}

static sl_rc_t subkey_mac(EVP_MAC_CTX **out, EVP_MAC *hmac, const unsigned char *master,
                          const char *label, sl_err_t *err)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    unsigned char key[SL_SHA256_LEN];
    sl_rc_t rc = subkey(key, master, label, err);

    if (rc == SL_OK) {
        *out = EVP_MAC_CTX_new(hmac);
        if (*out == NULL || EVP_MAC_init(*out, key, sizeof(key), params) != 1) {
            rc = sl_err_set(err, SL_FAILED, "SL1401", "OpenSSL cannot prepare HMAC-SHA-256");
        }
    }
    sl_secret_wipe(key, sizeof(key));
    return rc;
}

static sl_rc_t derive_keys(sl_keyring_key_t *key, sl_keyring_t *ring, const unsigned char *master,
                           apr_pool_t *p, sl_err_t *err)
{
    unsigned char seal[SL_SHA256_LEN], check[SL_SHA256_LEN];
    sl_rc_t rc = subkey(seal, master, "mod_smartlaunch seal", err);

    if (rc == SL_OK) {
        key->seal = sl_secret_new(p, seal, sizeof(seal));
        rc = subkey(check, master, "mod_smartlaunch id check", err);
    }
    if (rc == SL_OK) {
        memcpy(key->check, check, sizeof(key->check));
        rc = subkey_mac(&key->derive, ring->hmac, master, "mod_smartlaunch derived id", err);
    }
    if (rc == SL_OK) {
        rc = subkey_mac(&key->form, ring->hmac, master, "mod_smartlaunch form", err);
    }
    sl_secret_wipe(seal, sizeof(seal));
    sl_secret_wipe(check, sizeof(check));
    return rc;
}

static bool is_key_id(const char *id, apr_size_t len)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return len >= 1 && len <= 32 && strspn(id, allowed) >= len;
}

/* Decode the base64 of one line into 32 bytes. */
static bool decode_key(unsigned char out[SL_SHA256_LEN], const char *text, apr_size_t len,
                       apr_pool_t *p)
{
    char copy[KEY_CHARS + 1];
    unsigned char *bytes;
    apr_size_t n = 0;

    if (len != KEY_CHARS) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    bytes = sl_text_unbase64(p, copy, &n);
    sl_secret_wipe(copy, sizeof(copy));
    if (bytes == NULL || n != SL_SHA256_LEN) {
        return false;
    }
    memcpy(out, bytes, SL_SHA256_LEN);
    sl_secret_wipe(bytes, n);
    return true;
}

/* One line without its end: `id key`, any blanks around them. */
static sl_rc_t add_line(sl_keyring_t *ring, sl_bytes_t line, int number, apr_pool_t *p,
                        sl_err_t *err)
{
    const char *at = (const char *)line.bytes, *end = at + line.len, *id;
    unsigned char master[SL_SHA256_LEN];
    sl_keyring_key_t key = {0};
    sl_rc_t rc;

    for (; at < end && (*at == ' ' || *at == '\t'); at++) {
    }
    for (; end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'); end--) {
    }
    if (at == end || *at == '#') {
        return SL_OK;
    }
    for (id = at; at < end && *at != ' ' && *at != '\t'; at++) {
    }
    if (!is_key_id(id, (apr_size_t)(at - id))) {
        return sl_err_set(err, SL_INVALID, "SL1402",
                          "line %d: a key's id is 1 to 32 letters, digits, '.', '_' or '-'",
                          number);
    }
    key.id = apr_pstrmemdup(p, id, (apr_size_t)(at - id));
    for (; at < end && (*at == ' ' || *at == '\t'); at++) {
    }
    if (sl_keyring_has(ring, key.id) || ring->count == SL_KEYRING_MAX) {
        return sl_err_set(err, SL_INVALID, "SL1403", "line %d: %s", number,
                          sl_keyring_has(ring, key.id) ? "this id was there before"
                                                       : "more keys than the 16 allowed");
    }
    if (!decode_key(master, at, (apr_size_t)(end - at), p)) {
        return sl_err_set(err, SL_INVALID, "SL1404",
                          "line %d: a key is 32 random bytes in base64 (44 characters), "
                          "as `smartlaunchctl keyring new` prints it",
                          number);
    }
    key.spare = apr_pcalloc(p, SL_KEYRING_SPARE * sizeof(*key.spare));
    /* In its place first: what is half made is released with the ring, too. */
    ring->keys[ring->count++] = key;
    rc = derive_keys(&ring->keys[ring->count - 1], ring, master, p, err);
    sl_secret_wipe(master, sizeof(master));
    return rc;
}

static sl_rc_t add_lines(sl_keyring_t *ring, const sl_secret_t *text, apr_pool_t *p, sl_err_t *err)
{
    const char *at = sl_secret_reveal(text);
    const char *end = at + sl_secret_len(text);

    for (int number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        sl_bytes_t line = {(const unsigned char *)at,
                           (apr_size_t)((stop == NULL ? end : stop) - at)};
        sl_rc_t rc = add_line(ring, line, number, p, err);

        if (rc != SL_OK) {
            return rc;
        }
        at = stop == NULL ? end : stop + 1;
    }
    return ring->count > 0 ? SL_OK : sl_err_set(err, SL_INVALID, "SL1405", "there is no key in it");
}

sl_rc_t sl_keyring_parse(sl_keyring_t **out, const sl_secret_t *text, apr_pool_t *p, sl_err_t *err)
{
    sl_keyring_t *ring = apr_pcalloc(p, sizeof(*ring));
    sl_rc_t rc;

    apr_pool_cleanup_register(p, ring, release, apr_pool_cleanup_null);
    ring->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    ring->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (ring->hmac == NULL || ring->gcm == NULL) {
        return sl_err_set(err, SL_FAILED, "SL1406", "OpenSSL has no HMAC or no AES-256-GCM");
    }
    if (text == NULL) {
        return sl_err_set(err, SL_INVALID, "SL1407", "there is no key ring");
    }
    rc = add_lines(ring, text, p, err);
    if (rc == SL_OK) {
        *out = ring;
    }
    return rc;
}

const char *sl_keyring_active(const sl_keyring_t *ring)
{
    return ring->keys[0].id;
}

const char *sl_keyring_names(const sl_keyring_t *ring, apr_pool_t *p)
{
    const char *names = ring->keys[0].id;

    for (int i = 1; i < ring->count; i++) {
        names = apr_pstrcat(p, names, " ", ring->keys[i].id, NULL);
    }
    return names;
}

const sl_keyring_key_t *sl_keyring_key(const sl_keyring_t *ring, const char *key_id)
{
    for (int i = 0; key_id != NULL && i < ring->count; i++) {
        if (strcmp(ring->keys[i].id, key_id) == 0) {
            return &ring->keys[i];
        }
    }
    return NULL;
}

bool sl_keyring_has(const sl_keyring_t *ring, const char *key_id)
{
    return sl_keyring_key(ring, key_id) != NULL;
}

void sl_keyring_hmac(const EVP_MAC_CTX *keyed, const sl_bytes_t parts[2],
                     unsigned char out[SL_SHA256_LEN])
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(keyed);
    size_t n = 0;

    if (ctx == NULL || EVP_MAC_update(ctx, parts[0].bytes, parts[0].len) != 1 ||
        EVP_MAC_update(ctx, parts[1].bytes, parts[1].len) != 1 ||
        EVP_MAC_final(ctx, out, &n, SL_SHA256_LEN) != 1 || n != SL_SHA256_LEN) {
        abort();
    }
    EVP_MAC_CTX_free(ctx);
}
