/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The module's own questions to the user: a page that names everybody, answered by a same-origin
 * POST whose token is bound to handle, cookie and the very question (design 12 "Planted link").
 */
#ifndef SL_QUESTION_H
#define SL_QUESTION_H

#include "httpd/sl_page.h"
#include "httpd/sl_redirect_url.h"

typedef struct {
    const sl_visit_t *visit;
    const sl_browser_launch_t *launch;
    const char *below;   /* where it is asked and answered, under the Redirect URL: "/confirm" */
    const char *subject; /* "release", "link", "site": an answer fits no other question */
    const char *user;    /* the app user it names; NULL: none */
} sl_question_t;

/** The launch that the URL names, if it is this browser's by its cookie of now; NULL: none. */
const sl_browser_launch_t *sl_question_launch(const sl_visit_t *visit);

/** The address `below` the Redirect URL that asks about a launch. */
const char *sl_question_location(const sl_visit_t *visit, const char *below,
                                 const sl_browser_launch_t *launch);

/** Send the page with a yes and a no. @return DONE */
int sl_question_ask(const sl_question_t *question, sl_page_t *page, const char *yes);

/** "Join dr-smith at epic with alice?" @return DONE */
int sl_question_join(const sl_question_t *question);

/** What was answered. SL_DENIED: not from our page, or to another question. */
SL_MUST_USE sl_rc_t sl_question_answer(bool *yes, const sl_question_t *question, sl_err_t *err);

/** No: the launch ends, nothing else changes. @return DONE */
int sl_question_decline(const sl_question_t *question);

/** Where the browser goes when nothing is open any more: where the user was, or SmartTarget. */
const char *sl_question_way_on(const sl_visit_t *visit, const sl_browser_launch_t *launch);

/** Go there, with a new cookie unless it is NULL. @return DONE */
int sl_question_go_on(const sl_question_t *question, const char *new_browser);

#endif
