/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_decimal.h"

#include <apr_lib.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define MAX_EXPONENT_DIGITS 6

/* "e-3", if there is one; false: it is cut short or beyond all measure. */
static bool take_exponent(long *exponent, const char **at)
{
    const char *digits;
    size_t len;

    *exponent = 0;
    if (**at != 'e' && **at != 'E') {
        return true;
    }
    digits = *at + 1 + ((*at)[1] == '+' || (*at)[1] == '-');
    len = strspn(digits, DIGITS);
    if (len == 0 || len > MAX_EXPONENT_DIGITS) {
        return false;
    }
    *exponent = strtol(*at + 1, NULL, 10);
    *at = digits + len;
    return true;
}

/* The first digit that counts, and what it is worth. */
static void find_first(sl_cdp_decimal_t *out, const char *mantissa, long whole)
{
    for (; apr_isdigit(*mantissa) || *mantissa == '.'; mantissa++) {
        if (*mantissa >= '1') {
            out->digits = mantissa;
            out->scale += whole - 1;
            return;
        }
        whole -= *mantissa != '.';
    }
    out->sign = 0;
}

bool sl_cdp_decimal_parse(sl_cdp_decimal_t *out, const char *text)
{
    const char *mantissa, *at;
    size_t whole, places = 0;

    if (text == NULL) {
        return false;
    }
    mantissa = text + (*text == '-' || *text == '+');
    whole = strspn(mantissa, DIGITS);
    at = mantissa + whole;
    if (*at == '.') {
        places = strspn(at + 1, DIGITS);
        at += 1 + places;
        if (places == 0) {
            return false;
        }
    }
    out->has_exponent = *at == 'e' || *at == 'E';
    if (whole + places == 0 || !take_exponent(&out->scale, &at) || *at != '\0') {
        return false;
    }
    out->sign = *text == '-' ? -1 : 1;
    out->digits = "";
    out->places = (int)places;
    find_first(out, mantissa, (long)whole);
    return true;
}

/* The next digit; behind the last one are zeros. */
static int next_digit(const char **at)
{
    if (**at == '.') {
        (*at)++;
    }
    return apr_isdigit(**at) ? *(*at)++ - '0' : 0;
}

static int compare_size(const sl_cdp_decimal_t *a, const sl_cdp_decimal_t *b)
{
    const char *x = a->digits, *y = b->digits;

    if (a->scale != b->scale) {
        return a->scale < b->scale ? -1 : 1;
    }
    while (apr_isdigit(*x) || *x == '.' || apr_isdigit(*y) || *y == '.') {
        int difference = next_digit(&x) - next_digit(&y);

        if (difference != 0) {
            return difference;
        }
    }
    return 0;
}

int sl_cdp_decimal_compare(const sl_cdp_decimal_t *a, const sl_cdp_decimal_t *b)
{
    if (a->sign != b->sign || a->sign == 0) {
        return a->sign - b->sign;
    }
    return a->sign * compare_size(a, b);
}
