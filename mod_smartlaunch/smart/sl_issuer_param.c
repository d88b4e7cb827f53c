/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_issuer_param.h"
#include "smart/sl_url.h"

#include <string.h>

bool sl_issuer_is_elsewhere(const char *issuer, const char *token_endpoint, apr_pool_t *tmp)
{
    const char *one = sl_url_origin(tmp, issuer);
    const char *other = sl_url_origin(tmp, token_endpoint);

    return one == NULL || other == NULL || strcmp(one, other) != 0;
}

sl_rc_t sl_issuer_param_check(const sl_issuer_param_t *expected, const char *received,
                              apr_pool_t *tmp, sl_err_t *err)
{
    if (received == NULL) {
        return expected->is_advertised
                   ? sl_err_set(err, SL_DENIED, "SL2031",
                                "the answer has no iss, which this EHR promises to send")
                   : SL_OK;
    }
    if (expected->issuer == NULL) {
        /* RFC 9207 lets us discard what nobody promised. But where several EHRs answer, one could
         * keep its issuer to itself and be sent the code of another. */
        return expected->is_shared &&
                       sl_issuer_is_elsewhere(received, expected->token_endpoint, tmp)
                   ? sl_err_set(err, SL_DENIED, "SL2034",
                                "the answer comes from another host than the one that would get "
                                "its code, and the issuer of this EHR is not known")
                   : SL_OK;
    }
    if (strcmp(expected->issuer, received) != 0) {
        return sl_err_set(err, SL_DENIED, "SL2033",
                          "the answer comes from another issuer than the one we asked");
    }
    return SL_OK;
}
