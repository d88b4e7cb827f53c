/* SPDX-License-Identifier: Apache-2.0 */
/* Which targets a sheet has: the fields of the mapping, with the instances there are. */
#include "flow/sl_cdp_sheet_target.h"

#include <apr_strings.h>
#include <string.h>

/** One name for event, instance and field; none of them has a unit separator in it. */
static const char *place(apr_pool_t *p, const char *event, int instance, const char *field)
{
    return apr_psprintf(p, "%s\x1f%d\x1f%s", event != NULL ? event : "", instance, field);
}

const char *sl_cdp_sheet_target_value(const sl_cdp_sheet_making_t *b, const char *event,
                                      int instance, const char *field)
{
    const char *value =
        apr_hash_get(b->current, place(b->p, event, instance, field), APR_HASH_KEY_STRING);

    if (value == NULL && instance != 0) { /* a repeating form, its date on one that does not */
        value = apr_hash_get(b->current, place(b->p, event, 0, field), APR_HASH_KEY_STRING);
    }
    return value;
}

static void index_current(sl_cdp_sheet_making_t *b)
{
    const apr_array_header_t *current = b->parts->current;
    const apr_array_header_t *dates = b->parts->dates;

    for (int i = 0; dates != NULL && i < dates->nelts; i++) {
        const sl_cdp_date_t *date = &APR_ARRAY_IDX(dates, i, const sl_cdp_date_t);

        apr_hash_set(b->current, place(b->p, date->event, date->instance, date->field),
                     APR_HASH_KEY_STRING, date->value);
    }
    for (int i = 0; current != NULL && i < current->nelts; i++) {
        const sl_cdp_current_t *row = &APR_ARRAY_IDX(current, i, const sl_cdp_current_t);

        apr_hash_set(b->current, place(b->p, row->event, row->instance, row->field),
                     APR_HASH_KEY_STRING, row->value);
    }
}

static void index_maps(sl_cdp_sheet_making_t *b)
{
    const apr_array_header_t *fields = b->parts->mapping->fields;

    for (int i = 0; i < fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(fields, i, const sl_cdp_map_t);

        apr_hash_set(b->maps, &map->id, sizeof(map->id), map);
    }
}

bool sl_cdp_sheet_target_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/** Two sources on one field with two rules: neither of them may speak for the other. */
static void join(sl_cdp_sheet_target_t *work, const sl_cdp_map_t *map)
{
    if (work->first == NULL) {
        work->first = map;
    } else if (work->first->pick != map->pick ||
               !sl_cdp_sheet_target_same(work->first->temporal_field, map->temporal_field)) {
        work->is_mixed = true;
    }
}

sl_cdp_sheet_target_t *sl_cdp_sheet_target_of(sl_cdp_sheet_making_t *b, const sl_cdp_map_t *map,
                                              int instance)
{
    const char *name = place(b->p, map->event, instance, map->field);
    sl_cdp_sheet_target_t *work = apr_hash_get(b->targets, name, APR_HASH_KEY_STRING);

    if (work == NULL) {
        const sl_cdp_dictionary_t *dictionary = b->parts->dictionary;

        work = apr_pcalloc(b->p, sizeof(*work));
        work->field =
            dictionary != NULL ? sl_cdp_dictionary_field(dictionary, map->event, map->field) : NULL;
        work->candidates = apr_array_make(b->p, 4, sizeof(sl_cdp_shown_t));
        work->shown.event = map->event;
        work->shown.event_label =
            dictionary != NULL ? sl_cdp_dictionary_event(dictionary, map->event) : map->event;
        work->shown.instance = instance;
        work->shown.field = map->field;
        work->shown.label = work->field != NULL ? work->field->label : map->field;
        work->shown.current = apr_hash_get(b->current, name, APR_HASH_KEY_STRING);
        apr_hash_set(b->targets, name, APR_HASH_KEY_STRING, work);
        APR_ARRAY_PUSH(b->order, sl_cdp_sheet_target_t *) = work;
    }
    join(work, map);
    return work;
}

/* ---- which instances there are ---- */

static void add_instance(apr_array_header_t *instances, int instance)
{
    int at = 0;

    while (at < instances->nelts && APR_ARRAY_IDX(instances, at, int) < instance) {
        at++;
    }
    if (at < instances->nelts && APR_ARRAY_IDX(instances, at, int) == instance) {
        return;
    }
    APR_ARRAY_PUSH(instances, int) = instance;
    for (int i = instances->nelts - 1; i > at; i--) {
        APR_ARRAY_IDX(instances, i, int) = APR_ARRAY_IDX(instances, i - 1, int);
    }
    APR_ARRAY_IDX(instances, at, int) = instance;
}

/** Of a field: the instances it has a value for, or had one saved. */
static void has_instance(sl_cdp_sheet_making_t *b, apr_hash_t *all, const char *event,
                         const char *field, int instance)
{
    const char *name = place(b->p, event, 0, field);
    apr_array_header_t *instances = apr_hash_get(all, name, APR_HASH_KEY_STRING);

    if (instances == NULL) {
        instances = apr_array_make(b->p, 1, sizeof(int));
        apr_hash_set(all, name, APR_HASH_KEY_STRING, instances);
    }
    add_instance(instances, instance);
}

static apr_hash_t *instances_of(sl_cdp_sheet_making_t *b)
{
    apr_hash_t *all = apr_hash_make(b->p);

    for (int i = 0; i < b->parts->values->nelts; i++) {
        const sl_cdp_opened_t *value = &APR_ARRAY_IDX(b->parts->values, i, const sl_cdp_opened_t);
        const sl_cdp_map_t *map = apr_hash_get(b->maps, &value->mapping, sizeof(value->mapping));

        if (map != NULL) {
            has_instance(b, all, map->event, map->field, value->instance);
        }
    }
    for (int i = 0; i < b->parts->last->nelts; i++) {
        const sl_cdp_last_t *last = &APR_ARRAY_IDX(b->parts->last, i, const sl_cdp_last_t);

        has_instance(b, all, last->event, last->field, last->instance);
    }
    return all;
}

static void make_targets(sl_cdp_sheet_making_t *b)
{
    const apr_array_header_t *fields = b->parts->mapping->fields;
    apr_hash_t *all = instances_of(b);

    for (int i = 0; i < fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(fields, i, const sl_cdp_map_t);
        const apr_array_header_t *instances =
            apr_hash_get(all, place(b->p, map->event, 0, map->field), APR_HASH_KEY_STRING);

        for (int k = 0; instances != NULL && k < instances->nelts; k++) {
            (void)sl_cdp_sheet_target_of(b, map, APR_ARRAY_IDX(instances, k, int));
        }
        if (instances == NULL) {
            (void)sl_cdp_sheet_target_of(b, map, 0);
        }
    }
}

sl_cdp_sheet_target_t *sl_cdp_sheet_target_find(const sl_cdp_sheet_making_t *b, const char *event,
                                                int instance, const char *field)
{
    return apr_hash_get(b->targets, place(b->p, event, instance, field), APR_HASH_KEY_STRING);
}

void sl_cdp_sheet_target_begin(sl_cdp_sheet_making_t *b, const sl_cdp_sheet_parts_t *parts,
                               apr_pool_t *p)
{
    b->parts = parts;
    b->order = apr_array_make(p, 16, sizeof(sl_cdp_sheet_target_t *));
    b->targets = apr_hash_make(p);
    b->current = apr_hash_make(p);
    b->maps = apr_hash_make(p);
    b->labels = apr_hash_make(p);
    b->p = p;
    index_current(b);
    index_maps(b);
    make_targets(b);
}
