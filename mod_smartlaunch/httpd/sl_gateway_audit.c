/* SPDX-License-Identifier: Apache-2.0 */
/* One row of fhir_access for each call, refused ones too, and the same for CustomLog. */
#include "httpd/sl_gateway.h"
#include "httpd/sl_gateway_call.h"
#include "smart/sl_header_name.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

static const char *text_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

static void describe_call(sl_access_t *row, const sl_gateway_call_t *call)
{
    row->caller = call->caller;
    row->asked_patient = call->verdict.asked_patient;
    row->resource = call->is_fhir ? text_or(call->fhir.in, call->fhir.type) : NULL;
    if (call->ehr != NULL) {
        row->ehr = call->ehr->name;
    }
    if (call->has_grant) {
        row->via = call->grant.via;
        row->app_user = call->grant.app_user;
        row->session_print = call->grant.session_print;
        row->patient = call->grant.patient;
    }
}

static void describe(sl_access_t *row, request_rec *r, const sl_request_t *request)
{
    const sl_gateway_call_t *call = request->call;

    memset(row, 0, sizeof(*row));
    row->at = r->request_time;
    row->app =
        sl_conf_app(call != NULL && call->location != NULL ? call->location
                                                           : request->gateway->gateway->location);
    row->method = r->method;
    row->status = r->status;
    row->bytes = -1;
    row->ms = -1;
    row->reference = sl_request_reference(r);
    if (call != NULL) {
        describe_call(row, call);
    }
}

bool sl_gateway_record(sl_gateway_call_t *call)
{
    const sl_main_t *main = sl_conf_server(call->r->server)->main;
    sl_access_t row;
    sl_err_t err;

    if (main->audit != SL_AUDIT_REQUIRED || call->rt->audit == NULL) {
        return true;
    }
    (void)sl_request_reference(
        call->r); /* with the time it names the row that is completed later */
    describe(&row, call->r, call->request);
    if (sl_audit_commit(call->rt->audit, &row, &err) != SL_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, call->r, "%s: %s", err.id, err.text);
        return false;
    }
    call->is_recorded = true;
    return true;
}

/** Are there none of our variables yet? Then none has to be looked for. */
static bool has_none_of_ours(const apr_table_t *env)
{
    const apr_array_header_t *all = apr_table_elts(env);

    for (int i = 0; i < all->nelts; i++) {
        if (sl_header_is_ours(APR_ARRAY_IDX(all, i, apr_table_entry_t).key)) {
            return false;
        }
    }
    return true;
}

/** %{SMART_…}e */
static void set_variables(request_rec *r, const sl_access_t *row)
{
    const struct {
        const char *name;
        const char *value;
    } variables[] = {{"SMART_USER", row->app_user},
                     {"SMART_EHR", row->ehr},
                     {"SMART_VIA", row->via == SL_VIA_SESSION  ? "session"
                                   : row->via == SL_VIA_USER   ? "user"
                                   : row->via == SL_VIA_SYSTEM ? "system"
                                                               : NULL},
                     {"SMART_CALLER", row->caller},
                     {"SMART_RESOURCE", row->resource},
                     {"SMART_SESSION_PRINT", row->session_print},
                     {"SMART_REFERENCE", row->reference}};

    void (*put)(apr_table_t *, const char *, const char *) =
        has_none_of_ours(r->subprocess_env) ? apr_table_addn : apr_table_setn;

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (variables[i].value != NULL) {
            put(r->subprocess_env, variables[i].name, variables[i].value);
        }
    }
}

/** How the EHR fared, for the status page. What we refused by ourselves after it is not its. */
static void count_answer(const sl_gateway_call_t *call, const sl_runtime_t *rt, int status)
{
    if (call != NULL && rt != NULL && call->attempts > 0 &&
        call->answer != SL_ANSWER_UNRECORDED && call->answer != SL_ANSWER_UNPROVEN) {
        sl_http_gate_tell(sl_runtime_gate(rt, call->ehr), status, call->r->request_time);
    }
}

int sl_gateway_log(request_rec *r)
{
    sl_request_t *request = sl_request_of(r);
    const sl_runtime_t *rt = sl_conf_server(r->server)->main->runtime;
    request_rec *last = r;
    sl_access_t row;

    if (request->gateway == NULL) {
        return DECLINED;
    }
    while (last->next != NULL) {
        last = last->next;
    }
    describe(&row, r, request);
    row.status = last->status;
    row.bytes = (apr_int64_t)last->bytes_sent;
    row.ms = (int)apr_time_as_msec(apr_time_now() - r->request_time);
    set_variables(last, &row);
    count_answer(request->call, rt, row.status);
    if (rt == NULL || rt->audit == NULL) {
        return DECLINED;
    }
    if (request->call != NULL && request->call->is_recorded) {
        sl_audit_complete(rt->audit, &row);
    } else {
        sl_audit_add(rt->audit, &row);
    }
    return DECLINED;
}
