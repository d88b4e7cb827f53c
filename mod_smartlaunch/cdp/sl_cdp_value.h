/* SPDX-License-Identifier: Apache-2.0 */
/** value[x] of an Observation, or of one of its components, as text. */
#ifndef SL_CDP_VALUE_H
#define SL_CDP_VALUE_H

#include "base/sl_json.h"

typedef struct {
    const char *text;    /* NULL only with a problem */
    const char *code;    /* of a coded value; NULL */
    const char *unit;    /* code, else unit's text; NULL */
    const char *problem; /* why it cannot be saved; NULL */
} sl_cdp_value_t;

/**
 * Read the value of `holder`. Times of dateTime values are turned to local time when `convert_gmt`.
 * @return false: it has none (also one that says why it is absent): no item
 */
bool sl_cdp_value_read(sl_cdp_value_t *out, const sl_json_t *holder, bool convert_gmt,
                       apr_pool_t *p);

/** A text as a value, over several lines if it has them; too long a one is a problem. */
bool sl_cdp_value_text(sl_cdp_value_t *out, sl_json_t *string, apr_pool_t *p);

/** "YYYY-MM-DDThh:mm:ss" where `text` is an instant that is to be local; else as it is. */
const char *sl_cdp_value_time(const char *text, bool convert_gmt, apr_pool_t *p);

#endif
