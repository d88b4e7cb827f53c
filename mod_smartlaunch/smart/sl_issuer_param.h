/* SPDX-License-Identifier: Apache-2.0 */
/** The `iss` of an authorization response (RFC 9207; CBK-7, SEC-1). */
#ifndef SL_ISSUER_PARAM_H
#define SL_ISSUER_PARAM_H

#include "base/sl_rc.h"

typedef struct {
    const char *issuer; /* of the authorization server this launch went to; NULL: not known */
    bool is_advertised; /* authorization_response_iss_parameter_supported */
} sl_issuer_param_t;

/**
 * Does the answer come from the server we asked? Plain string comparison, for errors as well.
 * SL_DENIED: another issuer; missing though advertised. One that nobody promised, of a server whose
 * issuer is not known (stored endpoints), is discarded.
 * @param received NULL when the answer had no iss
 */
SL_MUST_USE sl_rc_t sl_issuer_param_check(const sl_issuer_param_t *expected, const char *received,
                                          sl_err_t *err);

#endif
