/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_api.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch_cdp);

#define JSON_TYPE "application/json"

static void log_error(request_rec *r, const sl_cdp_visit_t *visit, const sl_cdp_api_error_t *error)
{
    int level = error->status >= 500 ? APLOG_ERR : APLOG_WARNING;

    ap_log_rerror(APLOG_MARK, level, 0, r, "%s: %s (status %d, reference %s)", error->log_id,
                  error->detail != NULL ? error->detail : error->description, error->status,
                  visit->core->reference(r));
}

int sl_cdp_api_refuse(request_rec *r, const sl_cdp_visit_t *visit, const sl_cdp_api_error_t *error)
{
    sl_json_t *json = error->more != NULL ? error->more : sl_json_object(r->pool);

    log_error(r, visit, error);
    sl_json_put_str(json, "error", error->error);
    sl_json_put_str(json, "error_description", error->description);
    sl_json_put_str(json, "reference", visit->core->reference(r));
    if (error->retry_after > 0) {
        apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, error->retry_after));
    }
    return visit->core->body(r, error->status, JSON_TYPE, sl_json_text(r->pool, json));
}

int sl_cdp_api_answer(request_rec *r, const sl_cdp_visit_t *visit, const sl_json_t *json)
{
    return visit->core->body(r, HTTP_OK, JSON_TYPE, sl_json_text(r->pool, json));
}

int sl_cdp_api_relaunch(request_rec *r, const sl_cdp_visit_t *visit, const sl_err_t *err)
{
    sl_json_t *more = sl_json_object(r->pool);
    const sl_cdp_api_error_t error = {
        HTTP_UNAUTHORIZED,
        "relaunch",
        "The sign-in at the EHR does not cover this patient any more: open the patient's chart, "
        "or sign in to the EHR again.",
        err->id != NULL ? err->id : "SL8540",
        "no token that may be used for this patient",
        0,
        more};

    sl_json_put_str(more, "relaunch_url",
                    visit->core->start_url(r, visit->project->ehr->name, NULL));
    return sl_cdp_api_refuse(r, visit, &error);
}

/** What has one meaning whatever was asked. */
static const sl_cdp_api_error_t *error_of(sl_rc_t rc)
{
    static const sl_cdp_api_error_t errors[] = {
        [SL_NONE] = {404, "not_found", "There is no such record."},
        [SL_INVALID] = {400, "invalid_request", "The request is not what this address takes."},
        [SL_DENIED] = {403, "forbidden", "This was refused."},
        [SL_CONFLICT] = {409, "conflict",
                         "Somebody else has changed this meanwhile. Read it again."},
        [SL_UPSTREAM] = {502, "upstream_failed", "The other system gave no usable answer."},
        [SL_TIMEOUT] = {504, "upstream_timeout", "The other system did not answer in time."},
        [SL_BUSY] = {503, "busy", "Too much is going on at once. Try again.", .retry_after = 5},
        [SL_UNAVAILABLE] = {503, "unavailable", "The database is away. Try again.",
                            .retry_after = 10},
        [SL_FAILED] = {500, "server_error", "Something went wrong here."},
    };

    switch (rc) {
    case SL_NONE:
    case SL_INVALID:
    case SL_DENIED:
    case SL_CONFLICT:
    case SL_UPSTREAM:
    case SL_TIMEOUT:
    case SL_BUSY:
    case SL_UNAVAILABLE:
        return &errors[rc];
    case SL_OK:
    case SL_UNKNOWN_EHR:
    case SL_FOREIGN:
    case SL_EXPIRED:
    case SL_USED:
    case SL_FAILED:
        break;
    }
    return &errors[SL_FAILED];
}

int sl_cdp_api_fail(request_rec *r, const sl_cdp_visit_t *visit, sl_rc_t rc, const sl_err_t *err)
{
    sl_cdp_api_error_t error = *error_of(rc);

    error.log_id = err->id != NULL ? err->id : "SL8541";
    error.detail = err->id != NULL ? err->text : sl_rc_name(rc);
    if (err->retry_after > 0) {
        error.retry_after = err->retry_after;
    }
    return sl_cdp_api_refuse(r, visit, &error);
}

/** A member that nobody reads was meant to be another. */
static const char *unknown_member(sl_json_t *json, const char *const *names)
{
    json_object_object_foreach(json, name, value)
    {
        const char *const *known = names;

        (void)value;
        while (*known != NULL && strcmp(*known, name) != 0) {
            known++;
        }
        if (*known == NULL) {
            return name;
        }
    }
    return NULL;
}

bool sl_cdp_api_read(sl_json_t **out, request_rec *r, const sl_cdp_visit_t *visit,
                     const char *const *names)
{
    const char *body;
    apr_size_t len;
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_visit_body(&body, &len, r, JSON_TYPE, SL_CDP_API_MAX_BODY, &err);
    sl_cdp_api_error_t error = {400, "invalid_request", NULL, NULL, NULL, 0, NULL};

    if (rc == SL_OK) {
        rc = sl_json_parse(out, body, len, r->pool, &err);
    }
    if (rc == SL_OK && unknown_member(*out, names) != NULL) {
        rc = sl_err_set(&err, SL_INVALID, "SL8542", "the body has a member that is not known here");
    }
    if (rc != SL_OK) {
        error.description = err.text;
        error.log_id = err.id;
        (void)sl_cdp_api_refuse(r, visit, &error);
        return false;
    }
    return true;
}

void sl_cdp_api_put_time(sl_json_t *object, const char *name, apr_time_t at, apr_pool_t *p)
{
    apr_time_exp_t t;

    (void)apr_time_exp_gmt(&t, at);
    sl_json_put_str(object, name,
                    at == 0 ? NULL
                            : apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900,
                                           t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec));
}

void sl_cdp_api_put_when(sl_json_t *object, const char *name, sl_cdp_when_t when, apr_pool_t *p)
{
    sl_json_put_str(object, name,
                    when.precision == SL_CDP_NO_TIME ? NULL : sl_cdp_when_text(p, when));
}
