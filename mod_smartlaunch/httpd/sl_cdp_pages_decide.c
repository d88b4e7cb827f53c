/* SPDX-License-Identifier: Apache-2.0 */
/* Save, and Exclude: what the form of a sheet says is done, all of it or nothing. */
#include "httpd/sl_cdp_pages.h"

#include "base/sl_text.h"
#include "flow/sl_cdp_deliver.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch_cdp);

#define DIGITS 18
#define EVENTS 20 /* of the log, to find what came in between */

typedef struct {
    apr_array_header_t *choose, *exclude, *include; /* of apr_int64_t */
    bool is_odd;                                    /* an id that is none */
} ticked_t;

static void take(ticked_t *ticked, apr_array_header_t *to, const char *text)
{
    apr_size_t len = strlen(text);

    if (len == 0) {
        return; /* none of these, or later */
    }
    if (len > DIGITS || strspn(text, "0123456789") != len) {
        ticked->is_odd = true;
        return;
    }
    APR_ARRAY_PUSH(to, apr_int64_t) = apr_atoi64(text);
}

static bool has_id(const apr_array_header_t *ids, apr_int64_t id)
{
    for (int i = 0; i < ids->nelts; i++) {
        if (APR_ARRAY_IDX(ids, i, apr_int64_t) == id) {
            return true;
        }
    }
    return false;
}

/** A value that is marked to be excluded is not saved, though it may be the one that was
 * preselected. */
static apr_array_header_t *without(const apr_array_header_t *ids, const apr_array_header_t *others,
                                   apr_pool_t *p)
{
    apr_array_header_t *rest = apr_array_make(p, ids->nelts, sizeof(apr_int64_t));

    for (int i = 0; i < ids->nelts; i++) {
        if (!has_id(others, APR_ARRAY_IDX(ids, i, apr_int64_t))) {
            APR_ARRAY_PUSH(rest, apr_int64_t) = APR_ARRAY_IDX(ids, i, apr_int64_t);
        }
    }
    return rest;
}

static void read_form(ticked_t *ticked, const sl_params_t *form, apr_pool_t *p)
{
    const char *what = sl_params_one(form, "do");

    ticked->choose = apr_array_make(p, 16, sizeof(apr_int64_t));
    ticked->exclude = apr_array_make(p, 4, sizeof(apr_int64_t));
    ticked->include = apr_array_make(p, 4, sizeof(apr_int64_t));
    for (int i = 0; i < form->pairs->nelts; i++) {
        const sl_param_t *pair = &APR_ARRAY_IDX(form->pairs, i, sl_param_t);

        if (sl_text_has_prefix(pair->name, "pick")) {
            take(ticked, ticked->choose, pair->value);
        } else if (strcmp(pair->name, "exclude") == 0) {
            take(ticked, ticked->exclude, pair->value);
        } else if (strcmp(pair->name, "include") == 0) {
            take(ticked, ticked->include, pair->value);
        }
    }
    if (what != NULL && strcmp(what, "exclude") == 0) {
        apr_array_clear(ticked->choose);
    }
    ticked->choose = without(ticked->choose, ticked->exclude, p);
}

/** What came in between, as the record's log has it. */
static const char *what_changed(const sl_cdp_visit_t *visit, const char *record, apr_pool_t *p)
{
    static const char *const deeds[] = {"saved", "excluded", "included", "fetched"};
    apr_array_header_t *events;
    sl_err_t err = {0};

    if (sl_cdp_log(&events, visit->cdp, visit->project->name, record, EVENTS, p, &err) != SL_OK) {
        return "somebody was faster";
    }
    for (int i = 0; i < events->nelts; i++) {
        const sl_cdp_event_t *event = &APR_ARRAY_IDX(events, i, sl_cdp_event_t);

        for (size_t k = 0; k < sizeof(deeds) / sizeof(deeds[0]); k++) {
            if (event->user != NULL && strcmp(event->what, deeds[k]) == 0) {
                return apr_psprintf(p, "%s, %s, %s", event->user, event->what,
                                    sl_cdp_pages_time(event->at, p));
            }
        }
    }
    return "somebody was faster";
}

