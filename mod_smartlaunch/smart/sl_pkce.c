/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_pkce.h"

#include "base/sl_digest.h"
#include "base/sl_text.h"
#include <string.h>

sl_secret_t *sl_pkce_verifier(apr_pool_t *p, const unsigned char random[SL_PKCE_RANDOM_LEN])
{
    char *text = sl_text_base64url(p, random, SL_PKCE_RANDOM_LEN);
    sl_secret_t *verifier = sl_secret_str(p, text);

    sl_secret_wipe(text, strlen(text));
    return verifier;
}

const char *sl_pkce_challenge(apr_pool_t *p, const sl_secret_t *verifier)
{
    unsigned char digest[SL_SHA256_LEN];

    sl_digest_sha256(sl_secret_reveal(verifier), sl_secret_len(verifier), digest);
    return sl_text_base64url(p, digest, sizeof(digest));
}
