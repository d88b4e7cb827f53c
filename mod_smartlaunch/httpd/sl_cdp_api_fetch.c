/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_api.h"

#include "cdp/sl_cdp_plan.h"
#include "flow/sl_cdp_fetch.h"

#include <string.h>

#define MAX_DATES 10000
#define MAX_TEXT 200 /* of an event, a field, a date */
#define MAX_MRN 200

/** A text of bounded length; `or_empty`: may be absent or empty. False: it is none. */
static bool read_text(const char **out, const sl_json_t *json, const char *name, bool or_empty)
{
    *out = sl_json_str(json, name);
    if (*out == NULL) {
        *out = "";
        return or_empty && sl_json_get(json, name) == NULL;
    }
    return strlen(*out) <= MAX_TEXT && (or_empty || **out != '\0');
}

/** [{"event", "instance", "field", "value"}] */
static bool read_date_list(apr_array_header_t *dates, const sl_json_t *json)
{
    size_t count = json_object_array_length(json);

    for (size_t i = 0; i < count && i < MAX_DATES; i++) {
        const sl_json_t *row = json_object_array_get_idx(json, i);
        const sl_json_t *instance;
        sl_cdp_date_t *date = apr_array_push(dates);

        if (json_object_get_type(row) != json_type_object ||
            !read_text(&date->event, row, "event", true) ||
            !read_text(&date->field, row, "field", false) ||
            !read_text(&date->value, row, "value", true)) {
            return false;
        }
        instance = sl_json_get(row, "instance");
        if (instance != NULL && (json_object_get_type(instance) != json_type_int ||
                                 json_object_get_int(instance) < 0)) {
            return false;
        }
        date->instance = json_object_get_int(instance);
    }
    return count <= MAX_DATES;
}

/** {"event": {"field": "value"}} */
static bool read_date_map(apr_array_header_t *dates, sl_json_t *json)
{
    json_object_object_foreach(json, event, fields)
    {
        if (json_object_get_type(fields) != json_type_object || strlen(event) > MAX_TEXT) {
            return false;
        }
        json_object_object_foreach(fields, field, value)
        {
            sl_cdp_date_t *date = apr_array_push(dates);

            (void)value;
            date->event = event;
            date->instance = 0;
            date->field = field;
            if (strlen(field) > MAX_TEXT || !read_text(&date->value, fields, field, true) ||
                dates->nelts > MAX_DATES) {
                return false;
            }
        }
    }
    return true;
}

static bool read_dates(const apr_array_header_t **out, sl_json_t *json, apr_pool_t *p)
{
    sl_json_t *dates = sl_json_get(json, "dates");
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(sl_cdp_date_t));

    *out = dates != NULL ? list : NULL;
    switch (json_object_get_type(dates)) {
    case json_type_null:
        return true;
    case json_type_array:
        return read_date_list(list, dates);
    case json_type_object:
        return read_date_map(list, dates);
    case json_type_boolean:
    case json_type_double:
    case json_type_int:
    case json_type_string:
        break;
    }
    return false;
}

static bool read_ask(sl_cdp_fetch_ask_t *out, sl_json_t *json, apr_pool_t *p)
{
    out->mrn = sl_json_str(json, "mrn");
    if (out->mrn == NULL ? sl_json_get(json, "mrn") != NULL
                         : out->mrn[0] == '\0' || strlen(out->mrn) > MAX_MRN) {
        return false;
    }
    return read_dates(&out->dates, json, p);
}

