/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The key ring of SmartKeyring: sealing at rest, and keyed names (ids).
 * Lines `id base64-of-32-bytes`; the first seals, all open. From each key come separate keys for
 * sealing, for id checks, for derived ids and for fingerprints (HKDF, design section 12 "Keys").
 */
#ifndef SL_KEYRING_H
#define SL_KEYRING_H

#include "base/sl_digest.h"
#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include <apr_pools.h>

typedef struct sl_keyring sl_keyring_t;

/** A run of bytes, owned by whoever made it. */
typedef struct {
    const unsigned char *bytes;
    apr_size_t len;
} sl_bytes_t;

/** Parse the text of a key ring file. Blank lines and `#` comments are allowed. SL_INVALID. */
SL_MUST_USE sl_rc_t sl_keyring_parse(sl_keyring_t **out, const sl_secret_t *text, apr_pool_t *p,
                                     sl_err_t *err);

/** Id of the key that seals now. */
const char *sl_keyring_active(const sl_keyring_t *ring);

/** Ids of all keys, in the order of the file, with blanks between. */
const char *sl_keyring_names(const sl_keyring_t *ring, apr_pool_t *p);

/** Is there a key of this id? */
bool sl_keyring_has(const sl_keyring_t *ring, const char *key_id);

/**
 * Seal with AES-256-GCM, a fresh nonce and the active key. `aad` (NULL-terminated list of texts;
 * table, column, row id and whatever else decides what the value opens) is bound in, each part
 * with its length. Result: version, nonce, tag and ciphertext in one run of bytes.
 */
SL_MUST_USE sl_rc_t sl_keyring_seal(sl_bytes_t *out, const sl_keyring_t *ring,
                                    const char *const *aad, const sl_secret_t *value, apr_pool_t *p,
                                    sl_err_t *err);

/** Open what sl_keyring_seal made with `key_id`. SL_DENIED: altered, moved, or the key is gone. */
typedef struct {
    const char *key_id;
    const char *const *aad;
    sl_bytes_t sealed;
} sl_sealed_t;
SL_MUST_USE sl_rc_t sl_keyring_open(sl_secret_t **out, const sl_keyring_t *ring,
                                    const sl_sealed_t *sealed, apr_pool_t *p, sl_err_t *err);

/** What an id names; ids of one kind never pass for another. */
typedef enum {
    SL_ID_BROWSER,
    SL_ID_HANDLE,
    SL_ID_SESSION,
    SL_ID_STATE,
    SL_ID_FORM,
    SL_ID_TICKET
} sl_id_kind_t;

#define SL_ID_CHARS 32 /* 16 bytes and their 8-byte check value in base64url */

/** A new id: 128 random bits and a keyed check value. */
SL_MUST_USE sl_rc_t sl_id_new(const char **out, const sl_keyring_t *ring, sl_id_kind_t kind,
                              apr_pool_t *p, sl_err_t *err);

/**
 * The id of this kind that belongs to `seed` (a row's random id): the same for the same key and
 * seed, unguessable without the key. SL_NONE when the ring has no `key_id`.
 */
SL_MUST_USE sl_rc_t sl_id_derive(const char **out, const sl_keyring_t *ring, const char *key_id,
                                 sl_id_kind_t kind, const char *seed, apr_pool_t *p);

/** Can `text` be one of ours? Checked with every key, no look-up. NULL is not. */
bool sl_id_is_ours(const sl_keyring_t *ring, sl_id_kind_t kind, const char *text);

/** The fingerprint under which an id is stored: SHA-256 of its text. */
void sl_id_print(const char *id, unsigned char out[SL_SHA256_LEN]);

/**
 * A keyed value for forms and the like: HMAC over the parts (NULL-terminated) in base64url, with
 * the active key. sl_keyring_is_mac accepts every key of the ring.
 */
const char *sl_keyring_mac(const sl_keyring_t *ring, const char *const *parts, apr_pool_t *p);
bool sl_keyring_is_mac(const sl_keyring_t *ring, const char *const *parts, const char *mac,
                       apr_pool_t *tmp);

#endif
