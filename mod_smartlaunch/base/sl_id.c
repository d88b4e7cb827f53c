/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_keyring_key.h"

#include "base/sl_text.h"
#include <openssl/crypto.h>
#include <string.h>

#define RANDOM_LEN 16
#define CHECK_LEN 8
#define ID_LEN (RANDOM_LEN + CHECK_LEN)

/* What goes in front of the bytes of each kind. */
static sl_bytes_t kind_mark(sl_id_kind_t kind)
{
    static const unsigned char marks[] = {'B', 'H', 'S', 'T', 'F', 'W'};
    sl_bytes_t mark = {&marks[kind], 1};

    return mark;
}

/* Put the check value behind the first RANDOM_LEN bytes. This is done for every request with a
 * cookie, so it is SipHash: HMAC by OpenSSL takes thirty times as long for so few bytes. */
static void add_check(unsigned char id[ID_LEN], const sl_keyring_key_t *key, sl_id_kind_t kind)
{
    unsigned char text[1 + RANDOM_LEN];
    uint64_t value;

    text[0] = kind_mark(kind).bytes[0];
    memcpy(text + 1, id, RANDOM_LEN);
    value = sl_siphash(key->check, text, sizeof(text));
    for (int i = 0; i < CHECK_LEN; i++) {
        id[RANDOM_LEN + i] = (unsigned char)(value >> 8 * i);
    }
}

sl_rc_t sl_id_new(const char **out, const sl_keyring_t *ring, sl_id_kind_t kind, apr_pool_t *p,
                  sl_err_t *err)
{
    unsigned char id[ID_LEN];
    sl_rc_t rc = sl_digest_random(id, RANDOM_LEN, err);

    if (rc == SL_OK) {
        add_check(id, &ring->keys[0], kind);
        *out = sl_text_base64url(p, id, sizeof(id));
    }
    return rc;
}

sl_rc_t sl_id_derive(const char **out, const sl_keyring_t *ring, const char *key_id,
                     sl_id_kind_t kind, const char *seed, apr_pool_t *p)
{
    const sl_keyring_key_t *key = sl_keyring_key(ring, key_id);
    sl_bytes_t parts[2] = {kind_mark(kind), {(const unsigned char *)seed, strlen(seed)}};
    unsigned char mac[SL_SHA256_LEN];

    if (key == NULL) {
        return SL_NONE;
    }
    sl_keyring_hmac(key->derive, parts, mac);
    add_check(mac, key, kind);
    *out = sl_text_base64url(p, mac, ID_LEN);
    sl_secret_wipe(mac, sizeof(mac));
    return SL_OK;
}

/* clang-format off */
/** What each character of base64url is worth; NO: it is none. */
#define NO 64
static const unsigned char values[128] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, NO,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO,
    NO,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, 63,
    NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
};
/* clang-format on */

static unsigned value_of(char c)
{
    return (unsigned char)c < sizeof(values) ? values[(unsigned char)c] : NO;
}

/* 32 characters of base64url into 24 bytes, without a pool: this runs for forged ids, too. */
static bool decode(unsigned char id[ID_LEN], const char *text)
{
    for (int i = 0; i < SL_ID_CHARS; i += 4) {
        unsigned long group = 0;

        for (int j = 0; j < 4; j++) {
            /* The NUL of a short text has no value: it stops here. */
            unsigned value = value_of(text[i + j]);

            if (value == NO) {
                return false;
            }
            group = group << 6 | value;
        }
        *id++ = (unsigned char)(group >> 16);
        *id++ = (unsigned char)(group >> 8 & 0xff);
        *id++ = (unsigned char)(group & 0xff);
    }
    return text[SL_ID_CHARS] == '\0';
}

bool sl_id_is_ours(const sl_keyring_t *ring, sl_id_kind_t kind, const char *text)
{
    unsigned char id[ID_LEN], wanted[ID_LEN];

    if (text == NULL || !decode(id, text)) {
        return false;
    }
    memcpy(wanted, id, RANDOM_LEN);
    for (int i = 0; i < ring->count; i++) {
        add_check(wanted, &ring->keys[i], kind);
        if (CRYPTO_memcmp(wanted, id, ID_LEN) == 0) {
            return true;
        }
    }
    return false;
}

void sl_id_print(const char *id, unsigned char out[SL_SHA256_LEN])
{
    sl_digest_sha256(id, strlen(id), out);
}

/* The parts in one run, each behind its length, so that no two lists give the same bytes. */
static sl_bytes_t frame(const char *const *parts, apr_pool_t *p)
{
    sl_bytes_t run = {NULL, 0};
    unsigned char *at;
    apr_size_t len = 0;

    for (int i = 0; parts[i] != NULL; i++) {
        len += 8 + strlen(parts[i]);
    }
    at = apr_palloc(p, len + 1);
    run.bytes = at;
    run.len = len;
    for (int i = 0; parts[i] != NULL; i++) {
        apr_size_t n = strlen(parts[i]);

        for (int shift = 56; shift >= 0; shift -= 8) {
            *at++ = (unsigned char)(n >> shift);
        }
        memcpy(at, parts[i], n);
        at += n;
    }
    return run;
}

static const char *mac_text(const sl_keyring_key_t *key, sl_bytes_t run, apr_pool_t *p)
{
    sl_bytes_t both[2] = {{(const unsigned char *)"", 0}, run};
    unsigned char mac[SL_SHA256_LEN];

    sl_keyring_hmac(key->form, both, mac);
    return sl_text_base64url(p, mac, sizeof(mac));
}

const char *sl_keyring_mac(const sl_keyring_t *ring, const char *const *parts, apr_pool_t *p)
{
    return mac_text(&ring->keys[0], frame(parts, p), p);
}

bool sl_keyring_is_mac(const sl_keyring_t *ring, const char *const *parts, const char *mac,
                       apr_pool_t *tmp)
{
    sl_bytes_t run = frame(parts, tmp);

    for (int i = 0; i < ring->count; i++) {
        if (sl_secret_text_eq(mac_text(&ring->keys[i], run, tmp), mac)) {
            return true;
        }
    }
    return false;
}
