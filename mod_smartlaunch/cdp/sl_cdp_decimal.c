/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_decimal.h"

#include <apr_lib.h>
#include <string.h>

#define MAX_EXPONENT 1000000L /* beyond it powers of ten are all the same to us */

typedef struct {
    int sign;           /* -1, 0, 1 */
    const char *digits; /* the first that is not 0 */
    const char *end;    /* behind the last digit; a point may stand between */
    long magnitude;     /* power of ten of the first digit */
} decimal_t;

static const char *skip_digits(const char *at)
{
    while (apr_isdigit(*at)) {
        at++;
    }
    return at;
}

bool sl_cdp_is_decimal(const char *text)
{
    const char *at = text;
    const char *from;

    if (at == NULL) {
        return false;
    }
    at += *at == '-' || *at == '+';
    from = at;
    at = skip_digits(at);
    if (at == from) {
        return false;
    }
    if (*at == '.') {
        from = ++at;
        at = skip_digits(at);
        if (at == from) {
            return false;
        }
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        from = at += *at == '-' || *at == '+';
        at = skip_digits(at);
        if (at == from) {
            return false;
        }
    }
    return *at == '\0';
}

static long exponent_of(const char *at)
{
    bool is_negative;
    long value = 0;

    if (*at == '\0') {
        return 0;
    }
    is_negative = *++at == '-';
    at += *at == '-' || *at == '+';
    for (; *at != '\0'; at++) {
        value = value > MAX_EXPONENT ? value : value * 10 + (*at - '0');
    }
    return is_negative ? -value : value;
}

static void read_decimal(decimal_t *out, const char *text)
{
    const char *point;

    out->sign = *text == '-' ? -1 : 1;
    text += *text == '-' || *text == '+';
    out->end = text + strcspn(text, "eE");
    point = memchr(text, '.', (size_t)(out->end - text));
    out->digits = text + strspn(text, "0.");
    if (out->digits >= out->end) {
        out->digits = out->end;
        out->sign = 0;
        return;
    }
    if (point == NULL || point > out->digits) {
        out->magnitude = (long)((point == NULL ? out->end : point) - out->digits) - 1;
    } else {
        out->magnitude = -(long)(out->digits - point);
    }
    out->magnitude += exponent_of(out->end);
}

/* The next digit; zeros go on for ever behind the last. */
static char next_digit(decimal_t *decimal)
{
    if (decimal->digits < decimal->end && *decimal->digits == '.') {
        decimal->digits++;
    }
    return decimal->digits < decimal->end ? *decimal->digits++ : '0';
}

static int compare_digits(decimal_t *a, decimal_t *b)
{
    while (a->digits < a->end || b->digits < b->end) {
        char left = next_digit(a), right = next_digit(b);

        if (left != right) {
            return left < right ? -1 : 1;
        }
    }
    return 0;
}

int sl_cdp_decimal_compare(const char *a, const char *b)
{
    decimal_t left, right;

    read_decimal(&left, a);
    read_decimal(&right, b);
    if (left.sign != right.sign) {
        return left.sign < right.sign ? -1 : 1;
    }
    if (left.sign == 0) {
        return 0;
    }
    if (left.magnitude != right.magnitude) {
        return left.magnitude < right.magnitude ? -left.sign : left.sign;
    }
    return left.sign * compare_digits(&left, &right);
}
