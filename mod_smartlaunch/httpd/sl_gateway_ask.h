/* SPDX-License-Identifier: Apache-2.0 */
/** What a caller of the gateway sent of ours, taken out of the request before anybody else sees it.
 */
#ifndef SL_GATEWAY_ASK_H
#define SL_GATEWAY_ASK_H

#include "httpd/sl_conf.h"

typedef struct {
    const sl_gateway_conf_t *gateway; /* NULL: a path of a second module */
    const sl_asks_conf_t *asks;       /* then this one */
    const char *ehr;                  /* name in the path; "" when the path ends before */
    const char *path;                 /* below the EHR's name: "/Patient/p1", "" */
    const char *session; /* Smart-Session, or a SmartSessionParam of the query; NULL: none */
    bool several;        /* two different session ids */
    const char *user;    /* Smart-User */
    const char *patient; /* Smart-Patient */
    const char *secret;  /* Smart-Caller */
    const char *system;  /* Smart-System */
} sl_gateway_ask_t;

/**
 * In post_read_request, for a path below a gateway: record what is ours and take it out of args,
 * parsed_uri, unparsed_uri, the_request and Referer; the caller of this removes our headers.
 * NULL: no gateway.
 */
sl_gateway_ask_t *sl_gateway_ask_take(request_rec *r, const sl_server_t *server);

/** The same for a path of a second module: headers only. NULL: it is none. */
sl_gateway_ask_t *sl_gateway_ask_second(const request_rec *r);

/**
 * In translate_name: `gateway`, `ehr` and `path` from r->uri as httpd has decoded it by now, so
 * that they name what its Location sections, and so Require, were chosen by.
 * @return false: after all this is no gateway's path
 */
bool sl_gateway_ask_settle(const request_rec *r, sl_gateway_ask_t *ask);

/**
 * The SmartCaller that this request proves to be: by the secret in Smart-Caller (compared in
 * constant time), or where none was sent by httpd's own authentication (r->user). NULL: none.
 */
const char *sl_gateway_ask_caller(const request_rec *r, const sl_gateway_ask_t *ask);

#endif
