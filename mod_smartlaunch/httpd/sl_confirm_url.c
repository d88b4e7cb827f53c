/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <redirect>/confirm: the module's own questions. "Join these two accounts?" before a link is
 * stored, "You are now X" before a browser changes hands (design section 12, "Planted link").
 */
#include "flow/sl_login.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_page.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"
#include "smart/sl_params.h"
#include "smart/sl_query.h"
#include "smart/sl_url.h"

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

/** The launch named in the URL, in this browser; whatever has nothing to ask is not it. */
static const sl_browser_launch_t *find(const sl_visit_t *visit)
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

/** Bound to handle, cookie and the very question, so that it answers nothing else. */
static const char *const *token_parts(const sl_visit_t *visit, const sl_browser_launch_t *launch)
{
    const char **parts = apr_pcalloc(visit->r->pool, 6 * sizeof(*parts));

    parts[0] = "confirm";
    parts[1] = launch->handle;
    parts[2] = visit->request->cookie;
    parts[3] = is_held(launch) ? "release" : "link";
    parts[4] = is_held(launch) ? "-" : launch->row.login_user;
    return parts;
}

static int ask(const sl_visit_t *visit, const sl_browser_launch_t *launch)
{
    apr_pool_t *p = visit->r->pool;
    const char *who = launch->row.app_user != NULL ? launch->row.app_user : launch->row.ehr_user;
    sl_page_form_t form;
    sl_page_t page;

    memset(&page, 0, sizeof(page));
    form.action =
        sl_query_put(p, apr_pstrcat(p, visit->site->path, "/confirm", NULL), launch->handle);
    form.token = sl_keyring_mac(visit->rt->ring, token_parts(visit, launch), p);
    form.no = "No, stop here";
    page.status = HTTP_OK;
    page.form = &form;
    page.ancestors = sl_page_ancestors(visit->r, launch->row.ehr);
    if (is_held(launch)) {
        page.title = apr_pstrcat(p, "You are now ", who != NULL ? who : "somebody else", NULL);
        page.text[0] = "In this browser the application is still open for somebody else. If you "
                       "go on, it is closed for them, and what they have not saved is lost.";
        form.yes = who != NULL ? apr_pstrcat(p, "Go on as ", who, NULL) : "Go on";
    } else {
        page.title = apr_pstrcat(p, "Join ", launch->row.ehr_user, " at ", launch->row.ehr,
                                 " with ", launch->row.login_user, "?", NULL);
        page.text[0] = apr_pstrcat(p, "You opened this application from ", launch->row.ehr, " as ",
                                   launch->row.ehr_user, ", and you logged in to it as ",
                                   launch->row.login_user, ".", NULL);
        page.text[1] = "If both are you, join them, and you will not be asked to log in here "
                       "again when you open it from a chart.";
        form.yes = "Yes, join them";
    }
    return sl_page_send(visit->r, &page);
}

static const char *way_on(const sl_visit_t *visit, const sl_browser_launch_t *launch)
{
    const char *path = launch->row.return_to;

    if (path == NULL || !sl_url_is_return_path(path, visit->r->pool) ||
        sl_url_is_below(path, visit->site->path)) {
        path = visit->site->target;
    }
    return sl_query_put(visit->r->pool,
                        apr_pstrcat(visit->r->pool, visit->site->public_url, path, NULL),
                        launch->handle);
}

static int stopped(const sl_visit_t *visit)
{
    sl_page_t page;

    memset(&page, 0, sizeof(page));
    page.status = HTTP_OK;
    page.title = "Nothing was changed";
    page.text[0] = "This launch has ended. You can close this window.";
    page.text[1] = "To try again, open the application from the patient's chart.";
    return sl_page_send(visit->r, &page);
}

static int carry_out(const sl_visit_t *visit, const sl_browser_launch_t *launch, bool yes)
{
    sl_browser_key_t key = sl_request_browser_key(visit->r, visit->site->app);
    sl_login_t login = {visit->rt, &key, launch, sl_request_trace(visit->r)};
    const char *new_browser = NULL;
    sl_err_t err;
    sl_rc_t rc;

    if (!yes) {
        rc = sl_login_end(&login, "declined", false, &err);
        return rc == SL_OK ? stopped(visit) : sl_respond_error(visit->r, rc, &err);
    }
    rc = is_held(launch) ? sl_login_release(&new_browser, &login, &err)
                         : sl_login_link(&new_browser, &login, launch->row.login_user, &err);
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    if (new_browser != NULL) {
        sl_respond_cookie(visit->r, new_browser);
    }
    return sl_respond_redirect(visit->r, HTTP_SEE_OTHER, way_on(visit, launch), "same-origin");
}

/** SL_OK, and whether the answer was yes. */
static sl_rc_t read_answer(bool *yes, const sl_visit_t *visit, const sl_browser_launch_t *launch,
                           sl_err_t *err)
{
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
        !sl_keyring_is_mac(visit->rt->ring, token_parts(visit, launch),
                           sl_params_one(params, "token"), visit->r->pool)) {
        return sl_err_set(err, SL_DENIED, "SL6301",
                          "a confirmation without proof that it came from our own page");
    }
    answer = sl_params_one(params, "answer");
    *yes = answer != NULL && strcmp(answer, "yes") == 0;
    return SL_OK;
}

int sl_confirm_url(const sl_visit_t *visit)
{
    const sl_browser_launch_t *launch;
    sl_err_t err;
    bool yes = false;
    sl_rc_t rc;

    if ((visit->r->method_number != M_GET && visit->r->method_number != M_POST) ||
        visit->r->header_only) {
        return sl_visit_not_allowed(visit, "GET, POST");
    }
    rc = sl_bind_view(visit->r, visit->site->app, true, &err);
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    launch = find(visit);
    if (launch == NULL || (!is_held(launch) && !launch->live)) {
        return sl_respond_relaunch(visit->r, "SL6302", "nothing waits for a confirmation here");
    }
    if (!is_held(launch) && !awaits_link(launch)) {
        return sl_respond_redirect(visit->r, HTTP_SEE_OTHER, way_on(visit, launch), "same-origin");
    }
    if (visit->r->method_number == M_GET) {
        return ask(visit, launch);
    }
    rc = read_answer(&yes, visit, launch, &err);
    return rc == SL_OK ? carry_out(visit, launch, yes) : sl_respond_error(visit->r, rc, &err);
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
