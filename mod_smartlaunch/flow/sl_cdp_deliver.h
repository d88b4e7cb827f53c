/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From the outbox to the app: at least once, in order per record, with an idempotency key; what the
 * app refuses comes back to the screen as a reason.
 */
#ifndef SL_CDP_DELIVER_H
#define SL_CDP_DELIVER_H

#include "flow/sl_cdp.h"

typedef struct {
    int delivered, refused, waiting;
} sl_cdp_delivered_t;

/**
 * Deliver what waits for this record, now, oldest first, until one has to wait (app away, or
 * somebody else is delivering). Called after Save, and by the watchdog.
 */
SL_MUST_USE sl_rc_t sl_cdp_deliver_record(sl_cdp_delivered_t *out, const sl_cdp_t *cdp,
                                          const sl_cdp_project_t *project, const char *record,
                                          apr_pool_t *p, sl_err_t *err);

/** Deliver what is due anywhere in the project, `limit` records at most. */
SL_MUST_USE sl_rc_t sl_cdp_deliver_due(sl_cdp_delivered_t *out, const sl_cdp_t *cdp,
                                       const sl_cdp_project_t *project, int limit, apr_pool_t *p,
                                       sl_err_t *err);

#endif