static void log_refusal(request_rec *r, const sl_cdp_visit_t *visit, int status,
                        const sl_err_t *err)
{
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "%s: %s (status %d, reference %s)",
                  err->id != NULL ? err->id : "SL8574",
                  err->id != NULL ? err->text : "a decision that cannot be made", status,
                  visit->core->reference(r));
}

static int show_conflict(request_rec *r, const sl_cdp_visit_t *visit, const char *record,
                         const sl_err_t *err)
{
    const sl_cdp_pages_again_t again = {
        .status = HTTP_CONFLICT,
        .is_trouble = true,
        .said = apr_psprintf(r->pool,
                             "This record has changed since you opened it: %s. Nothing of yours "
                             "was saved; this is how it is now.",
                             what_changed(visit, record, r->pool))};

    log_refusal(r, visit, again.status, err);
    return sl_cdp_pages_sheet_send(r, visit, record, &again);
}

static int show_invalid(request_rec *r, const sl_cdp_visit_t *visit, const char *record,
                        const sl_cdp_choices_t *choices, const sl_err_t *err)
{
    const sl_cdp_pages_again_t again = {
        .status = HTTP_BAD_REQUEST,
        .is_trouble = true,
        .said = apr_psprintf(r->pool, "Nothing was saved. %s", err->text),
        .kept = choices};

    log_refusal(r, visit, again.status, err);
    return sl_cdp_pages_sheet_send(r, visit, record, &again);
}

/** It is decided: that the app is away is shown on the sheet, and the watchdog goes on.
 * @return how many values the app refused */
static int deliver(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    sl_cdp_delivered_t sent = {0};
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_deliver_record(&sent, visit->cdp, visit->project, record, r->pool, &err);

    if (rc != SL_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "SL8575: what was saved is not delivered yet: %s (%s, reference %s)",
                      err.text, sl_rc_name(rc), visit->core->reference(r));
    }
    return sent.refused;
}

static int show_done(request_rec *r, const sl_cdp_visit_t *visit, const char *record,
                     const sl_cdp_decided_t *decided)
{
    const char *const parts[] = {visit->project->name, record, NULL};
    int refused = decided->saved > 0 ? deliver(r, visit, record) : 0;

    return visit->core->redirect(
        r, HTTP_SEE_OTHER,
        sl_cdp_visit_href(visit, r->pool,
                          apr_psprintf(r->pool, "saved=%d&refused=%d&excluded=%d&included=%d",
                                       decided->saved, refused, decided->excluded,
                                       decided->included),
                          parts));
}

int sl_cdp_pages_decide(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    const sl_params_t *form;
    ticked_t ticked = {0};
    sl_cdp_choices_t choices;
    sl_cdp_decided_t decided;
    sl_err_t err = {0};
    sl_rc_t rc;

    if (!sl_cdp_pages_form(&form, r, visit)) {
        return DONE;
    }
    read_form(&ticked, form, r->pool);
    choices = (sl_cdp_choices_t){ticked.choose, ticked.exclude, ticked.include,
                                 sl_params_one(form, "token")};
    rc = ticked.is_odd ? sl_err_set(&err, SL_DENIED, "SL8576", "a decision about no value of ours")
                       : sl_cdp_decide(&decided, visit->cdp, visit->project, record, &choices,
                                       &visit->actor, r->pool, &err);
    switch ((int)rc) {
    case SL_OK:
        return show_done(r, visit, record, &decided);
    case SL_DENIED:
        return sl_cdp_frame_forged(r, visit);
    case SL_CONFLICT:
        return show_conflict(r, visit, record, &err);
    case SL_INVALID:
        return show_invalid(r, visit, record, &choices, &err);
    case SL_NONE:
        return sl_cdp_visit_not_found(visit, r);
    default:
        return visit->core->error(r, rc, &err);
    }
}
