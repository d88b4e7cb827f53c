/* SPDX-License-Identifier: Apache-2.0 */
/** Collects what is wrong with a mapping. */
#ifndef SL_CDP_FAULT_H
#define SL_CDP_FAULT_H

#include "cdp/sl_cdp_mapping.h"

/** An empty list, of sl_cdp_fault_t. */
apr_array_header_t *sl_cdp_faults_new(apr_pool_t *p);

/** One more; text and name are copied into the list's pool. `name` may be NULL. */
SL_PRINTF(4, 5)
void sl_cdp_fault_add(apr_array_header_t *faults, int row, const char *name, const char *fmt, ...);

/** Put them in the order of the rows. SL_OK: there are none; else SL_INVALID. */
SL_MUST_USE sl_rc_t sl_cdp_faults_end(apr_array_header_t *faults);

#endif
