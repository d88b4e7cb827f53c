/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_respond.h"
#include "base/sl_json.h"
#include "httpd/sl_outcome.h"
#include "httpd/sl_page.h"
#include "httpd/sl_start_url.h"
#include "smart/sl_cookie.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

void sl_respond_headers(request_rec *r, int status)
{
    sl_request_of(r)->is_answered = true;
    apr_table_clear(r->headers_out);
    apr_table_unset(r->err_headers_out, "Location");
    r->status = status;
    r->status_line = NULL;
    r->no_local_copy = 1;
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (status == HTTP_UNAUTHORIZED) {
        apr_table_setn(r->err_headers_out, "WWW-Authenticate", "Smart error=\"relaunch\"");
    }
}

int sl_respond_body(request_rec *r, const char *body)
{
    ap_set_content_length(r, (apr_off_t)strlen(body));
    (void)ap_rputs(body, r);
    return DONE;
}

int sl_respond_redirect(request_rec *r, int status, const char *location, const char *referrer)
{
    sl_respond_headers(r, status);
    apr_table_setn(r->err_headers_out, "Location", location);
    apr_table_setn(r->err_headers_out, "Referrer-Policy", referrer);
    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   apr_pstrcat(r->pool, "default-src 'none'; frame-ancestors ",
                               sl_page_ancestors(r, NULL), NULL));
    ap_set_content_type(r, "text/plain; charset=utf-8");
    return sl_respond_body(r, "Going on.\n");
}

void sl_respond_cookie(request_rec *r, const char *value)
{
    const sl_server_t *server = sl_conf_server(r->server);

    apr_table_add(
        r->err_headers_out, "Set-Cookie",
        sl_cookie_set(r->pool, sl_conf_cookie(server), value, !sl_conf_is_toplevel(server)));
}

static void log_refusal(request_rec *r, const sl_refusal_t *refusal)
{
    const sl_request_t *request = sl_request_of(r);
    /* Every session ends some time, and a program may ask on; the audit has a row of each. */
    bool is_usual = refusal->status == HTTP_UNAUTHORIZED &&
                    (request->gateway != NULL || request->second != NULL) &&
                    strcmp(refusal->error, "invalid_caller") != 0;
    int level = refusal->status >= 500 ? APLOG_ERR : is_usual ? APLOG_INFO : APLOG_WARNING;

    ap_log_rerror(APLOG_MARK, level, 0, r, "%s: %s (status %d, reference %s)", refusal->log_id,
                  refusal->detail, refusal->status, sl_request_reference(r));
}

static const char *json_body(request_rec *r, const sl_refusal_t *refusal)
{
    sl_json_t *json = sl_json_object(r->pool);

    sl_json_put_str(json, "error", refusal->error);
    sl_json_put_str(json, "error_description", refusal->title);
    sl_json_put_str(json, "reference", sl_request_reference(r));
    sl_json_put_str(json, "relaunch_url", sl_request_of(r)->relaunch);
    sl_respond_headers(r, refusal->status);
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    if (refusal->retry_after > 0) {
        apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, refusal->retry_after));
    }
    ap_set_content_type(r, "application/json");
    return sl_json_text(r->pool, json);
}

static const char again[] = "Please go back to the patient's chart and open the application "
                            "there once more.";

/** A launch that began in the app begins again by a link of the page itself. */
static void offer_relaunch(request_rec *r, sl_page_t *page)
{
    apr_array_header_t *links = apr_array_make(r->pool, 1, sizeof(sl_page_link_t));
    sl_page_link_t *link = apr_array_push(links);

    link->href = sl_request_of(r)->relaunch;
    link->text = "Log in again";
    link->note = NULL;
    page->links = links;
    for (size_t i = 0; i < sizeof(page->text) / sizeof(page->text[0]); i++) {
        if (page->text[i] == again) {
            page->text[i] = "You can begin here once more.";
        }
    }
}

static const char *page_body(request_rec *r, const sl_refusal_t *refusal, sl_page_t *page)
{
    const char *body;

    page->status = refusal->status;
    page->title = refusal->title;
    memcpy(page->text, refusal->text, sizeof(page->text));
    if (sl_request_of(r)->relaunch != NULL && page->links == NULL) {
        offer_relaunch(r, page);
    }
    page->retry_after = refusal->retry_after;
    body = sl_page_prepare(r, page);
    /* The address may hold a code or a handle, and browsers ask for /favicon.ico by themselves. */
    apr_table_setn(r->err_headers_out, "Referrer-Policy", "no-referrer");
    return body;
}

const char *sl_respond_prepare(request_rec *r, const sl_refusal_t *refusal)
{
    sl_page_t page;

    log_refusal(r, refusal);
    if (sl_outcome_is_wanted(r)) {
        return sl_outcome_prepare(r, refusal);
    }
    if (sl_request_of(r)->ask.wants != SL_ASK_HTML) {
        return json_body(r, refusal);
    }
    memset(&page, 0, sizeof(page));
    return page_body(r, refusal, &page);
}

int sl_respond_page(request_rec *r, const sl_refusal_t *refusal, sl_page_t *page)
{
    log_refusal(r, refusal);
    return sl_respond_body(r, page_body(r, refusal, page));
}

int sl_respond_refusal(request_rec *r, const sl_refusal_t *refusal)
{
    return sl_respond_body(r, sl_respond_prepare(r, refusal));
}

static const char call_support[] = "If this happens again, tell your support the reference "
                                   "below.";

