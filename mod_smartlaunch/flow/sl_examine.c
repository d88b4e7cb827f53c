/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_examine.h"
#include "base/sl_digest.h"
#include "flow/sl_examine_fault.h"
#include "flow/sl_outbound.h"
#include "flow/sl_prove.h"
#include "smart/sl_discovery.h"
#include "smart/sl_jwks.h"
#include "smart/sl_pkce.h"
#include "smart/sl_review.h"
#include "smart/sl_scope.h"
#include "smart/sl_token_request.h"
#include "smart/sl_token_response.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <string.h>

/** One EHR being examined. */
typedef struct {
    const sl_findings_t *findings;
    const sl_runtime_t *rt;
    const sl_examine_t *examine;
    sl_ehr_t ehr; /* with the time-outs that are left */
    sl_endpoints_t endpoints;
    apr_time_t until;
    const char *seen; /* hosts whose certificate was told, blanks around each */
    apr_pool_t *p;
} case_t;

static bool has_time(case_t *c, const char *what)
{
    apr_interval_time_t left = c->until - apr_time_now();
    const sl_ehr_t *full = c->examine->ehr;

    if (left <= 0) {
        sl_finding_wrong(c->findings, what, "mend what takes so long, then check again",
                         "not tried: this EHR has taken %d s already",
                         (int)apr_time_sec(SL_EXAMINE_LONGEST));
        return false;
    }
    c->ehr.timeout = full->timeout > 0 && full->timeout < left ? full->timeout : left;
    c->ehr.connect_timeout = full->connect_timeout < left ? full->connect_timeout : left;
    return true;
}

static void tell_certificate(case_t *c, const char *url, const sl_http_reply_t *reply)
{
    const char *origin = sl_url_origin(c->p, url);
    const char *marked = apr_pstrcat(c->p, " ", origin, " ", NULL);

    if (origin == NULL || strstr(c->seen, marked) != NULL) {
        return;
    }
    c->seen = apr_pstrcat(c->p, c->seen, marked, NULL);
    sl_review_certificate(c->findings, strstr(origin, "://") + 3, reply->certificate_ends,
                          apr_time_now());
}

static void tell_fault(const case_t *c, const char *what, const sl_http_reply_t *reply,
                       const sl_err_t *err)
{
    const sl_examine_fault_t fault = {what, reply->fault,
                                      "SmartOutbound ca=", c->ehr.ca_file != NULL, err};

    sl_examine_fault(c->findings, &fault);
}

/** GET a JSON document. False: it is not there, and why was told. */
static bool get(sl_http_reply_t *reply, case_t *c, const char *what, const char *url)
{
    const sl_outbound_get_t request = {
        .ehr = &c->ehr, .url = url, .max_bytes = SL_DISCOVERY_MAX_BYTES, .inspect = true};
    sl_err_t err = {0};

    if (!has_time(c, what)) {
        return false;
    }
    if (sl_outbound_get(reply, c->rt, &request, c->p, &err) != SL_OK) {
        tell_fault(c, what, reply, &err);
        return false;
    }
    tell_certificate(c, url, reply);
    if (reply->status != 200) {
        sl_finding_wrong(c->findings, what,
                         reply->status == 429 || reply->status == 503
                             ? "try again in some minutes"
                             : "look at the URL, or ask the EHR's people",
                         "%s answers with status %d", url, reply->status);
        return false;
    }
    return true;
}

/** The document as an object for the review; NULL: it is none. */
static const sl_json_t *read_json(const sl_http_reply_t *reply, apr_pool_t *p)
{
    sl_json_t *doc;

    return sl_json_parse(&doc, sl_secret_reveal(reply->body), sl_secret_len(reply->body), p,
                         NULL) == SL_OK
               ? doc
               : NULL;
}

static sl_discovery_body_t body_of(const sl_http_reply_t *reply)
{
    const sl_discovery_body_t body = {sl_secret_reveal(reply->body), sl_secret_len(reply->body),
                                      NULL};

    return body;
}

