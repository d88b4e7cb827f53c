/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_question.h"
#include "flow/sl_login.h"
#include "httpd/sl_respond.h"
#include "smart/sl_params.h"
#include "smart/sl_query.h"

#include <apr_strings.h>
#include <string.h>

const sl_browser_launch_t *sl_question_launch(const sl_visit_t *visit)
{
    const sl_request_t *request = visit->request;

    for (int i = 0; i < request->view.count; i++) {
        const sl_browser_launch_t *launch = &request->view.launches[i];

        if (sl_secret_text_eq(launch->handle, request->url_handle) && !launch->row.old_cookie) {
            return launch;
        }
    }
    return NULL;
}

const char *sl_question_location(const sl_visit_t *visit, const char *below,
                                 const sl_browser_launch_t *launch)
{
    apr_pool_t *p = visit->r->pool;

    return sl_query_put(p, apr_pstrcat(p, visit->site->redirect_uri, below, NULL), launch->handle);
}

/** Bound to handle, cookie and the very question, so that it answers nothing else. */
static const char *const *token_parts(const sl_question_t *question)
{
    const char **parts = apr_pcalloc(question->visit->r->pool, 6 * sizeof(*parts));

    parts[0] = "confirm";
    parts[1] = question->launch->handle;
    parts[2] = question->visit->request->cookie;
    parts[3] = question->subject;
    parts[4] = question->user != NULL ? question->user : "-";
    return parts;
}

int sl_question_ask(const sl_question_t *question, sl_page_t *page, const char *yes)
{
    const sl_visit_t *visit = question->visit;
    apr_pool_t *p = visit->r->pool;
    sl_page_form_t form;

    memset(&form, 0, sizeof(form));
    form.action = sl_query_put(p, apr_pstrcat(p, visit->site->path, question->below, NULL),
                               question->launch->handle);
    form.token = sl_keyring_mac(visit->rt->ring, token_parts(question), p);
    form.yes = yes;
    form.no = "No, stop here";
    page->status = HTTP_OK;
    page->form = &form;
    page->leaves = visit->site->notify != NULL;
    page->ancestors = sl_page_ancestors(visit->r, question->launch->row.ehr);
    return sl_page_send(visit->r, page);
}

int sl_question_join(const sl_question_t *question)
{
    const sl_launch_t *row = &question->launch->row;
    bool standalone = row->kind == SL_KIND_STANDALONE;
    apr_pool_t *p = question->visit->r->pool;
    sl_page_t page;

    memset(&page, 0, sizeof(page));
    page.title = apr_pstrcat(p, "Join ", row->ehr_user, " at ", row->ehr, " with ", question->user,
                             "?", NULL);
    page.text[0] = apr_pstrcat(
        p, standalone ? "You logged in to " : "You opened this application from ", row->ehr, " as ",
        row->ehr_user, ", and ", standalone ? "to this application as " : "you logged in to it as ",
        question->user, ".", NULL);
    page.text[1] =
        standalone ? "If both are you, join them, and you will not be asked again."
                   : "If both are you, join them, and you will not be asked to log in here again "
                     "when you open it from a chart.";
    return sl_question_ask(question, &page, "Yes, join them");
}

sl_rc_t sl_question_answer(bool *yes, const sl_question_t *question, sl_err_t *err)
{
    const sl_visit_t *visit = question->visit;
    sl_params_t *params = NULL;
    const char *body;
    const char *answer;
    apr_size_t len;
    sl_rc_t rc = sl_visit_form(visit, &body, &len, err);

    if (rc == SL_OK) {
        rc = sl_params_parse(&params, body, len, visit->r->pool, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (!sl_ask_is_own(&visit->request->ask) ||
        !sl_keyring_is_mac(visit->rt->ring, token_parts(question), sl_params_one(params, "token"),
                           visit->r->pool)) {
        return sl_err_set(err, SL_DENIED, "SL6301",
                          "a confirmation without proof that it came from our own page");
    }
    answer = sl_params_one(params, "answer");
    *yes = answer != NULL && strcmp(answer, "yes") == 0;
    return SL_OK;
}

int sl_question_decline(const sl_question_t *question)
{
    const sl_visit_t *visit = question->visit;
    sl_browser_key_t key = sl_request_browser_key(visit->r, visit->site->app);
    sl_login_t login = {visit->rt, &key, question->launch, sl_request_trace(visit->r)};
    sl_page_t page;
    sl_err_t err;
    sl_rc_t rc = sl_login_end(&login, "declined", false, &err);

    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    memset(&page, 0, sizeof(page));
    page.status = HTTP_OK;
    page.title = "Nothing was changed";
    page.text[0] = "The application was not opened. You can close this window.";
    page.text[1] = question->launch->row.kind == SL_KIND_STANDALONE
                       ? "To try again, go back to the application and begin there once more."
                       : "To try again, open the application from the patient's chart.";
    return sl_page_send(visit->r, &page);
}

const char *sl_question_way_on(const sl_visit_t *visit, const sl_browser_launch_t *launch)
{
    const char *path = sl_visit_way_back(visit, launch->row.return_to);

    return sl_query_put(visit->r->pool,
                        apr_pstrcat(visit->r->pool, visit->site->public_url, path, NULL),
                        launch->handle);
}

int sl_question_go_on(const sl_question_t *question, const char *new_browser)
{
    if (new_browser != NULL) {
        sl_respond_cookie(question->visit->r, new_browser);
    }
    return sl_respond_redirect(question->visit->r, HTTP_SEE_OTHER,
                               sl_question_way_on(question->visit, question->launch),
                               "same-origin");
}
