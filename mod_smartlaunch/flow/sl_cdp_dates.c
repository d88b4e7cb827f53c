/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_dates.h"

#include "base/sl_json.h"
#include <string.h>

const char *sl_cdp_dates_write(const apr_array_header_t *dates, apr_pool_t *p)
{
    sl_json_t *array = sl_json_array(p);

    for (int i = 0; i < dates->nelts; i++) {
        const sl_cdp_date_t *date = &APR_ARRAY_IDX(dates, i, sl_cdp_date_t);
        sl_json_t *json = sl_json_object(p);

        sl_json_put_str(json, "event", date->event);
        sl_json_put_int(json, "instance", date->instance);
        sl_json_put_str(json, "field", date->field);
        sl_json_put_str(json, "value", date->value);
        sl_json_push(array, json);
    }
    return sl_json_text(p, array);
}

sl_rc_t sl_cdp_dates_read(const apr_array_header_t **out, const char *text, apr_pool_t *p,
                          sl_err_t *err)
{
    sl_json_t *array = NULL;
    apr_array_header_t *dates = apr_array_make(p, 8, sizeof(sl_cdp_date_t));
    sl_rc_t rc = sl_json_parse_any(&array, text, strlen(text), p, err);

    for (apr_size_t i = 0; rc == SL_OK && i < json_object_array_length(array); i++) {
        const sl_json_t *json = json_object_array_get_idx(array, i);
        sl_cdp_date_t *date = apr_array_push(dates);

        date->event = sl_json_str(json, "event");
        date->instance = json_object_get_int(sl_json_get(json, "instance"));
        date->field = sl_json_str(json, "field");
        date->value = sl_json_str(json, "value");
    }
    *out = dates;
    return rc;
}