/** True: the endpoints are known, by the EHR's document or by what is stored. */
static bool try_discovery(case_t *c)
{
    const char *url = sl_discovery_url(c->p, &c->ehr);
    bool stored = sl_discovery_stored(&c->endpoints, &c->ehr);
    sl_http_reply_t reply;
    sl_discovery_body_t body;
    const sl_json_t *doc;
    sl_err_t err = {0};

    if (!get(&reply, c, "discovery", url)) {
        return stored;
    }
    sl_review_clock(c->findings, reply.date, apr_time_now());
    body = body_of(&reply);
    doc = read_json(&reply, c->p);
    if (doc == NULL || sl_discovery_parse(&c->endpoints, &c->ehr, &body, c->p, &err) != SL_OK) {
        if (doc == NULL) {
            sl_err_set(&err, SL_UPSTREAM, "SL4681", "%s is no JSON object", url);
        }
        sl_finding_wrong(c->findings, "discovery",
                         "look at SmartIssuer, or name the endpoints by SmartEndpoint", "%s",
                         err.text);
        return sl_discovery_stored(&c->endpoints, &c->ehr);
    }
    sl_finding_ok(c->findings, "discovery",
                  stored ? "%s answers; SmartEndpoint goes before it" : "%s answers", url);
    sl_review_document(c->findings, &c->ehr, doc, &c->endpoints);
    if (c->examine->is_shared) {
        sl_review_answers(c->findings, &c->ehr, &c->endpoints);
    }
    return true;
}

static void try_openid(case_t *c)
{
    const char *url = sl_discovery_openid_url(c->p, &c->endpoints, &c->ehr);
    sl_endpoints_t found = c->endpoints;
    sl_http_reply_t reply;
    sl_discovery_body_t body;
    sl_err_t err = {0};

    if (!get(&reply, c, "openid", url)) {
        return;
    }
    body = body_of(&reply);
    if (sl_discovery_openid(&found, &c->ehr, &body, c->p, &err) != SL_OK) {
        sl_finding_wrong(c->findings, "openid",
                         "write SmartEndpoint issuer and jwks as the EHR's people say them", "%s",
                         err.text);
        return;
    }
    sl_finding_ok(c->findings, "openid", "the openid-configuration agrees on the issuer %s",
                  sl_discovery_issuer(&c->endpoints, &c->ehr));
    if (c->endpoints.jwks == NULL) {
        c->endpoints.jwks = found.jwks;
    }
}

static void try_jwks(case_t *c)
{
    sl_http_reply_t reply;
    sl_jwks_t *keys;
    sl_err_t err = {0};

    if (c->endpoints.jwks == NULL) {
        sl_finding_wrong(c->findings, "jwks", "name the keys by SmartEndpoint jwks",
                         "nothing says where the EHR's keys are");
        return;
    }
    if (!get(&reply, c, "jwks", c->endpoints.jwks)) {
        return;
    }
    if (sl_jwks_parse(&keys, sl_secret_reveal(reply.body), sl_secret_len(reply.body), c->p, &err) !=
        SL_OK) {
        sl_finding_wrong(c->findings, "jwks", "look at SmartEndpoint jwks, or ask the EHR's people",
                         "%s", err.text);
    } else if (sl_jwks_count(keys) == 0) {
        sl_finding_wrong(c->findings, "jwks", "ask the EHR's people for RSA or EC keys",
                         "%s holds no key that could verify an id_token", c->endpoints.jwks);
    } else {
        sl_finding_ok(c->findings, "jwks", "%d key%s to verify id_tokens with", sl_jwks_count(keys),
                      sl_jwks_count(keys) == 1 ? "" : "s");
    }
}

/** A token request; false: there is no answer, and why was told. */
static bool post(sl_review_answer_t *answer, case_t *c, const char *what,
                 const sl_token_call_t *call)
{
    const sl_outbound_post_t request = {.ehr = &c->ehr, .url = c->endpoints.token, .call = call};
    sl_http_reply_t reply = {0};
    sl_err_t err = {0};

    if (!has_time(c, what)) {
        return false;
    }
    if (sl_outbound_token(&reply, c->rt, &request, c->p, &err) != SL_OK) {
        tell_fault(c, what, &reply, &err);
        return false;
    }
    answer->status = reply.status;
    answer->error =
        sl_token_response_error(sl_secret_reveal(reply.body), sl_secret_len(reply.body), c->p);
    return true;
}

