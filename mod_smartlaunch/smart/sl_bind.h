/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which launch a browser request belongs to (design 3, with 11 "Handles" and 12 "Same-origin
 * proof", "Planted launch", "Windows"; CTX-10). This is a patient-safety rule: a launch whose
 * handle was not named is never bound unless every launch of this browser was of one patient.
 * Pure, no allocation.
 */
#ifndef SL_BIND_H
#define SL_BIND_H

#include "smart/sl_ask.h"
#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>

typedef enum { SL_BIND_LINKED, SL_BIND_PENDING, SL_BIND_UNLINKED } sl_bind_link_t;

/** A finished launch of this browser and app, live or ended, not older than SmartSession max. */
typedef struct {
    const char *handle; /* NULL or empty: nobody can name it */
    const char *ehr;
    const char *patient; /* NULL: none; such a launch is like no other */
    const char *user;    /* the app user; with SmartLink none the EHR user; NULL: not known */
    sl_bind_link_t link;
    bool live;
    bool session;    /* no launch but a session that Smart-Login made: no EHR, no patient */
    bool old_cookie; /* found by the value the cookie had before its renewal */
    apr_time_t authorized_at;
} sl_bind_launch_t;

/** What the request says of itself. */
typedef struct {
    sl_ask_t ask;
    const char *url_handle; /* sl_query_take */
    bool url_several;
    const char *header_handle;  /* Smart-Launch as it came; NULL: absent */
    const char *referer_handle; /* sl_bind_referer */
    bool referer_several;
    bool stay; /* one of our own URLs: never sent to the same URL with the handle */
    bool more; /* the browser had more launches than are given: nobody can say what all were of */
} sl_bind_request_t;

typedef enum {
    SL_BIND_PASS,    /* on to the app: no user, no context, no marked cookie */
    SL_BIND_BIND,    /* belongs to launch `index` */
    SL_BIND_GO,      /* redirect with `status` (303, 307) to the same URL with its handle */
    SL_BIND_REFUSE,  /* `status` 400 (names two), 401 (launch again), 403 (no same-origin proof) */
    SL_BIND_CHOOSER, /* 409: more than one patient, and nobody guesses */
    SL_BIND_SWITCH   /* 409: a page asks before it goes from `from` to `index` */
} sl_bind_action_t;

/** How the launch was named. */
typedef enum {
    SL_BIND_BY_NOTHING,
    SL_BIND_BY_URL,
    SL_BIND_BY_HEADER,
    SL_BIND_BY_REFERER, /* conditional request headers are to be dropped */
    SL_BIND_BY_BROWSER  /* not named: all launches are of one patient */
} sl_bind_by_t;

typedef struct {
    sl_bind_action_t action;
    int status; /* HTTP; 0 for PASS and BIND */
    int index;  /* of the launch, -1: none */
    int from;   /* SWITCH: of the launch the page belonged to, else -1 */
    sl_bind_by_t by;
    const char *log_id; /* "SL25nn" of the reason, NULL for PASS and BIND; a literal */
    const char *reason; /* one plain sentence for the log, a literal; NULL as above */
} sl_bind_t;

/**
 * Fill in referer_handle and referer_several: only a Referer of our own origin counts.
 * @param referer the header, NULL: absent
 */
void sl_bind_referer(sl_bind_request_t *request, const char *public_url, const char *referer,
                     apr_pool_t *p);

/**
 * Could a launch change the decision? When not (no handle anywhere and no browser cookie, or a
 * foreign request in no launch's name), nothing has to be looked up: decide with count 0.
 */
bool sl_bind_needs_launches(const sl_bind_request_t *request, bool has_cookie);

/** Decide. `launches` in any order; NULL with count 0. */
sl_bind_t sl_bind_decide(const sl_bind_request_t *request, const sl_bind_launch_t *launches,
                         int count);

/** The same EHR and id; a launch without patient is like no other, itself apart. */
bool sl_bind_same_patient(const sl_bind_launch_t *a, const sl_bind_launch_t *b);

#endif
