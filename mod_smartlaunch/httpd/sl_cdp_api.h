/* SPDX-License-Identifier: Apache-2.0 */
/** The JSON API of the Clinical Data Pull: what its parts share. Each handler answers: DONE. */
#ifndef SL_CDP_API_H
#define SL_CDP_API_H

#include "base/sl_json.h"
#include "flow/sl_cdp_sheet.h"
#include "httpd/sl_cdp_url.h"

#define SL_CDP_API_MAX_BODY SL_JSON_MAX_BYTES

/* below …/<project>/ */
int sl_cdp_api_mapping(request_rec *r, const sl_cdp_visit_t *visit);

/* below …/<project>/records/<record>/ */
int sl_cdp_api_fetch(request_rec *r, const sl_cdp_visit_t *visit, const char *record);
int sl_cdp_api_items(request_rec *r, const sl_cdp_visit_t *visit, const char *record);
int sl_cdp_api_adjudicate(request_rec *r, const sl_cdp_visit_t *visit, const char *record);
int sl_cdp_api_log(request_rec *r, const sl_cdp_visit_t *visit, const char *record);

/** How much waits for a decision; a page's script asks it, too. A record that nobody fetched has
 * nothing. With `form` in the query, a token for the app's own form. */
int sl_cdp_api_count(request_rec *r, const sl_cdp_visit_t *visit, const char *record);

/** An error, as scripts read it, and its line in the log. */
typedef struct {
    int status;
    const char *error;       /* "invalid_choice" */
    const char *description; /* plain sentence for the reader */
    const char *log_id;
    const char *detail; /* for the log: nothing of a patient */
    int retry_after;    /* seconds; 0: none */
    sl_json_t *more;    /* NULL, or an object whose members go into the answer */
} sl_cdp_api_error_t;

int sl_cdp_api_refuse(request_rec *r, const sl_cdp_visit_t *visit, const sl_cdp_api_error_t *error);

/** The same for a result of the flows that has no error of its own here. */
int sl_cdp_api_fail(request_rec *r, const sl_cdp_visit_t *visit, sl_rc_t rc, const sl_err_t *err);

/** 401: the sign-in at the EHR has lapsed; with the address of a new one. */
int sl_cdp_api_relaunch(request_rec *r, const sl_cdp_visit_t *visit, const sl_err_t *err);

int sl_cdp_api_answer(request_rec *r, const sl_cdp_visit_t *visit, const sl_json_t *json);

/** The JSON object that was sent; `names` (NULL-terminated) are all members it may have. False:
 * answered. */
bool sl_cdp_api_read(sl_json_t **out, request_rec *r, const sl_cdp_visit_t *visit,
                     const char *const *names);

/** "2026-11-22T08:00:00Z", null for 0. */
void sl_cdp_api_put_time(sl_json_t *object, const char *name, apr_time_t at, apr_pool_t *p);

/** The time of a value, null without one. */
void sl_cdp_api_put_when(sl_json_t *object, const char *name, sl_cdp_when_t when, apr_pool_t *p);

/** "idle", "queued", "fetching". */
const char *sl_cdp_api_state(sl_cdp_fetch_state_t state);

/** The sheet of a record, with the token of its form. */
sl_json_t *sl_cdp_api_sheet(const sl_cdp_sheet_t *sheet, const char *token, apr_pool_t *p);

#endif