static bool has_failed(case_t *c, const char *what, sl_rc_t rc, const sl_err_t *err)
{
    if (rc != SL_OK) {
        sl_finding_wrong(c->findings, what, "look at SmartClientAuth, and at secret or key", "%s",
                         err->text);
    }
    return rc != SL_OK;
}

static sl_rc_t prove(const sl_secret_t **assertion, case_t *c, sl_err_t *err)
{
    const sl_prove_t proves = {c->endpoints.token, c->endpoints.algs};

    return sl_prove_client(assertion, &c->ehr, &proves, c->p, err);
}

/** A code that nobody issued: the refusal shows whether the EHR knows us. */
static void try_code(case_t *c)
{
    unsigned char random[SL_PKCE_RANDOM_LEN];
    sl_code_grant_t grant = {&c->ehr, NULL, c->examine->redirect_uri, NULL, NULL};
    sl_token_call_t call;
    sl_review_answer_t answer;
    sl_err_t err = {0};
    sl_rc_t rc = sl_digest_random(random, sizeof(random), &err);

    if (rc == SL_OK) {
        grant.code = sl_pkce_verifier(c->p, random);
        grant.verifier = c->ehr.pkce != SL_SWITCH_OFF ? grant.code : NULL;
        rc = prove(&grant.assertion, c, &err);
    }
    if (rc == SL_OK) {
        rc = sl_token_request_code(&call, &grant, c->p, &err);
    }
    if (!has_failed(c, "client", rc, &err) && post(&answer, c, "client", &call)) {
        sl_review_made_up_code(c->findings, &c->ehr, &answer);
    }
}

/** The token that comes of it is not kept; it ends by itself. */
static void try_system(case_t *c)
{
    sl_client_grant_t grant = {&c->ehr, c->ehr.system_scope, NULL};
    sl_token_call_t call;
    sl_review_answer_t answer;
    sl_err_t err = {0};
    sl_rc_t rc = prove(&grant.assertion, c, &err);

    if (rc == SL_OK) {
        rc = sl_token_request_client(&call, &grant, c->p, &err);
    }
    if (!has_failed(c, "system", rc, &err) && post(&answer, c, "system", &call)) {
        sl_review_system(c->findings, &c->ehr, &answer);
    }
}

static void try_token_endpoint(case_t *c)
{
    if (c->examine->no_secret != NULL) {
        sl_finding_warn(c->findings, "client",
                        "only a launch shows whether the EHR knows our client", "not tried: %s",
                        c->examine->no_secret);
        return;
    }
    if (c->examine->redirect_uri != NULL &&
        (c->ehr.scope != NULL || c->ehr.standalone_scope != NULL)) {
        try_code(c);
    }
    if (c->ehr.system_scope != NULL) {
        try_system(c);
    }
}

static bool asks_for_openid(const char *scope)
{
    return scope != NULL && sl_scope_has(scope, "openid");
}

void sl_examine_ehr(const sl_findings_t *findings, sl_http_t *http, const sl_examine_t *examine,
                    apr_pool_t *p)
{
    const sl_runtime_t rt = {.http = http, .ehrs = apr_array_make(p, 1, sizeof(const sl_ehr_t *))};
    case_t c = {.findings = findings,
                .rt = &rt,
                .examine = examine,
                .ehr = *examine->ehr,
                .until = apr_time_now() + SL_EXAMINE_LONGEST,
                .seen = "",
                .p = p};

    if (!try_discovery(&c)) {
        return;
    }
    if (asks_for_openid(c.ehr.scope) || asks_for_openid(c.ehr.standalone_scope)) {
        try_openid(&c);
        try_jwks(&c);
    }
    try_token_endpoint(&c);
}
