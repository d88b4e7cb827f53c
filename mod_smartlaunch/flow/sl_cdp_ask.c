/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_ask.h"

#include "cdp/sl_cdp_read.h"
#include "flow/sl_outbound.h"
#include "flow/sl_renew.h"
#include "flow/sl_system.h"
#include "smart/sl_renewal.h"

#include <apr_strings.h>
#include <string.h>

#define PLACE_SLACK apr_time_from_sec(60) /* as at the gateway */
#define BUSY_RETRY 60                     /* seconds, where the EHR does not say */

/** One question on its way. */
typedef struct {
    sl_cdp_asking_t *asking;
    const char *url, *type;
    sl_http_reply_t reply;
    apr_time_t began;
    apr_pool_t *p;
    sl_err_t *err;
} question_t;

static const sl_ehr_t *ehr_of(const question_t *question)
{
    return question->asking->project->ehr;
}

/** The place that the request takes serves for this, too. */
static sl_trace_t *trace_of(const question_t *question)
{
    sl_trace_t *trace = sl_trace_new(question->asking->p, question->asking->reference);

    trace->holds_place = true;
    return trace;
}

static sl_rc_t make_ready(question_t *question)
{
    const sl_runtime_t *rt = question->asking->cdp->rt;
    sl_grant_t *grant = &question->asking->token.grant;
    const sl_renewal_token_t token = {grant->issued_at, grant->expires_at, grant->can_renew};
    const sl_ehr_t *ehr = ehr_of(question);

    if (grant->access != NULL &&
        sl_renewal_need(&token, ehr, apr_time_now()) == SL_RENEWAL_NOT_NEEDED) {
        return SL_OK;
    }
    if (grant->via == SL_VIA_SYSTEM) {
        return sl_system_ready(grant, rt, ehr, trace_of(question), question->err);
    }
    return sl_renew_ready(grant, rt, ehr, trace_of(question), question->asking->p, question->err);
}

static sl_rc_t renew(question_t *question)
{
    const sl_runtime_t *rt = question->asking->cdp->rt;
    sl_grant_t *grant = &question->asking->token.grant;

    if (grant->via == SL_VIA_SYSTEM) {
        return sl_system_refused(grant, rt, ehr_of(question), trace_of(question), question->err);
    }
    return sl_renew_refused(grant, rt, ehr_of(question), trace_of(question), question->asking->p,
                            question->err);
}

static sl_rc_t out_of_time(const question_t *question)
{
    return sl_err_set(question->err, SL_TIMEOUT, "SL8111", "%s: there is no time left for it",
                      ehr_of(question)->name);
}

static sl_rc_t send_once(question_t *question)
{
    const sl_cdp_asking_t *asking = question->asking;
    apr_interval_time_t left = asking->until - apr_time_now();
    const sl_outbound_get_t get = {.ehr = ehr_of(question),
                                   .url = question->url,
                                   .max_bytes = SL_CDP_PAGE_MAX,
                                   .holds_place = true,
                                   .accept = "application/fhir+json, application/json;q=0.9",
                                   .authorization =
                                       sl_secret_bearer(question->p, asking->token.grant.access),
                                   .timeout = left};

    if (left <= 0) {
        return out_of_time(question);
    }
    return sl_outbound_get(&question->reply, asking->cdp->rt, &get, question->p, question->err);
}

/** With a token that is good, and once more where the EHR refuses it. */
static sl_rc_t exchange(question_t *question)
{
    sl_rc_t rc = make_ready(question);

    if (rc == SL_OK) {
        rc = send_once(question);
    }
    if (rc == SL_OK && question->reply.status == 401) {
        rc = renew(question);
        if (rc == SL_OK) {
            rc = send_once(question);
        }
    }
    return rc;
}

static sl_rc_t exchange_in_place(question_t *question)
{
    const sl_cdp_asking_t *asking = question->asking;
    const sl_ehr_t *ehr = ehr_of(question);
    sl_http_gate_t *gate = sl_runtime_gate(asking->cdp->rt, ehr);
    sl_http_place_t place;
    sl_rc_t rc;

    if (asking->until <= apr_time_now()) {
        return out_of_time(question);
    }
    if (!sl_http_gate_enter(gate, ehr->connect_timeout + ehr->timeout + PLACE_SLACK, &place)) {
        (void)sl_err_set(question->err, SL_BUSY, "SL8112",
                         "%s: too many requests are waiting for it", ehr->name);
        question->err->retry_after = BUSY_RETRY;
        return SL_BUSY;
    }
    rc = exchange(question);
    sl_http_gate_leave(gate, &place);
    return rc;
}

/** The patient whom an answer is about, where that was the question. NULL: nobody, or several. */
static const char *only_patient(const sl_json_t *bundle)
{
    sl_json_t *entries = bundle == NULL ? NULL : sl_json_get(bundle, "entry");
    const char *only = NULL;

    if (!json_object_is_type(entries, json_type_array)) {
        return NULL;
    }
    for (size_t i = 0; i < json_object_array_length(entries); i++) {
        const sl_json_t *resource = sl_json_get(json_object_array_get_idx(entries, i), "resource");
        const char *type = resource == NULL ? NULL : sl_json_str(resource, "resourceType");
        const char *id = resource == NULL ? NULL : sl_json_str(resource, "id");

        if (type != NULL && strcmp(type, "Patient") == 0 && id != NULL) {
            if (only != NULL && strcmp(only, id) != 0) {
                return NULL;
            }
            only = id;
        }
    }
    return only;
}

