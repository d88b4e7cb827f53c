/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <redirect>/window: a POST makes a ticket, the window that comes with it takes the launch along.
 * And what is offered where the browser keeps no cookies in frames (design section 12, "Windows").
 */
#include "base/sl_json.h"
#include "flow/sl_window.h"
#include "httpd/sl_landing.h"
#include "httpd/sl_page.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"
#include "smart/sl_cookie.h"
#include "smart/sl_params.h"
#include "smart/sl_query.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

static const char no_window[] =
    "If no window opens, this browser does not let the health record system's window open others. "
    "Please tell your support that it should.";

static const char *url_of(const sl_visit_t *visit, const char *ticket)
{
    return apr_pstrcat(visit->r->pool, visit->site->redirect_uri, "/window?ticket=", ticket, NULL);
}

static int answer_script(const sl_visit_t *visit, const char *ticket)
{
    request_rec *r = visit->r;
    sl_json_t *json = sl_json_object(r->pool);

    sl_json_put_str(json, "url", url_of(visit, ticket));
    sl_json_put_int(json, "expires_in", SL_WINDOW_SECONDS);
    sl_respond_headers(r, HTTP_OK);
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    ap_set_content_type(r, "application/json");
    return sl_respond_body(r, sl_json_text(r->pool, json));
}

static int answer_person(const sl_visit_t *visit, const char *ticket)
{
    const sl_page_link_t link = {url_of(visit, ticket), "Open in a new window", NULL};
    sl_page_t page;

    memset(&page, 0, sizeof(page));
    page.status = HTTP_OK;
    page.title = "Open in a new window";
    page.text[0] =
        apr_psprintf(visit->r->pool,
                     "The application goes on in the new window, and stops in this one. Please "
                     "open it within %d seconds.",
                     SL_WINDOW_SECONDS);
    page.window = &link;
    page.after = no_window;
    page.ancestors = sl_page_ancestors(visit->r, visit->request->launch->row.ehr);
    return sl_page_send(visit->r, &page);
}

static int refuse_foreign(const sl_visit_t *visit)
{
    sl_err_t err;

    return sl_respond_error(visit->r,
                            sl_err_set(&err, SL_DENIED, "SL5901",
                                       "a window without proof that it was opened by our own page"),
                            &err);
}

static int make_ticket(const sl_visit_t *visit)
{
    sl_browser_key_t key = sl_request_browser_key(visit->r, visit->site->app);
    const sl_browser_launch_t *launch;
    const char *ticket = NULL;
    sl_err_t err;
    sl_rc_t rc;
    int answer;

    if (!sl_ask_is_own(&visit->request->ask)) {
        return refuse_foreign(visit);
    }
    launch = sl_visit_launch(visit, &answer);
    if (launch == NULL) {
        return answer;
    }
    rc = sl_window_ticket(&ticket, visit->rt, &key, launch, visit->r->pool, &err);
    if (rc == SL_EXPIRED) {
        return sl_respond_relaunch(visit->r, err.id, err.text);
    }
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    return visit->request->ask.wants == SL_ASK_HTML ? answer_person(visit, ticket)
                                                    : answer_script(visit, ticket);
}

/** The ticket was used before: whoever has it now must not go on, nor whoever had it first. */
static int used_twice(const sl_visit_t *visit, const sl_err_t *err)
{
    const sl_refusal_t refusal = {
        400,
        "used_twice",
        "This window was opened a second time",
        {"The link opens one window, once. It was used again, perhaps by somebody else, so for "
         "your patients' safety the application was closed in every window.",
         "Please go back to the patient's chart and open the application there once more.", NULL},
        err->id,
        err->text,
        0};

    return sl_respond_refusal(visit->r, &refusal);
}

static int too_late(const sl_visit_t *visit, const sl_err_t *err)
{
    const sl_refusal_t refusal = {
        400,
        "expired",
        "This link is not good any more",
        {"It opens a window for a short while only, or the application was closed meanwhile.",
         "Please go back to the window you came from and try again, or open the application from "
         "the patient's chart once more.",
         NULL},
        err->id,
        err->text,
        0};

    return sl_respond_refusal(visit->r, &refusal);
}

/** The launch as this window has it now; NULL: nobody can say. */
static const sl_browser_launch_t *arrived(const sl_visit_t *visit, const sl_window_t *window)
{
    sl_browser_key_t key = sl_request_browser_key(visit->r, visit->site->app);
    sl_browser_view_t view = {0};
    sl_err_t err;

    key.cookie = window->new_browser != NULL ? window->new_browser : key.cookie;
    key.anew = true;
    if (sl_browser_load(&view, visit->rt, &key, visit->r->pool, &err) != SL_OK) {
        return NULL;
    }
    for (int i = 0; i < view.count; i++) {
        if (view.launches[i].live && sl_secret_text_eq(view.launches[i].handle, window->handle)) {
            return &view.launches[i];
        }
    }
    return NULL;
}

