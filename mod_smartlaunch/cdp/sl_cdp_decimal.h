/* SPDX-License-Identifier: Apache-2.0 */
/** Decimals as text: compared exactly, never by way of a float, whatever the locale. */
#ifndef SL_CDP_DECIMAL_H
#define SL_CDP_DECIMAL_H

#include <stdbool.h>

/** A number as JSON writes one, "+" and zeros in front allowed: "6.30", "-0", "1e2", "007". */
bool sl_cdp_is_decimal(const char *text);

/** Order of two decimals by value: "6.30" is "6.3". */
int sl_cdp_decimal_compare(const char *a, const char *b);

#endif
