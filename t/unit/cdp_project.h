/* SPDX-License-Identifier: Apache-2.0 */
/** A small project as REDCap describes one: two events, four forms. */
#ifndef CDP_PROJECT_H
#define CDP_PROJECT_H
#include "cdp/sl_cdp_mapping.h"
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define PROJECT_FIELD(form, name, type, valid)                                                     \
    "{\"field_name\":\"" name "\",\"form_name\":\"" form "\",\"field_type\":\"" type               \
    "\",\"text_validation_type_or_show_slider_number\":\"" valid "\"}"

static const char project_metadata[] =
    "[" PROJECT_FIELD("base", "record_id", "text", "") "," PROJECT_FIELD("base", "mrn", "text", "") "," PROJECT_FIELD(
        "base", "dob", "text",
        "date_ymd") "," PROJECT_FIELD("base", "sex", "yesno",
                                      "") "," PROJECT_FIELD("base", "age", "calc", "") "," PROJECT_FIELD("base",
                                                                                                         "notes",
                                                                                                         "notes", "") "," PROJECT_FIELD("visit", "visit", "text", "date_mdy") "," PROJECT_FIELD("visit", "visit_time", "text", "datetime_ymd") "," PROJECT_FIELD("visit", "visit_second", "text", "datetime_seconds_ymd") "," PROJECT_FIELD("visit",
                                                                                                                                                                                                                                                                                                                                            "na",
                                                                                                                                                                                                                                                                                                                                            "text", "number") "," PROJECT_FIELD("visit",
                                                                                                                                                                                                                                                                                                                                                                                "weight",
                                                                                                                                                                                                                                                                                                                                                                                "text", "number") "," PROJECT_FIELD("followup",
                                                                                                                                                                                                                                                                                                                                                                                                                    "followup_date",
                                                                                                                                                                                                                                                                                                                                                                                                                    "text", "date_dmy") "]";

static const char project_events[] =
    "[{\"unique_event_name\":\"e1\",\"event_name\":\"Baseline\"},{\"unique_event_name\":\"e2\"}]";

static const char project_forms[] = "[{\"unique_event_name\":\"e1\",\"form\":\"base\"},"
                                    "{\"unique_event_name\":\"e1\",\"form\":\"visit\"},"
                                    "{\"unique_event_name\":\"e2\",\"form\":\"visit\"},"
                                    "{\"unique_event_name\":\"e2\",\"form\":\"followup\"}]";

__attribute__((unused)) static sl_json_t *project_json(const char *text, apr_pool_t *p)
{
    sl_json_t *json;

    if (sl_json_parse_any(&json, text, strlen(text), p, NULL) != SL_OK) {
        abort();
    }
    return json;
}

__attribute__((unused)) static const sl_cdp_dictionary_t *project_dictionary(apr_pool_t *p)
{
    const sl_cdp_redcap_t answers = {project_json(project_metadata, p),
                                     project_json(project_events, p),
                                     project_json(project_forms, p)};
    sl_cdp_dictionary_t *dictionary = apr_palloc(p, sizeof(*dictionary));

    if (sl_cdp_dictionary_parse(dictionary, &answers, p, NULL) != SL_OK) {
        abort();
    }
    return dictionary;
}

/** The same fields in a project without events. */
__attribute__((unused)) static void project_classic(sl_cdp_dictionary_t *out, apr_pool_t *p)
{
    const sl_cdp_redcap_t answers = {project_json(project_metadata, p), NULL, NULL};

    if (sl_cdp_dictionary_parse(out, &answers, p, NULL) != SL_OK) {
        abort();
    }
}

/** "row|name|sentence", with line ends between. */
__attribute__((unused)) static const char *project_faults(const apr_array_header_t *faults,
                                                          apr_pool_t *p)
{
    const char *text = "";

    for (int i = 0; i < faults->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(faults, i, sl_cdp_fault_t);

        text = apr_psprintf(p, "%s%s%d|%s|%s", text, i == 0 ? "" : "\n", fault->row,
                            fault->name == NULL ? "-" : fault->name, fault->reason);
    }
    return text;
}

#endif
