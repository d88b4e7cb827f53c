/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_api.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

static int answer_mapping(request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_cdp_api_error_t none = {404,
                                            "not_found",
                                            "Nobody has saved a mapping yet.",
                                            "SL8547",
                                            "a project without a mapping",
                                            0,
                                            NULL};
    sl_cdp_mapping_t mapping;
    apr_int64_t revision;
    sl_err_t err = {0};
    sl_rc_t rc =
        sl_cdp_setup_load(&mapping, &revision, visit->cdp, visit->project->name, r->pool, &err);

    if (rc == SL_NONE) {
        return sl_cdp_api_refuse(r, visit, &none);
    }
    if (rc != SL_OK) {
        return sl_cdp_api_fail(r, visit, rc, &err);
    }
    apr_table_setn(r->err_headers_out, "ETag",
                   apr_psprintf(r->pool, "\"%" APR_INT64_T_FMT "\"", revision));
    return sl_cdp_api_answer(r, visit, sl_cdp_mapping_json(&mapping, r->pool));
}

/** If-Match: the revision it was read with, -1 for whatever there is, -2 for one there never is. */
static apr_int64_t wanted_revision(const request_rec *r)
{
    const char *match = apr_table_get(r->headers_in, "If-Match");
    char *end;
    apr_int64_t revision;

    if (match == NULL || strcmp(match, "*") == 0) {
        return -1;
    }
    if (match[0] != '"' || strspn(match + 1, "0123456789") == 0) {
        return -2;
    }
    revision = apr_strtoi64(match + 1, &end, 10);
    return strcmp(end, "\"") == 0 ? revision : -2;
}

/** What a mapping is judged by. The app that cannot be asked is no reason to believe names. */
static bool make_rules(sl_cdp_mapping_rules_t *rules, request_rec *r, const sl_cdp_visit_t *visit)
{
    sl_cdp_dictionary_t *dictionary = apr_pcalloc(r->pool, sizeof(*dictionary));
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_app_dictionary(dictionary, visit->cdp, visit->project, r->pool, &err);
    sl_cdp_api_error_t away = {
        502,
        "app_failed",
        "The application could not be asked for its fields. Nothing was saved.",
        err.id != NULL ? err.id : "SL8548",
        err.text,
        0,
        NULL};

    rules->project = visit->project->name;
    rules->ehr = visit->project->ehr->name;
    rules->may_email = visit->cdp->may_email;
    rules->dictionary = rc == SL_OK ? dictionary : NULL;
    if (rc == SL_UPSTREAM || rc == SL_TIMEOUT || rc == SL_DENIED) {
        (void)sl_cdp_api_refuse(r, visit, &away);
        return false;
    }
    if (rc != SL_OK && rc != SL_NONE) {
        (void)sl_cdp_api_fail(r, visit, rc, &err);
        return false;
    }
    return true;
}

static int refuse_rows(request_rec *r, const sl_cdp_visit_t *visit,
                       const apr_array_header_t *faults)
{
    sl_json_t *more = sl_json_object(r->pool);
    sl_json_t *rows = sl_json_array(r->pool);
    const sl_cdp_api_error_t error = {400,
                                      "invalid_mapping",
                                      "Some of the mapping cannot be used, so none was saved.",
                                      "SL8549",
                                      "a mapping with rows that cannot be used",
                                      0,
                                      more};

    for (int i = 0; i < faults->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(faults, i, sl_cdp_fault_t);
        sl_json_t *row = sl_json_object(r->pool);

        sl_json_put_int(row, "row", fault->row);
        sl_json_put_str(row, "name", fault->name);
        sl_json_put_str(row, "reason", fault->reason);
        sl_json_push(rows, row);
    }
    sl_json_put(more, "rows", rows);
    return sl_cdp_api_refuse(r, visit, &error);
}

static int refuse_stale(request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_cdp_api_error_t error = {
        412,
        "conflict",
        "Somebody else has saved the mapping meanwhile. Read it again.",
        "SL8550",
        "a mapping that was saved meanwhile",
        0,
        NULL};

    return sl_cdp_api_refuse(r, visit, &error);
}

static int put_mapping(request_rec *r, const sl_cdp_visit_t *visit)
{
    sl_cdp_mapping_rules_t rules = {0};
    apr_array_header_t *faults = apr_array_make(r->pool, 1, sizeof(sl_cdp_fault_t));
    sl_cdp_mapping_t mapping;
    const sl_cdp_saving_t saving = {&mapping, wanted_revision(r), visit->actor.user};
    sl_err_t err = {0};
    const char *body;
    apr_size_t len;
    sl_rc_t rc = sl_cdp_visit_body(&body, &len, r, "application/json", SL_CDP_API_MAX_BODY, &err);

    if (rc != SL_OK) {
        return sl_cdp_api_fail(r, visit, rc, &err);
    }
    if (!make_rules(&rules, r, visit)) {
        return DONE;
    }
    rc = sl_cdp_mapping_parse(&mapping, &faults, body, len, &rules, r->pool);
    if (rc != SL_OK) {
        return rc == SL_INVALID ? refuse_rows(r, visit, faults)
                                : sl_cdp_api_fail(r, visit, rc, &err);
    }
    if (saving.revision == -2) {
        return refuse_stale(r, visit);
    }
    rc = sl_cdp_setup_save(visit->cdp, visit->project->name, &saving, r->pool, &err);
    if (rc == SL_CONFLICT && saving.revision >= 0) {
        return refuse_stale(r, visit);
    }
    return rc == SL_OK ? answer_mapping(r, visit) : sl_cdp_api_fail(r, visit, rc, &err);
}

int sl_cdp_api_mapping(request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_cdp_api_error_t no_setup = {
        403,
        "forbidden",
        "You may not change the mapping of this project.",
        "SL8551",
        "a mapping from a user without the right to set the project up",
        0,
        NULL};

    if (r->method_number == M_GET) {
        return answer_mapping(r, visit);
    }
    if (r->method_number != M_PUT) {
        return sl_cdp_visit_not_allowed(visit, r, "GET, HEAD, PUT");
    }
    if (!visit->rights.setup) {
        return sl_cdp_api_refuse(r, visit, &no_setup);
    }
    return put_mapping(r, visit);
}
