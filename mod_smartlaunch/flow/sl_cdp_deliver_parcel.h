/* SPDX-License-Identifier: Apache-2.0 */
/** What one delivery carries, whatever the protocol. */
#ifndef SL_CDP_DELIVER_PARCEL_H
#define SL_CDP_DELIVER_PARCEL_H

#include "cdp/sl_cdp_redcap_answer.h"
#include "flow/sl_cdp.h"

typedef enum {
    SL_CDP_PARCEL_OPEN, /* it waits */
    SL_CDP_PARCEL_DELIVERED,
    SL_CDP_PARCEL_REFUSED
} sl_cdp_parcel_state_t;

/** One saved value. */
typedef struct {
    const char *key;  /* the app may know it by this */
    const char *user; /* who saved it */
    sl_cdp_current_t value;
    bool again; /* it was sent before, perhaps: nobody knows what came of it */
    sl_cdp_parcel_state_t state;
    const char *reason; /* REFUSED: the app's, one plain line */
} sl_cdp_parcel_t;

typedef struct {
    const sl_cdp_project_t *project;
    const char *record;
    apr_array_header_t *parcels; /* of sl_cdp_parcel_t, in order */
    apr_time_t until;            /* no request begins afterwards */
} sl_cdp_shipment_t;

/** A request to the app that holds the project: its CA, its switches, 10 s. */
void sl_cdp_app_request(sl_http_request_t *request, const sl_cdp_project_t *project);

/**
 * Ask the app. One that was too slow is left alone for some seconds, by all processes: nobody's
 * page waits for it over and over. SL_BUSY: left alone just now; else as sl_http_do().
 */
SL_MUST_USE sl_rc_t sl_cdp_app_do(sl_http_reply_t *reply, const sl_cdp_t *cdp,
                                  const sl_cdp_project_t *project, const sl_http_request_t *request,
                                  apr_pool_t *p, sl_err_t *err);

/** SL_DENIED (401, 403), SL_BUSY (429, 503), SL_UPSTREAM (5xx, anything odd); SL_OK: 2xx, or
 * another 4xx. */
SL_MUST_USE sl_rc_t sl_cdp_app_judge(const sl_cdp_project_t *project, const sl_http_reply_t *reply,
                                     sl_err_t *err);

#endif
