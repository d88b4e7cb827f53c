/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the core gives to a second module of ours (design section 13): one struct of functions, with
 * a version, through an optional function. A module that was built with another library is refused.
 */
#ifndef SL_CORE_H
#define SL_CORE_H

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

typedef struct {
    unsigned version;  /* SL_CORE_VERSION */
    apr_size_t size;   /* of this struct */
    const char *build; /* SL_VERSION and the sizes of what is shared, as sl_core_build() gives it */

    /* configuration, from check_config on */
    /** Tokens, audit and journal are needed, gateway or not. */
    void (*use_tokens)(server_rec *main_server);
    /** `path` takes Smart-Session, Smart-User, Smart-Patient, Smart-Caller, like a gateway. */
    void (*take_asks)(server_rec *s, const char *path);
    const sl_ehr_t *(*ehr)(const server_rec *s, const char *name);
    const char *(*app)(const request_rec *r); /* SmartApp of the location */
    const char *(*app_at)(server_rec *s, const char *path);
    const char *(*public_url)(const server_rec *s);
    /** A standalone launch of this EHR for this app that comes back to `return_to`; NULL: none. */
    const char *(*start_url)(request_rec *r, const char *ehr, const char *return_to);

    /* the child's own; NULL in the parent, or without SmartDatabase */
    const sl_runtime_t *(*runtime)(const server_rec *s);
    bool (*has_tables)(server_rec *s, apr_pool_t *p);

    /* a request */
    const char *(*reference)(request_rec *r);
    /** Pages: of the launch or session this request belongs to, else of r->user. */
    void (*who)(sl_core_who_t *out, request_rec *r);
    /** API: of Smart-Session or Smart-User. SL_DENIED, SL_NONE, SL_INVALID as at the gateway. */
    sl_rc_t (*who_calls)(sl_core_who_t *out, request_rec *r, sl_err_t *err);
    bool (*is_same_origin)(const request_rec *r); /* the proof of design section 12 */
    bool (*wants_json)(request_rec *r);           /* a script asks, not a person */

    /* answers; each returns DONE */
    /** Refuse as a page or JSON, as the request can read it. */
    int (*refuse)(request_rec *r, int status, const char *error, const char *title,
                  const char *text, const char *log_id, const char *detail);
    /** The same from a result of the flows. */
    int (*error)(request_rec *r, sl_rc_t rc, const sl_err_t *err);
    /** Status and body, with the headers every answer of ours has. */
    int (*body)(request_rec *r, int status, const char *content_type, const char *body);
    int (*redirect)(request_rec *r, int status, const char *location);
    /** frame-ancestors for a page of this launch; NULL ehr: the union of all EHRs. */
    const char *(*ancestors)(request_rec *r, const char *ehr);
} sl_core_t;

/** What both sides must have in common: version and sizes. */
const char *sl_core_build(void);

APR_DECLARE_OPTIONAL_FN(const sl_core_t *, smartlaunch_core, (void));

#endif
