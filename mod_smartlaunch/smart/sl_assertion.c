/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_assertion.h"

static const sl_signer_t *fitting(const sl_ehr_t *ehr, unsigned algs)
{
    for (int i = 0; ehr->keys != NULL && i < ehr->keys->nelts; i++) {
        const sl_signer_t *key = APR_ARRAY_IDX(ehr->keys, i, const sl_signer_t *);

        if (algs == 0 || (algs & (1u << sl_signer_alg(key))) != 0) {
            return key;
        }
    }
    return NULL;
}

const sl_signer_t *sl_assertion_key(const sl_ehr_t *ehr, unsigned algs)
{
    const sl_signer_t *key = fitting(ehr, algs);

    return key != NULL ? key : fitting(ehr, 0);
}

bool sl_assertion_is_unfit(const sl_ehr_t *ehr, unsigned algs)
{
    return ehr->keys != NULL && ehr->keys->nelts > 0 && fitting(ehr, algs) == NULL;
}

const sl_json_t *sl_assertion_claims(const sl_assertion_t *assertion, apr_pool_t *p)
{
    sl_json_t *claims = sl_json_object(p);

    sl_json_put_str(claims, "iss", assertion->client_id);
    sl_json_put_str(claims, "sub", assertion->client_id);
    sl_json_put_str(claims, "aud", assertion->audience);
    sl_json_put_int(claims, "iat", apr_time_sec(assertion->now - SL_ASSERTION_BACK));
    sl_json_put_int(claims, "exp", apr_time_sec(assertion->now + SL_ASSERTION_LIFE));
    sl_json_put_str(claims, "jti", assertion->jti);
    return claims;
}
