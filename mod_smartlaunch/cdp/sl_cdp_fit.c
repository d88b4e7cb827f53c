/* SPDX-License-Identifier: Apache-2.0 */
/* What fits into a field. Reasons are read at the screen and may reach a log: they say what the
 * field wants, never what the value was. */
#include "cdp/sl_cdp_dictionary.h"

#include "base/sl_text.h"
#include "cdp/sl_cdp_fit_number.h"
#include "cdp/sl_cdp_trim.h"
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define SHOWN_CHOICES 12 /* of a reason */

/* What it is about. */
typedef struct {
    const sl_cdp_field_t *field;
    const char **reason;
    apr_pool_t *p;
} fit_t;

static const char *refuse(const fit_t *fit, const char *reason)
{
    *fit->reason = reason;
    return NULL;
}

/* "1 Female, 2 Male" */
static const char *choices_text(const fit_t *fit)
{
    const apr_array_header_t *choices = fit->field->choices;
    const char *text = "";

    for (int i = 0; i < choices->nelts; i++) {
        const sl_cdp_choice_t *choice = &APR_ARRAY_IDX(choices, i, sl_cdp_choice_t);
        bool same = strcmp(choice->code, choice->label) == 0;

        if (i == SHOWN_CHOICES) {
            return apr_pstrcat(fit->p, text, ", …", NULL);
        }
        text = apr_pstrcat(fit->p, text, i == 0 ? "" : ", ", choice->code, same ? "" : " ",
                           same ? "" : choice->label, NULL);
    }
    return text;
}

static const char *by_code(const apr_array_header_t *choices, const char *code)
{
    for (int i = 0; code != NULL && i < choices->nelts; i++) {
        const sl_cdp_choice_t *choice = &APR_ARRAY_IDX(choices, i, sl_cdp_choice_t);

        if (strcmp(choice->code, code) == 0) {
            return choice->code;
        }
    }
    return NULL;
}

/* A label that two choices share tells nothing. */
static const char *by_label(const apr_array_header_t *choices, const char *label)
{
    const char *code = NULL;

    for (int i = 0; i < choices->nelts; i++) {
        const sl_cdp_choice_t *choice = &APR_ARRAY_IDX(choices, i, sl_cdp_choice_t);

        if (strcasecmp(choice->label, label) == 0) {
            if (code != NULL) {
                return NULL;
            }
            code = choice->code;
        }
    }
    return code;
}

static const char *match_choice(const fit_t *fit, const char *value, const char *code)
{
    const apr_array_header_t *choices = fit->field->choices;
    const char *found = by_code(choices, code);

    found = found != NULL ? found : by_code(choices, value);
    return found != NULL ? found : by_label(choices, value);
}

static const char *fit_choice(const fit_t *fit, const char *value, const char *code)
{
    const char *found = match_choice(fit, value, code);

    if (found != NULL) {
        return found;
    }
    return refuse(
        fit, apr_psprintf(fit->p, "This is none of the field's choices (%s).", choices_text(fit)));
}

static bool is_among(const apr_array_header_t *codes, const char *code)
{
    for (int i = 0; i < codes->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(codes, i, const char *), code) == 0) {
            return true;
        }
    }
    return false;
}

/* In the order of the field's choices, so that the same boxes are the same text. */
static const char *in_order(const fit_t *fit, const apr_array_header_t *codes)
{
    const apr_array_header_t *choices = fit->field->choices;
    apr_array_header_t *ordered = apr_array_make(fit->p, codes->nelts, sizeof(const char *));

    for (int i = 0; i < choices->nelts; i++) {
        const char *code = APR_ARRAY_IDX(choices, i, sl_cdp_choice_t).code;

        if (is_among(codes, code) && !is_among(ordered, code)) {
            APR_ARRAY_PUSH(ordered, const char *) = code;
        }
    }
    return apr_array_pstrcat(fit->p, ordered, ',');
}

