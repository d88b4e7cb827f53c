/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_fit_number.h"

#include "cdp/sl_cdp_when.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define MINUTE_LEN 16 /* "2024-03-15 10:51" */

/* "2024", "2024-03" */
static bool is_partial(const char *value)
{
    apr_size_t len = strlen(value);

    return strspn(value, "0123456789-") == len && (len == 4 || len == 7) && value[0] != '-';
}

/* Bounds that are no times ("today", "[other_field]") are the app's to judge. */
static const char *bounds_reason(const sl_cdp_field_t *field, sl_cdp_when_t when, apr_pool_t *p)
{
    sl_cdp_when_t bound;

    if (sl_cdp_when_from_field(&bound, field->min) == SL_OK &&
        sl_cdp_when_compare(when, bound) < 0) {
        return apr_psprintf(p, "This is before the first date the field takes (%s).", field->min);
    }
    if (sl_cdp_when_from_field(&bound, field->max) == SL_OK &&
        sl_cdp_when_compare(when, bound) > 0) {
        return apr_psprintf(p, "This is after the last date the field takes (%s).", field->max);
    }
    return NULL;
}

/* Why it is no time for this field; NULL: it is one. */
static const char *reason_of(const sl_cdp_field_t *field, sl_cdp_when_t *when, const char *value)
{
    bool is_date = field->valid == SL_CDP_VALID_DATE;

    if (is_partial(value)) {
        return "The field wants a full date; this is only a year or a month.";
    }
    if (sl_cdp_when_from_fhir(when, value, false) != SL_OK &&
        sl_cdp_when_from_field(when, value) != SL_OK) {
        return is_date ? "The field wants a date." : "The field wants a date with a time.";
    }
    if (!is_date && when->precision == SL_CDP_DATE) {
        return "The field wants a date with a time; this is a date without one.";
    }
    return NULL;
}

const char *sl_cdp_fit_time(const char **reason, const sl_cdp_field_t *field, const char *value,
                            apr_pool_t *p)
{
    sl_cdp_when_t when;
    const char *text;

    *reason = reason_of(field, &when, value);
    if (*reason != NULL) {
        return NULL;
    }
    if (field->valid == SL_CDP_VALID_DATE) { /* the day of a time is a date */
        when.seconds -= (when.seconds % 86400 + 86400) % 86400;
        when.precision = SL_CDP_DATE;
    }
    *reason = bounds_reason(field, when, p);
    text = sl_cdp_when_text(p, when);
    if (*reason != NULL) {
        return NULL;
    }
    return field->valid == SL_CDP_VALID_DATETIME ? apr_pstrmemdup(p, text, MINUTE_LEN) : text;
}
