/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_prove.h"
#include "base/sl_digest.h"
#include "base/sl_text.h"
#include "smart/sl_assertion.h"

#define JTI_LEN 16 /* 128 bits: never the same twice, over all workers, hosts and restarts */

sl_rc_t sl_prove_client(const sl_secret_t **assertion, const sl_ehr_t *ehr, const sl_prove_t *prove,
                        apr_pool_t *p, sl_err_t *err)
{
    sl_assertion_t says = {ehr->client_id, prove->audience, NULL, apr_time_now()};
    unsigned char random[JTI_LEN];
    const sl_signer_t *key;
    sl_rc_t rc;

    *assertion = NULL;
    if (ehr->auth != SL_CLIENT_KEY) {
        return SL_OK;
    }
    key = sl_assertion_key(ehr, prove->algs);
    if (key == NULL) {
        return sl_err_set(err, SL_FAILED, "SL4721", "EHR %s has no SmartClientKey", ehr->name);
    }
    rc = sl_digest_random(random, sizeof(random), err);
    if (rc == SL_OK) {
        says.jti = sl_text_base64url(p, random, sizeof(random));
        rc = sl_signer_jwt(assertion, key, sl_assertion_claims(&says, p), p, err);
    }
    return rc;
}
