/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What all screens of the Clinical Data Pull have in common: head, style, policy, the way back, and
 * the tokens of their forms. No script, at 360 px as on a wide screen.
 */
#ifndef SL_CDP_FRAME_H
#define SL_CDP_FRAME_H

#include "httpd/sl_cdp_html.h"
#include "httpd/sl_cdp_url.h"

typedef struct {
    int status;                    /* 0: 200 */
    const char *title;             /* of the window, and the heading */
    const char *lead;              /* a sentence below the heading; NULL: none */
    const char *said;              /* what just happened; NULL: nothing */
    bool is_trouble;               /* `said` is something that went wrong */
    const char *up_href, *up_text; /* the way back; NULL: none */
} sl_cdp_frame_t;

/** Send a screen whose middle is `html`. @return DONE */
int sl_cdp_frame_send(request_rec *r, const sl_cdp_visit_t *visit, const sl_cdp_frame_t *frame,
                      const sl_cdp_html_t *html);

/** Open a form that POSTs to `href`, with the token of `subject`; close it with "</form>". */
void sl_cdp_frame_form(sl_cdp_html_t *html, const sl_cdp_visit_t *visit, const char *href,
                       const char *subject);

/**
 * The token of a form that is no decision on a sheet: bound to session or user, project and
 * subject, which names what the form does and to what ("fetch 17").
 */
const char *sl_cdp_frame_token(const sl_cdp_visit_t *visit, const char *subject, apr_pool_t *p);

/** Did `token` come from such a form of ours? */
bool sl_cdp_frame_is_token(const sl_cdp_visit_t *visit, const char *subject, const char *token,
                           apr_pool_t *p);

/** A form that is not ours, or is too old: 403, nothing has changed. @return DONE */
int sl_cdp_frame_forged(request_rec *r, const sl_cdp_visit_t *visit);

#endif
