/* SPDX-License-Identifier: Apache-2.0 */
/* One public key: it fits at most the algorithms of its type, and believes no invented signature.
 */
#include "base/sl_jwk.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const sl_alg_t algs[] = {SL_ALG_NONE, SL_ALG_RS256, SL_ALG_RS384, SL_ALG_ES256,
                                    SL_ALG_ES384};
    static const apr_size_t lengths[] = {0, 64, 96, 256, 384, 512};
    static const unsigned char signature[512] = {1};
    apr_pool_t *p = fuzz_pool();
    sl_json_t *json;
    sl_jwk_t *key;

    if (sl_json_parse(&json, (const char *)data, size, p, NULL) == SL_OK &&
        sl_jwk_parse(&key, json, p, NULL) == SL_OK) {
        PROMISE(!sl_jwk_fits(key, SL_ALG_NONE));
        (void)sl_jwk_kid(key);
        for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
            for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
                sl_signed_t message = {algs[i], "a.b", 3, signature, lengths[j]};

                PROMISE(sl_jwk_verify(key, &message, p, NULL) == SL_DENIED);
            }
        }
    }
    apr_pool_destroy(p);
    return 0;
}
