/* SPDX-License-Identifier: Apache-2.0 */
/** Answers of our own, final in every phase: pages, JSON, redirects, and errors in any form. */
#ifndef SL_RESPOND_H
#define SL_RESPOND_H

#include "base/sl_rc.h"
#include "httpd/sl_page.h"
#include "httpd/sl_request.h"

/** Status, and the headers every answer of ours has: no-store, no leftovers of an app. */
void sl_respond_headers(request_rec *r, int status);

/** Send `body` with the headers set. Wins over ErrorDocument. @return DONE */
int sl_respond_body(request_rec *r, const char *body);

/**
 * A redirect of ours: no-store, and a Referrer-Policy: "no-referrer" when the browser leaves us or
 * an address with a code, "same-origin" within the app. @return DONE
 */
int sl_respond_redirect(request_rec *r, int status, const char *location, const char *referrer);

/** Set or renew our cookie with the answer; to be called before it is sent. */
void sl_respond_cookie(request_rec *r, const char *value);

/** A refusal: what people read, and what scripts get. */
typedef struct {
    int status;
    const char *error; /* for scripts: "relaunch", "invalid_request", … */
    const char *title;
    const char *text[4];
    const char *log_id;
    const char *detail; /* for the log, one sentence */
    int retry_after;
} sl_refusal_t;

/** Log and answer, as a page or as JSON, as the request can read it. @return DONE */
int sl_respond_refusal(request_rec *r, const sl_refusal_t *refusal);

/** Log and answer, as a page with more on it than the refusal says. @return DONE */
int sl_respond_page(request_rec *r, const sl_refusal_t *refusal, sl_page_t *page);

/** The same from a result of the flows: the one switch over sl_rc_t. @return DONE */
int sl_respond_error(request_rec *r, sl_rc_t rc, const sl_err_t *err);

/** No live launch: "open it from the chart again". @return DONE */
int sl_respond_relaunch(request_rec *r, const char *log_id, const char *detail);

/** Fill in the refusal for a result of the flows, without answering. */
void sl_respond_describe(sl_refusal_t *out, request_rec *r, sl_rc_t rc, const sl_err_t *err);

/** The refusal's body with headers set, for the output filter; logs it, too. */
const char *sl_respond_prepare(request_rec *r, const sl_refusal_t *refusal);

#endif
