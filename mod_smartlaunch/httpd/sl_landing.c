/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_landing.h"
#include "base/sl_text.h"
#include "flow/sl_notify.h"
#include "httpd/sl_page.h"
#include "httpd/sl_respond.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

/** The app's page is shown as a picture of one: no scripts, no cookies, nobody's origin. */
#define SANDBOX                                                                                    \
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "              \
    "sandbox allow-forms allow-popups allow-top-navigation-by-user-activation; "

static int fail(const sl_visit_t *visit, bool has_launch, sl_rc_t rc, const sl_err_t *err)
{
    sl_refusal_t refusal;

    sl_respond_describe(&refusal, visit->r, rc, err);
    if (rc == SL_UPSTREAM || rc == SL_TIMEOUT) {
        refusal.error = rc == SL_TIMEOUT ? "app_timeout" : "app_error";
        refusal.title = rc == SL_TIMEOUT ? "The application did not answer in time"
                                         : "The application gave no usable answer";
        refusal.text[0] = has_launch ? "The health record system let you in, but the application "
                                       "could not be opened. Its access has been taken back."
                                     : "You are logged in, but the application could not be "
                                       "opened.";
        refusal.text[1] = has_launch ? refusal.text[1] : "Please try again in a minute.";
    }
    return sl_respond_refusal(visit->r, &refusal);
}

/** For windows that cannot follow a redirect the body says it once more, without a script (X4). */
static int go(const sl_visit_t *visit, const char *location)
{
    request_rec *r = visit->r;
    const char *href = sl_text_html(r->pool, location);

    sl_respond_headers(r, HTTP_SEE_OTHER);
    apr_table_setn(r->err_headers_out, "Location", location);
    apr_table_setn(r->err_headers_out, "Referrer-Policy", "no-referrer");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   apr_pstrcat(r->pool, "default-src 'none'; base-uri 'none'; frame-ancestors ",
                               sl_page_ancestors(r, NULL), NULL));
    ap_set_content_type(r, "text/html; charset=utf-8");
    return sl_respond_body(
        r, apr_pstrcat(r->pool, "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">",
                       "<meta http-equiv=\"refresh\" content=\"0; url=", href,
                       "\"><title>Going on</title></head><body><p><a href=\"", href,
                       "\">Go on to the application</a></p></body></html>\n", NULL));
}

static const char *form_targets(const sl_visit_t *visit)
{
    const apr_array_header_t *allow = visit->site->notify->allow;
    const char *out = "form-action";

    for (int i = 0; i < allow->nelts; i++) {
        out = apr_pstrcat(visit->r->pool, out, " ", APR_ARRAY_IDX(allow, i, const char *), NULL);
    }
    return apr_pstrcat(visit->r->pool, out, "; frame-ancestors ", sl_page_ancestors(visit->r, NULL),
                       NULL);
}

static int show(const sl_visit_t *visit, const sl_notified_t *notified)
{
    request_rec *r = visit->r;
    apr_size_t len = sl_secret_len(notified->page);

    sl_respond_headers(r, HTTP_OK);
    apr_table_setn(r->err_headers_out, "Referrer-Policy", "no-referrer");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   apr_pstrcat(r->pool, SANDBOX, form_targets(visit), NULL));
    ap_set_content_type(r, apr_pstrcat(r->pool, "text/html; charset=", notified->charset, NULL));
    ap_set_content_length(r, (apr_off_t)len);
    (void)ap_rwrite(sl_secret_reveal(notified->page), (int)len, r);
    return DONE;
}

static int land(const sl_visit_t *visit, sl_notify_t *notify, const char *new_browser)
{
    sl_notified_t notified;
    sl_err_t err;
    sl_rc_t rc;

    notify->browser = new_browser != NULL ? new_browser : visit->request->cookie;
    if (new_browser != NULL) {
        sl_respond_cookie(visit->r, new_browser);
    }
    rc = sl_notify_send(&notified, visit->rt, notify, sl_request_trace(visit->r), &err);
    if (rc != SL_OK) {
        return fail(visit, notify->launch != NULL, rc, &err);
    }
    return notified.location != NULL ? go(visit, notified.location) : show(visit, &notified);
}

bool sl_landing_is_told(const sl_site_t *site, sl_launch_kind_t kind, sl_link_state_t state)
{
    return site->notify != NULL &&
           (state != SL_LINK_PENDING || (site->policy != SL_POLICY_SITE && kind == SL_KIND_EHR));
}

int sl_landing_finish(const sl_visit_t *visit, const sl_finishing_t *finishing,
                      const sl_finished_t *finished)
{
    sl_notify_t notify;

    sl_notify_of_finish(&notify, visit->site, finishing, finished);
    return land(visit, &notify, finished->new_browser);
}

int sl_landing_launch(const sl_visit_t *visit, const sl_browser_launch_t *launch, const char *user,
                      const char *new_browser)
{
    sl_browser_launch_t now = *launch;
    sl_notify_t notify;

    if (user != NULL) {
        now.row.app_user = user;
        now.row.link_state = SL_LINK_LINKED;
    }
    sl_notify_of_launch(&notify, visit->site, &now);
    return land(visit, &notify, new_browser);
}

int sl_landing_user(const sl_visit_t *visit, const char *user)
{
    sl_notify_t notify;

    sl_notify_of_user(&notify, visit->site, user);
    return land(visit, &notify, NULL);
}
