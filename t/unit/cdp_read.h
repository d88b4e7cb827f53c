/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of reading FHIR share: JSON in single quotes, and requests made of sources. */
#ifndef CDP_READ_H
#define CDP_READ_H
#include "cdp/sl_cdp_read.h"
#include "rule.h"
#include <apr_strings.h>
#include <stdlib.h>
#include <time.h>

__attribute__((unused)) static void in_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

/** JSON with ' for ". */
__attribute__((unused)) static sl_json_t *json(apr_pool_t *p, const char *text)
{
    char *copy = apr_pstrdup(p, text);
    sl_json_t *value;
    sl_err_t err;

    for (char *c = copy; *c != '\0'; c++) {
        if (*c == '\'') {
            *c = '"';
        }
    }
    if (sl_json_parse_long(&value, copy, strlen(copy), 64 * 1024 * 1024, p, &err) != SL_OK) {
        diag("no JSON: %.200s", copy);
        abort();
    }
    return value;
}

/** A want for each source, of NULL-terminated `sources`, in the window of 2024. */
__attribute__((unused)) static sl_cdp_request_t *
asking(apr_pool_t *p, sl_cdp_category_t category, const char *type, const char *const *sources)
{
    sl_cdp_request_t *request = apr_pcalloc(p, sizeof(*request));
    apr_array_header_t *wants = apr_array_make(p, 4, sizeof(sl_cdp_want_t));

    for (; *sources != NULL; sources++) {
        sl_cdp_want_t *want = &APR_ARRAY_PUSH(wants, sl_cdp_want_t);
        sl_cdp_map_t *map = apr_pcalloc(p, sizeof(*map));

        map->source = map->field = *sources;
        *want = (sl_cdp_want_t){.map = map};
        if (!sl_cdp_catalogue_find(&want->source, *sources, p)) {
            diag("no source: %s", *sources);
            abort();
        }
        if (category == SL_CDP_OBSERVATIONS) {
            want->date = "2024-07-01";
            want->window.from = (sl_cdp_when_t){1704067200, SL_CDP_DATETIME};
            want->window.to = (sl_cdp_when_t){1735689599, SL_CDP_DATETIME};
        }
    }
    request->category = category;
    request->type = type;
    request->wants = wants;
    return request;
}

/** Whose page it is. */
__attribute__((unused)) static const sl_cdp_subject_t omar = {"omar", "https://ehr.example/fhir"};

/** A searchset of resources, which stand with commas between them. */
__attribute__((unused)) static const sl_json_t *searchset(apr_pool_t *p, const char *resources)
{
    const char *text = "";
    sl_json_t *all = json(p, apr_pstrcat(p, "{'all':[", resources, "]}", NULL));
    sl_json_t *list = sl_json_get(all, "all");

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        text = apr_pstrcat(p, text, i == 0 ? "" : ",",
                           "{'resource':", sl_json_text(p, json_object_array_get_idx(list, i)), "}",
                           NULL);
    }
    return json(p, apr_pstrcat(p, "{'resourceType':'Bundle','type':'searchset','entry':[", text,
                               "]}", NULL));
}

/** Items in a line each: "source=value (code) [unit] @when /note/ !problem" */
__attribute__((unused)) static const char *items_text(apr_pool_t *p,
                                                      const apr_array_header_t *items)
{
    const char *text = "";

    for (int i = 0; i < items->nelts; i++) {
        const sl_cdp_item_t *item = &APR_ARRAY_IDX(items, i, sl_cdp_item_t);

        text = apr_pstrcat(p, text, i == 0 ? "" : "\n", item->want->source.name, "=",
                           item->value == NULL ? "-" : item->value, NULL);
        if (item->code != NULL) {
            text = apr_pstrcat(p, text, " (", item->code, ")", NULL);
        }
        if (item->unit != NULL) {
            text = apr_pstrcat(p, text, " [", item->unit, "]", NULL);
        }
        if (item->when.precision != SL_CDP_NO_TIME) {
            text = apr_pstrcat(p, text, " @", sl_cdp_when_text(p, item->when), NULL);
        }
        if (item->note != NULL) {
            text = apr_pstrcat(p, text, " /", item->note, "/", NULL);
        }
        if (item->problem != NULL) {
            text = apr_pstrcat(p, text, " !", item->problem, NULL);
        }
    }
    return text;
}

__attribute__((unused)) static const char *words(apr_pool_t *p, const apr_array_header_t *texts)
{
    return apr_array_pstrcat(p, texts, '|');
}

#endif