/* All of "2106-3, 2028-9", each of them a choice; as a whole first, for labels with commas. */
static const char *fit_checkbox(const fit_t *fit, const char *value, const char *code)
{
    apr_array_header_t *codes = apr_array_make(fit->p, 4, sizeof(const char *));
    const char *found = match_choice(fit, value, code);

    if (found != NULL) {
        return found;
    }
    while (true) {
        apr_size_t len = strcspn(value, ",");

        found = match_choice(fit, sl_cdp_trim(fit->p, value, len), NULL);
        if (found == NULL) {
            return refuse(fit, apr_psprintf(fit->p,
                                            "Not all of this is among the field's choices "
                                            "(%s).",
                                            choices_text(fit)));
        }
        APR_ARRAY_PUSH(codes, const char *) = found;
        if (value[len] == '\0') {
            return in_order(fit, codes);
        }
        value += len + 1;
    }
}

/* One "@" with something around it, a dot behind it, no blank. */
static bool is_email(const char *value)
{
    const char *at = strchr(value, '@');
    const char *dot = at == NULL ? NULL : strrchr(at, '.');

    return at != NULL && at != value && strchr(at + 1, '@') == NULL && dot != NULL &&
           dot != at + 1 && dot[1] != '\0' && strpbrk(value, " \t,;<>\"") == NULL;
}

static const char *fit_text(const fit_t *fit, const char *value)
{
    const sl_cdp_field_t *field = fit->field;

    if (strpbrk(value, "\r\n") != NULL) {
        return refuse(fit, "This has several lines, and the field takes one.");
    }
    switch (field->valid) {
    case SL_CDP_VALID_DATE:
    case SL_CDP_VALID_DATETIME:
    case SL_CDP_VALID_DATETIME_SECONDS:
        return sl_cdp_fit_time(fit->reason, field, value, fit->p);
    case SL_CDP_VALID_INTEGER:
    case SL_CDP_VALID_NUMBER:
        return sl_cdp_fit_number(fit->reason, field, value, fit->p);
    case SL_CDP_VALID_EMAIL:
        return is_email(value) ? value : refuse(fit, "The field wants an e-mail address.");
    case SL_CDP_VALID_ANY:
    case SL_CDP_VALID_OTHER:
        break;
    }
    return value;
}

/* Control characters, but for tabs and line ends. */
static bool has_control(const char *value)
{
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;

        if ((c < 0x20 && strchr("\t\r\n", c) == NULL) || c == 0x7f) {
            return true;
        }
    }
    return false;
}

/* What no field takes; NULL: nothing against it. */
static const char *reason_against(const sl_cdp_field_t *field, const char *value)
{
    if (field->is_record_id) {
        return "This field is the name of the record; nothing is saved into it.";
    }
    if (field->kind == SL_CDP_FIELD_OTHER) {
        return "Nothing can be saved into a field of this kind.";
    }
    if (value == NULL || value[0] == '\0') {
        return "There is no value.";
    }
    if (strlen(value) > SL_CDP_MAX_FIT) {
        return "This is longer than a field takes (65,535 bytes).";
    }
    if (!sl_text_is_utf8(value, strlen(value)) || has_control(value)) {
        return "This has characters that cannot be saved.";
    }
    return NULL;
}

const char *sl_cdp_fit(const char **reason, const sl_cdp_field_t *field, const char *value,
                       const char *code, apr_pool_t *p)
{
    fit_t fit = {field, reason, p};

    *reason = reason_against(field, value);
    if (*reason != NULL) {
        return NULL;
    }
    switch (field->kind) {
    case SL_CDP_FIELD_TEXT:
        return fit_text(&fit, value);
    case SL_CDP_FIELD_CHOICE:
        return fit_choice(&fit, value, code);
    case SL_CDP_FIELD_CHECKBOX:
        return fit_checkbox(&fit, value, code);
    case SL_CDP_FIELD_NOTES:
    case SL_CDP_FIELD_OTHER:
        break;
    }
    return value;
}
