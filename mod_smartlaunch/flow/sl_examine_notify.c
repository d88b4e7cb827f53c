/* SPDX-License-Identifier: Apache-2.0 */
/* The app that is told of launches, asked without telling it anything. */
#include "flow/sl_challenge.h"
#include "flow/sl_examine.h"
#include "flow/sl_examine_fault.h"
#include "smart/sl_url.h"

#define WHAT "notify"
#define PATIENCE apr_time_from_sec(10)

/** Is there anybody? Asked without the token, and without a word of a launch. */
static bool is_there(const sl_findings_t *findings, sl_http_t *http, const sl_destination_t *to,
                     apr_pool_t *p)
{
    sl_http_request_t request;
    sl_http_reply_t reply = {0};
    sl_err_t err = {0};
    sl_examine_fault_t fault = {WHAT, SL_HTTP_NO_FAULT, "SmartNotify ca=", to->ca_file != NULL,
                                &err};

    sl_challenge_prepare(&request, to);
    request.method = SL_HTTP_GET;
    request.header_name = NULL;
    request.header = NULL;
    request.connect_timeout = request.timeout = PATIENCE;
    if (sl_http_do(http, &request, &reply, p, &err) == SL_OK) {
        return true;
    }
    fault.fault = reply.fault;
    sl_examine_fault(findings, &fault);
    return false;
}

void sl_examine_notify(const sl_findings_t *findings, sl_http_t *http, const sl_destination_t *to,
                       apr_pool_t *p)
{
    const char *origin = sl_url_origin(p, to->url);
    sl_err_t err = {0};

    if (!is_there(findings, http, to, p)) {
        return;
    }
    if (to->token == NULL) {
        sl_finding_warn(findings, WHAT,
                        "have the application answer a challenge, and write SmartNotify "
                        "token=file:PATH",
                        "%s answers; without token= nobody checks that it is the application",
                        origin);
    } else if (sl_challenge_ask(to, http, NULL, p, &err) == SL_OK) {
        sl_finding_ok(findings, WHAT, "%s echoes the challenge", origin);
    } else {
        sl_finding_wrong(findings, WHAT,
                         "have the application answer with the challenge, and compare token= with "
                         "its own",
                         "%s", err.text);
    }
}
