/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_verify.h"
#include "flow/sl_discover.h"
#include "smart/sl_id_token.h"

/** Fetch the keys when they are missing, and once more when the kid is new (IDT-4). */
sl_rc_t sl_verify_id_token(sl_json_t **claims, const sl_runtime_t *rt, const sl_verify_t *by,
                           const sl_secret_t *id_token, sl_trace_t *trace, sl_err_t *err)
{
    sl_endpoints_t endpoints = {0};
    sl_id_token_expect_t expect = {0};
    sl_jwks_t *keys = NULL;
    apr_time_t asked = apr_time_now();
    sl_rc_t rc;

    endpoints.issuer = by->issuer;
    endpoints.jwks = by->jwks;
    sl_discover_issuer(&endpoints, rt, by->ehr, trace);
    expect.issuer = sl_discovery_issuer(&endpoints, by->ehr);
    expect.client_id = by->ehr->client_id;
    expect.now = asked;
    rc = sl_id_token_verify(claims, id_token, &expect, trace->p, err);
    for (int i = 0; i < 2 && rc == SL_NONE; i++) {
        rc = sl_discover_keys(&keys, rt, by->ehr, &endpoints, i == 0 ? 0 : asked, trace, err);
        if (rc != SL_OK) {
            return rc;
        }
        expect.keys = keys;
        rc = sl_id_token_verify(claims, id_token, &expect, trace->p, err);
    }
    if (rc == SL_NONE) {
        rc = err->rc = SL_UPSTREAM;
    }
    return rc;
}
