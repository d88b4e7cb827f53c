/* SPDX-License-Identifier: Apache-2.0 */
/* Smart-System: a caller that pulls at night, without any user (BKS-4, BKS-5). */
#include "flow/sl_system.h"
#include "httpd/sl_gateway_call.h"
#include "smart/sl_context.h"

#include <string.h>

bool sl_gateway_system_is_asked(const sl_gateway_call_t *call)
{
    return call->ask->system != NULL && strcasecmp(call->ask->system, "off") != 0;
}

/** It is nobody's token, so it goes with nobody's session or name. */
static const char *misunderstood(const sl_gateway_call_t *call)
{
    const sl_gateway_ask_t *ask = call->ask;

    if (strcasecmp(ask->system, "on") != 0) {
        return "Smart-System is neither on nor off";
    }
    if (call->session != NULL || ask->user != NULL) {
        return "Smart-System together with a session id or Smart-User";
    }
    if (ask->patient != NULL && !sl_context_is_fhir_id(ask->patient)) {
        return "Smart-System with a Smart-Patient that is no FHIR id";
    }
    return NULL;
}

static const char *forbidden(const sl_gateway_call_t *call)
{
    const apr_table_t *headers = call->r->headers_in;

    if (!sl_conf_may_be_system(call->location)) {
        return "a caller asked for the system token, and SmartSystem is off here";
    }
    if (call->ehr->system_scope == NULL) {
        return "a caller asked for the system token of an EHR without SmartSystemScope";
    }
    /* Whoever proves itself by httpd's own login could be a person whose browser does it. */
    if (apr_table_get(headers, "Sec-Fetch-Site") != NULL ||
        apr_table_get(headers, "Origin") != NULL) {
        return "a browser asked for the system token";
    }
    return NULL;
}

sl_gateway_no_t sl_gateway_system_bind(sl_gateway_call_t *call, sl_err_t *err)
{
    const char *why;

    if (call->caller == NULL) {
        return SL_GATEWAY_CALLER;
    }
    why = misunderstood(call);
    if (why != NULL) {
        (void)sl_err_set(err, SL_INVALID, "SL5838", "%s", why);
        return SL_GATEWAY_BAD_ASK;
    }
    why = forbidden(call);
    if (why != NULL) {
        (void)sl_err_set(err, SL_DENIED, "SL5809", "%s", why);
        return SL_GATEWAY_SYSTEM;
    }
    memset(&call->grant, 0, sizeof(call->grant));
    call->grant.via = SL_VIA_SYSTEM;
    call->grant.patient = call->ask->patient;
    call->has_grant = true;
    return SL_GATEWAY_OK;
}

/** The caller's place in the EHR's gate serves for this, too. */
static sl_trace_t *trace_of(const sl_gateway_call_t *call)
{
    sl_trace_t *trace = sl_request_trace(call->r);

    trace->holds_place = true;
    return trace;
}

/** No answer of ours says "launch again" to who never was launched. */
static sl_gateway_no_t answer_of(sl_rc_t rc)
{
    return rc == SL_UPSTREAM ? SL_GATEWAY_EHR_ERROR : sl_gateway_no(rc);
}

sl_gateway_no_t sl_gateway_system_ready(sl_gateway_call_t *call, sl_err_t *err)
{
    return answer_of(sl_system_ready(&call->grant, call->rt, call->ehr, trace_of(call), err));
}

sl_gateway_no_t sl_gateway_system_refused(sl_gateway_call_t *call, sl_err_t *err)
{
    return answer_of(sl_system_refused(&call->grant, call->rt, call->ehr, trace_of(call), err));
}
