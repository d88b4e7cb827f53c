/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_signer.h"

#include "base/sl_digest.h"
#include "base/sl_signer_key.h"
#include "base/sl_text.h"
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <string.h>

struct sl_signer {
    sl_signer_key_t key;
    const char *kid;
    sl_alg_t alg;
    const char *shown; /* the public half, as JWK */
};

typedef struct {
    unsigned char bytes[SL_SIGNER_RSA_BYTES];
    apr_size_t len;
} signature_t;

static const char *alg_name(sl_alg_t alg)
{
    return alg == SL_ALG_RS384 ? "RS384" : "ES384";
}

/* RFC 7638: the members that make the key, in alphabetical order, hashed. */
static const char *thumbprint(const sl_json_t *shown, apr_pool_t *p)
{
    static const char *const members[] = {"crv", "e", "kty", "n", "x", "y"};
    unsigned char hash[SL_SHA256_LEN];
    sl_json_t *json = sl_json_object(p);
    const char *text;

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *value = sl_json_str(shown, members[i]);

        if (value != NULL) {
            sl_json_put_str(json, members[i], value);
        }
    }
    text = sl_json_text(p, json);
    sl_digest_sha256(text, strlen(text), hash);
    return sl_text_base64url(p, hash, sizeof(hash));
}

/* OpenSSL gives r and s in DER; JOSE wants them side by side, each with its leading zeros. */
static bool to_raw(signature_t *signature)
{
    const unsigned char *der = signature->bytes;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)signature->len);
    unsigned char raw[2 * SL_SIGNER_EC_BYTES];
    bool done =
        pair != NULL &&
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, SL_SIGNER_EC_BYTES) == SL_SIGNER_EC_BYTES &&
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + SL_SIGNER_EC_BYTES, SL_SIGNER_EC_BYTES) ==
            SL_SIGNER_EC_BYTES;

    ECDSA_SIG_free(pair);
    if (done) {
        memcpy(signature->bytes, raw, sizeof(raw));
        signature->len = sizeof(raw);
    }
    return done;
}

static sl_rc_t sign(signature_t *out, const sl_signer_t *signer, const char *input, sl_err_t *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done;

    out->len = sizeof(out->bytes);
    done = ctx != NULL &&
           EVP_DigestSignInit_ex(ctx, NULL, "SHA384", NULL, NULL, signer->key.key, NULL) == 1 &&
           EVP_DigestSign(ctx, out->bytes, &out->len, (const unsigned char *)input,
                          strlen(input)) == 1 &&
           (signer->key.is_rsa || to_raw(out));
    EVP_MD_CTX_free(ctx);
    return done ? SL_OK : sl_err_set(err, SL_FAILED, "SL1635", "OpenSSL gave no signature");
}

/* What is signed: RFC 7515 section 5.1. */
static const char *signing_input(const sl_json_t *header, const sl_json_t *claims, apr_pool_t *p)
{
    const char *head = sl_json_text(p, header), *body = sl_json_text(p, claims);

    return apr_pstrcat(p, sl_text_base64url(p, head, strlen(head)), ".",
                       sl_text_base64url(p, body, strlen(body)), NULL);
}

static const sl_secret_t *compact(const char *input, const unsigned char *signature, apr_size_t len,
                                  apr_pool_t *p)
{
    char *tail = sl_text_base64url(p, signature, len);
    apr_size_t input_len = strlen(input), tail_len = strlen(tail);
    char *room;
    const sl_secret_t *jwt = sl_secret_room(p, input_len + 1 + tail_len, &room);

    memcpy(room, input, input_len);
    room[input_len] = '.';
    memcpy(room + input_len + 1, tail, tail_len);
    sl_secret_wipe(tail, tail_len);
    return jwt;
}

/* Whoever verifies by what we publish must agree with what we sign: a JWK may contradict itself. */
static sl_rc_t try_out(const sl_signer_t *signer, const sl_json_t *jwk, apr_pool_t *p,
                       sl_err_t *err)
{
    static const char input[] = "try";
    signature_t signature;
    sl_signed_t message = {signer->alg, input, sizeof(input) - 1, signature.bytes, 0};
    sl_jwk_t *shown = NULL;
    sl_rc_t rc = sl_jwk_parse(&shown, jwk, p, err);

    if (rc == SL_OK) {
        rc = sign(&signature, signer, input, err);
    }
    if (rc == SL_OK) {
        message.signature_len = signature.len;
        rc = sl_jwk_verify(shown, &message, p, err);
    }
    return rc == SL_OK ? rc
                       : sl_err_set(err, SL_INVALID, "SL1636",
                                    "its private and its public half do not belong together");
}

