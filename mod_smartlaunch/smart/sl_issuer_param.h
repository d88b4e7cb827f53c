/* SPDX-License-Identifier: Apache-2.0 */
/** The `iss` of an authorization response, and who may claim it (RFC 9207; CBK-7, SEC-1). */
#ifndef SL_ISSUER_PARAM_H
#define SL_ISSUER_PARAM_H

#include "base/sl_rc.h"
#include <apr_pools.h>

typedef struct {
    const char *issuer; /* of the authorization server this launch went to; NULL: not known */
    bool is_advertised; /* authorization_response_iss_parameter_supported */
    const char *token_endpoint; /* which gets the code */
    bool is_shared;             /* answers of other EHRs come to the same Redirect URL */
} sl_issuer_param_t;

/** Is this issuer on another host than the endpoint that gets the code? */
bool sl_issuer_is_elsewhere(const char *issuer, const char *token_endpoint, apr_pool_t *tmp);

/**
 * Does the answer come from the server we asked? Plain string comparison, for errors as well.
 * SL_DENIED: another issuer; missing though advertised. One that nobody promised, of a server whose
 * issuer is not known (stored endpoints, or it named none), is discarded, unless the Redirect URL
 * is shared: then it must be on the host that gets the code.
 * @param received NULL when the answer had no iss
 */
SL_MUST_USE sl_rc_t sl_issuer_param_check(const sl_issuer_param_t *expected, const char *received,
                                          apr_pool_t *tmp, sl_err_t *err);

#endif