/* What people read. */
static const sl_refusal_t unusable = {
    .status = 400,
    .error = "invalid_request",
    .title = "This launch cannot be used",
    .text = {"The request was not what a launch looks like, or it was used before.", again,
             call_support},
};
static const sl_refusal_t other_browser = {
    .status = 400,
    .error = "invalid_request",
    .title = "This launch began in another window",
    .text = {"The answer of the health record system came to another browser than the one that "
             "asked, or the browser did not send our cookie back.",
             again, call_support},
};
static const sl_refusal_t too_late = {
    .status = 400,
    .error = "expired",
    .title = "This launch took too long",
    .text = {"For your patients' safety a launch is only good for a short while.", again},
};
static const sl_refusal_t nothing_here = {
    .status = 404,
    .error = "not_found",
    .title = "There is nothing here",
    .text = {"This address is not one of ours.", again},
};
static const sl_refusal_t unknown_ehr = {
    .status = 403,
    .error = "unknown_issuer",
    .title = "This health record system is not known here",
    .text = {"The application was opened from a system that it is not set up for.",
             "Please tell your support the reference below."},
};
static const sl_refusal_t denied = {
    .status = 403,
    .error = "access_denied",
    .title = "Access was refused",
    .text = {"You, or the health record system, did not allow the application to open.",
             "If that was not on purpose, go back to the patient's chart and open the application "
             "there once more.",
             call_support},
};
static const sl_refusal_t conflict = {
    .status = 409,
    .error = "conflict",
    .title = "These two accounts do not fit together",
    .text = {"Your account in the health record system or the one in the application is already "
             "joined with somebody else's. Nothing was changed.",
             "If you logged in with another account than your own, open the application from the "
             "chart again and log in with yours.",
             call_support},
};
static const sl_refusal_t ehr_error = {
    .status = 502,
    .error = "ehr_error",
    .title = "The health record system gave no usable answer",
    .text = {"The application could not be opened, and nothing was saved.", again, call_support},
};
static const sl_refusal_t ehr_timeout = {
    .status = 504,
    .error = "ehr_timeout",
    .title = "The health record system did not answer in time",
    .text = {"The application could not be opened, and nothing was saved.", again, call_support},
};
static const sl_refusal_t busy = {
    .status = 503,
    .error = "busy",
    .title = "Too many people are asking at this moment",
    .text = {"Please wait a few seconds.", again, call_support},
    .retry_after = 5,
};
static const sl_refusal_t unavailable = {
    .status = 503,
    .error = "unavailable",
    .title = "The application cannot be opened just now",
    .text = {"A part of it is not available. Please wait a minute.", again, call_support},
    .retry_after = 10,
};
static const sl_refusal_t own_fault = {
    .status = 500,
    .error = "server_error",
    .title = "Something went wrong on our side",
    .text = {"The application could not be opened, and nothing was saved.",
             "Please tell your support the reference below."},
};

/** One case for each code; a new code does not compile without. */
static const sl_refusal_t *text_of(sl_rc_t rc)
{
    switch (rc) {
    case SL_INVALID:
    case SL_USED:
        return &unusable;
    case SL_FOREIGN:
        return &other_browser;
    case SL_EXPIRED:
        return &too_late;
    case SL_NONE:
        return &nothing_here;
    case SL_UNKNOWN_EHR:
        return &unknown_ehr;
    case SL_DENIED:
        return &denied;
    case SL_CONFLICT:
        return &conflict;
    case SL_UPSTREAM:
        return &ehr_error;
    case SL_TIMEOUT:
        return &ehr_timeout;
    case SL_BUSY:
        return &busy;
    case SL_UNAVAILABLE:
        return &unavailable;
    case SL_OK:
    case SL_FAILED:
        return &own_fault;
    }
    return &own_fault;
}

void sl_respond_describe(sl_refusal_t *out, request_rec *r, sl_rc_t rc, const sl_err_t *err)
{
    *out = *text_of(rc);
    out->log_id = err->id;
    out->detail = apr_pstrdup(r->pool, err->text);
    if (err->retry_after > 0 && out->status == 503) {
        out->retry_after = err->retry_after;
    }
}

int sl_respond_error(request_rec *r, sl_rc_t rc, const sl_err_t *err)
{
    sl_refusal_t refusal;

    sl_respond_describe(&refusal, r, rc, err);
    return sl_respond_refusal(r, &refusal);
}

/** What was entered is lost: that comes first. */
static void say_not_saved(sl_refusal_t *refusal, bool is_elsewhere)
{
    refusal->title = is_elsewhere ? "Not saved: please use the other window"
                                  : "Not saved: please open it from the chart again";
    refusal->text[0] =
        is_elsewhere ? "What you just entered was not saved, since the application goes on in "
                       "another window now."
                     : "What you just entered was not saved, since this window's session has "
                       "ended, or belongs to another browser window.";
}

int sl_respond_relaunch(request_rec *r, const char *log_id, const char *detail)
{
    const sl_request_t *request = sl_request_of(r);
    sl_refusal_t refusal = {401,
                            "relaunch",
                            "Please open it from the chart again",
                            {"This window's session has ended, or it belongs to another browser "
                             "window.",
                             again, NULL},
                            NULL,
                            NULL,
                            0};

    if (request->is_elsewhere) {
        refusal.error = "other_window";
        refusal.title = "The application is open in another window";
        refusal.text[0] = "It was taken to a window of its own, and goes on there.";
        refusal.text[1] = "You can close this one. If you cannot find the other, go back to the "
                          "patient's chart and open the application there once more.";
    }
    if (!sl_ask_is_safe(&request->ask)) {
        say_not_saved(&refusal, request->is_elsewhere);
    }
    refusal.log_id = log_id;
    refusal.detail = detail;
    sl_start_offer_again(r);
    if (sl_request_of(r)->relaunch != NULL) {
        refusal.title = "Please log in to the health record system again";
    }
    return sl_respond_refusal(r, &refusal);
}
