/* SPDX-License-Identifier: Apache-2.0 */
/** A request of a check did not come through: what to do about it. */
#ifndef SL_EXAMINE_FAULT_H
#define SL_EXAMINE_FAULT_H

#include "net/sl_http.h"
#include "smart/sl_finding.h"

typedef struct {
    const char *what;      /* the check it was for; one that TLS failed is a "tls" */
    sl_http_fault_t fault; /* as in sl_http_reply_t */
    const char *ca_option; /* the directive's option that names another CA: "SmartOutbound ca=" */
    bool has_ca;           /* it is given */
    const sl_err_t *err;
} sl_examine_fault_t;

/** Add it as WRONG. */
void sl_examine_fault(const sl_findings_t *findings, const sl_examine_fault_t *fault);

#endif
