/* SPDX-License-Identifier: Apache-2.0 */
/* The Redirect URL itself: launch and callback, by GET or POST. */
#include "flow/sl_begin.h"
#include "flow/sl_finish.h"
#include "httpd/sl_landing.h"
#include "httpd/sl_pass.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"
#include "httpd/sl_start_url.h"
#include "smart/sl_params.h"
#include "smart/sl_query.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

#define MAX_SHOWN 200 /* bytes of an unknown issuer */

/** Which system it was, for whoever reads the page out to the support; if it is an address. */
static int not_known(const sl_visit_t *visit, const char *iss, sl_trace_t *trace,
                     const sl_err_t *err)
{
    apr_pool_t *p = visit->r->pool;
    sl_refusal_t refusal;

    sl_visit_record(visit, trace, "launch", err);
    sl_respond_describe(&refusal, visit->r, SL_UNKNOWN_EHR, err);
    if (strlen(iss) <= MAX_SHOWN && sl_url_check_issuer(iss, false, p, NULL) == SL_OK) {
        refusal.text[2] = refusal.text[1];
        refusal.text[1] = apr_pstrcat(p, "It says that it is ", iss, NULL);
    }
    return sl_respond_refusal(visit->r, &refusal);
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
    request.network = sl_visit_network(visit);
    request.now = visit->r->request_time;
    rc = sl_begin_ehr(&begun, visit->rt, &request, trace, &err);
    if (rc == SL_UNKNOWN_EHR) {
        return not_known(visit, answer->iss, trace, &err);
    }
    if (rc != SL_OK) {
        return sl_visit_refuse(visit, trace, "launch", rc, &err);
    }
    return sl_visit_depart(visit, &begun);
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

/** Where the finished launch goes: to a question that is open, or where the user is to be. */
static const char *next_path(const sl_visit_t *visit, const sl_finished_t *finished)
{
    const sl_site_t *site = visit->site;
    apr_pool_t *p = visit->r->pool;

    if (finished->held || finished->asks) {
        return apr_pstrcat(p, site->path, "/confirm", NULL);
    }
    if (site->policy == SL_POLICY_SITE && finished->link_state == SL_LINK_PENDING) {
        return apr_pstrcat(p, site->path, "/link", NULL);
    }
    return sl_visit_way_back(visit, finished->return_to);
}

static int go_on(const sl_visit_t *visit, const sl_finished_t *finished)
{
    const char *url =
        apr_pstrcat(visit->r->pool, visit->site->public_url, next_path(visit, finished), NULL);

    if (finished->new_browser != NULL) {
        sl_respond_cookie(visit->r, finished->new_browser);
    }
    return sl_respond_redirect(visit->r, HTTP_SEE_OTHER,
                               sl_query_put(visit->r->pool, url, finished->handle), "no-referrer");
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

/** Not twice, and not before a change of users was confirmed. */
static bool is_told(const sl_visit_t *visit, const sl_finishing_t *finishing,
                    const sl_finished_t *finished)
{
    return !finished->done && !finished->held &&
           sl_landing_is_told(visit->site, finishing->claimed.kind, finished->link_state);
}

/**
 * Two launches that open at once: the first was finished, and its answer, which has the browser's
 * new cookie, is still under way; with SmartNotify as long as the app takes. Nothing was claimed,
 * and the old cookie is refused for seconds only: so the page asks again by itself, and not for
 * ever.
 */
static int ask_again(const sl_visit_t *visit, sl_trace_t *trace, const sl_err_t *err)
{
    sl_refusal_t refusal;

    sl_visit_record(visit, trace, "callback", err);
    sl_respond_describe(&refusal, visit->r, SL_FOREIGN, err);
    refusal.title = "One moment, please";
    refusal.text[0] = "Another window of this browser is just being opened.";
    refusal.text[1] = "This page tries again by itself. If it does not, open the application from "
                      "the chart again.";
    refusal.text[2] = NULL;
    apr_table_setn(visit->r->err_headers_out, "Refresh", "1");
    return sl_respond_refusal(visit->r, &refusal);
}

/** No launch of this browser: perhaps since it keeps no cookies in frames. */
static int not_ours(const sl_visit_t *visit, const sl_finish_t *request, sl_trace_t *trace,
                    sl_rc_t rc, const sl_err_t *err)
{
    sl_visit_record(visit, trace, "callback", err);
    if (rc == SL_FOREIGN && sl_window_offer(visit, request, err) == DONE) {
        return DONE;
    }
    return sl_respond_error(visit->r, rc, err);
}

int sl_launch_url_finish(const sl_visit_t *visit, const sl_finish_t *request)
{
    const sl_redirect_t *answer = request->answer;
    sl_trace_t *trace = sl_request_trace(visit->r);
    sl_finishing_t finishing;
    sl_finished_t finished;
    sl_err_t err;
    sl_rc_t rc = sl_finish_answer(&finished, &finishing, visit->rt, request, trace, &err);

    if (finishing.claimed.kind == SL_KIND_STANDALONE && finishing.claimed.id != NULL) {
        sl_start_offer(visit, finishing.claimed.ehr, finishing.claimed.return_to);
    }
    if (rc == SL_OK && !finished.done) {
        rc = sl_finish_settle(&finished, visit->rt, request, &finishing,
                              same_name(visit, finishing.redeemed.identity.user), trace, &err);
        if (rc == SL_OK) {
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, visit->r,
                          "SL6101: %slaunch from %s for app %s, link %s (reference %s)",
                          finishing.claimed.kind == SL_KIND_STANDALONE ? "standalone " : "",
                          finishing.ehr->name, visit->site->app,
                          sl_pass_link_word(finished.link_state), trace->reference);
        }
    } else if (rc == SL_FOREIGN && finishing.claimed.outcome == SL_CLAIM_FOREIGN &&
               finishing.claimed.old_cookie && visit->r->method_number == M_GET) {
        return ask_again(visit, trace, &err);
    } else if (rc != SL_OK && finishing.claimed.outcome != SL_CLAIM_WON) {
        return not_ours(visit, request, trace, rc, &err);
    }
    if ((rc == SL_DENIED || rc == SL_BUSY) && answer->kind == SL_REDIRECT_ERROR) {
        return refused_by_ehr(visit, answer, rc, &err);
    }
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    return is_told(visit, &finishing, &finished) ? sl_landing_finish(visit, &finishing, &finished)
                                                 : go_on(visit, &finished);
}

static int finish(const sl_visit_t *visit, const sl_redirect_t *answer)
{
    const sl_finish_t request = {visit->site, answer, visit->request->cookie,
                                 sl_visit_is_toplevel(visit), false};

    return sl_launch_url_finish(visit, &request);
}

/** An answer without a state of any launch: nothing is touched (CBK-5). */
static int stateless(const sl_visit_t *visit)
{
    sl_trace_t *trace = sl_request_trace(visit->r);
    sl_err_t err;
    sl_rc_t rc = sl_err_set(&err, SL_INVALID, "SL6102", "an error without a state of ours");

    return sl_visit_refuse(visit, trace, "callback", rc, &err);
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
    rc = sl_visit_params(&params, visit, &err);
    if (rc == SL_OK) {
        rc = sl_redirect_classify(&answer, params, visit->r->pool, &err);
    }
    if (rc != SL_OK) {
        return sl_visit_refuse(visit, sl_request_trace(visit->r), "launch", rc, &err);
    }
    if (sl_bounce_url(visit, &answer, params) != DECLINED) {
        return DONE;
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
