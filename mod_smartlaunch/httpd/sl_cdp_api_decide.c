/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and deciding: items, adjudicate. */
#include "httpd/sl_cdp_api.h"

#include "flow/sl_cdp_deliver.h"

#include <http_log.h>

APLOG_USE_MODULE(smartlaunch_cdp);

#define MAX_IDS 10000

int sl_cdp_api_items(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    sl_cdp_sheet_t sheet;
    sl_err_t err = {0};
    sl_rc_t rc =
        sl_cdp_sheet_load(&sheet, visit->cdp, visit->project, record, &visit->actor, r->pool, &err);
    const char *token;

    if (rc != SL_OK) {
        return sl_cdp_api_fail(r, visit, rc, &err);
    }
    token = sl_cdp_sheet_token(visit->cdp, visit->project, &sheet, &visit->actor, r->pool);
    return sl_cdp_api_answer(r, visit, sl_cdp_api_sheet(&sheet, token, r->pool));
}

/** An array of ids, or nothing. False: it is something else. */
static bool read_ids(const apr_array_header_t **out, const sl_json_t *json, const char *name,
                     apr_pool_t *p)
{
    sl_json_t *ids = sl_json_get(json, name);
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(apr_int64_t));

    *out = list;
    if (ids == NULL) {
        return true;
    }
    if (json_object_get_type(ids) != json_type_array || json_object_array_length(ids) > MAX_IDS) {
        return false;
    }
    for (size_t i = 0; i < json_object_array_length(ids); i++) {
        sl_json_t *id = json_object_array_get_idx(ids, i);

        if (json_object_get_type(id) != json_type_int || json_object_get_int64(id) < 1) {
            return false;
        }
        APR_ARRAY_PUSH(list, apr_int64_t) = json_object_get_int64(id);
    }
    return true;
}

static int refuse_choices(request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_cdp_api_error_t error = {
        400,
        "invalid_request",
        "Send the token of items, and the ids of values as numbers in choices, exclude, include.",
        "SL8543",
        "a decision that is not what this address takes",
        0,
        NULL};

    return sl_cdp_api_refuse(r, visit, &error);
}

/** What a decision that was not made is answered with. */
static int fail_decision(request_rec *r, const sl_cdp_visit_t *visit, sl_rc_t rc,
                         const sl_err_t *err)
{
    sl_cdp_api_error_t error = {400, "invalid_choice", err->text, err->id, err->text, 0, NULL};

    if (rc == SL_INVALID) {
        return sl_cdp_api_refuse(r, visit, &error);
    }
    if (rc == SL_DENIED) {
        error.status = 403;
        error.error = "invalid_token";
        error.description = "The token is not the one of items for this user and record.";
        return sl_cdp_api_refuse(r, visit, &error);
    }
    return sl_cdp_api_fail(r, visit, rc, err);
}

/** It is decided: that the app is away is no failure of ours, the watchdog goes on. */
static void deliver(sl_cdp_delivered_t *out, request_rec *r, const sl_cdp_visit_t *visit,
                    const char *record, int saved)
{
    sl_err_t err = {0};
    sl_rc_t rc = SL_OK;

    if (saved > 0) {
        rc = sl_cdp_deliver_record(out, visit->cdp, visit->project, record, r->pool, &err);
    }
    if (rc != SL_OK) {
        out->waiting = saved;
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "SL8544: what was saved is not delivered yet: %s (%s, reference %s)",
                      err.text, sl_rc_name(rc), visit->core->reference(r));
    }
}

static int answer_decision(request_rec *r, const sl_cdp_visit_t *visit, const char *record,
                           const sl_cdp_decided_t *decided)
{
    sl_cdp_delivered_t sent = {0};
    sl_cdp_record_t now = {0};
    sl_json_t *json = sl_json_object(r->pool);
    sl_err_t err = {0};
    sl_rc_t rc;

    deliver(&sent, r, visit, record, decided->saved);
    rc = sl_cdp_hold_record(&now, visit->cdp, visit->project->name, record, r->pool, &err);
    sl_json_put_int(json, "saved", decided->saved);
    sl_json_put_int(json, "passed", decided->passed);
    sl_json_put_int(json, "excluded", decided->excluded);
    sl_json_put_int(json, "included", decided->included);
    sl_json_put_int(json, "delivered", sent.delivered);
    sl_json_put_int(json, "waiting", sent.waiting);
    sl_json_put_int(json, "refused", sent.refused);
    if (rc == SL_OK) {
        sl_json_put_int(json, "new", now.fresh);
    } else {
        sl_json_put(json, "new", NULL);
    }
    return sl_cdp_api_answer(r, visit, json);
}

int sl_cdp_api_adjudicate(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    static const char *const names[] = {"choices", "exclude", "include", "token", NULL};
    sl_cdp_choices_t choices = {0};
    sl_cdp_decided_t decided = {0};
    sl_json_t *json;
    sl_err_t err = {0};
    sl_rc_t rc;

    if (!sl_cdp_api_read(&json, r, visit, names)) {
        return DONE;
    }
    choices.token = sl_json_str(json, "token");
    if (!read_ids(&choices.choose, json, "choices", r->pool) ||
        !read_ids(&choices.exclude, json, "exclude", r->pool) ||
        !read_ids(&choices.include, json, "include", r->pool)) {
        return refuse_choices(r, visit);
    }
    rc = sl_cdp_decide(&decided, visit->cdp, visit->project, record, &choices, &visit->actor,
                       r->pool, &err);
    return rc == SL_OK ? answer_decision(r, visit, record, &decided)
                       : fail_decision(r, visit, rc, &err);
}
