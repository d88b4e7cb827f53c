/* SPDX-License-Identifier: Apache-2.0 */
/** One call of a gateway, from its URL to its audit row; shared by the files sl_gateway_*. */
#ifndef SL_GATEWAY_CALL_H
#define SL_GATEWAY_CALL_H

#include "flow/sl_grant.h"
#include "httpd/sl_gateway_ask.h"
#include "httpd/sl_request.h"
#include "smart/sl_fhir_request.h"
#include "smart/sl_guard.h"

#include <apr_buckets.h>

/** Why a call goes no further. Each has its answer in sl_gateway_refuse.c. */
typedef enum {
    SL_GATEWAY_OK,
    SL_GATEWAY_ANSWERED,      /* somebody has answered already */
    SL_GATEWAY_BAD_PATH,      /* 400 */
    SL_GATEWAY_NO_EHR,        /* 404 */
    SL_GATEWAY_BAD_METHOD,    /* 405 */
    SL_GATEWAY_TWO_SESSIONS,  /* 400 */
    SL_GATEWAY_BAD_ASK,       /* 400: Smart-System with what does not go with it */
    SL_GATEWAY_RELAUNCH,      /* 401: no session, or it has ended */
    SL_GATEWAY_CALLER,        /* 401: the caller does not prove who it is */
    SL_GATEWAY_BROWSER,       /* 403: a session id that comes from a browser */
    SL_GATEWAY_FOREIGN,       /* 403: no same-origin proof */
    SL_GATEWAY_SYSTEM,        /* 403: the system token */
    SL_GATEWAY_OTHER_EHR,     /* 403 */
    SL_GATEWAY_WRITES,        /* 403 */
    SL_GATEWAY_GUARD,         /* 403: another patient */
    SL_GATEWAY_BODY_LONG,     /* 413 */
    SL_GATEWAY_BODY_BAD,      /* 400 */
    SL_GATEWAY_BUSY,          /* 503: too many at a time, or the EHR has trouble */
    SL_GATEWAY_AGAIN,         /* 503: the token is renewed now; the body could not be sent twice */
    SL_GATEWAY_UNAVAILABLE,   /* 503: PostgreSQL */
    SL_GATEWAY_UNRECORDED,    /* 503: SmartAudit required, and no row */
    SL_GATEWAY_NO_CONNECTION, /* 502 */
    SL_GATEWAY_EHR_ERROR,     /* 502 */
    SL_GATEWAY_EHR_TIMEOUT,   /* 504 */
    SL_GATEWAY_OWN_FAULT      /* 500 */
} sl_gateway_no_t;

/** What became of the EHR's answer, as the filters saw it. */
typedef enum {
    SL_ANSWER_PASSED,     /* it goes out, or there was none yet */
    SL_ANSWER_REFUSED,    /* 401: taken away */
    SL_ANSWER_NONE,       /* a kept connection was dead */
    SL_ANSWER_UNREADABLE, /* encoded in a way that cannot be undone here */
    SL_ANSWER_CUT,        /* ended too early, before anything of it went out */
    SL_ANSWER_UNPROVEN,   /* strict guard: not provably our patient's */
    SL_ANSWER_UNRECORDED  /* SmartAudit required, and no row */
} sl_answer_t;

typedef struct sl_gateway_call {
    request_rec *r;
    sl_request_t *request;
    const sl_gateway_ask_t *ask;
    const sl_location_conf_t *location; /* once the handler runs */
    const sl_runtime_t *rt;

    /* the address */
    const sl_ehr_t *ehr;    /* NULL: no such EHR */
    const char *base;       /* the EHR's, for links */
    const char *target;     /* the same as mod_proxy is told */
    const char *gateway;    /* what they begin with instead */
    bool is_fhir;           /* `fhir` is filled in; else path or method are not FHIR's */
    sl_fhir_request_t fhir; /* what is asked for */

    /* who, and which token */
    const char *caller;  /* SmartCaller that proved itself; NULL: none */
    const char *session; /* the session id that counts; NULL: none */
    sl_grant_t grant;
    bool has_grant;
    sl_guard_verdict_t verdict;

    /* the request's body, where it was read in advance */
    bool has_body;
    bool is_whole; /* `body` is all of it, or there is none: it can be sent again */
    bool is_read;  /* `body` holds its beginning at least */
    const char *body;
    apr_size_t body_len;

    /* forwarding */
    bool is_proxying; /* mod_proxy is at work */
    int attempts;
    apr_time_t began; /* the attempt */
    sl_answer_t answer;
    apr_table_t *headers_out; /* as they were before; NULL: none */

    /* the audit row */
    bool is_recorded;
} sl_gateway_call_t;

/** The call that `r`, or what it was made from, is; NULL: below no gateway. */
sl_gateway_call_t *sl_gateway_call_of(request_rec *r);

/** Answer with a refusal. `err` (may be NULL) says more than the table does. @return OK */
int sl_gateway_refuse(sl_gateway_call_t *call, sl_gateway_no_t no, const sl_err_t *err);

/** The same for a request of a second module. @return OK */
int sl_gateway_refuse_request(request_rec *r, sl_gateway_no_t no, const sl_err_t *err);

/** What a result of finding or renewing a token means to the caller. */
sl_gateway_no_t sl_gateway_no(sl_rc_t rc);

/** Does it say of itself what browsers do and nobody else? */
bool sl_gateway_is_browser(const request_rec *r);

/** Who calls, and in which session. */
sl_gateway_no_t sl_gateway_bind(sl_gateway_call_t *call, sl_err_t *err);

/** Smart-System: is it asked for, may it be, and the token for it; see flow/sl_system.h. */
bool sl_gateway_system_is_asked(const sl_gateway_call_t *call);
sl_gateway_no_t sl_gateway_system_bind(sl_gateway_call_t *call, sl_err_t *err);
sl_gateway_no_t sl_gateway_system_ready(sl_gateway_call_t *call, sl_err_t *err);
sl_gateway_no_t sl_gateway_system_refused(sl_gateway_call_t *call, sl_err_t *err);

/** Read at most `limit` bytes of the body in advance; what is longer streams, and goes once. */
sl_gateway_no_t sl_gateway_body_read(sl_gateway_call_t *call, apr_off_t limit, sl_err_t *err);

/** The same for a form that searches, with its session id taken out (SmartSessionParam). */
sl_gateway_no_t sl_gateway_body_form(sl_gateway_call_t *call, sl_err_t *err);

/** Have mod_proxy read from the beginning what was read in advance. */
void sl_gateway_body_replay(sl_gateway_call_t *call);

/** Send it to the EHR, and a second time where that helps. */
sl_gateway_no_t sl_gateway_forward(sl_gateway_call_t *call, sl_err_t *err);

/** `required`: the row is committed when this returns true; else always true. */
bool sl_gateway_record(sl_gateway_call_t *call);

/** Registration of the parts. */
void sl_gateway_body_register(void);
void sl_gateway_answer_register(void);
void sl_gateway_links_register(void);
void sl_gateway_upstream_register(void);
void sl_gateway_error_register(void);

/** Add the filters, by name where they are not always needed. */
void sl_gateway_answer_insert(sl_gateway_call_t *call);
void sl_gateway_links_insert(sl_gateway_call_t *call);
void sl_gateway_proof_insert(sl_gateway_call_t *call);
void sl_gateway_error_insert(request_rec *r);

#endif
