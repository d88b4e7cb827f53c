/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_plan.h"

#include "base/sl_text.h"
#include "cdp/sl_cdp_clock.h"
#include "cdp/sl_cdp_plan_list.h"
#include "cdp/sl_cdp_plan_observation.h"
#include <apr_strings.h>
#include <string.h>

/* What is wanted, by the search that answers it. */
typedef struct {
    const sl_cdp_plan_ask_t *ask;
    sl_cdp_plan_t *plan;
    apr_array_header_t *wants[SL_CDP_DOCUMENTS + 1]; /* by category; of sl_cdp_want_t */
    apr_pool_t *p;
} planning_t;

/* FHIR's own escapes in a parameter of type token. */
static const char *escape(const char *text, apr_pool_t *p)
{
    char *out = apr_palloc(p, strlen(text) * 2 + 1);
    char *to = out;

    for (; *text != '\0'; text++) {
        if (strchr("\\,|$", *text) != NULL) {
            *to++ = '\\';
        }
        *to++ = *text;
    }
    *to = '\0';
    return out;
}

const char *sl_cdp_plan_patient(const char *mrn_system, const char *mrn, apr_pool_t *p)
{
    const char *token = escape(mrn, p);

    if (mrn_system != NULL) {
        token = apr_pstrcat(p, escape(mrn_system, p), "|", token, NULL);
    }
    return apr_pstrcat(p, "Patient?identifier=", sl_text_percent(p, token), NULL);
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static bool is_field_of(const sl_cdp_date_t *date, const sl_cdp_map_t *map)
{
    return strcmp(or_empty(date->event), or_empty(map->event)) == 0 &&
           strcmp(date->field, map->temporal_field) == 0;
}

/* A field that several mappings name is told once. */
static void tell_bad_date(planning_t *planning, const sl_cdp_date_t *date, int row)
{
    apr_array_header_t *faults = planning->plan->without_window;
    sl_cdp_fault_t fault = {row, date->field, NULL};
    const char *event = or_empty(date->event);

    fault.reason =
        apr_psprintf(planning->p, "%s%s%s%s holds no date, so nothing is fetched for it.",
                     date->field, *event == '\0' ? "" : " in ", event,
                     date->instance == 0 ? "" : apr_psprintf(planning->p, " (%d)", date->instance));
    for (int i = 0; i < faults->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(faults, i, sl_cdp_fault_t).reason, fault.reason) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(faults, sl_cdp_fault_t) = fault;
}

static bool is_future(const char *text, sl_cdp_when_t today)
{
    sl_cdp_when_t date;

    if (sl_cdp_when_from_field(&date, text) != SL_OK) {
        return false;
    }
    return sl_cdp_when_compare(date, today) > 0;
}

/* One want for each instance that has its date (W1, W10). */
static void want_dated(planning_t *planning, sl_cdp_want_t *want, int row)
{
    const apr_array_header_t *dates = planning->ask->dates;
    sl_cdp_offset_t offset = sl_cdp_mapping_offset(planning->ask->mapping, want->map);

    for (int i = 0; dates != NULL && i < dates->nelts; i++) {
        const sl_cdp_date_t *date = &APR_ARRAY_IDX(dates, i, sl_cdp_date_t);
        sl_rc_t rc;

        if (!is_field_of(date, want->map)) {
            continue;
        }
        want->instance = date->instance;
        want->date = date->value;
        rc = sl_cdp_window_make(&want->window, date->value, offset);
        if (rc == SL_OK) {
            APR_ARRAY_PUSH(planning->wants[SL_CDP_OBSERVATIONS], sl_cdp_want_t) = *want;
            planning->plan->has_future |= is_future(date->value, planning->ask->today);
        } else if (rc == SL_INVALID) {
            tell_bad_date(planning, date, row);
        }
    }
}

static void want(planning_t *planning, const sl_cdp_map_t *map, int row)
{
    sl_cdp_want_t wanted = {.map = map};
    sl_cdp_category_t category = SL_CDP_PATIENT;

    if (!sl_cdp_catalogue_find(&wanted.source, map->source, planning->p)) {
        return; /* mappings that were stored are of known sources */
    }
    if (sl_cdp_is_temporal(&wanted.source)) {
        if (map->temporal_field != NULL) {
            want_dated(planning, &wanted, row);
        }
        return;
    }
    if (wanted.source.kind == SL_CDP_KIND_LIST) {
        category = sl_cdp_plan_list_category(wanted.source.name);
    }
    APR_ARRAY_PUSH(planning->wants[category], sl_cdp_want_t) = wanted;
}

static void push_list(planning_t *planning, sl_cdp_category_t category)
{
    sl_cdp_request_t *request;

    if (planning->wants[category]->nelts > 0) {
        request = &APR_ARRAY_PUSH(planning->plan->requests, sl_cdp_request_t);
        sl_cdp_plan_list_request(request, category, or_empty(planning->ask->patient), planning->p);
        request->wants = planning->wants[category];
    }
}

void sl_cdp_plan(sl_cdp_plan_t *out, const sl_cdp_plan_ask_t *ask, apr_pool_t *p)
{
    planning_t planning = {.ask = ask, .plan = out, .p = p};
    const apr_array_header_t *fields = ask->mapping->fields;

    memset(out, 0, sizeof(*out));
    out->requests = apr_array_make(p, 4, sizeof(sl_cdp_request_t));
    out->without_window = apr_array_make(p, 1, sizeof(sl_cdp_fault_t));
    for (int i = 0; i <= SL_CDP_DOCUMENTS; i++) {
        planning.wants[i] = apr_array_make(p, 4, sizeof(sl_cdp_want_t));
    }
    for (int i = 0; i < fields->nelts; i++) {
        want(&planning, &APR_ARRAY_IDX(fields, i, sl_cdp_map_t), i + 1);
    }
    out->patient.category = SL_CDP_PATIENT;
    out->patient.label = "demographics";
    out->patient.type = "Patient";
    out->patient.wants = planning.wants[SL_CDP_PATIENT];
    sl_cdp_plan_observations(out->requests, planning.wants[SL_CDP_OBSERVATIONS],
                             or_empty(ask->patient), ask->mapping->convert_gmt, p);
    for (sl_cdp_category_t category = SL_CDP_PROBLEMS; category <= SL_CDP_DOCUMENTS; category++) {
        push_list(&planning, category);
    }
    for (int i = 0; ask->patient == NULL && i < out->requests->nelts; i++) {
        APR_ARRAY_IDX(out->requests, i, sl_cdp_request_t).query = NULL;
        APR_ARRAY_IDX(out->requests, i, sl_cdp_request_t).fallback = NULL;
    }
}
