/* SPDX-License-Identifier: Apache-2.0 */
/* The candidates of each target, and which of them is ticked. */
#include "flow/sl_cdp_sheet_target.h"

#include "cdp/sl_cdp_catalogue.h"
#include "cdp/sl_cdp_preselect.h"
#include <apr_strings.h>
#include <string.h>

/* ---- candidates ---- */

static const char *label_of(const sl_cdp_sheet_making_t *b, const char *source)
{
    const char *label = apr_hash_get(b->labels, source, APR_HASH_KEY_STRING);
    sl_cdp_source_t found;

    if (label == NULL) {
        label = sl_cdp_catalogue_find(&found, source, b->p) ? found.label : source;
        apr_hash_set(b->labels, source, APR_HASH_KEY_STRING, label);
    }
    return label;
}

/** What Save would write; NULL: why not. */
static const char *judge(const char **problem, const sl_cdp_sheet_making_t *b,
                         const sl_cdp_sheet_target_t *work, const sl_cdp_opened_t *value)
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

static const char *unit_problem(const sl_cdp_sheet_making_t *b, const sl_cdp_map_t *map,
                                const char *unit)
{
    if (map->unit == NULL || sl_cdp_sheet_target_same(map->unit, unit)) {
        return NULL;
    }
    return unit != NULL
               ? apr_psprintf(b->p, "The unit is %s; this field is for values in %s.", unit,
                              map->unit)
               : apr_psprintf(b->p, "It has no unit; this field is for values in %s.", map->unit);
}

static void add_candidate(sl_cdp_sheet_making_t *b, sl_cdp_sheet_target_t *work,
                          const sl_cdp_map_t *map, const sl_cdp_opened_t *value)
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
static void check_window(const sl_cdp_sheet_making_t *b, const sl_cdp_sheet_target_t *work,
                         sl_cdp_shown_t *shown)
{
    const sl_cdp_map_t *map = shown->map;
    sl_cdp_window_t window;
    const char *date;

    if (map->temporal_field == NULL || shown->state != SL_CDP_NEW || shown->problem != NULL) {
        return;
    }
    date =
        sl_cdp_sheet_target_value(b, work->shown.event, work->shown.instance, map->temporal_field);
    if (date == NULL && b->parts->current == NULL) {
        return; /* nobody told us */
    }
    if (sl_cdp_window_make(&window, date, sl_cdp_mapping_offset(b->parts->mapping, map)) != SL_OK) {
        shown->problem = "It was fetched for a date that the record does not have any more.";
    } else if (!sl_cdp_window_has(&window, shown->when)) {
        shown->problem = "It is from outside the time around the date that the record has now.";
    }
}

static void check_windows(const sl_cdp_sheet_making_t *b, sl_cdp_sheet_target_t *work)
{
    for (int i = 0; i < work->candidates->nelts; i++) {
        check_window(b, work, &APR_ARRAY_IDX(work->candidates, i, sl_cdp_shown_t));
    }
}

static void place_values(sl_cdp_sheet_making_t *b)
{
    for (int i = 0; i < b->parts->values->nelts; i++) {
        const sl_cdp_opened_t *value = &APR_ARRAY_IDX(b->parts->values, i, const sl_cdp_opened_t);
        const sl_cdp_map_t *map = apr_hash_get(b->maps, &value->mapping, sizeof(value->mapping));

        if (map != NULL) {
            add_candidate(b, sl_cdp_sheet_target_of(b, map, value->instance), map, value);
        }
    }
}

/** What became of the last value; a refused one can be chosen again. */
static void place_last(sl_cdp_sheet_making_t *b)
{
    for (int i = 0; i < b->parts->last->nelts; i++) {
        const sl_cdp_last_t *last = &APR_ARRAY_IDX(b->parts->last, i, const sl_cdp_last_t);
        sl_cdp_sheet_target_t *work =
            sl_cdp_sheet_target_find(b, last->event, last->instance, last->field);
        const sl_cdp_map_t *map = NULL;

        if (work == NULL) {
            continue;
        }
        work->last = last;
        work->shown.sent = last->sent;
        work->shown.revised = last->revised;
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
static int choices_of(sl_cdp_candidate_t *out, int *where, const sl_cdp_sheet_target_t *work)
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
static bool is_free(const sl_cdp_sheet_making_t *b, const sl_cdp_sheet_target_t *work)
{
    const char *current = work->shown.current;

    return work->last == NULL && !b->parts->is_away && (current == NULL || current[0] == '\0');
}

static void tick(sl_cdp_sheet_making_t *b, sl_cdp_sheet_target_t *work)
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
    sl_cdp_sheet_making_t b;
    apr_array_header_t *targets;

    sl_cdp_sheet_target_begin(&b, parts, p);
    place_values(&b);
    place_last(&b);
    targets = apr_array_make(p, b.order->nelts, sizeof(sl_cdp_target_t));
    for (int i = 0; i < b.order->nelts; i++) {
        sl_cdp_sheet_target_t *work = APR_ARRAY_IDX(b.order, i, sl_cdp_sheet_target_t *);

        if (work->first->temporal_field != NULL) {
            work->shown.date = sl_cdp_sheet_target_value(
                &b, work->shown.event, work->shown.instance, work->first->temporal_field);
        }
        check_windows(&b, work);
        tick(&b, work);
        work->shown.candidates = work->candidates;
        APR_ARRAY_PUSH(targets, sl_cdp_target_t) = work->shown;
    }
    return targets;
}
