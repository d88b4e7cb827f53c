/* SPDX-License-Identifier: Apache-2.0 */
/* What an app answers to an import or an export: the reasons of refusals, and rows of records. */
#include "cdp/sl_cdp_redcap_answer.h"
#include "fuzz.h"

#include "base/sl_text.h"

#define MAX_REASON 500

static sl_cdp_field_t named(const char *name, sl_cdp_field_kind_t kind)
{
    return (sl_cdp_field_t){.name = name, .form = "labs", .kind = kind};
}

/** Two fields without events, of which one is a checkbox; what repeats comes from the input. */
static sl_cdp_dictionary_t dictionary(apr_pool_t *p)
{
    apr_array_header_t *fields = apr_array_make(p, 3, sizeof(sl_cdp_field_t));
    apr_array_header_t *choices = apr_array_make(p, 1, sizeof(sl_cdp_choice_t));

    APR_ARRAY_PUSH(choices, sl_cdp_choice_t) = (sl_cdp_choice_t){"1", "one"};
    APR_ARRAY_PUSH(fields, sl_cdp_field_t) = named("id", SL_CDP_FIELD_TEXT);
    APR_ARRAY_PUSH(fields, sl_cdp_field_t) = named("na", SL_CDP_FIELD_TEXT);
    APR_ARRAY_PUSH(fields, sl_cdp_field_t) = named("box", SL_CDP_FIELD_CHECKBOX);
    APR_ARRAY_IDX(fields, 0, sl_cdp_field_t).is_record_id = true;
    APR_ARRAY_IDX(fields, 2, sl_cdp_field_t).choices = choices;
    return (sl_cdp_dictionary_t){fields, apr_array_make(p, 1, sizeof(const char *))};
}

static void check_rows(const char *text, size_t len, apr_pool_t *p)
{
    const sl_cdp_dictionary_t it = dictionary(p);
    apr_array_header_t *fields = apr_array_make(p, 2, sizeof(const char *));
    sl_cdp_redcap_shape_t shape = {&it, NULL};
    const apr_array_header_t *values;
    sl_json_t *json = NULL;
    sl_err_t err;

    if (sl_json_parse_any(&json, text, len, p, &err) != SL_OK) {
        return;
    }
    APR_ARRAY_PUSH(fields, const char *) = "na";
    APR_ARRAY_PUSH(fields, const char *) = "box";
    shape.repeating = json;
    values = sl_cdp_redcap_values(&shape, "1", json, fields, p);
    for (int i = 0; i < values->nelts; i++) {
        const sl_cdp_current_t *value = &APR_ARRAY_IDX(values, i, sl_cdp_current_t);

        PROMISE(value->event != NULL && value->value != NULL && value->instance >= 0);
        PROMISE(strcmp(value->field, "na") == 0 || strcmp(value->field, "box") == 0);
        PROMISE(sl_cdp_redcap_find(values, value->event, value->instance, value->field) != NULL);
        PROMISE(sl_cdp_redcap_same(value->value, value->value));
    }
}

static void check_reason(const char *reason)
{
    size_t len = strlen(reason);

    PROMISE(len > 0 && len <= MAX_REASON && sl_text_is_utf8(reason, len));
    PROMISE(strpbrk(reason, "\r\n\t\x01\x7f") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    const apr_array_header_t *refusals = sl_cdp_redcap_refusals(text, p);

    for (int i = 0; i < refusals->nelts; i++) {
        const sl_cdp_redcap_refusal_t *one = &APR_ARRAY_IDX(refusals, i, sl_cdp_redcap_refusal_t);
        const sl_cdp_current_t value = {"", 0, one->field, one->value};

        PROMISE(strlen(one->field) + strlen(one->value) < strlen(text));
        PROMISE(sl_cdp_redcap_is_about(one, &value));
        check_reason(one->reason);
    }
    check_reason(sl_cdp_plain_reason(text, p));
    check_rows(text, strlen(text), p);
    free(text);
    apr_pool_destroy(p);
    return 0;
}
