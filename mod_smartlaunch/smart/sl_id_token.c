/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_id_token.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <string.h>

#define OLDEST 86400 /* seconds since iat: older tokens were not made for this launch */

/* The three parts of a compact JWS (RFC 7515 section 3.1). */
typedef struct {
    sl_json_t *header;
    sl_json_t *claims;
    sl_alg_t alg;
    const char *kid;
    sl_signed_t message;
} jws_t;

static sl_json_t *read_part(const char *text, apr_size_t len, apr_pool_t *p)
{
    apr_size_t size;
    unsigned char *bytes = sl_text_unbase64url(p, text, len, &size);
    sl_json_t *object;

    if (bytes == NULL || sl_json_parse(&object, (const char *)bytes, size, p, NULL) != SL_OK) {
        return NULL;
    }
    return object;
}

static sl_rc_t split(jws_t *out, const sl_secret_t *token, apr_pool_t *p, sl_err_t *err)
{
    const char *text = sl_secret_len(token) == 0 ? "" : sl_secret_reveal(token);
    const char *first = strchr(text, '.');
    const char *second = first == NULL ? NULL : strchr(first + 1, '.');

    if (second == NULL || strchr(second + 1, '.') != NULL || strlen(text) > SL_ID_TOKEN_MAX_BYTES ||
        strlen(text) != sl_secret_len(token)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2321", "the id_token is no signed JWT");
    }
    memset(out, 0, sizeof(*out));
    out->header = read_part(text, (apr_size_t)(first - text), p);
    out->claims = read_part(first + 1, (apr_size_t)(second - first - 1), p);
    out->message.input = text;
    out->message.input_len = (apr_size_t)(second - text);
    out->message.signature =
        sl_text_unbase64url(p, second + 1, strlen(second + 1), &out->message.signature_len);
    if (out->header == NULL || out->claims == NULL || out->message.signature == NULL) {
        return sl_err_set(err, SL_UPSTREAM, "SL2322", "the id_token is malformed");
    }
    return SL_OK;
}

/* Nothing in the header is believed but which algorithm and which of the issuer's own keys. */
static sl_rc_t read_header(jws_t *jws, sl_err_t *err)
{
    jws->alg = sl_alg_of(sl_json_str(jws->header, "alg"));
    jws->kid = sl_json_str(jws->header, "kid");
    jws->message.alg = jws->alg;
    if (jws->alg == SL_ALG_NONE) {
        return sl_err_set(err, SL_UPSTREAM, "SL2323",
                          "the id_token's algorithm is none of RS256, RS384, ES256, ES384");
    }
    if (sl_json_get(jws->header, "crit") != NULL ||
        (jws->kid == NULL && sl_json_get(jws->header, "kid") != NULL)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2324",
                          "the id_token's header has crit, or a kid that is no text");
    }
    return SL_OK;
}

/* A NumericDate (RFC 7519 section 2) in whole seconds; 0 when missing or no number. */
static int64_t date_of(const sl_json_t *claims, const char *name)
{
    const sl_json_t *value = sl_json_get(claims, name);
    double number;

    if (json_object_is_type(value, json_type_int)) {
        return json_object_get_int64(value);
    }
    if (!json_object_is_type(value, json_type_double)) {
        return 0;
    }
    number = json_object_get_double(value);
    return number > 0 && number < 1e15 ? (int64_t)number : 0;
}

static sl_rc_t check_dates(const sl_json_t *claims, apr_time_t at, sl_err_t *err)
{
    int64_t now = apr_time_sec(at);
    int64_t expires = date_of(claims, "exp");
    int64_t issued = date_of(claims, "iat");

    if (expires <= 0 || now - SL_ID_TOKEN_SKEW >= expires) {
        return sl_err_set(err, SL_UPSTREAM, "SL2325", "the id_token has expired or has no exp");
    }
    if (issued <= 0 || issued > now + SL_ID_TOKEN_SKEW || issued < now - OLDEST) {
        return sl_err_set(err, SL_UPSTREAM, "SL2326",
                          "the id_token's iat is missing, in the future or long past; compare the "
                          "clocks");
    }
    if (sl_json_get(claims, "nbf") != NULL &&
        (date_of(claims, "nbf") <= 0 || date_of(claims, "nbf") > now + SL_ID_TOKEN_SKEW)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2327",
                          "the id_token is not valid yet; compare the clocks");
    }
    return SL_OK;
}