/** The app's session of the frame is not this window's: under SmartNotify it signs on once more. */
static const sl_browser_launch_t *to_be_told(const sl_visit_t *visit, const sl_window_t *window)
{
    const sl_browser_launch_t *launch =
        visit->site->notify != NULL && !window->held ? arrived(visit, window) : NULL;

    return launch != NULL && launch->row.kind != SL_KIND_SESSION &&
                   sl_landing_is_told(visit->site, launch->row.kind, launch->row.link_state)
               ? launch
               : NULL;
}

/** The launch lives here now; where somebody else lives here, too, the user is asked first. */
static int go_on(const sl_visit_t *visit, const sl_window_t *window)
{
    const sl_site_t *site = visit->site;
    const sl_browser_launch_t *told = to_be_told(visit, window);
    const char *to = window->held
                         ? apr_pstrcat(visit->r->pool, site->redirect_uri, "/confirm", NULL)
                         : apr_pstrcat(visit->r->pool, site->public_url, site->target, NULL);

    if (told != NULL) {
        return sl_landing_launch(visit, told, NULL, window->new_browser);
    }
    if (window->new_browser != NULL) {
        sl_respond_cookie(visit->r, window->new_browser);
    }
    return sl_respond_redirect(visit->r, HTTP_SEE_OTHER,
                               sl_query_put(visit->r->pool, to, window->handle), "same-origin");
}

static int use_ticket(const sl_visit_t *visit, const char *ticket)
{
    const sl_browser_key_t key = sl_request_browser_key(visit->r, visit->site->app);
    const sl_window_ask_t ask = {visit->site, ticket, &key, sl_visit_is_toplevel(visit)};
    sl_window_t window;
    sl_finish_t finish;
    sl_err_t err;
    sl_rc_t rc = sl_window_open(&window, visit->rt, &ask, sl_request_trace(visit->r), &err);

    if (rc == SL_USED) {
        return used_twice(visit, &err);
    }
    if (rc == SL_EXPIRED) {
        return too_late(visit, &err);
    }
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    if (!window.has_answer) {
        return go_on(visit, &window);
    }
    if (window.new_browser != NULL) {
        sl_respond_cookie(visit->r, window.new_browser);
    }
    finish.site = visit->site;
    finish.answer = &window.answer;
    finish.browser = window.browser;
    finish.toplevel = ask.toplevel;
    finish.is_untied = true;
    return sl_launch_url_finish(visit, &finish);
}

static int open_window(const sl_visit_t *visit)
{
    const char *query = visit->request->query;
    const sl_ask_t *ask = &visit->request->ask;
    sl_params_t *params = NULL;
    sl_err_t err;
    sl_rc_t rc =
        sl_params_parse(&params, query, query != NULL ? strlen(query) : 0, visit->r->pool, &err);

    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    /* Neither a page of somebody else's nor what a browser does in advance may use it up. */
    if (ask->kind != SL_ASK_NAVIGATION || !sl_ask_is_own(ask)) {
        return refuse_foreign(visit);
    }
    return use_ticket(visit, sl_params_one(params, "ticket"));
}

int sl_window_url(const sl_visit_t *visit)
{
    if (visit->r->method_number == M_POST) {
        return make_ticket(visit);
    }
    if (visit->r->method_number == M_GET && !visit->r->header_only) {
        return open_window(visit);
    }
    return sl_visit_not_allowed(visit, "GET, POST");
}

/** Not one cookie of this name came, good or bad: the browser kept none. */
static bool has_no_cookie(const sl_visit_t *visit)
{
    const char *name = sl_conf_cookie(sl_conf_server(visit->r->server));
    const char *value;

    return sl_cookie_find(&value, visit->request->cookies, name, visit->r->pool, NULL) == SL_NONE;
}

int sl_window_offer(const sl_visit_t *visit, const sl_finish_t *finish, const sl_err_t *why)
{
    sl_refusal_t refusal;
    sl_page_link_t link = {NULL, "Open in a new window", NULL};
    const char *ticket = NULL;
    sl_page_t page;
    sl_err_t err;

    if (finish->answer->kind != SL_REDIRECT_CODE || finish->toplevel || finish->is_untied ||
        visit->request->ask.kind != SL_ASK_NAVIGATION || !has_no_cookie(visit) ||
        sl_window_keep(&ticket, visit->rt, finish, visit->r->pool, &err) != SL_OK) {
        return DECLINED;
    }
    link.href = url_of(visit, ticket);
    sl_respond_describe(&refusal, visit->r, SL_FOREIGN, why);
    refusal.error = "cookies_blocked";
    refusal.title = "This browser keeps no cookies here";
    refusal.text[0] = "The application cannot be shown inside the health record system's window, "
                      "since the browser keeps no cookies for applications there. Nothing is lost: "
                      "it can go on in a window of its own.";
    refusal.text[1] = NULL;
    memset(&page, 0, sizeof(page));
    page.window = &link;
    page.after = no_window;
    return sl_respond_page(visit->r, &refusal, &page);
}
