/* SPDX-License-Identifier: Apache-2.0 */
/* Instant and auto adjudication (H7). */
#include "flow/sl_cdp_decide_store.h"

#include "store/sl_store_cdp_log.h"

#include <string.h>

#define TRIES 2 /* somebody may decide at the same moment: a second look, then the next fetch */

typedef struct {
    const sl_cdp_mapping_t *mapping;
    const sl_cdp_alone_t *after;
    const apr_array_header_t *saved; /* of sl_store_cdp_field_t: never written over unattended */
} alone_t;

/** Site and study both, and `auto` only where nobody asked for the fetch. */
static bool is_wanted(const sl_cdp_project_t *project, const sl_cdp_mapping_t *mapping,
                      bool scheduled)
{
    return project->instant && (mapping->adjudication == SL_CDP_INSTANT ||
                                (mapping->adjudication == SL_CDP_AUTO && scheduled));
}

/** Is this one of several sources of its field? */
static bool has_others(const sl_cdp_mapping_t *mapping, const sl_cdp_map_t *map)
{
    int n = 0;

    for (int i = 0; i < mapping->fields->nelts; i++) {
        const sl_cdp_map_t *other = &APR_ARRAY_IDX(mapping->fields, i, const sl_cdp_map_t);

        n += strcmp(other->event, map->event) == 0 && strcmp(other->field, map->field) == 0;
    }
    return n > 1;
}

/** What is missing could have been the smallest, the last, or another value for the same field. */
static bool is_whole(const alone_t *alone, const sl_cdp_map_t *map)
{
    return !alone->after->is_partial ||
           (!has_others(alone->mapping, map) &&
            !(alone->after->is_measured_in_part && map->temporal_field != NULL));
}

/** What the app has cannot be asked, but we gave it something once: of another patient, perhaps. */
static bool was_saved(const alone_t *alone, const sl_cdp_target_t *target)
{
    for (int i = 0; alone->saved != NULL && i < alone->saved->nelts; i++) {
        const sl_store_cdp_field_t *field = &APR_ARRAY_IDX(alone->saved, i, sl_store_cdp_field_t);

        if (field->instance == target->instance && strcmp(field->event, target->event) == 0 &&
            strcmp(field->field, target->field) == 0) {
            return true;
        }
    }
    return false;
}

static apr_array_header_t *clear_ones(const sl_cdp_sheet_t *sheet, const alone_t *alone,
                                      apr_pool_t *p)
{
    apr_array_header_t *choose = apr_array_make(p, 8, sizeof(sl_cdp_choice_of_t));

    for (int i = 0; i < sheet->targets->nelts && !sheet->app_is_away; i++) {
        const sl_cdp_target_t *target = &APR_ARRAY_IDX(sheet->targets, i, sl_cdp_target_t);

        for (int k = 0; k < target->candidates->nelts; k++) {
            const sl_cdp_shown_t *shown = &APR_ARRAY_IDX(target->candidates, k, sl_cdp_shown_t);

            if (shown->ticked && shown->id == target->clear && is_whole(alone, shown->map) &&
                !was_saved(alone, target)) {
                APR_ARRAY_PUSH(choose, sl_cdp_choice_of_t) = (sl_cdp_choice_of_t){target, shown};
            }
        }
    }
    return choose;
}

static sl_rc_t decide_once(sl_cdp_decided_t *out, const sl_cdp_sheet_ask_t *ask, alone_t *alone,
                           apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_place_t place = {ask->project->name, ask->record};
    sl_cdp_decision_t decision = {.user = SL_CDP_SYSTEM};
    apr_array_header_t *saved = NULL;
    sl_cdp_sheet_t sheet;
    sl_rc_t rc = sl_cdp_sheet_read(&sheet, ask, p, err);

    if (rc == SL_OK && ask->project->delivery.protocol == SL_CDP_TO_HTTP) {
        rc = sl_store_cdp_ever_saved(&saved, ask->cdp->rt->db, &place, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    alone->saved = saved;
    decision.version = sheet.version;
    decision.seen = sheet.seen;
    decision.choose = clear_ones(&sheet, alone, p);
    decision.exclude = apr_array_make(p, 1, sizeof(apr_int64_t));
    decision.include = decision.exclude;
    return decision.choose->nelts > 0 ? sl_cdp_decide_store(out, ask, &decision, p, err) : SL_OK;
}

sl_rc_t sl_cdp_decide_alone(sl_cdp_decided_t *out, const sl_cdp_t *cdp,
                            const sl_cdp_project_t *project, const char *record,
                            const sl_cdp_alone_t *after, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_sheet_ask_t ask = {cdp, project, record, false};
    sl_cdp_mapping_t mapping;
    alone_t alone = {&mapping, after, NULL};
    apr_int64_t revision;
    sl_rc_t rc = SL_OK;

    *out = (sl_cdp_decided_t){0};
    if (!project->instant) {
        return SL_OK;
    }
    rc = sl_cdp_setup_load(&mapping, &revision, cdp, project->name, p, err);
    if (rc != SL_OK) {
        return rc == SL_NONE ? SL_OK : rc;
    }
    if (!is_wanted(project, &mapping, after->scheduled)) {
        return SL_OK;
    }
    for (int i = 0; i < TRIES; i++) {
        rc = decide_once(out, &ask, &alone, p, err);
        if (rc != SL_CONFLICT) {
            return rc;
        }
    }
    return SL_OK; /* who decided meanwhile was a person */
}
