/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one page template: narrow frames, no script, plain words, a reference id. Every text is
 * escaped here and nowhere else (SEC-4).
 */
#ifndef SL_PAGE_H
#define SL_PAGE_H

#include "httpd/sl_request.h"

typedef struct {
    const char *href;
    const char *text;
    const char *note; /* NULL: none */
} sl_page_link_t;

typedef struct {
    const char *name, *value;
} sl_page_field_t;

typedef struct {
    const char *action;
    const char *token;             /* hidden field `token`; NULL: none */
    const sl_page_field_t *fields; /* more hidden ones, the last with name NULL; NULL: none. Those
                                      without a value are left out */
    const char *yes;               /* the button that goes on: answer=yes */
    const char *no;                /* NULL: no second button; else answer=no */
} sl_page_form_t;

/** A line of a table; with `name` NULL `value` is the heading of those that follow. */
typedef struct {
    const char *name;
    const char *value;
    bool is_bad; /* somebody should look at it */
} sl_page_fact_t;

typedef struct {
    int status;
    const char *title;
    const char *text[4];             /* paragraphs, NULL after the last */
    const apr_array_header_t *facts; /* of sl_page_fact_t; NULL: none */
    const apr_array_header_t *links; /* of sl_page_link_t; NULL: none */
    const sl_page_link_t *window;    /* a link that opens a window of its own; NULL: none */
    const sl_page_form_t *form;      /* NULL: none */
    const char *after;               /* one paragraph below links and form; NULL: none */
    const char *ancestors;           /* of frame-ancestors; NULL: the union of all EHRs */
    bool sandboxed;                  /* cannot be read by scripts of this origin */
    bool leaves;     /* what the form is answered with leads to another site: browsers
                        hold form-action against every redirect that follows */
    int retry_after; /* seconds; 0: none */
} sl_page_t;

/** Send it, as the final answer to this request. @return DONE */
int sl_page_send(request_rec *r, const sl_page_t *page);

/** The same text, for the output filter that replaces an app's answer. Headers are set on `r`. */
const char *sl_page_prepare(request_rec *r, const sl_page_t *page);

/** What a page's policy says of its style: the digest, which is the same for all of our pages. */
const char *sl_page_style(apr_pool_t *p);

/** frame-ancestors for a launch of this EHR; NULL: the union of all EHRs. */
const char *sl_page_ancestors(request_rec *r, const char *ehr);

#endif
