/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_secret.h"

#include <openssl/crypto.h>
#include <string.h>

struct sl_secret {
    apr_size_t len;
    char *bytes; /* len + 1, NUL-terminated */
};

static apr_status_t forget(void *data)
{
    sl_secret_t *secret = data;

    OPENSSL_cleanse(secret->bytes, secret->len);
    secret->len = 0;
    return APR_SUCCESS;
}

sl_secret_t *sl_secret_room(apr_pool_t *p, apr_size_t len, char **bytes)
{
    sl_secret_t *secret = apr_palloc(p, sizeof(*secret));

    secret->len = len;
    secret->bytes = *bytes = apr_palloc(p, len + 1);
    secret->bytes[len] = '\0';
    apr_pool_cleanup_register(p, secret, forget, apr_pool_cleanup_null);
    return secret;
}

sl_secret_t *sl_secret_new(apr_pool_t *p, const void *bytes, apr_size_t len)
{
    char *room;
    sl_secret_t *secret = sl_secret_room(p, len, &room);

    if (len > 0) {
        memcpy(room, bytes, len);
    }
    return secret;
}

sl_secret_t *sl_secret_str(apr_pool_t *p, const char *text)
{
    return text == NULL ? NULL : sl_secret_new(p, text, strlen(text));
}

sl_secret_t *sl_secret_bearer(apr_pool_t *p, const sl_secret_t *token)
{
    static const char scheme[] = "Bearer ";
    const apr_size_t len = sizeof(scheme) - 1;
    char *room;
    sl_secret_t *value = sl_secret_room(p, len + token->len, &room);

    memcpy(room, scheme, len);
    memcpy(room + len, token->bytes, token->len);
    return value;
}

const char *sl_secret_reveal(const sl_secret_t *secret)
{
    return secret->bytes;
}

apr_size_t sl_secret_len(const sl_secret_t *secret)
{
    return secret == NULL ? 0 : secret->len;
}

static bool same(const void *a, apr_size_t alen, const void *b, apr_size_t blen)
{
    return alen > 0 && alen == blen && CRYPTO_memcmp(a, b, alen) == 0;
}

bool sl_secret_eq(const sl_secret_t *a, const sl_secret_t *b)
{
    return a != NULL && b != NULL && same(a->bytes, a->len, b->bytes, b->len);
}

bool sl_secret_text_eq(const char *a, const char *b)
{
    return a != NULL && b != NULL && same(a, strlen(a), b, strlen(b));
}

void sl_secret_wipe(void *bytes, apr_size_t len)
{
    OPENSSL_cleanse(bytes, len);
}
