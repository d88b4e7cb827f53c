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
static bool is_plain(const sl_gateway_call_t *call)
{
    const sl_gateway_ask_t *ask = call->ask;

    return strcasecmp(ask->system, "on") == 0 && call->session == NULL && ask->user == NULL &&
           (ask->patient == NULL || sl_context_is_fhir_id(ask->patient));
}

static sl_gateway_no_t check(const sl_gateway_call_t *call, sl_err_t *err)
{
    if (call->caller == NULL) {
        return SL_GATEWAY_CALLER;
    }
    if (!is_plain(call)) {
        return SL_GATEWAY_BAD_ASK;
    }
    if (!sl_conf_may_be_system(call->location)) {
        return SL_GATEWAY_SYSTEM;
    }
    if (call->ehr->system_scope == NULL) {
        (void)sl_err_set(err, SL_DENIED, "SL5842",
                         "a caller asked for the system token of %s, which has no SmartSystemScope",
                         call->ehr->name);
        return SL_GATEWAY_SYSTEM;
    }
    /* Whoever proves itself by httpd's own login could be a person whose browser does it. */
    if (sl_gateway_is_browser(call->r)) {
        (void)sl_err_set(err, SL_DENIED, "SL5843", "a browser asked for the system token");
        return SL_GATEWAY_SYSTEM;
    }
    return SL_GATEWAY_OK;
}

sl_gateway_no_t sl_gateway_system_bind(sl_gateway_call_t *call, sl_err_t *err)
{
    sl_gateway_no_t no = check(call, err);

    if (no == SL_GATEWAY_OK) {
        memset(&call->grant, 0, sizeof(call->grant));
        call->grant.via = SL_VIA_SYSTEM;
        call->grant.patient = call->ask->patient;
        call->has_grant = true;
    }
    return no;
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
