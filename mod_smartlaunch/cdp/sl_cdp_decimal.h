/* SPDX-License-Identifier: Apache-2.0 */
/** Decimal numbers as texts: compared exactly, without a float and whatever the locale. */
#ifndef SL_CDP_DECIMAL_H
#define SL_CDP_DECIMAL_H

#include <stdbool.h>

/** Points into the text it was read from. */
typedef struct {
    int sign;           /* -1, 0, 1 */
    long scale;         /* power of ten of the first digit that is not 0 */
    const char *digits; /* that digit, and those behind it; a point may be among them */
    int places;         /* digits behind the point */
    bool has_exponent;
} sl_cdp_decimal_t;

/** "72", "-0.50", ".5", "1e-3". False: no such number, "<5" among them. NULL is none. */
bool sl_cdp_decimal_parse(sl_cdp_decimal_t *out, const char *text);

/** Less than, equal to or greater than 0, as a is to b. */
int sl_cdp_decimal_compare(const sl_cdp_decimal_t *a, const sl_cdp_decimal_t *b);

#endif
