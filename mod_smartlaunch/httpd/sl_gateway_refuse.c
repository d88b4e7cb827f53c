/* SPDX-License-Identifier: Apache-2.0 */
/* What callers of the gateway read when a call goes no further. */
#include "httpd/sl_gateway_call.h"
#include "httpd/sl_respond.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

static const char nothing_sent[] = "Nothing was sent to the health record system.";
static const char come_again[] = "Please try again in a few seconds.";
static const char open_again[] = "Please open the application from the patient's chart again.";

static const sl_refusal_t bad_path = {
    .status = 400,
    .error = "invalid_request",
    .title = "This is no address of a FHIR server",
    .text = {"Behind the health record system's name a FHIR path is expected, such as "
             "Patient/123.",
             nothing_sent},
    .log_id = "SL5801",
    .detail = "a gateway address that is no FHIR path",
};
static const sl_refusal_t no_ehr = {
    .status = 404,
    .error = "unknown_ehr",
    .title = "No health record system of this name is set up here",
    .text = {"The address of the gateway is followed by the name that the server's configuration "
             "gives to the health record system."},
    .log_id = "SL5802",
    .detail = "a gateway address whose EHR is not configured",
};
static const sl_refusal_t bad_method = {
    .status = 405,
    .error = "method_not_allowed",
    .title = "FHIR has no such method",
    .log_id = "SL5803",
    .detail = "a method that the gateway does not take",
};
static const sl_refusal_t two_sessions = {
    .status = 400,
    .error = "invalid_request",
    .title = "This request names two sessions",
    .text = {"Nobody can tell which patient it belongs to.", nothing_sent},
    .log_id = "SL5804",
    .detail = "a gateway call with two different session ids",
};
static const sl_refusal_t bad_ask = {
    .status = 400,
    .error = "invalid_request",
    .title = "This request asks for two kinds of access",
    .text = {"Smart-System: on goes without a session and without Smart-User; Smart-Patient beside "
             "it is the id of one patient.",
             nothing_sent},
    .log_id = "SL5838",
    .detail = "a gateway call whose Smart-System cannot be understood",
};
static const sl_refusal_t relaunch = {
    .status = 401,
    .error = "relaunch",
    .title = "There is no open session for this request",
    .text = {"It has ended, or the request names none.", open_again},
    .log_id = "SL5805",
    .detail = "a gateway call without a live session",
};
static const sl_refusal_t caller = {
    .status = 401,
    .error = "invalid_caller",
    .title = "This caller does not prove who it is",
    .text = {"The secret in Smart-Caller is missing or wrong.", nothing_sent},
    .log_id = "SL5806",
    .detail = "a gateway call without the proof of a SmartCaller",
};
static const sl_refusal_t browser = {
    .status = 403,
    .error = "forbidden",
    .title = "Session ids are not for browsers",
    .text = {"A page calls the gateway with the browser's cookie and the launch it belongs to.",
             nothing_sent},
    .log_id = "SL5807",
    .detail = "a session id that came from a browser",
};
static const sl_refusal_t foreign = {
    .status = 403,
    .error = "foreign_request",
    .title = "This request came from another site",
    .text = {"It was refused and changed nothing."},
    .log_id = "SL5808",
    .detail = "a browser's gateway call without same-origin proof",
};
static const sl_refusal_t system_token = {
    .status = 403,
    .error = "forbidden",
    .title = "This request gets no system token",
    .text = {"Ask with a session, or for a user.", nothing_sent},
    .log_id = "SL5809",
    .detail = "a caller asked for the system token where SmartSystem is off",
};
static const sl_refusal_t other_ehr = {
    .status = 403,
    .error = "forbidden",
    .title = "This session belongs to another health record system",
    .text = {nothing_sent},
    .log_id = "SL5810",
    .detail = "a session of another EHR than the one in the address",
};
static const sl_refusal_t writes = {
    .status = 403,
    .error = "forbidden",
    .title = "This gateway only reads",
    .text = {"Writing is switched off for this address.", nothing_sent},
    .log_id = "SL5811",
    .detail = "a write where SmartWrites is off",
};
static const sl_refusal_t guard = {
    .status = 403,
    .error = "forbidden",
    .title = "This request goes beyond the patient of this session",
    .log_id = "SL5812",
    .detail = "the patient guard refused",
};
static const sl_refusal_t body_long = {
    .status = 413,
    .error = "too_long",
    .title = "The body of this request is too long",
    .text = {nothing_sent},
    .log_id = "SL5813",
    .detail = "a body that is too long",
};
static const sl_refusal_t body_bad = {
    .status = 400,
    .error = "invalid_request",
    .title = "The body of this request could not be read",
    .log_id = "SL5814",
    .detail = "a body that could not be read",
};
static const sl_refusal_t busy = {
    .status = 503,
    .error = "busy",
    .title = "The health record system has too much to do at this moment",
    .text = {come_again},
    .log_id = "SL5815",
    .detail = "as many calls to this EHR as SmartOutbound allows are under way",
    .retry_after = 2,
};
static const sl_refusal_t again = {
    .status = 503,
    .error = "busy",
    .title = "The access was renewed while this request was sent",
    .text = {"The health record system took nothing of it.", "Please send it again."},
    .log_id = "SL5816",
    .detail = "the EHR refused the token, and the body was too long to be sent again",
    .retry_after = 1,
};
static const sl_refusal_t unavailable = {
    .status = 503,
    .error = "unavailable",
    .title = "A part of this server is not available",
    .text = {come_again},
    .log_id = "SL5817",
    .detail = "PostgreSQL cannot be asked",
    .retry_after = 10,
};
static const sl_refusal_t unrecorded = {
    .status = 503,
    .error = "unavailable",
    .title = "This access cannot be recorded at this moment",
    .text = {"Without a record nothing is given out here.", come_again},
    .log_id = "SL5818",
    .detail = "SmartAudit required, and the row could be written nowhere",
    .retry_after = 10,
};
static const sl_refusal_t no_connection = {
    .status = 502,
    .error = "ehr_unreachable",
    .title = "The health record system cannot be reached",
    .text = {come_again},
    .log_id = "SL5819",
    .detail = "no connection to the EHR",
};
static const sl_refusal_t ehr_error = {
    .status = 502,
    .error = "ehr_error",
    .title = "The health record system gave no usable answer",
    .log_id = "SL5820",
    .detail = "no usable answer from the EHR",
};
static const sl_refusal_t ehr_timeout = {
    .status = 504,
    .error = "ehr_timeout",
    .title = "The health record system did not answer in time",
    .log_id = "SL5821",
    .detail = "no answer from the EHR in time",
};
static const sl_refusal_t own_fault = {
    .status = 500,
    .error = "server_error",
    .title = "Something went wrong on our side",
    .log_id = "SL5822",
    .detail = "a gateway call failed here",
};

