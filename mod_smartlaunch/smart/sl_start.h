/* SPDX-License-Identifier: Apache-2.0 */
/**
 * <redirect>/start: what a standalone launch is asked for (LCH-4, AZR-13). The EHR is named as it
 * is configured, never by URL; the way back is a path of our own site. Pure.
 */
#ifndef SL_START_H
#define SL_START_H

#include "smart/sl_bind.h"
#include "smart/sl_ehr.h"
#include "smart/sl_params.h"

typedef struct {
    const char *ehr;       /* name of a <SmartEHR>; NULL: not said */
    const char *return_to; /* path and query without a launch handle; NULL: not said */
} sl_start_t;

/**
 * Read `ehr` and `return`. SL_INVALID: one of them is repeated or empty, or `return` is no path of
 * our own site (sl_url_is_return_path). All other parameters are ignored.
 */
SL_MUST_USE sl_rc_t sl_start_read(sl_start_t *out, const sl_params_t *params, apr_pool_t *p,
                                  sl_err_t *err);

/**
 * The EHR of this name among those that are served (const sl_ehr_t *); without a name the only one
 * with a SmartStandaloneScope. SL_OK with `out` NULL: there are several, the user has to say.
 * SL_UNKNOWN_EHR: none is called so. SL_DENIED: no standalone launch there, or anywhere.
 */
SL_MUST_USE sl_rc_t sl_start_ehr(const sl_ehr_t **out, const apr_array_header_t *ehrs,
                                 const char *name, sl_err_t *err);

/**
 * Which app user asks: of the live launch or session that the request names (URL, header, page it
 * comes from), else of all that are live in this browser, if it is one user. NULL: not known. A
 * launch that is not linked knows no app user.
 */
const char *sl_start_user(const sl_bind_request_t *request, const sl_bind_launch_t *launches,
                          int count);

/** "<redirect_uri>/start?ehr=…&return=…", every value percent-encoded; either may be NULL. */
const char *sl_start_address(apr_pool_t *p, const char *redirect_uri, const sl_start_t *start);

#endif
