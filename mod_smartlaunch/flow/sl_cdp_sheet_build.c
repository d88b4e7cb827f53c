/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_sheet_build.h"

#include "cdp/sl_cdp_catalogue.h"
#include "cdp/sl_cdp_preselect.h"
#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

/** A target while it is made. */
typedef struct {
    sl_cdp_target_t shown;
    const sl_cdp_field_t *field; /* NULL: the app does not tell, or has none */
    apr_array_header_t *candidates;
    const sl_cdp_map_t *first; /* mapping whose rule decides */
    bool is_mixed;             /* its mappings have different rules: none of them decides */
    const sl_cdp_last_t *last; /* NULL: nothing was saved yet */
} work_t;

typedef struct {
    const sl_cdp_sheet_parts_t *parts;
    apr_array_header_t *order; /* of work_t * */
    apr_hash_t *targets;       /* place → work_t */
    apr_hash_t *current;       /* place → value */
    apr_hash_t *maps;          /* cdp_mapping.id → const sl_cdp_map_t */
    apr_hash_t *labels;        /* source → label */
    apr_pool_t *p;
} build_t;

/** One name for event, instance and field; none of them has a unit separator in it. */
static const char *place(apr_pool_t *p, const char *event, int instance, const char *field)
{
    return apr_psprintf(p, "%s\x1f%d\x1f%s", event != NULL ? event : "", instance, field);
}

static const char *value_at(const build_t *b, const char *event, int instance, const char *field)
{
    const char *value =
        apr_hash_get(b->current, place(b->p, event, instance, field), APR_HASH_KEY_STRING);

    if (value == NULL && instance != 0) { /* a repeating form, its date on one that does not */
        value = apr_hash_get(b->current, place(b->p, event, 0, field), APR_HASH_KEY_STRING);
    }
    return value;
}

static void index_current(build_t *b)
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

static void index_maps(build_t *b)
{
    const apr_array_header_t *fields = b->parts->mapping->fields;

    for (int i = 0; i < fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(fields, i, const sl_cdp_map_t);

        apr_hash_set(b->maps, &map->id, sizeof(map->id), map);
    }
}

