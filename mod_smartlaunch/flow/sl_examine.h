/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Does an EHR answer as a launch needs it? For smartlaunchctl check: everything is asked anew,
 * nothing is kept, and nothing that is asked changes anything at the EHR.
 */
#ifndef SL_EXAMINE_H
#define SL_EXAMINE_H

#include "flow/sl_runtime.h"
#include "smart/sl_finding.h"

#define SL_EXAMINE_LONGEST apr_time_from_sec(30) /* for one EHR, whatever its time-outs are */

typedef struct {
    const sl_ehr_t *ehr;
    const char *redirect_uri; /* one that is registered; NULL: there is none, no code is tried */
    const char *no_secret;    /* NULL; else why the secret is not known here: nothing is proved */
    bool is_shared;           /* answers of other EHRs come to a Redirect URL of its */
} sl_examine_t;

/**
 * Add what is found about one EHR. Blocking, SL_EXAMINE_LONGEST at most.
 * @param http a client of this process
 */
void sl_examine_ehr(const sl_findings_t *findings, sl_http_t *http, const sl_examine_t *examine,
                    apr_pool_t *p);

/**
 * Is it our own httpd that answers at a Redirect URL, and does it show the public keys that it
 * should? The system's CAs count, then those of the EHRs, as a hospital's own CA has both.
 */
typedef struct {
    const char *redirect_uri;
    const apr_array_header_t *ehrs; /* of const sl_ehr_t *: those it serves */
} sl_examine_self_t;
void sl_examine_self(const sl_findings_t *findings, sl_http_t *http, const sl_examine_self_t *self,
                     apr_pool_t *p);

/** Does the destination of SmartNotify answer, by the challenge where it has a token (X11)? */
void sl_examine_notify(const sl_findings_t *findings, sl_http_t *http, const sl_destination_t *to,
                       apr_pool_t *p);

#endif
