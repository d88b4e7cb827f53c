/* SPDX-License-Identifier: Apache-2.0 */
/** The screens of the Clinical Data Pull: what their parts share. Each answers: DONE. */
#ifndef SL_CDP_PAGES_H
#define SL_CDP_PAGES_H

#include "flow/sl_cdp_sheet.h"
#include "httpd/sl_cdp_frame.h"
#include "smart/sl_params.h"

/** Below <location>/<project>/. */
int sl_cdp_pages_project(request_rec *r, const sl_cdp_visit_t *visit);
int sl_cdp_pages_find(request_rec *r, const sl_cdp_visit_t *visit);

/* below <location>/<project>/<record> */
int sl_cdp_pages_sheet(request_rec *r, const sl_cdp_visit_t *visit, const char *record);
int sl_cdp_pages_decide(request_rec *r, const sl_cdp_visit_t *visit, const char *record);
int sl_cdp_pages_fetch(request_rec *r, const sl_cdp_visit_t *visit, const char *record);
int sl_cdp_pages_log(request_rec *r, const sl_cdp_visit_t *visit, const char *record);

/** A sheet that is shown again: after a decision that could not be made. */
typedef struct {
    int status; /* 0: 200 */
    const char *said;
    bool is_trouble;
    const sl_cdp_choices_t *kept; /* what was ticked; NULL: what is preselected */
} sl_cdp_pages_again_t;
int sl_cdp_pages_sheet_send(request_rec *r, const sl_cdp_visit_t *visit, const char *record,
                            const sl_cdp_pages_again_t *again);

/** What the EHR has done to the value that was saved, as a sentence; NULL: nothing. */
const char *sl_cdp_pages_revised(const sl_cdp_target_t *target);

/** One field with its candidates, as a fieldset. `n` tells those of a page apart. */
void sl_cdp_pages_put_target(sl_cdp_html_t *html, const sl_cdp_target_t *target, int n,
                             const sl_cdp_choices_t *kept);

/** Has it anything that can be decided, or was excluded? */
bool sl_cdp_pages_is_open(const sl_cdp_target_t *target);

/** The form that looks for a patient; `record` (may be NULL) is filled in. */
void sl_cdp_pages_put_find(sl_cdp_html_t *html, const sl_cdp_visit_t *visit, const char *record);

/** A screen in place of the one that was wanted, and its line in the log. */
typedef struct {
    int status;
    const char *title, *text;
    const char *record; /* the way back leads to it; NULL: to the project */
    bool relaunch;      /* offer a new sign-in at the EHR */
} sl_cdp_pages_no_t;
int sl_cdp_pages_refuse(request_rec *r, const sl_cdp_visit_t *visit, const sl_cdp_pages_no_t *no,
                        const sl_err_t *err);

/** The same for what look-up and fetch end with. */
typedef struct {
    sl_rc_t rc;
    bool is_protected;
    const char *record;
} sl_cdp_pages_end_t;
int sl_cdp_pages_no_fetch(request_rec *r, const sl_cdp_visit_t *visit,
                          const sl_cdp_pages_end_t *end, const sl_err_t *err);

/** The form that was sent, decoded. False: answered. */
bool sl_cdp_pages_form(const sl_params_t **out, request_rec *r, const sl_cdp_visit_t *visit);

/** The query of this address; what cannot be read is none. */
const sl_params_t *sl_cdp_pages_query(const request_rec *r);

/** <location>/<project>[/<record>[/<action>]] */
const char *sl_cdp_pages_href(const sl_cdp_visit_t *visit, const char *record, const char *action,
                              apr_pool_t *p);

/** What the form of a fetch is bound to: record, its version, and the MRN that was confirmed
 * ("": the one that is known). */
const char *sl_cdp_pages_fetch_subject(const sl_cdp_record_t *record, const char *mrn,
                                       apr_pool_t *p);

/** A record by its name; one that is not there yet has version 0. */
SL_MUST_USE sl_rc_t sl_cdp_pages_record(sl_cdp_record_t *out, const sl_cdp_visit_t *visit,
                                        const char *record, apr_pool_t *p, sl_err_t *err);

/** A link that begins a new sign-in at the EHR, and comes back to the project; nothing where
 * standalone launches are not set up. */
void sl_cdp_pages_put_start(sl_cdp_html_t *html, request_rec *r, const sl_cdp_visit_t *visit,
                            const char *text);

/** Says so where this window was opened from the chart of somebody else; NULL: not known. */
void sl_cdp_pages_put_other(sl_cdp_html_t *html, const sl_cdp_visit_t *visit, const char *patient);

/** "2026-11-22 09:34" by the server's clock, "never" for 0. */
const char *sl_cdp_pages_time(apr_time_t at, apr_pool_t *p);
/** "2026-11-22" or "2026-11-22 09:34"; seconds only where they say something. */
const char *sl_cdp_pages_when(sl_cdp_when_t when, apr_pool_t *p);
/** "2 new items", "1 new item", "nothing new". */
const char *sl_cdp_pages_news(int fresh, apr_pool_t *p);
/** "1 value", "2 values". */
const char *sl_cdp_pages_number(int n, const char *one, const char *many, apr_pool_t *p);

#endif
