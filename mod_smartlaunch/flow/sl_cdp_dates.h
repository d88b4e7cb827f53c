/* SPDX-License-Identifier: Apache-2.0 */
/** Dates of a record as the app gave them with its last fetch: the text that is sealed of them. */
#ifndef SL_CDP_DATES_H
#define SL_CDP_DATES_H

#include "cdp/sl_cdp_plan.h"

/** Of sl_cdp_date_t. */
const char *sl_cdp_dates_write(const apr_array_header_t *dates, apr_pool_t *p);
SL_MUST_USE sl_rc_t sl_cdp_dates_read(const apr_array_header_t **out, const char *text,
                                      apr_pool_t *p, sl_err_t *err);

#endif
