/* SPDX-License-Identifier: Apache-2.0 */
/** The first half of a launch: from the EHR's request to the authorize endpoint. */
#ifndef SL_BEGIN_H
#define SL_BEGIN_H

#include "flow/sl_runtime.h"
#include "flow/sl_trace.h"

typedef struct {
    const sl_site_t *site;
    const char *browser; /* value of our cookie, checked (sl_id_is_ours); NULL: none came */
    const char *network; /* of the client, for the bound on pending launches; NULL: none */
    apr_time_t now;

    /* of an EHR launch, as received */
    const char *iss;
    const char *launch; /* opaque */

    /* of a standalone launch, checked */
    const sl_ehr_t *ehr;
    const char *return_to; /* path of the app; NULL: SmartTarget */
    const char *app_user;  /* who asks, as the app said; NULL: not known */
} sl_begin_t;

typedef struct {
    const char *location;    /* where to send the browser */
    const char *new_browser; /* value for a new cookie; NULL: it has one */
} sl_begun_t;

/**
 * Start an EHR launch [LCH-*, AZR-*]: the issuer is one of ours, the transaction is stored, the
 * browser is sent to the EHR. SL_UNKNOWN_EHR: nothing was asked, nothing stored.
 */
SL_MUST_USE sl_rc_t sl_begin_ehr(sl_begun_t *out, const sl_runtime_t *rt, const sl_begin_t *begin,
                                 sl_trace_t *trace, sl_err_t *err);

/**
 * Start a standalone launch [LCH-4, AZR-4]: no `launch`, SmartStandaloneScope, the configured
 * issuer. The app user is sealed into the transaction: at the callback it decides whose it may be.
 */
SL_MUST_USE sl_rc_t sl_begin_standalone(sl_begun_t *out, const sl_runtime_t *rt,
                                        const sl_begin_t *begin, sl_trace_t *trace, sl_err_t *err);

#endif
