/* SPDX-License-Identifier: Apache-2.0 */
/* The app that is told of launches, asked without telling it anything. */
#include "flow/sl_challenge.h"
#include "flow/sl_examine.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <string.h>

#define WHAT "notify"
#define PATIENCE apr_time_from_sec(10)

static void tell_failure(const sl_findings_t *findings, const sl_err_t *err)
{
    const char *todo = "look at the URL of SmartNotify, and whether the application runs";

    if (strcmp(err->id, "SL3508") == 0) {
        todo = "name the CA of the application's certificate: SmartNotify … ca=PATH";
    } else if (strcmp(err->id, "SL4801") == 0) {
        todo = "have the application answer with the challenge, and compare token= with its own";
    }
    sl_finding_wrong(findings, WHAT, todo, "%s", err->text);
}

void sl_examine_notify(const sl_findings_t *findings, sl_http_t *http, const sl_destination_t *to,
                       apr_pool_t *p)
{
    const char *origin = sl_url_origin(p, to->url);
    sl_http_request_t request;
    sl_http_reply_t reply;
    sl_err_t err = {0};

    if (to->token != NULL) {
        if (sl_challenge_ask(to, http, NULL, p, &err) == SL_OK) {
            sl_finding_ok(findings, WHAT, "%s echoes the challenge", origin);
        } else {
            tell_failure(findings, &err);
        }
        return;
    }
    sl_challenge_prepare(&request, to);
    request.method = SL_HTTP_GET;
    request.connect_timeout = request.timeout = PATIENCE;
    request.inspect = true;
    if (sl_http_do(http, &request, &reply, p, &err) != SL_OK) {
        tell_failure(findings, &err);
    } else {
        sl_finding_warn(findings, WHAT,
                        "have the application answer a challenge, and write SmartNotify … "
                        "token=file:PATH",
                        "%s answers; without token= nobody checks that it is the application",
                        origin);
    }
}
