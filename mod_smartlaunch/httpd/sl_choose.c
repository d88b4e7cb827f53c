/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_choose.h"
#include "httpd/sl_page.h"
#include "httpd/sl_respond.h"
#include "smart/sl_location.h"
#include "smart/sl_query.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

static const char in_doubt[] = "If you are in doubt, go back to the patient's chart and open the "
                               "application there once more.";

static const char *ago(request_rec *r, apr_time_t at)
{
    apr_int64_t minutes = apr_time_sec(r->request_time - at) / 60;

    if (minutes < 1) {
        return "just now";
    }
    if (minutes < 120) {
        return minutes == 1 ? "a minute ago"
                            : apr_psprintf(r->pool, "%" APR_INT64_T_FMT " minutes ago", minutes);
    }
    return apr_psprintf(r->pool, "%" APR_INT64_T_FMT " hours ago", minutes / 60);
}

/** The server's clock may be of another time zone than the reader's, so how long ago as well. */
static const char *opened_at(request_rec *r, const sl_launch_t *row)
{
    apr_time_exp_t at;
    char text[16];
    apr_size_t len = 0;

    apr_time_exp_lt(&at, row->authorized_at);
    apr_strftime(text, &len, sizeof(text), "%H:%M", &at);
    return apr_psprintf(r->pool, "opened from %s at %s, %s", row->ehr, text,
                        ago(r, row->authorized_at));
}

/** The page that was asked for, with the handle; what was posted is lost, so the app's start. */
static const char *way_to(request_rec *r, const sl_browser_launch_t *launch)
{
    const sl_server_t *server = sl_conf_server(r->server);
    const sl_request_t *request = sl_request_of(r);
    const sl_redirect_conf_t *redirect;

    if (sl_ask_is_safe(&request->ask)) {
        return sl_location_again(r->pool, server->public_url, request->uri, launch->handle);
    }
    redirect = sl_conf_redirect(server, launch->row.app, launch->row.redirect_path);
    if (redirect == NULL) {
        return NULL;
    }
    return sl_query_put(
        r->pool, apr_pstrcat(r->pool, redirect->site->public_url, redirect->site->target, NULL),
        launch->handle);
}

static const char *patient_of(request_rec *r, const sl_browser_launch_t *launch)
{
    return launch->row.patient != NULL ? apr_psprintf(r->pool, "patient %s", launch->row.patient)
                                       : "no patient";
}

static void add_link(request_rec *r, apr_array_header_t *links, const char *verb,
                     const sl_browser_launch_t *launch, const char *href)
{
    sl_page_link_t *link;

    if (href == NULL) {
        return;
    }
    link = apr_array_push(links);
    link->href = href;
    link->text = apr_pstrcat(r->pool, verb, " ", patient_of(r, launch), NULL);
    link->note = opened_at(r, &launch->row);
}

static bool is_same_patient(const sl_launch_t *a, const sl_launch_t *b)
{
    return a->patient != NULL && b->patient != NULL && strcmp(a->patient, b->patient) == 0 &&
           a->ehr != NULL && b->ehr != NULL && strcmp(a->ehr, b->ehr) == 0;
}

/**
 * One entry for each patient, or the same name stands there twice and nobody knows why: the newest
 * launch (they come newest first), but rather one whose user is known.
 */
static bool is_listed(const sl_browser_view_t *view, int i)
{
    const sl_browser_launch_t *one = &view->launches[i];
    bool is_pending = one->row.link_state == SL_LINK_PENDING;

    if (!one->live || one->row.kind == SL_KIND_SESSION) {
        return false;
    }
    for (int j = 0; j < view->count; j++) {
        const sl_browser_launch_t *other = &view->launches[j];
        bool other_pending = other->row.link_state == SL_LINK_PENDING;

        if (j != i && other->live && is_same_patient(&other->row, &one->row) &&
            (other_pending == is_pending ? j < i : is_pending)) {
            return false;
        }
    }
    return true;
}

static int refuse_script(request_rec *r, const sl_bind_t *decision)
{
    sl_refusal_t refusal;

    memset(&refusal, 0, sizeof(refusal));
    refusal.status = decision->status;
    refusal.log_id = decision->log_id;
    refusal.detail = decision->reason;
    refusal.error = "ambiguous_launch";
    refusal.title = "More than one patient is open";
    sl_request_of(r)->ask.wants = SL_ASK_JSON;
    return sl_respond_refusal(r, &refusal);
}

static int send_page(request_rec *r, const sl_bind_t *decision, sl_page_t *page)
{
    page->status = decision->status;
    page->sandboxed = true;
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "%s: %s (status %d, reference %s)",
                  decision->log_id, decision->reason, decision->status, sl_request_reference(r));
    return sl_page_send(r, page);
}

int sl_choose_patient(request_rec *r, const sl_bind_t *decision)
{
    const sl_request_t *request = sl_request_of(r);
    apr_array_header_t *links = apr_array_make(r->pool, 4, sizeof(sl_page_link_t));
    sl_page_t page;

    if (request->ask.kind != SL_ASK_NAVIGATION) {
        return refuse_script(r, decision);
    }
    for (int i = 0; i < request->view.count; i++) {
        if (is_listed(&request->view, i)) {
            add_link(r, links, "Go on with", &request->view.launches[i],
                     way_to(r, &request->view.launches[i]));
        }
    }
    memset(&page, 0, sizeof(page));
    if (sl_ask_is_safe(&request->ask)) {
        page.title = "Which patient?";
        page.text[0] = "More than one patient was opened in this browser, and this address does "
                       "not say which one is meant.";
    } else {
        page.title = "Not saved: which patient?";
        page.text[0] = "What you just entered was not saved. More than one patient was opened in "
                       "this browser, and the form did not say which one is meant.";
        page.text[1] = "Please choose the patient and enter it again.";
    }
    page.links = links;
    page.after = in_doubt;
    return send_page(r, decision, &page);
}

int sl_choose_switch(request_rec *r, const sl_bind_t *decision)
{
    const sl_request_t *request = sl_request_of(r);
    const sl_browser_launch_t *here = &request->view.launches[decision->from];
    const sl_browser_launch_t *there = &request->view.launches[decision->index];
    apr_array_header_t *links = apr_array_make(r->pool, 2, sizeof(sl_page_link_t));
    sl_page_t page;

    /* The Referer is of our origin and names the launch `here`, or there were nothing to ask. */
    add_link(r, links, "Stay with", here, request->referer);
    add_link(r, links, "Change to", there, way_to(r, there));
    memset(&page, 0, sizeof(page));
    page.title = "Change the patient?";
    page.text[0] =
        apr_psprintf(r->pool, "This window is open on %s. What you followed leads to %s.",
                     patient_of(r, here), patient_of(r, there));
    if (!sl_ask_is_safe(&request->ask)) {
        page.title = "Not saved: change the patient?";
        page.text[1] = page.text[0];
        page.text[0] = "What you just entered was not saved.";
    }
    page.links = links;
    page.after = in_doubt;
    return send_page(r, decision, &page);
}