static bool is_client(const sl_json_t *value, const char *client_id)
{
    return json_object_is_type(value, json_type_string) &&
           strlen(client_id) == (size_t)json_object_get_string_len(value) &&
           strcmp(json_object_get_string((sl_json_t *)value), client_id) == 0;
}

/* Ours, and nobody else's: another audience could play the token on to us. */
static bool is_audience(const sl_json_t *aud, const char *client_id)
{
    apr_size_t count;

    if (!json_object_is_type(aud, json_type_array)) {
        return is_client(aud, client_id);
    }
    count = json_object_array_length(aud);
    for (apr_size_t i = 0; i < count; i++) {
        if (!is_client(json_object_array_get_idx(aud, i), client_id)) {
            return false;
        }
    }
    return count > 0;
}

static sl_rc_t check_parties(const sl_json_t *claims, const sl_id_token_expect_t *expect,
                             sl_err_t *err)
{
    const char *iss = sl_json_str(claims, "iss");
    const sl_json_t *azp = sl_json_get(claims, "azp");

    if (iss == NULL || strcmp(iss, expect->issuer) != 0) {
        return sl_err_set(err, SL_UPSTREAM, "SL2328",
                          "the id_token comes from another issuer than the EHR's");
    }
    if (!is_audience(sl_json_get(claims, "aud"), expect->client_id)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2329", "the id_token's aud is not us alone");
    }
    if (azp != NULL && !is_client(azp, expect->client_id)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2330", "the id_token's azp is not us");
    }
    if (!sl_text_is_header_safe(sl_json_str(claims, "sub"), 255)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2331",
                          "the id_token's sub is missing, too long or not ASCII");
    }
    if (expect->nonce != NULL && !sl_secret_text_eq(sl_json_str(claims, "nonce"), expect->nonce)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2332", "the id_token's nonce is not ours");
    }
    return SL_OK;
}

static sl_rc_t check_signature(const jws_t *jws, const sl_jwks_t *keys, apr_pool_t *p,
                               sl_err_t *err)
{
    const sl_jwk_t *key;
    sl_rc_t rc;

    if (keys == NULL) {
        return sl_err_set(err, SL_NONE, "SL2333", "the EHR's keys have not been fetched");
    }
    rc = sl_jwks_select(&key, keys, jws->kid, jws->alg, err);
    if (rc == SL_NONE) {
        return rc;
    }
    if (rc != SL_OK || sl_jwk_verify(key, &jws->message, p, NULL) != SL_OK) {
        /* Without a kid, nothing but this tells that the EHR has new keys. */
        return sl_err_set(err, jws->kid == NULL ? SL_NONE : SL_UPSTREAM, "SL2334",
                          "the id_token's signature is not by a key of the EHR");
    }
    return SL_OK;
}

sl_rc_t sl_id_token_verify(sl_json_t **claims, const sl_secret_t *token,
                           const sl_id_token_expect_t *expect, apr_pool_t *p, sl_err_t *err)
{
    jws_t jws;
    sl_rc_t rc = split(&jws, token, p, err);

    if (rc == SL_OK) {
        rc = read_header(&jws, err);
    }
    if (rc == SL_OK) {
        rc = check_parties(jws.claims, expect, err);
    }
    if (rc == SL_OK) {
        rc = check_dates(jws.claims, expect->now, err);
    }
    if (rc == SL_OK) {
        rc = check_signature(&jws, expect->keys, p, err);
    }
    if (rc == SL_OK) {
        *claims = jws.claims;
    }
    return rc;
}