/** One case for each; a new one does not compile without. */
static const sl_refusal_t *text_of(sl_gateway_no_t no)
{
    switch (no) {
    case SL_GATEWAY_BAD_PATH:
        return &bad_path;
    case SL_GATEWAY_NO_EHR:
        return &no_ehr;
    case SL_GATEWAY_BAD_METHOD:
        return &bad_method;
    case SL_GATEWAY_TWO_SESSIONS:
        return &two_sessions;
    case SL_GATEWAY_BAD_ASK:
        return &bad_ask;
    case SL_GATEWAY_RELAUNCH:
        return &relaunch;
    case SL_GATEWAY_CALLER:
        return &caller;
    case SL_GATEWAY_BROWSER:
        return &browser;
    case SL_GATEWAY_FOREIGN:
        return &foreign;
    case SL_GATEWAY_SYSTEM:
        return &system_token;
    case SL_GATEWAY_OTHER_EHR:
        return &other_ehr;
    case SL_GATEWAY_WRITES:
        return &writes;
    case SL_GATEWAY_GUARD:
        return &guard;
    case SL_GATEWAY_BODY_LONG:
        return &body_long;
    case SL_GATEWAY_BODY_BAD:
        return &body_bad;
    case SL_GATEWAY_BUSY:
        return &busy;
    case SL_GATEWAY_AGAIN:
        return &again;
    case SL_GATEWAY_UNAVAILABLE:
        return &unavailable;
    case SL_GATEWAY_UNRECORDED:
        return &unrecorded;
    case SL_GATEWAY_NO_CONNECTION:
        return &no_connection;
    case SL_GATEWAY_EHR_ERROR:
        return &ehr_error;
    case SL_GATEWAY_EHR_TIMEOUT:
        return &ehr_timeout;
    case SL_GATEWAY_OK:
    case SL_GATEWAY_ANSWERED:
    case SL_GATEWAY_OWN_FAULT:
        break;
    }
    return &own_fault;
}

sl_gateway_no_t sl_gateway_no(sl_rc_t rc)
{
    switch (rc) {
    case SL_OK:
        return SL_GATEWAY_OK;
    case SL_NONE:
    case SL_INVALID:
    case SL_EXPIRED:
    case SL_FOREIGN:
    case SL_USED:
    case SL_CONFLICT:
        return SL_GATEWAY_RELAUNCH;
    case SL_UNKNOWN_EHR:
        return SL_GATEWAY_NO_EHR;
    case SL_DENIED:
        return SL_GATEWAY_OTHER_EHR;
    case SL_UPSTREAM:
    case SL_BUSY:
        return SL_GATEWAY_BUSY;
    case SL_TIMEOUT:
        return SL_GATEWAY_EHR_TIMEOUT;
    case SL_UNAVAILABLE:
        return SL_GATEWAY_UNAVAILABLE;
    case SL_FAILED:
        break;
    }
    return SL_GATEWAY_OWN_FAULT;
}

/** The guard tells in plain words, without ids, what it did not like; the caller can mend that. */
static void explain(sl_refusal_t *refusal, sl_gateway_no_t no, const sl_err_t *err, apr_pool_t *p)
{
    refusal->log_id = err->id;
    refusal->detail = apr_pstrdup(p, err->text);
    if (err->retry_after > 0 && refusal->status == 503) {
        refusal->retry_after = err->retry_after;
    }
    if (no == SL_GATEWAY_GUARD) {
        char *text = apr_pstrcat(p, err->text, ".", NULL);

        text[0] = (char)apr_toupper(text[0]);
        refusal->text[0] = text;
        refusal->text[1] = NULL;
    }
}

int sl_gateway_refuse_request(request_rec *r, sl_gateway_no_t no, const sl_err_t *err)
{
    sl_refusal_t refusal = *text_of(no);
    const char *body;

    if (no == SL_GATEWAY_ANSWERED) {
        return OK;
    }
    if (err != NULL && err->id != NULL) {
        explain(&refusal, no, err, r->pool);
    }
    body = sl_respond_prepare(r, &refusal);
    if (no == SL_GATEWAY_CALLER) {
        apr_table_setn(r->err_headers_out, "WWW-Authenticate", "Smart error=\"invalid_caller\"");
    }
    if (no == SL_GATEWAY_BAD_METHOD) {
        apr_table_setn(r->err_headers_out, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE");
    }
    (void)sl_respond_body(r, body);
    return OK;
}

int sl_gateway_refuse(sl_gateway_call_t *call, sl_gateway_no_t no, const sl_err_t *err)
{
    return sl_gateway_refuse_request(call->r, no, err);
}