static sl_rc_t choose_alg(sl_signer_t *signer, sl_alg_t wanted, sl_err_t *err)
{
    sl_alg_t fits = signer->key.is_rsa ? SL_ALG_RS384 : SL_ALG_ES384;

    signer->alg = fits;
    if (wanted != SL_ALG_NONE && wanted != fits) {
        return sl_err_set(err, SL_INVALID, "SL1637", "this key signs by %s, and nothing else",
                          alg_name(fits));
    }
    if (signer->key.alg != NULL && strcmp(signer->key.alg, alg_name(fits)) != 0) {
        return sl_err_set(err, SL_INVALID, "SL1638",
                          "the JWK says that it is for another algorithm than %s", alg_name(fits));
    }
    return SL_OK;
}

sl_rc_t sl_signer_parse(sl_signer_t **out, const sl_secret_t *text, const char *kid, sl_alg_t alg,
                        apr_pool_t *p, sl_err_t *err)
{
    sl_signer_t *signer = apr_pcalloc(p, sizeof(*signer));
    sl_json_t *jwk = NULL;
    sl_rc_t rc = sl_signer_key_read(&signer->key, text, p, err);

    if (rc == SL_OK) {
        rc = choose_alg(signer, alg, err);
    }
    if (rc == SL_OK) {
        rc = sl_signer_key_public(&jwk, &signer->key, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    signer->kid = kid != NULL ? apr_pstrdup(p, kid) : signer->key.kid;
    if (signer->kid == NULL) {
        signer->kid = thumbprint(jwk, p);
    }
    sl_json_put_str(jwk, "kid", signer->kid);
    sl_json_put_str(jwk, "alg", alg_name(signer->alg));
    sl_json_put_str(jwk, "use", "sig");
    signer->shown = sl_json_text(p, jwk);
    rc = try_out(signer, jwk, p, err);
    if (rc == SL_OK) {
        *out = signer;
    }
    return rc;
}

const char *sl_signer_kid(const sl_signer_t *signer)
{
    return signer->kid;
}

sl_alg_t sl_signer_alg(const sl_signer_t *signer)
{
    return signer->alg;
}

const char *sl_signer_public(const sl_signer_t *signer)
{
    return signer->shown;
}

sl_rc_t sl_signer_jwt(const sl_secret_t **out, const sl_signer_t *signer, const sl_json_t *claims,
                      apr_pool_t *p, sl_err_t *err)
{
    sl_json_t *header = sl_json_object(p);
    signature_t signature;
    const char *input;
    sl_rc_t rc;

    sl_json_put_str(header, "alg", alg_name(signer->alg));
    sl_json_put_str(header, "kid", signer->kid);
    sl_json_put_str(header, "typ", "JWT");
    input = signing_input(header, claims, p);
    rc = sign(&signature, signer, input, err);
    if (rc == SL_OK) {
        *out = compact(input, signature.bytes, signature.len, p);
    }
    return rc;
}

sl_rc_t sl_signer_hs256(const sl_secret_t **out, const sl_secret_t *secret, const sl_json_t *claims,
                        apr_pool_t *p, sl_err_t *err)
{
    sl_json_t *header = sl_json_object(p);
    unsigned char mac[SL_SHA256_LEN];
    const char *input;

    if (sl_secret_len(secret) == 0) {
        return sl_err_set(err, SL_FAILED, "SL1639", "there is no secret to sign with");
    }
    sl_json_put_str(header, "alg", "HS256");
    sl_json_put_str(header, "typ", "JWT");
    input = signing_input(header, claims, p);
    sl_digest_hmac((const unsigned char *)sl_secret_reveal(secret), sl_secret_len(secret), input,
                   strlen(input), mac);
    *out = compact(input, mac, sizeof(mac), p);
    sl_secret_wipe(mac, sizeof(mac));
    return SL_OK;
}