static const char *label_of(const build_t *b, const char *source)
{
    const char *label = apr_hash_get(b->labels, source, APR_HASH_KEY_STRING);
    sl_cdp_source_t found;

    if (label == NULL) {
        label = sl_cdp_catalogue_find(&found, source, b->p) ? found.label : source;
        apr_hash_set(b->labels, source, APR_HASH_KEY_STRING, label);
    }
    return label;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/** Two sources on one field with two rules: neither of them may speak for the other. */
static void join(work_t *work, const sl_cdp_map_t *map)
{
    if (work->first == NULL) {
        work->first = map;
    } else if (work->first->pick != map->pick ||
               !same_text(work->first->temporal_field, map->temporal_field)) {
        work->is_mixed = true;
    }
}

static work_t *target_of(build_t *b, const sl_cdp_map_t *map, int instance)
{
    const char *name = place(b->p, map->event, instance, map->field);
    work_t *work = apr_hash_get(b->targets, name, APR_HASH_KEY_STRING);

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
        APR_ARRAY_PUSH(b->order, work_t *) = work;
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
static void has_instance(build_t *b, apr_hash_t *all, const char *event, const char *field,
                         int instance)
{
    const char *name = place(b->p, event, 0, field);
    apr_array_header_t *instances = apr_hash_get(all, name, APR_HASH_KEY_STRING);

    if (instances == NULL) {
        instances = apr_array_make(b->p, 1, sizeof(int));
        apr_hash_set(all, name, APR_HASH_KEY_STRING, instances);
    }
    add_instance(instances, instance);
}

static apr_hash_t *instances_of(build_t *b)
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

static void make_targets(build_t *b)
{
    const apr_array_header_t *fields = b->parts->mapping->fields;
    apr_hash_t *all = instances_of(b);

    for (int i = 0; i < fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(fields, i, const sl_cdp_map_t);
        const apr_array_header_t *instances =
            apr_hash_get(all, place(b->p, map->event, 0, map->field), APR_HASH_KEY_STRING);

        for (int k = 0; instances != NULL && k < instances->nelts; k++) {
            (void)target_of(b, map, APR_ARRAY_IDX(instances, k, int));
        }
        if (instances == NULL) {
            (void)target_of(b, map, 0);
        }
    }
}

/* ---- candidates ---- */

/** What Save would write; NULL: why not. */
static const char *judge(const char **problem, const build_t *b, const work_t *work,
                         const sl_cdp_opened_t *value)
{
    *problem = value->problem;
    if (value->problem != NULL || value->value == NULL) {
        return NULL;
    }
    if (work->field != NULL) {
        return sl_cdp_fit(problem, work->field, value->value, value->code, b->p);
    }
    if (b->parts->is_away) {
        *problem = "The study's application cannot be asked at the moment whether this fits.";
        return NULL;
    }
    if (b->parts->dictionary != NULL) {
        *problem = "The project does not have this field any more.";
        return NULL;
    }
    return value->value; /* the app judges when it is delivered */
}

static const char *unit_problem(const build_t *b, const sl_cdp_map_t *map, const char *unit)
{
    if (map->unit == NULL || same_text(map->unit, unit)) {
        return NULL;
    }
    return unit != NULL
               ? apr_psprintf(b->p, "The unit is %s; this field is for values in %s.", unit,
                              map->unit)
               : apr_psprintf(b->p, "It has no unit; this field is for values in %s.", map->unit);
}

static void add_candidate(build_t *b, work_t *work, const sl_cdp_map_t *map,
                          const sl_cdp_opened_t *value)
{
    sl_cdp_shown_t *shown = apr_array_push(work->candidates);

    memset(shown, 0, sizeof(*shown));
    shown->id = value->id;
    shown->map = map;
    shown->source_label = label_of(b, map->source);
    shown->value = value->value;
    shown->unit = value->unit;
    shown->note = value->note;
    shown->when = value->when;
    shown->state = value->state;
    shown->is_closed = value->is_closed;
    shown->saved_as = judge(&shown->problem, b, work, value);
    if (shown->problem == NULL) {
        shown->problem = unit_problem(b, map, value->unit);
    }
    work->shown.fresh += value->state == SL_CDP_NEW;
}

/** W5: the date may have moved since the value was fetched. Shown, never ticked. */
static void check_window(const build_t *b, const work_t *work, sl_cdp_shown_t *shown)
{
    const sl_cdp_map_t *map = shown->map;
    sl_cdp_window_t window;
    const char *date;

    if (map->temporal_field == NULL || shown->state != SL_CDP_NEW || shown->problem != NULL) {
        return;
    }
    date = value_at(b, work->shown.event, work->shown.instance, map->temporal_field);
    if (date == NULL && b->parts->current == NULL) {
        return; /* nobody told us */
    }
    if (sl_cdp_window_make(&window, date, sl_cdp_mapping_offset(b->parts->mapping, map)) != SL_OK) {
        shown->problem = "It was fetched for a date that the record does not have any more.";
    } else if (!sl_cdp_window_has(&window, shown->when)) {
        shown->problem = "It is from outside the time around the date that the record has now.";
    }
}

static void check_windows(const build_t *b, work_t *work)
{
    for (int i = 0; i < work->candidates->nelts; i++) {
        check_window(b, work, &APR_ARRAY_IDX(work->candidates, i, sl_cdp_shown_t));
    }
}

static void place_values(build_t *b)
{
    for (int i = 0; i < b->parts->values->nelts; i++) {
        const sl_cdp_opened_t *value = &APR_ARRAY_IDX(b->parts->values, i, const sl_cdp_opened_t);
        const sl_cdp_map_t *map = apr_hash_get(b->maps, &value->mapping, sizeof(value->mapping));

        if (map != NULL) {
            add_candidate(b, target_of(b, map, value->instance), map, value);
        }
    }
}

/** What became of the last value; a refused one can be chosen again. */
static void place_last(build_t *b)
{
    for (int i = 0; i < b->parts->last->nelts; i++) {
        const sl_cdp_last_t *last = &APR_ARRAY_IDX(b->parts->last, i, const sl_cdp_last_t);
        const char *name = place(b->p, last->event, last->instance, last->field);
        work_t *work = apr_hash_get(b->targets, name, APR_HASH_KEY_STRING);
        const sl_cdp_map_t *map = NULL;

        if (work == NULL) {
            continue;
        }
        work->last = last;
        work->shown.sent = last->sent;
        work->shown.refusal = last->refusal;
        if (last->refused != NULL) {
            map = apr_hash_get(b->maps, &last->refused->mapping, sizeof(last->refused->mapping));
        }
        if (map != NULL) {
            add_candidate(b, work, map, last->refused);
        }
    }
}

/* ---- what is ticked ---- */

/** The new ones that preselection chooses among, and where each stands in `work`. */
static int choices_of(sl_cdp_candidate_t *out, int *where, const work_t *work)
{
    int count = 0;

    for (int i = 0; i < work->candidates->nelts; i++) {
        const sl_cdp_shown_t *shown = &APR_ARRAY_IDX(work->candidates, i, const sl_cdp_shown_t);

        if (shown->state == SL_CDP_NEW) {
            out[count].id = shown->id;
            out[count].value = shown->value != NULL ? shown->value : "";
            out[count].when = shown->when;
            out[count].fits = shown->saved_as != NULL && shown->problem == NULL;
            where[count++] = i;
        }
    }
    return count;
}

/** Nothing is written over unattended: not what the app has, and not what was saved before. */
static bool is_free(const build_t *b, const work_t *work)
{
    const char *current = work->shown.current;

    return work->last == NULL && !b->parts->is_away && (current == NULL || current[0] == '\0');
}

static void tick(build_t *b, work_t *work)
{
    apr_size_t room = (apr_size_t)work->candidates->nelts + 1;
    sl_cdp_candidate_t *choices = apr_palloc(b->p, room * sizeof(*choices));
    int *where = apr_palloc(b->p, room * sizeof(*where));
    int count = choices_of(choices, where, work);
    sl_cdp_pick_t pick = work->is_mixed ? SL_CDP_PICK_NONE : work->first->pick;
    const char *date = work->shown.date;
    int at = sl_cdp_preselect(choices, count, pick, date);

    if (at >= 0) {
        sl_cdp_shown_t *shown = &APR_ARRAY_IDX(work->candidates, where[at], sl_cdp_shown_t);

        shown->ticked = true;
        if (is_free(b, work) && sl_cdp_is_unambiguous(choices, count, pick, date)) {
            work->shown.clear = shown->id;
        }
    }
}

apr_array_header_t *sl_cdp_sheet_build(const sl_cdp_sheet_parts_t *parts, apr_pool_t *p)
{
    build_t b = {parts,
                 apr_array_make(p, 16, sizeof(work_t *)),
                 apr_hash_make(p),
                 apr_hash_make(p),
                 apr_hash_make(p),
                 apr_hash_make(p),
                 p};
    apr_array_header_t *targets;

    index_current(&b);
    index_maps(&b);
    make_targets(&b);
    place_values(&b);
    place_last(&b);
    targets = apr_array_make(p, b.order->nelts, sizeof(sl_cdp_target_t));
    for (int i = 0; i < b.order->nelts; i++) {
        work_t *work = APR_ARRAY_IDX(b.order, i, work_t *);

        if (work->first->temporal_field != NULL) {
            work->shown.date =
                value_at(&b, work->shown.event, work->shown.instance, work->first->temporal_field);
        }
        check_windows(&b, work);
        tick(&b, work);
        work->shown.candidates = work->candidates;
        APR_ARRAY_PUSH(targets, sl_cdp_target_t) = work->shown;
    }
    return targets;
}
