/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SmartCDPDeliver http: one value to a POST, as JSON that is signed. Smart-Signature is
 * "t=<seconds>,v1=<hex HMAC-SHA-256 of t, a dot and the body>": a receiver refuses what is older
 * than some minutes, and knows by `key` what it has already.
 */
#ifndef SL_CDP_SIGNED_H
#define SL_CDP_SIGNED_H

#include "flow/sl_cdp_deliver_parcel.h"

/** In order, until one has to wait. What stays OPEN waits, as with sl_cdp_redcap_ship(). */
SL_MUST_USE sl_rc_t sl_cdp_signed_ship(const sl_cdp_t *cdp, sl_cdp_shipment_t *shipment,
                                       apr_pool_t *p, sl_err_t *err);

#endif
