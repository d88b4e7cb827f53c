/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <redirect>/confirm: the module's own questions. "Join these two accounts?" before a link is
 * stored, "You are now X" before a browser changes hands (design section 12, "Planted link").
 */
#include "flow/sl_login.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_landing.h"
#include "httpd/sl_question.h"
#include "httpd/sl_respond.h"
#include "smart/sl_query.h"

#include <apr_strings.h>
#include <string.h>

static bool is_held(const sl_browser_launch_t *launch)
{
    return launch->row.state == SL_LAUNCH_HELD;
}

static bool awaits_link(const sl_browser_launch_t *launch)
{
    return launch->live && launch->row.link_state == SL_LINK_PENDING &&
           launch->row.login_user != NULL;
}

static bool differ(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) != 0;
}

/** Does the application seem to be open here for nobody who would have to leave? */
static bool is_alone(const sl_browser_view_t *view, const sl_launch_t *row)
{
    for (int i = 0; i < view->count; i++) {
        const sl_launch_t *other = &view->launches[i].row;
        bool known = row->app_user != NULL && other->app_user != NULL;

        if (view->launches[i].live && (known ? differ(row->app_user, other->app_user)
                                             : differ(row->ehr_user, other->ehr_user))) {
            return false;
        }
    }
    return true;
}

static int ask_release(const sl_question_t *question)
{
    apr_pool_t *p = question->visit->r->pool;
    const sl_launch_t *row = &question->launch->row;
    const char *who = row->app_user != NULL ? row->app_user : row->ehr_user;
    sl_page_t page;

    memset(&page, 0, sizeof(page));
    page.title = apr_pstrcat(p, "You are now ", who != NULL ? who : "somebody else", NULL);
    page.text[0] = "In this browser the application is still open for somebody else. If you go "
                   "on, it is closed for them, and what they have not saved is lost.";
    if (is_alone(&question->visit->request->view, row)) {
        page.text[0] = apr_pstrcat(p, "You opened this application from ", row->ehr, " as ",
                                   row->ehr_user != NULL ? row->ehr_user : "an unknown user",
                                   ". If that is you, please go on.", NULL);
        page.text[1] = "If anybody else has an application open in this browser, it is closed for "
                       "them.";
    }
    return sl_question_ask(question, &page,
                           who != NULL ? apr_pstrcat(p, "Go on as ", who, NULL) : "Go on");
}

/** What was held is told of as if it had just finished; what is linked, unless it was told. */
static bool is_told(const sl_question_t *question)
{
    const sl_site_t *site = question->visit->site;
    const sl_launch_t *row = &question->launch->row;

    if (is_held(question->launch)) {
        return sl_landing_is_told(site, row->kind, row->link_state);
    }
    return sl_landing_is_told(site, row->kind, SL_LINK_LINKED) &&
           !sl_landing_is_told(site, row->kind, SL_LINK_PENDING);
}

static int carry_out(const sl_question_t *question)
{
    const sl_visit_t *visit = question->visit;
    sl_browser_key_t key = sl_request_browser_key(visit->r, visit->site->app);
    sl_login_t login = {visit->rt, &key, question->launch, sl_request_trace(visit->r)};
    const char *new_browser = NULL;
    sl_err_t err;
    sl_rc_t rc = is_held(question->launch)
                     ? sl_login_release(&new_browser, &login, &err)
                     : sl_login_link(&new_browser, &login, question->user, "app", &err);

    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    return is_told(question)
               ? sl_landing_launch(visit, question->launch,
                                   is_held(question->launch) ? NULL : question->user, new_browser)
               : sl_question_go_on(question, new_browser);
}

static int answered(const sl_question_t *question)
{
    bool yes = false;
    sl_err_t err;
    sl_rc_t rc = sl_question_answer(&yes, question, &err);

    if (rc != SL_OK) {
        return sl_respond_error(question->visit->r, rc, &err);
    }
    return yes ? carry_out(question) : sl_question_decline(question);
}

int sl_confirm_url(const sl_visit_t *visit)
{
    sl_question_t question = {visit, NULL, "/confirm", "release", NULL};
    sl_err_t err;
    sl_rc_t rc;

    if ((visit->r->method_number != M_GET && visit->r->method_number != M_POST) ||
        visit->r->header_only) {
        return sl_visit_not_allowed(visit, "GET, POST");
    }
    rc = sl_bind_view(visit->r, visit->site->app, true, &err);
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    question.launch = sl_question_launch(visit);
    if (question.launch == NULL || (!is_held(question.launch) && !question.launch->live)) {
        return sl_respond_relaunch(visit->r, "SL6302", "nothing waits for a confirmation here");
    }
    if (!is_held(question.launch)) {
        if (!awaits_link(question.launch)) {
            return sl_question_go_on(&question, NULL);
        }
        question.subject = "link";
        question.user = question.launch->row.login_user;
    }
    if (visit->r->method_number == M_POST) {
        return answered(&question);
    }
    return is_held(question.launch) ? ask_release(&question) : sl_question_join(&question);
}

const char *sl_confirm_location(request_rec *r, const sl_browser_launch_t *launch)
{
    const sl_redirect_conf_t *redirect =
        sl_conf_redirect(sl_conf_server(r->server), launch->row.app, launch->row.redirect_path);

    if (redirect == NULL || redirect->site == NULL) {
        return NULL;
    }
    return sl_query_put(r->pool,
                        apr_pstrcat(r->pool, redirect->site->redirect_uri, "/confirm", NULL),
                        launch->handle);
}
