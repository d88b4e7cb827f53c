/* SPDX-License-Identifier: Apache-2.0 */
/** SmartCDPDeliver redcap: the project's fields, a record of it, and values into it. */
#ifndef SL_CDP_REDCAP_H
#define SL_CDP_REDCAP_H

#include "flow/sl_cdp_deliver_parcel.h"

/** A project as its app shows it. */
typedef struct {
    const sl_cdp_t *cdp;
    const sl_cdp_project_t *project;
    sl_cdp_redcap_shape_t shape;
} sl_cdp_redcap_app_t;

/** How the project looks: metadata, events, forms, what repeats. Remembered for a minute. As
 * sl_cdp_redcap_call(); SL_UPSTREAM also where it refuses. */
SL_MUST_USE sl_rc_t sl_cdp_redcap_open(sl_cdp_redcap_app_t *out, const sl_cdp_t *cdp,
                                       const sl_cdp_project_t *project, apr_pool_t *p,
                                       sl_err_t *err);

/** What is asked of a record. */
typedef struct {
    const char *record;
    const apr_array_header_t *fields; /* of const char *; the app need not have all of them */
    const apr_array_header_t *events; /* of const char *; empty: all, or there are none */
} sl_cdp_redcap_ask_t;

/** Add a name to one of its lists, once; "" is none. */
void sl_cdp_redcap_want(apr_array_header_t *names, const char *name);

/** What the record holds in these fields: of sl_cdp_current_t. SL_NONE: there is no such record. */
SL_MUST_USE sl_rc_t sl_cdp_redcap_record(apr_array_header_t **out, const sl_cdp_redcap_app_t *app,
                                         const sl_cdp_redcap_ask_t *ask, apr_pool_t *p,
                                         sl_err_t *err);

/**
 * Import all parcels in one call. Those that may have been sent before are looked up first: what
 * is there is delivered. Where one is refused the others get in all the same. What stays OPEN
 * waits, with SL_OK for want of time, else for the reason that is returned.
 */
SL_MUST_USE sl_rc_t sl_cdp_redcap_ship(const sl_cdp_t *cdp, sl_cdp_shipment_t *shipment,
                                       apr_pool_t *p, sl_err_t *err);

#endif
