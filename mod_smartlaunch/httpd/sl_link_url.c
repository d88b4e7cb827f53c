/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <redirect>/link: httpd itself has logged the user in here, by whatever module the administrator
 * chose (SmartLink site, design section 5.3). Her name is r->user; this page asks whether it
 * belongs to the EHR user of the launch that waits. Where none waits, SmartNotify tells the app of
 * her alone: sign-on without FHIR (X10).
 */
#include "flow/sl_login.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_landing.h"
#include "httpd/sl_question.h"
#include "httpd/sl_respond.h"
#include "smart/sl_query.h"

#include <apr_strings.h>
#include <string.h>

/** Another Redirect URL of the same app may have another login, which is not for this launch. */
static bool is_of(const sl_visit_t *visit, const sl_browser_launch_t *launch)
{
    const char *path = launch->row.redirect_path;

    return path != NULL && strcmp(path, visit->site->path) == 0;
}

static bool awaits(const sl_visit_t *visit, const sl_browser_launch_t *launch)
{
    return launch->live && launch->row.link_state == SL_LINK_PENDING && !launch->row.old_cookie &&
           is_of(visit, launch);
}

/** httpd let somebody in without a name that we could pass on. */
static int nobody(const sl_visit_t *visit, const char *log_id, const char *detail)
{
    sl_refusal_t refusal = {500,
                            "server_error",
                            "The application is not set up completely",
                            {"Nobody can tell who you are, so nothing was joined.",
                             "Please tell your support the reference below.", NULL},
                            log_id,
                            detail,
                            0};

    return sl_respond_refusal(visit->r, &refusal);
}

/**
 * Only who comes is told of: a POST answers a question, and a picture on somebody's page or a
 * prefetch is nobody's visit, whatever login the browser sends along.
 */
static int nothing_waits(const sl_visit_t *visit)
{
    if (visit->site->notify != NULL && visit->r->method_number == M_GET &&
        visit->request->ask.kind == SL_ASK_NAVIGATION) {
        return sl_landing_user(visit, visit->r->user);
    }
    return sl_respond_relaunch(visit->r, "SL6320", "no launch waits to be linked here");
}

/** More than one waits: the question itself names everybody, so a list is enough here. */
static int choose(const sl_visit_t *visit)
{
    apr_pool_t *p = visit->r->pool;
    sl_page_t page;

    memset(&page, 0, sizeof(page));
    page.status = HTTP_OK;
    page.title = "Which account?";
    page.text[0] = "More than one launch waits to be joined with your account here.";
    page.links = apr_array_make(p, 4, sizeof(sl_page_link_t));
    for (int i = 0; i < visit->request->view.count; i++) {
        const sl_browser_launch_t *launch = &visit->request->view.launches[i];
        sl_page_link_t *link;

        if (awaits(visit, launch)) {
            link = apr_array_push((apr_array_header_t *)page.links);
            link->href = sl_question_location(visit, "/link", launch);
            link->text = apr_pstrcat(p, launch->row.ehr_user, " at ", launch->row.ehr, NULL);
            link->note = NULL;
        }
    }
    return sl_page_send(visit->r, &page);
}

/**
 * A login that leads by way of another site comes back without the handle. That is no harm: the
 * page asks, names everybody, and takes a same-origin POST only.
 */
static int unnamed(const sl_visit_t *visit)
{
    const sl_browser_launch_t *found = NULL;
    int count = 0;

    for (int i = 0; i < visit->request->view.count; i++) {
        if (awaits(visit, &visit->request->view.launches[i])) {
            found = &visit->request->view.launches[i];
            count++;
        }
    }
    if (count == 0) {
        return nothing_waits(visit);
    }
    return count > 1
               ? choose(visit)
               : sl_respond_redirect(visit->r, HTTP_SEE_OTHER,
                                     sl_question_location(visit, "/link", found), "same-origin");
}

static int carry_out(const sl_question_t *question)
{
    const sl_visit_t *visit = question->visit;
    sl_browser_key_t key = sl_request_browser_key(visit->r, visit->site->app);
    sl_login_t login = {visit->rt, &key, question->launch, sl_request_trace(visit->r)};
    const char *new_browser = NULL;
    bool yes = false;
    sl_err_t err;
    sl_rc_t rc = sl_login_check(&login, question->user, &err);

    if (rc == SL_OK && visit->r->method_number == M_GET) {
        return sl_question_join(question);
    }
    if (rc == SL_OK) {
        rc = sl_question_answer(&yes, question, &err);
    }
    if (rc == SL_OK && !yes) {
        return sl_question_decline(question);
    }
    if (rc == SL_OK) {
        rc = sl_login_link(&new_browser, &login, question->user, "site", &err);
    }
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    return visit->site->notify != NULL
               ? sl_landing_launch(visit, question->launch, question->user, new_browser)
               : sl_question_go_on(question, new_browser);
}

/** A launch was named. */
static int named(const sl_visit_t *visit)
{
    sl_question_t question = {visit, sl_question_launch(visit), "/link", "site", visit->r->user};
    const sl_browser_launch_t *launch = question.launch;

    if (launch == NULL || !is_of(visit, launch) ||
        (launch->row.state != SL_LAUNCH_HELD && !launch->live)) {
        return sl_respond_relaunch(visit->r, "SL6321", "the launch to be linked is not live here");
    }
    if (launch->row.state == SL_LAUNCH_HELD) {
        return sl_respond_redirect(visit->r, HTTP_SEE_OTHER,
                                   sl_question_location(visit, "/confirm", launch), "same-origin");
    }
    return awaits(visit, launch) ? carry_out(&question) : sl_question_go_on(&question, NULL);
}

int sl_link_url(const sl_visit_t *visit)
{
    sl_err_t err;
    sl_rc_t rc;

    if (visit->site->policy != SL_POLICY_SITE &&
        (visit->site->notify == NULL || visit->r->user == NULL)) {
        rc = sl_err_set(&err, SL_NONE, "SL6322", "/link was asked and nothing is set up for it");
        return sl_respond_error(visit->r, rc, &err);
    }
    if ((visit->r->method_number != M_GET && visit->r->method_number != M_POST) ||
        visit->r->header_only) {
        return sl_visit_not_allowed(visit, "GET, POST");
    }
    if (visit->r->user == NULL) {
        return nobody(visit, "SL6323",
                      "nobody is logged in at <redirect>/link: it needs a login of httpd's own and "
                      "Require valid-user");
    }
    if (!sl_login_is_name(visit->r->user)) {
        return nobody(visit, "SL6324",
                      "httpd's login at <redirect>/link gives a name that cannot be passed on");
    }
    if (visit->site->policy != SL_POLICY_SITE) {
        return nothing_waits(visit);
    }
    rc = sl_bind_view(visit->r, visit->site->app, true, &err);
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    return visit->request->url_handle != NULL ? named(visit) : unnamed(visit);
}

const char *sl_link_location(request_rec *r, const sl_browser_launch_t *launch)
{
    const sl_redirect_conf_t *redirect =
        sl_conf_redirect(sl_conf_server(r->server), launch->row.app, launch->row.redirect_path);

    if (redirect == NULL || redirect->site == NULL || redirect->site->policy != SL_POLICY_SITE) {
        return NULL;
    }
    return sl_query_put(r->pool, apr_pstrcat(r->pool, redirect->site->redirect_uri, "/link", NULL),
                        launch->handle);
}