/** What became of a fetch that held nothing; NULL: it has no answer of its own. */
static const sl_cdp_api_error_t *error_of(sl_rc_t rc, const sl_cdp_fetched_t *fetched)
{
    static const sl_cdp_api_error_t none = {.status = 404,
                                            .error = "patient_not_found",
                                            .description =
                                                "The EHR has no patient of this number."};
    static const sl_cdp_api_error_t several = {.status = 409,
                                               .error = "patient_ambiguous",
                                               .description =
                                                   "The EHR has several patients of this number."};
    static const sl_cdp_api_error_t hidden = {
        .status = 403,
        .error = "protected",
        .description = "The EHR protects this patient's chart: break the glass there first."};
    static const sl_cdp_api_error_t failed = {
        .status = 502,
        .error = "ehr_failed",
        .description = "The EHR gave no usable answer. Nothing was changed."};
    bool is_protected = fetched->outcome != NULL && strcmp(fetched->outcome, "protected") == 0;

    switch (rc) {
    case SL_NONE:
        return &none;
    case SL_CONFLICT:
        return &several;
    case SL_DENIED:
        return is_protected ? &hidden : &failed;
    case SL_UPSTREAM:
    case SL_TIMEOUT:
        return &failed;
    case SL_OK:
    case SL_INVALID:
    case SL_UNKNOWN_EHR:
    case SL_FOREIGN:
    case SL_EXPIRED:
    case SL_USED:
    case SL_BUSY:
    case SL_UNAVAILABLE:
    case SL_FAILED:
        break;
    }
    return NULL;
}

static int fail_fetch(request_rec *r, const sl_cdp_visit_t *visit, const sl_cdp_fetched_t *fetched,
                      sl_rc_t rc, const sl_err_t *err)
{
    const sl_cdp_api_error_t *known = error_of(rc, fetched);
    sl_cdp_api_error_t error;

    if (rc == SL_EXPIRED) {
        return sl_cdp_api_relaunch(r, visit, err);
    }
    if (known == NULL) {
        return sl_cdp_api_fail(r, visit, rc, err);
    }
    error = *known;
    error.log_id = err->id != NULL ? err->id : "SL8545";
    error.detail = err->id != NULL ? err->text : error.description;
    error.retry_after = err->retry_after;
    return sl_cdp_api_refuse(r, visit, &error);
}

static sl_json_t *warnings_json(const apr_array_header_t *warnings, apr_pool_t *p)
{
    sl_json_t *list = sl_json_array(p);

    for (int i = 0; warnings != NULL && i < warnings->nelts; i++) {
        const sl_cdp_warning_t *warning = &APR_ARRAY_IDX(warnings, i, sl_cdp_warning_t);
        sl_json_t *json = sl_json_object(p);

        sl_json_put_str(json, "source", warning->source);
        sl_json_put_str(json, "message", warning->message);
        sl_json_push(list, json);
    }
    return list;
}

int sl_cdp_api_fetch(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    static const char *const names[] = {"mrn", "dates", NULL};
    static const sl_cdp_api_error_t wrong = {
        400,
        "invalid_request",
        "Send mrn as a text, and dates as {\"event\": {\"field\": \"value\"}} or as a list.",
        "SL8546",
        "a fetch that is not what this address takes",
        0,
        NULL};
    sl_cdp_fetch_ask_t ask = {visit->project, record, NULL, NULL};
    sl_cdp_fetched_t fetched = {0};
    sl_json_t *json;
    sl_err_t err = {0};
    sl_rc_t rc;

    if (!sl_cdp_api_read(&json, r, visit, names)) {
        return DONE;
    }
    if (!read_ask(&ask, json, r->pool)) {
        return sl_cdp_api_refuse(r, visit, &wrong);
    }
    rc = sl_cdp_fetch(&fetched, visit->cdp, &ask, &visit->actor, r->pool, &err);
    if (rc != SL_OK) {
        return fail_fetch(r, visit, &fetched, rc, &err);
    }
    json = sl_json_object(r->pool);
    sl_json_put_str(json, "state", sl_cdp_api_state(SL_CDP_IDLE));
    sl_json_put_str(json, "outcome", fetched.outcome);
    sl_json_put_int(json, "new", fetched.fresh);
    sl_json_put_int(json, "held", fetched.held.rows);
    sl_cdp_api_put_time(json, "fetched_at", fetched.fetched_at, r->pool);
    sl_json_put(json, "warnings", warnings_json(fetched.warnings, r->pool));
    return sl_cdp_api_answer(r, visit, json);
}
