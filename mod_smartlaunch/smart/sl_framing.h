/* SPDX-License-Identifier: Apache-2.0 */
/** Who may show our pages in a frame (LCH-6, SEC-8). */
#ifndef SL_FRAMING_H
#define SL_FRAMING_H

#include "base/sl_rc.h"
#include <apr_pools.h>
#include <apr_tables.h>

/**
 * Value of frame-ancestors: 'self' and the origins, each once.
 * @param embeds `count` arrays of const char * (SmartEmbed of one EHR, or of every EHR where the
 *        page knows none); NULL entries are skipped
 */
const char *sl_framing_value(apr_pool_t *p, const apr_array_header_t *const *embeds, int count);

/**
 * A value for SmartEmbed: scheme://host[:port], https or http, `*.` before the host is allowed,
 * nothing after. SL_INVALID with a sentence that says what to write.
 */
SL_MUST_USE sl_rc_t sl_framing_check_origin(const char *origin, sl_err_t *err);

#endif
