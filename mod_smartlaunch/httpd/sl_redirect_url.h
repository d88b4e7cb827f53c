/* SPDX-License-Identifier: Apache-2.0 */
/** The Redirect URL and what lies under it (design section 3, "URLs under the Redirect URL"). */
#ifndef SL_REDIRECT_URL_H
#define SL_REDIRECT_URL_H

#include "flow/sl_begin.h"
#include "flow/sl_finish.h"
#include "httpd/sl_request.h"
#include "smart/sl_params.h"

/** The handler hook: OK when it was one of ours, else DECLINED. */
int sl_redirect_url_handle(request_rec *r);

/** What a request under a Redirect URL works with. */
typedef struct {
    request_rec *r;
    sl_request_t *request;
    const sl_runtime_t *rt;
    const sl_site_t *site;
    const sl_location_conf_t *location; /* of the Redirect URL itself */
} sl_visit_t;

/* The pages, one group a file; each answers and returns DONE. */
int sl_launch_url(const sl_visit_t *visit);
int sl_session_url(const sl_visit_t *visit);
int sl_logout_url(const sl_visit_t *visit);
int sl_confirm_url(const sl_visit_t *visit);
int sl_jwks_url(const sl_visit_t *visit);
int sl_link_url(const sl_visit_t *visit);
int sl_start_url(const sl_visit_t *visit);
int sl_window_url(const sl_visit_t *visit);

/** The launch that the request names, by the rule of every request; NULL: answered already. */
const sl_browser_launch_t *sl_visit_launch(const sl_visit_t *visit, int *answer);

/** The parameters of a form body of at most 64 KiB; SL_INVALID when it is none. */
SL_MUST_USE sl_rc_t sl_visit_form(const sl_visit_t *visit, const char **body, apr_size_t *len,
                                  sl_err_t *err);

/** What jwks.json answers for these EHRs (of const sl_ehr_t *): made once, at the start. */
const char *sl_jwks_url_text(const apr_array_header_t *ehrs, apr_pool_t *p);

/** Query and, for a POST, form body: a name given in both counts twice. */
SL_MUST_USE sl_rc_t sl_visit_params(sl_params_t **out, const sl_visit_t *visit, sl_err_t *err);

/** The part of the client's address that a flood from one place has in common: /24 or /64. */
const char *sl_visit_network(const sl_visit_t *visit);

/** Send the browser to the EHR. @return DONE */
int sl_visit_depart(const sl_visit_t *visit, const sl_begun_t *begun);

/** A request that never became a launch leaves its steps, too. */
void sl_visit_record(const sl_visit_t *visit, sl_trace_t *trace, const char *step,
                     const sl_err_t *err);

/** Record it and refuse it. @return DONE */
int sl_visit_refuse(const sl_visit_t *visit, sl_trace_t *trace, const char *step, sl_rc_t rc,
                    const sl_err_t *err);

/** Where a launch goes in the app: `return_to`, or SmartTarget where that is no path to go to. */
const char *sl_visit_way_back(const sl_visit_t *visit, const char *return_to);

/** The browser says that this is a window of its own, no frame. */
bool sl_visit_is_toplevel(const sl_visit_t *visit);

/** Finish a launch with an answer of the EHR, and send the browser on. @return DONE */
int sl_launch_url_finish(const sl_visit_t *visit, const sl_finish_t *finish);

/**
 * A callback came without our cookie. Where the browser keeps none in frames: a page that says so
 * and offers a window of its own. @param why what is logged; DECLINED: there is nothing to offer
 */
int sl_window_offer(const sl_visit_t *visit, const sl_finish_t *finish, const sl_err_t *why);

/**
 * An answer by POST that came without our cookie, where the cookie is Lax: on to the same address
 * by GET, once. @return DECLINED: it is to be answered as it is
 */
int sl_bounce_url(const sl_visit_t *visit, const sl_redirect_t *answer, const sl_params_t *params);

/** 405 with Allow. @return DONE */
int sl_visit_not_allowed(const sl_visit_t *visit, const char *allow);

/** Where the browser is asked about this launch; NULL: its Redirect URL is gone. */
const char *sl_confirm_location(request_rec *r, const sl_browser_launch_t *launch);

/** Where httpd logs in the user of a launch that waits; NULL unless SmartLink site. */
const char *sl_link_location(request_rec *r, const sl_browser_launch_t *launch);

#endif
