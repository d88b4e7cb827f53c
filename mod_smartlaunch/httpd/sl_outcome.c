/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_outcome.h"
#include "base/sl_json.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

bool sl_outcome_is_wanted(request_rec *r)
{
    const sl_request_t *request = sl_request_of(r);

    return request->gateway != NULL &&
           (request->ask.kind != SL_ASK_NAVIGATION || request->ask.wants != SL_ASK_HTML);
}

/** The code system issue-type. */
static const char *code_of(int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {{400, "invalid"},   {401, "login"},         {403, "forbidden"},
                 {404, "not-found"}, {405, "not-supported"}, {409, "conflict"},
                 {413, "too-long"},  {414, "too-long"},      {429, "throttled"},
                 {431, "too-long"},  {501, "not-supported"}, {502, "transient"},
                 {503, "transient"}, {504, "timeout"}};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].status == status) {
            return codes[i].code;
        }
    }
    return status < 500 ? "processing" : "exception";
}

static const char *diagnostics(request_rec *r, const sl_refusal_t *refusal)
{
    const char *text = refusal->title;

    for (size_t i = 0;
         i < sizeof(refusal->text) / sizeof(refusal->text[0]) && refusal->text[i] != NULL; i++) {
        text = apr_pstrcat(r->pool, text, i == 0 ? ". " : " ", refusal->text[i], NULL);
    }
    return apr_pstrcat(r->pool, text, refusal->text[0] == NULL ? "." : "",
                       " Reference: ", sl_request_reference(r), NULL);
}

static const char *text_of(request_rec *r, const sl_refusal_t *refusal)
{
    sl_json_t *outcome = sl_json_object(r->pool);
    sl_json_t *issues = sl_json_array(r->pool);
    sl_json_t *issue = sl_json_object(r->pool);
    sl_json_t *details = sl_json_object(r->pool);

    sl_json_put_str(details, "text", refusal->title);
    sl_json_put_str(issue, "severity", "error");
    sl_json_put_str(issue, "code", code_of(refusal->status));
    sl_json_put(issue, "details", details);
    sl_json_put_str(issue, "diagnostics", diagnostics(r, refusal));
    sl_json_push(issues, issue);
    sl_json_put_str(outcome, "resourceType", "OperationOutcome");
    sl_json_put(outcome, "issue", issues);
    return sl_json_text(r->pool, outcome);
}

const char *sl_outcome_prepare(request_rec *r, const sl_refusal_t *refusal)
{
    const char *text = text_of(r, refusal);

    sl_respond_headers(r, refusal->status);
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    if (refusal->retry_after > 0) {
        apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, refusal->retry_after));
    }
    ap_set_content_type(r, "application/fhir+json; charset=utf-8");
    return text;
}
