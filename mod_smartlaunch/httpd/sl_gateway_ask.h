/* SPDX-License-Identifier: Apache-2.0 */
/** What a caller of the gateway sent of ours, taken out of the request before anybody else sees it.
 */
#ifndef SL_GATEWAY_ASK_H
#define SL_GATEWAY_ASK_H

#include "httpd/sl_conf.h"

typedef struct {
    const sl_gateway_conf_t *gateway;
    const char *ehr;     /* name in the path; "" when the path ends before */
    const char *path;    /* below the EHR's name: "/Patient/p1", "" */
    const char *session; /* Smart-Session, or a SmartSessionParam of the query; NULL: none */
    bool several;        /* two different session ids */
    const char *user;    /* Smart-User */
    const char *patient; /* Smart-Patient */
    const char *secret;  /* Smart-Caller */
    const char *system;  /* Smart-System */
} sl_gateway_ask_t;

/**
 * For a path below a gateway: record what is ours and take it out of headers (the caller of this
 * removes all of ours anyway), args, parsed_uri, unparsed_uri and the_request. NULL: no gateway.
 */
sl_gateway_ask_t *sl_gateway_ask_take(request_rec *r, const sl_server_t *server);

/**
 * The SmartCaller that this request proves to be, by the secret in Smart-Caller (compared in
 * constant time) or by httpd's own authentication (r->user). NULL: none.
 */
const char *sl_gateway_ask_caller(const request_rec *r, const sl_gateway_ask_t *ask);

#endif
