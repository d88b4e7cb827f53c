/* SPDX-License-Identifier: Apache-2.0 */
/** Blanks around what people typed. */
#ifndef SL_CDP_TRIM_H
#define SL_CDP_TRIM_H

#include <apr_pools.h>

/** A copy of `len` bytes without the blanks and line ends around them. */
char *sl_cdp_trim(apr_pool_t *p, const char *from, apr_size_t len);

#endif
