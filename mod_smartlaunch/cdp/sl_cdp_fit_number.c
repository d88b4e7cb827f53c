/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_fit_number.h"

#include "cdp/sl_cdp_decimal.h"
#include <apr_strings.h>
#include <string.h>

#define DIGITS "0123456789"

/* The point that computers want, where people write a comma. */
static char *with_point(const char *text, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, text);
    char *comma = strchr(copy, ',');

    if (comma != NULL) {
        *comma = '.';
    }
    return copy;
}

/* Bounds that are no numbers ("[other_field]") are the app's to judge. */
static const char *bounds_reason(const sl_cdp_field_t *field, const char *number, apr_pool_t *p)
{
    const char *min = field->min == NULL ? "" : with_point(field->min, p);
    const char *max = field->max == NULL ? "" : with_point(field->max, p);

    if (sl_cdp_is_decimal(min) && sl_cdp_decimal_compare(number, min) < 0) {
        return apr_psprintf(p, "This is less than the field takes (%s at least).", field->min);
    }
    if (sl_cdp_is_decimal(max) && sl_cdp_decimal_compare(number, max) > 0) {
        return apr_psprintf(p, "This is more than the field takes (%s at most).", field->max);
    }
    return NULL;
}

/* With just so many decimals: zeros come and go, other digits do not. */
static char *with_places(char *text, int places, apr_pool_t *p)
{
    const char *point = strchr(text, '.');
    apr_size_t len = strlen(text);
    int have = point == NULL ? 0 : (int)(text + len - point) - 1;

    if (strpbrk(text, "eE") != NULL) {
        return NULL;
    }
    for (; have > places; have--) {
        if (text[--len] != '0') {
            return NULL;
        }
        text[len] = '\0';
    }
    text = point == NULL ? apr_pstrcat(p, text, ".", NULL) : text;
    for (; have < places; have++) {
        text = apr_pstrcat(p, text, "0", NULL);
    }
    return text;
}

static const char *number_text(const char **reason, const sl_cdp_field_t *field, const char *value,
                               apr_pool_t *p)
{
    char *text = apr_pstrdup(p, value);
    char *point;

    if (field->decimals > 0) {
        text = with_places(text, field->decimals, p);
    }
    if (text == NULL) {
        *reason = apr_psprintf(p, "The field takes %d decimal%s; nothing is rounded.",
                               field->decimals, field->decimals == 1 ? "" : "s");
        return NULL;
    }
    point = field->has_comma ? strchr(text, '.') : NULL;
    if (point != NULL) {
        *point = ',';
    }
    return text;
}

const char *sl_cdp_fit_number(const char **reason, const sl_cdp_field_t *field, const char *value,
                              apr_pool_t *p)
{
    bool is_whole = field->valid == SL_CDP_VALID_INTEGER;
    const char *text = field->has_comma ? with_point(value, p) : value;
    const char *digits = text + (*text == '-' || *text == '+');

    if (*value == '<' || *value == '>') {
        *reason = "The field wants a number; this is only a bound (< or >).";
        return NULL;
    }
    if (!sl_cdp_is_decimal(text) || (is_whole && digits[strspn(digits, DIGITS)] != '\0')) {
        *reason = is_whole ? "The field wants a whole number." : "The field wants a number.";
        return NULL;
    }
    *reason = bounds_reason(field, text, p);
    return *reason != NULL ? NULL : number_text(reason, field, text, p);
}
