/* SPDX-License-Identifier: Apache-2.0 */
/* The Redirect URL itself: launch and callback, by GET or POST. */
#include "base/sl_text.h"
#include "flow/sl_allowance.h"
#include "flow/sl_begin.h"
#include "flow/sl_finish.h"
#include "httpd/sl_child.h"
#include "httpd/sl_landing.h"
#include "httpd/sl_pass.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"
#include "smart/sl_params.h"
#include "smart/sl_query.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

/** Refused requests of one network that the flight recorder takes. */
#define RECORDED_A_MINUTE 600

/** Query and, for a POST, form body: a name given in both counts twice. */
static sl_rc_t read_params(sl_params_t **out, const sl_visit_t *visit, sl_err_t *err)
{
    apr_pool_t *p = visit->r->pool;
    const char *query = visit->request->query;
    const char *body = NULL;
    apr_size_t len = 0;
    sl_params_t *form = NULL;
    sl_rc_t rc = sl_params_parse(out, query, query != NULL ? strlen(query) : 0, p, err);

    if (rc != SL_OK || visit->r->method_number != M_POST) {
        return rc;
    }
    rc = sl_visit_form(visit, &body, &len, err);
    if (rc == SL_OK) {
        rc = sl_params_parse(&form, body, len, p, err);
    }
    return rc == SL_OK ? sl_params_merge(out, *out, form, p, err) : rc;
}

/** The part of the address that a flood from one place has in common: /24 or /64. */
static const char *network_of(const request_rec *r)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    const apr_sockaddr_t *from = r->useragent_addr;
    const unsigned char *ip = from != NULL ? from->ipaddr_ptr : NULL;

    if (ip == NULL || (from->ipaddr_len != 4 && from->ipaddr_len != 16)) {
        return NULL;
    }
    if (from->ipaddr_len == 16 && memcmp(ip, mapped, sizeof(mapped)) != 0) {
        return sl_text_hex(r->pool, ip, 8);
    }
    return sl_text_hex(r->pool, from->ipaddr_len == 16 ? ip + sizeof(mapped) : ip, 3);
}

static bool ends_with(const sl_trace_t *trace, const sl_err_t *err)
{
    const apr_array_header_t *steps = trace->steps;

    return steps->nelts > 0 &&
           strcmp(APR_ARRAY_IDX(steps, steps->nelts - 1, sl_step_t).outcome, err->id) == 0;
}

/** Junk costs a row; who sends it by the thousand gets his page and the log line only. */
static bool may_be_recorded(const sl_visit_t *visit)
{
    const char *network = network_of(visit->r);

    return sl_allowance_take(visit->rt, network != NULL ? network : "-", RECORDED_A_MINUTE,
                             visit->r->request_time);
}

/** A request that never became a launch leaves its steps, too. */
static int refuse(const sl_visit_t *visit, sl_trace_t *trace, const char *step, sl_rc_t rc,
                  const sl_err_t *err)
{
    sl_err_t lost;

    if (!ends_with(trace, err)) {
        sl_trace_failed(trace, step, 0, 0, err);
    }
    if (may_be_recorded(visit) &&
        sl_store_steps_add(visit->rt->db, NULL, trace->steps, visit->r->pool, &lost) != SL_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, visit->r, "%s: %s", lost.id, lost.text);
    }
    return sl_respond_error(visit->r, rc, err);
}

static int begin(const sl_visit_t *visit, const sl_redirect_t *answer)
{
    sl_trace_t *trace = sl_request_trace(visit->r);
    sl_begun_t begun = {0};
    sl_begin_t request = {0};
    sl_err_t err;
    sl_rc_t rc;

    request.site = visit->site;
    request.iss = answer->iss;
    request.launch = answer->launch;
    request.browser = visit->request->cookie;
    request.network = network_of(visit->r);
    request.now = visit->r->request_time;
    rc = sl_begin_ehr(&begun, visit->rt, &request, trace, &err);
    if (rc != SL_OK) {
        return refuse(visit, trace, "launch", rc, &err);
    }
    sl_child_look_at_database(visit->r->server, visit->r->pool);
    if (begun.new_browser != NULL) {
        sl_respond_cookie(visit->r, begun.new_browser);
    }
    return sl_respond_redirect(visit->r, HTTP_MOVED_TEMPORARILY, begun.location, "no-referrer");
}

/** SmartLink same-name: the whole name, or its first group, after the pattern. */
static const char *same_name(const sl_visit_t *visit, const char *ehr_user)
{
    const ap_regex_t *regex = visit->location->name_regex;
    ap_regmatch_t match[2];

    if (ehr_user == NULL || visit->site->policy != SL_POLICY_SAME_NAME) {
        return NULL;
    }
    if (regex == NULL) {
        return ehr_user;
    }
    if (ap_regexec(regex, ehr_user, 2, match, 0) != 0) {
        return NULL;
    }
    if (regex->re_nsub < 1) {
        return ehr_user;
    }
    if (match[1].rm_so < 0 || match[1].rm_eo <= match[1].rm_so) {
        return NULL;
    }
    return apr_pstrmemdup(visit->r->pool, ehr_user + match[1].rm_so,
                          (apr_size_t)(match[1].rm_eo - match[1].rm_so));
}

