/* SPDX-License-Identifier: Apache-2.0 */
/* Which dates a record has: without them nothing that was measured is asked for (C6). */
#include "flow/sl_cdp_fetch_run.h"
#include "flow/sl_cdp_setup.h"

#include <string.h>

/** Is this field of the app one that opens a window? */
static bool is_date(const sl_cdp_mapping_t *mapping, const sl_cdp_current_t *current)
{
    for (int i = 0; i < mapping->fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t);

        if (map->temporal_field != NULL && strcmp(map->temporal_field, current->field) == 0 &&
            strcmp(map->event, current->event) == 0) {
            return true;
        }
    }
    return false;
}

static apr_array_header_t *dates_of(const sl_cdp_mapping_t *mapping,
                                    const apr_array_header_t *current, apr_pool_t *p)
{
    apr_array_header_t *dates = apr_array_make(p, 4, sizeof(sl_cdp_date_t));

    for (int i = 0; i < current->nelts; i++) {
        const sl_cdp_current_t *field = &APR_ARRAY_IDX(current, i, sl_cdp_current_t);

        if (is_date(mapping, field)) {
            sl_cdp_date_t *date = apr_array_push(dates);

            date->event = field->event;
            date->instance = field->instance;
            date->field = field->field;
            date->value = field->value;
        }
    }
    return dates;
}

/** Somebody may have typed a wrong number, here or in the project, or changed it there since. */
static void compare_number(sl_cdp_run_t *run)
{
    const sl_cdp_map_t *identifier = &run->mapping->identifier;

    for (int i = 0; i < run->current->nelts; i++) {
        const sl_cdp_current_t *field = &APR_ARRAY_IDX(run->current, i, sl_cdp_current_t);

        if (strcmp(field->field, identifier->field) == 0 &&
            strcmp(field->event, identifier->event) == 0 && field->value[0] != '\0' &&
            strcmp(field->value, run->claim->mrn) != 0) {
            run->is_doubted = true;
        }
    }
    if (run->is_doubted) {
        sl_cdp_fetch_warn(run, "medical record number",
                          "The study has another medical record number in this record than the "
                          "one that was fetched: please make sure that it is the right patient.",
                          NULL);
    }
}

void sl_cdp_fetch_dates(sl_cdp_run_t *run, const apr_array_header_t *given)
{
    apr_array_header_t *current = NULL;
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_app_record(&current, run->cdp, run->project, run->mapping,
                                   run->claim->record, run->p, &err);

    run->current = rc == SL_OK ? current : NULL;
    if (run->current != NULL) {
        compare_number(run);
    }
    if (given != NULL) {
        run->dates = given;
    } else if (run->current != NULL) {
        run->dates = dates_of(run->mapping, run->current, run->p);
    } else {
        run->dates = run->claim->dates;
    }
    if (rc != SL_OK && rc != SL_NONE && run->dates == NULL) {
        run->is_partial = true;
        run->is_measured_in_part = true;
        run->has_future = true; /* for all we know */
        sl_cdp_fetch_warn(run, "dates of the record",
                          "The application that keeps the project did not tell its dates: values "
                          "by date were not fetched.",
                          NULL);
        sl_log(&run->cdp->rt->log, SL_LOG_WARN, "SL8134", "project %s: no dates: %s (%s)",
               run->project->name, err.text, err.id);
    }
    if (run->dates == NULL) {
        run->dates = apr_array_make(run->p, 1, sizeof(sl_cdp_date_t));
    }
}
