/* SPDX-License-Identifier: Apache-2.0 */
/** A form that brings a file (multipart/form-data, RFC 7578), whole in memory. */
#ifndef SL_CDP_MULTIPART_H
#define SL_CDP_MULTIPART_H

#include "base/sl_rc.h"
#include <apr_tables.h>

#define SL_CDP_MULTIPART_PARTS 32
#define SL_CDP_MULTIPART_BOUNDARY 70 /* bytes of it (RFC 2046 section 5.1.1) */

typedef struct {
    const char *name;
    const char *body; /* a copy with a NUL behind it; it may have others within */
    apr_size_t len;
} sl_cdp_part_t;

/**
 * Read the parts, in the order they came: of sl_cdp_part_t.
 * @param type the header Content-Type; NULL: none
 * @return SL_INVALID: another type, no boundary, a part without a name or an end, too many parts
 */
SL_MUST_USE sl_rc_t sl_cdp_multipart_parse(apr_array_header_t **out, const char *type,
                                           const char *text, apr_size_t len, apr_pool_t *p,
                                           sl_err_t *err);

/** The part of this name when there is exactly one; else NULL. */
const sl_cdp_part_t *sl_cdp_multipart_one(const apr_array_header_t *parts, const char *name);

#endif
