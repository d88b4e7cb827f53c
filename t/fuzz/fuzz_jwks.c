/* SPDX-License-Identifier: Apache-2.0 */
/* The key set of an EHR. */
#include "fuzz.h"
#include "smart/sl_jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const sl_alg_t algs[] = {SL_ALG_RS256, SL_ALG_RS384, SL_ALG_ES256, SL_ALG_ES384};
    apr_pool_t *p = fuzz_pool();
    sl_jwks_t *set;

    if (sl_jwks_parse(&set, (const char *)data, size, p, NULL) == SL_OK) {
        PROMISE(sl_jwks_count(set) <= SL_JWKS_MAX_KEYS);
        for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
            const sl_jwk_t *key = NULL;
            sl_rc_t rc = sl_jwks_select(&key, set, i % 2 == 0 ? NULL : "1", algs[i], NULL);

            PROMISE(rc == SL_OK || rc == SL_NONE || rc == SL_DENIED);
            PROMISE(rc != SL_OK || sl_jwk_fits(key, algs[i]));
        }
    }
    apr_pool_destroy(p);
    return 0;
}
