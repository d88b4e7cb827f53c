/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_issuer_param.h"

#include <string.h>

sl_rc_t sl_issuer_param_check(const sl_issuer_param_t *expected, const char *received,
                              sl_err_t *err)
{
    if (received == NULL) {
        return expected->is_advertised
                   ? sl_err_set(err, SL_DENIED, "SL2031",
                                "the answer has no iss, which this EHR promises to send")
                   : SL_OK;
    }
    if (expected->issuer == NULL) {
        /* Stored endpoints without their issuer: RFC 9207 lets us discard what nobody promised. */
        return SL_OK;
    }
    if (strcmp(expected->issuer, received) != 0) {
        return sl_err_set(err, SL_DENIED, "SL2033",
                          "the answer comes from another issuer than the one we asked");
    }
    return SL_OK;
}
