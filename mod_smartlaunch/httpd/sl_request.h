/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The request's own record: what the client sent of ours (taken out of the request before anybody
 * else sees it), and what we found out about it.
 */
#ifndef SL_REQUEST_H
#define SL_REQUEST_H

#include "flow/sl_browser.h"
#include "flow/sl_trace.h"
#include "httpd/sl_conf.h"
#include "httpd/sl_gateway_ask.h"
#include "smart/sl_ask.h"
#include "smart/sl_bind.h"

typedef struct {
    bool is_read;

    /* as it came */
    const char *url_handle; /* smart_launch in the URL; NULL: none */
    bool url_several;
    const char *header_handle; /* Smart-Launch */
    const char *referer;
    const char *cookies; /* the Cookie header; NULL: none */
    const char *cookie;  /* our cookie's value, if it can be ours */
    const char *uri;     /* path and query without the handle, as sent */
    const char *query;   /* of a Redirect URL; nobody else sees it */
    sl_ask_t ask;
    sl_gateway_ask_t *gateway; /* of a call to a gateway; NULL: it is none */
    sl_gateway_ask_t *second;  /* of a call to a second module; NULL: it is none */

    /* found out */
    const sl_redirect_conf_t *claim;   /* the Redirect URL this request is under; NULL: none */
    sl_browser_view_t view;            /* this browser's launches, once looked for */
    const sl_browser_launch_t *launch; /* the one this request belongs to; NULL: none */
    apr_time_t ends_at;                /* when that ends, if nothing more is asked */
    apr_array_header_t *dead_cookies;  /* of const char *: to be deleted with the answer */
    const char *relaunch;              /* where to begin a standalone launch again; NULL: chart */
    const char *reference;             /* once somebody asked for it */
    bool is_authorized;                /* Require was fulfilled */
    bool wants_launch;                 /* Require asks for a launch, and there is a session only */
    bool is_lacking;                   /* the launch lacks what a Require of ours asks for */
    bool is_elsewhere;                 /* the launch it names went to another window */
    bool is_answered;                  /* by us: the app's filter has nothing to do */
    struct sl_gateway_call *call;      /* httpd/sl_gateway_call.h; NULL: below no gateway */
    bool is_hushed;                    /* r->log is ours; it was: */
    const struct ap_logconf *log;
} sl_request_t;

/** The record of a request; made when there is none. Subrequests share their main's. */
sl_request_t *sl_request_of(request_rec *r);

/**
 * Hook: core, at trace5, would write down the request's line as it came, before a session id can be
 * taken out of it. Where there is a gateway it does so at no level until sl_request_read().
 */
void sl_request_hush(request_rec *r, conn_rec *c);

/** The id under which the user sees and the log has this request. */
const char *sl_request_reference(request_rec *r);

/** A flight recorder for this request. */
sl_trace_t *sl_request_trace(request_rec *r);

/** Whose launches: our cookie, the location's app and the server's limits. cookie is not NULL. */
sl_browser_key_t sl_request_browser_key(request_rec *r, const char *app);

/**
 * Hook: takes what is ours out of the request, once. A request that httpd refused while it read it
 * comes here late: with its ErrorDocument, or when it is logged.
 */
int sl_request_read(request_rec *r);

/** A SmartUserHeader of any location, in any spelling. */
bool sl_request_is_user_header(const sl_main_t *main, const char *name);

/** Hooks: claim Redirect URLs and their sub-paths. */
int sl_request_translate(request_rec *r);
int sl_request_map(request_rec *r);

#endif
