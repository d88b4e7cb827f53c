/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the core gives to a second module of ours (design section 13): one struct of functions, with
 * a version, through an optional function. A module that was built with another library is refused.
 */
#ifndef SL_CORE_H
#define SL_CORE_H

#include "base/sl_json.h"
#include "flow/sl_runtime.h"

#include <httpd.h> /* before all others of httpd */

#include <apr_optional.h>
#include <http_config.h>

#define SL_CORE_VERSION 1

/** Who asks, by a launch, a session or httpd's own authentication. */
typedef struct {
    const char *app;           /* SmartApp of the location */
    const char *user;          /* app user; NULL: nobody */
    const char *launch;        /* id of the launch or session; NULL: none */
    const char *handle;        /* for links of a page; NULL: none */
    const char *session;       /* the session id, to find the token by; NULL: none */
    const char *ehr, *patient; /* of the launch; NULL: none */
    bool is_pending;           /* a launch that is not linked yet */
    bool is_caller;            /* a caller of the API that proved itself */
} sl_core_who_t;

/** What both sides must have in common: the version, and the layout of what is shared. */
typedef struct {
    const char *version;
    apr_size_t sizes[8];
} sl_core_build_t;

/** A refusal, as people and scripts read it, and as the log has it. */
typedef struct {
    int status;
    const char *error; /* for scripts: "forbidden" */
    const char *title;
    const char *text; /* NULL: none */
    const char *log_id, *detail;
    int retry_after; /* seconds; 0: none */
} sl_core_refusal_t;

typedef struct {
    unsigned version; /* SL_CORE_VERSION */
    apr_size_t size;  /* of this struct */
    const sl_core_build_t *build;

    /* configuration, from check_config on */
    /** Tokens, audit and journal are needed, gateway or not. */
    void (*use_tokens)(server_rec *main_server);
    /** `path` takes Smart-Session, Smart-User, Smart-Patient, Smart-Caller, like a gateway.
     * `is_open`: Require lets everybody in, so that every caller has to prove itself. False: and
     * there is no SmartCaller who could. */
    bool (*take_asks)(server_rec *s, const char *path, bool is_open);
    /** A sentence when `path` lies below a Redirect URL or a gateway, or above; NULL: it is free.
     */
    const char *(*is_taken)(server_rec *s, const char *path, apr_pool_t *p);
    /** One more member of what -D DUMP_SMARTLAUNCH prints. */
    void (*dump)(server_rec *main_server, const char *name, sl_json_t *part);
    const sl_ehr_t *(*ehr)(const server_rec *s, const char *name);
    const char *(*app)(const request_rec *r); /* SmartApp of the location */
    const char *(*app_at)(server_rec *s, const char *path, apr_pool_t *p);
    const char *(*public_url)(const server_rec *s);
    /** A standalone launch of this EHR for this app that comes back to `return_to`; NULL: none. */
    const char *(*start_url)(request_rec *r, const char *ehr, const char *return_to);
    /** SmartTarget of the location's app, a path; NULL: there is none on this host. */
    const char *(*home)(const request_rec *r);

    /* the child's own; NULL in the parent, or without SmartDatabase */
    const sl_runtime_t *(*runtime)(const server_rec *s);
    bool (*has_tables)(server_rec *s, apr_pool_t *p);

    /* a request */
    const char *(*reference)(request_rec *r);
    /** Pages: of the launch or session this request belongs to, else of r->user. */
    void (*who)(sl_core_who_t *out, request_rec *r);
    /** API: of Smart-Session (of whichever EHR) or Smart-User, by the rules of a gateway.
     * DECLINED: go on; else it has been refused (DONE). */
    int (*who_calls)(sl_core_who_t *out, request_rec *r);
    bool (*is_same_origin)(request_rec *r); /* the proof of design section 12 */
    bool (*wants_json)(request_rec *r);     /* a script asks, not a person */

    /* answers; each returns DONE */
    /** Refuse as a page or JSON, as the request can read it. */
    int (*refuse)(request_rec *r, const sl_core_refusal_t *refusal);
    /** The same from a result of the flows. */
    int (*error)(request_rec *r, sl_rc_t rc, const sl_err_t *err);
    /** Status and body, with the headers every answer of ours has. */
    int (*body)(request_rec *r, int status, const char *content_type, const char *body);
    int (*redirect)(request_rec *r, int status, const char *location);
    /** frame-ancestors for a page of this launch; NULL ehr: the union of all EHRs. */
    const char *(*ancestors)(request_rec *r, const char *ehr);
} sl_core_t;

/** Of the module it is compiled into. */
extern const sl_core_build_t sl_core_build;

/** Is this the core of our own build? */
bool sl_core_is_ours(const sl_core_t *core);

/** For the core's module record. */
void sl_core_register(void);

APR_DECLARE_OPTIONAL_FN(const sl_core_t *, smartlaunch_core, (void));

#endif