/** C13. Under `required` nothing is done with an answer before its row is safe. */
static sl_rc_t record(const question_t *question, const sl_cdp_answer_t *answer, sl_rc_t rc)
{
    const char *found = strcmp(question->type, "Patient") == 0 ? only_patient(answer->json) : NULL;
    const sl_cdp_asking_t *asking = question->asking;
    const sl_grant_t *grant = &asking->token.grant;
    sl_audit_t *audit = asking->cdp->rt->audit;
    sl_access_t row = {.at = question->began,
                       .via = grant->via,
                       .caller = apr_pstrcat(question->p, "cdp:", asking->project->name,
                                             asking->is_unattended ? ":cron" : NULL, NULL),
                       .app = asking->project->app,
                       .app_user = grant->app_user,
                       .session_print = grant->session_print,
                       .ehr = ehr_of(question)->name,
                       .patient = found != NULL ? found : asking->patient,
                       .method = "GET",
                       .resource = question->type,
                       .status = answer->status != 0 ? answer->status
                                 : rc == SL_TIMEOUT  ? 504
                                                     : 502,
                       .bytes = (apr_int64_t)sl_secret_len(question->reply.body),
                       .ms = (int)apr_time_as_msec(apr_time_now() - question->began),
                       .reference = asking->reference};

    if (audit == NULL) {
        return SL_OK;
    }
    if (sl_audit_is_required(audit)) {
        return sl_audit_commit(audit, &row, question->err);
    }
    sl_audit_add(audit, &row);
    return SL_OK;
}

/** What came, if it is JSON; an error's OperationOutcome is read. */
static void read_answer(sl_cdp_answer_t *out, const question_t *question)
{
    const sl_secret_t *body = question->reply.body;
    sl_err_t ignored;

    out->status = question->reply.status;
    if (sl_secret_len(body) == 0 ||
        sl_json_parse_long(&out->json, sl_secret_reveal(body), sl_secret_len(body), SL_CDP_PAGE_MAX,
                           question->p, &ignored) != SL_OK) {
        out->json = NULL;
    }
    if (out->json != NULL && out->status >= 300) {
        out->told = sl_cdp_read_outcome(&out->is_protected, out->json, question->p);
    }
}

static sl_rc_t busy(const question_t *question)
{
    int seconds = question->reply.retry_after;

    (void)sl_err_set(question->err, SL_BUSY, "SL8113", "%s is too busy (status %d)",
                     ehr_of(question)->name, question->reply.status);
    question->err->retry_after = seconds > 0 ? seconds : BUSY_RETRY;
    return SL_BUSY;
}

static sl_rc_t judge(const sl_cdp_answer_t *answer, const question_t *question)
{
    const char *ehr = ehr_of(question)->name;
    int status = answer->status;
    sl_err_t *err = question->err;

    if (status >= 200 && status < 300) {
        return answer->json != NULL
                   ? SL_OK
                   : sl_err_set(err, SL_UPSTREAM, "SL8114",
                                "%s: the answer for %s is no JSON that can be read", ehr,
                                question->type);
    }
    switch (status) {
    case 400:
        return sl_err_set(err, SL_INVALID, "SL8115", "%s does not take a search for %s (400)", ehr,
                          question->type);
    case 401:
        return sl_err_set(err, SL_EXPIRED, "SL8116",
                          "%s refuses a token that was renewed for this very request", ehr);
    case 403:
        return sl_err_set(err, SL_DENIED, "SL8117", "%s refuses %s (403)%s", ehr, question->type,
                          answer->is_protected ? ": the patient is protected" : "");
    case 429:
    case 503:
        return busy(question);
    default:
        return sl_err_set(err, SL_UPSTREAM, "SL8118", "%s: status %d for %s", ehr, status,
                          question->type);
    }
}

sl_rc_t sl_cdp_ask(sl_cdp_answer_t *out, sl_cdp_asking_t *asking, const char *url, const char *type,
                   apr_pool_t *p, sl_err_t *err)
{
    question_t question = {
        .asking = asking, .url = url, .type = type, .began = apr_time_now(), .p = p, .err = err};
    sl_rc_t rc = exchange_in_place(&question), recorded;
    sl_err_t why = *err;

    memset(out, 0, sizeof(*out));
    if (question.reply.status == 0 && !question.reply.maybe_sent) {
        return rc; /* nothing left this host */
    }
    read_answer(out, &question);
    recorded = record(&question, out, rc);
    if (recorded != SL_OK) {
        memset(out, 0, sizeof(*out));
        return recorded;
    }
    *err = why;
    return rc == SL_OK ? judge(out, &question) : rc;
}