static int go_on(const sl_visit_t *visit, const sl_finished_t *finished)
{
    const char *path = visit->site->target;

    if (finished->held) {
        path = apr_pstrcat(visit->r->pool, visit->site->path, "/confirm", NULL);
    }
    if (finished->new_browser != NULL) {
        sl_respond_cookie(visit->r, finished->new_browser);
    }
    path = apr_pstrcat(visit->r->pool, visit->site->public_url, path, NULL);
    return sl_respond_redirect(visit->r, HTTP_SEE_OTHER,
                               sl_query_put(visit->r->pool, path, finished->handle), "no-referrer");
}

/** The EHR ended the launch: its reason in our words, and what it adds as a quotation (CBK-4). */
static int refused_by_ehr(const sl_visit_t *visit, const sl_redirect_t *answer, sl_rc_t rc,
                          const sl_err_t *err)
{
    sl_refusal_t refusal;

    sl_respond_describe(&refusal, visit->r, rc, err);
    refusal.text[0] = sl_redirect_error_text(answer->error);
    if (answer->description != NULL) {
        refusal.text[3] = refusal.text[2];
        refusal.text[2] = refusal.text[1];
        refusal.text[1] =
            apr_pstrcat(visit->r->pool, "It adds: \"", answer->description, "\"", NULL);
    }
    return sl_respond_refusal(visit->r, &refusal);
}

/** The app is told of what is finished, and not before httpd has logged the user in (SmartLink
 * site) or a change of users was confirmed. */
static bool is_told(const sl_visit_t *visit, const sl_finished_t *finished)
{
    return visit->site->notify != NULL && !finished->done && !finished->held &&
           (visit->site->policy != SL_POLICY_SITE || finished->link_state == SL_LINK_LINKED);
}

static int finish(const sl_visit_t *visit, const sl_redirect_t *answer)
{
    const char *dest = apr_table_get(visit->r->headers_in, "Sec-Fetch-Dest");
    const sl_finish_t request = {visit->site, answer, visit->request->cookie,
                                 dest != NULL && strcmp(dest, "document") == 0};
    sl_trace_t *trace = sl_request_trace(visit->r);
    sl_finishing_t finishing;
    sl_finished_t finished;
    sl_err_t err;
    sl_rc_t rc = sl_finish_answer(&finished, &finishing, visit->rt, &request, trace, &err);

    if (rc == SL_OK && !finished.done) {
        rc = sl_finish_settle(&finished, visit->rt, &request, &finishing,
                              same_name(visit, finishing.redeemed.identity.user), trace, &err);
        if (rc == SL_OK) {
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, visit->r,
                          "SL6101: launch from %s for app %s, link %s (reference %s)",
                          finishing.ehr->name, visit->site->app,
                          sl_pass_link_word(finished.link_state), trace->reference);
        }
    } else if (rc != SL_OK && finishing.claimed.outcome != SL_CLAIM_WON) {
        return refuse(visit, trace, "callback", rc, &err);
    }
    if ((rc == SL_DENIED || rc == SL_BUSY) && answer->kind == SL_REDIRECT_ERROR) {
        return refused_by_ehr(visit, answer, rc, &err);
    }
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    return is_told(visit, &finished) ? sl_landing_finish(visit, &finishing, &finished)
                                     : go_on(visit, &finished);
}

/** An answer without a state of any launch: nothing is touched (CBK-5). */
static int stateless(const sl_visit_t *visit)
{
    sl_trace_t *trace = sl_request_trace(visit->r);
    sl_err_t err;
    sl_rc_t rc = sl_err_set(&err, SL_INVALID, "SL6102", "an error without a state of ours");

    return refuse(visit, trace, "callback", rc, &err);
}

int sl_launch_url(const sl_visit_t *visit)
{
    sl_redirect_t answer;
    sl_params_t *params = NULL;
    sl_err_t err;
    sl_rc_t rc;

    if ((visit->r->method_number != M_GET && visit->r->method_number != M_POST) ||
        visit->r->header_only) {
        return sl_visit_not_allowed(visit, "GET, POST");
    }
    rc = read_params(&params, visit, &err);
    if (rc == SL_OK) {
        rc = sl_redirect_classify(&answer, params, visit->r->pool, &err);
    }
    if (rc != SL_OK) {
        return refuse(visit, sl_request_trace(visit->r), "launch", rc, &err);
    }
    switch (answer.kind) {
    case SL_REDIRECT_LAUNCH:
        return begin(visit, &answer);
    case SL_REDIRECT_CODE:
        return finish(visit, &answer);
    case SL_REDIRECT_ERROR:
        return answer.state != NULL ? finish(visit, &answer) : stateless(visit);
    }
    return DONE;
}
