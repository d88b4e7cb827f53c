/* SPDX-License-Identifier: Apache-2.0 */
/* One row of the mapping: what a form says becomes a row, or is shown again with what is wrong. */
#include "httpd/sl_cdp_setup_row.h"

#include "cdp/sl_cdp_fault.h"

#include <apr_strings.h>
#include <string.h>

static sl_cdp_setup_draft_t draft_of_map(const sl_cdp_map_t *map, apr_pool_t *p)
{
    const sl_cdp_offset_t *offset = &map->offset;

    return (sl_cdp_setup_draft_t){
        .id = map->id,
        .source = map->source,
        .event = map->event,
        .field = map->field,
        .temporal = map->temporal_field != NULL ? map->temporal_field : "",
        .pick = sl_cdp_pick_word(map->pick),
        .unit = map->unit != NULL ? map->unit : "",
        .days = offset->centidays != 0 ? sl_cdp_days_text(p, offset->centidays) : "",
        .direction = sl_cdp_direction_word(offset->direction),
    };
}

/** The id that a form or an address names; 0: none, -1: one that cannot be. */
static apr_int64_t id_of(const char *text)
{
    char *end;
    apr_int64_t id;

    if (text[0] == '\0') {
        return 0;
    }
    id = apr_strtoi64(text, &end, 10);
    return *end == '\0' && id > 0 ? id : -1;
}

static sl_cdp_setup_draft_t draft_of_form(const sl_params_t *form, apr_pool_t *p)
{
    sl_cdp_setup_draft_t draft = {
        .id = id_of(sl_cdp_setup_value(form, "id", p)),
        .source_words = sl_cdp_setup_value(form, "q", p),
        .field_words = sl_cdp_setup_value(form, "f", p),
        .source = sl_cdp_setup_value(form, "source", p),
        .temporal = sl_cdp_setup_value(form, "temporal_field", p),
        .pick = sl_cdp_setup_value(form, "preselect", p),
        .unit = sl_cdp_setup_value(form, "unit", p),
        .days = sl_cdp_setup_value(form, "days", p),
        .direction = sl_cdp_setup_value(form, "direction", p),
    };

    sl_cdp_setup_place_of(&draft.event, &draft.field, form, p);
    return draft;
}

/** The row that is meant was taken out by somebody. */
static int show_gone(const sl_cdp_setup_state_t *state)
{
    static const sl_cdp_setup_said_t gone = {
        .status = HTTP_NOT_FOUND,
        .text = "That row is not there any more. Below is what is mapped now.",
        .is_trouble = true,
    };

    return sl_cdp_setup_show(state, &gone);
}

/** There has to be an identifier first. */
static int show_beginning(const sl_cdp_setup_state_t *state)
{
    static const sl_cdp_setup_said_t first = {
        .status = HTTP_CONFLICT,
        .text = "Fields can be mapped once the settings are saved.",
        .is_trouble = true,
    };

    return sl_cdp_setup_show(state, &first);
}

int sl_cdp_setup_row(sl_cdp_setup_state_t *state)
{
    apr_pool_t *p = state->r->pool;
    const sl_params_t *query = sl_cdp_setup_query(state);
    const sl_cdp_map_t none = {.source = "", .event = "", .field = ""};
    const sl_cdp_map_t *map = &none;
    sl_cdp_setup_draft_t draft;
    apr_int64_t id = id_of(sl_cdp_setup_value(query, "id", p));

    if (state->revision == 0) {
        return show_beginning(state);
    }
    if (id != 0) {
        map = sl_cdp_mapping_by_id(&state->mapping, id);
    }
    if (map == NULL) {
        return show_gone(state);
    }
    draft = draft_of_map(map, p);
    draft.source_words = sl_cdp_setup_value(query, "q", p);
    draft.field_words = sl_cdp_setup_value(query, "f", p);
    return sl_cdp_setup_row_show(state, &draft, NULL);
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/** What was typed as a row of the mapping. */
static sl_cdp_map_t map_of(const sl_cdp_setup_draft_t *draft, apr_array_header_t *faults)
{
    sl_cdp_map_t map = {
        .id = draft->id,
        .source = draft->source,
        .event = draft->event,
        .field = draft->field,
        .temporal_field = or_null(draft->temporal),
        .unit = or_null(draft->unit),
    };

    if (sl_cdp_pick_parse(&map.pick, draft->pick) != SL_OK) {
        sl_cdp_fault_add(faults, 0, draft->pick, "There is no such rule for what is ticked.");
    }
    if (draft->days[0] != '\0' && sl_cdp_days_parse(&map.offset.centidays, draft->days) != SL_OK) {
        sl_cdp_fault_add(faults, 0, draft->days,
                         "The days have to be a number of 0.01 to 365, with two decimals at most.");
    }
    if (map.offset.centidays != 0 &&
        sl_cdp_direction_parse(&map.offset.direction, draft->direction) != SL_OK) {
        sl_cdp_fault_add(faults, 0, draft->direction,
                         "Values are wanted around the date, after it, or before it.");
    }
    return map;
}

static bool is_same_row(const sl_cdp_map_t *a, const sl_cdp_map_t *b)
{
    return strcmp(a->source, b->source) == 0 && strcmp(a->event, b->event) == 0 &&
           strcmp(a->field, b->field) == 0;
}

/**
 * Judge `map` as the last of the others, and say only what is wrong with it: that others cannot be
 * used any more shall not keep anybody from mending them one by one.
 */
static void judge(apr_array_header_t *faults, const sl_cdp_setup_state_t *state,
                  const sl_cdp_map_t *map)
{
    apr_pool_t *p = state->r->pool;
    const apr_array_header_t *fields = state->mapping.fields;
    apr_array_header_t *others = apr_array_make(p, fields->nelts + 1, sizeof(sl_cdp_map_t));
    sl_cdp_mapping_t mapping = state->mapping;
    apr_array_header_t *found;

    for (int i = 0; i < fields->nelts; i++) {
        const sl_cdp_map_t *other = &APR_ARRAY_IDX(fields, i, sl_cdp_map_t);

        if (map->id != 0 && other->id == map->id) {
            continue;
        }
        if (is_same_row(other, map)) {
            sl_cdp_fault_add(faults, 0, map->source, "This goes into \"%s\" already.", map->field);
            return;
        }
        APR_ARRAY_PUSH(others, sl_cdp_map_t) = *other;
    }
    APR_ARRAY_PUSH(others, sl_cdp_map_t) = *map;
    if (others->nelts > SL_CDP_MAX_FIELDS) {
        sl_cdp_fault_add(faults, 0, NULL, "%d fields at most can be mapped.", SL_CDP_MAX_FIELDS);
        return;
    }
    mapping.fields = others;
    if (sl_cdp_mapping_check(&found, &mapping, &state->rules, p) == SL_OK) {
        return;
    }
    for (int i = 0; i < found->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(found, i, sl_cdp_fault_t);

        if (fault->row == others->nelts) {
            APR_ARRAY_PUSH(faults, sl_cdp_fault_t) = *fault;
        }
    }
}

/** The mapping with `map` in its place, or at the end; NULL: without the one of this id. */
static sl_cdp_mapping_t with_row(const sl_cdp_setup_state_t *state, apr_int64_t id,
                                 const sl_cdp_map_t *map)
{
    const apr_array_header_t *was = state->mapping.fields;
    apr_array_header_t *fields =
        apr_array_make(state->r->pool, was->nelts + 1, sizeof(sl_cdp_map_t));
    sl_cdp_mapping_t mapping = state->mapping;

    for (int i = 0; i < was->nelts; i++) {
        const sl_cdp_map_t *one = &APR_ARRAY_IDX(was, i, sl_cdp_map_t);

        if (one->id != id) {
            APR_ARRAY_PUSH(fields, sl_cdp_map_t) = *one;
        } else if (map != NULL) {
            APR_ARRAY_PUSH(fields, sl_cdp_map_t) = *map;
        }
    }
    if (id == 0 && map != NULL) {
        APR_ARRAY_PUSH(fields, sl_cdp_map_t) = *map;
    }
    mapping.fields = fields;
    return mapping;
}

/** Somebody saved meanwhile: what was typed is kept, for the mapping as it is now. */
static int show_overtaken(const sl_cdp_setup_state_t *state, sl_cdp_setup_draft_t *draft)
{
    sl_cdp_setup_state_t now;
    sl_cdp_setup_said_t said;
    int answer = sl_cdp_setup_reopen(&now, &said, state);

    if (answer != DECLINED) {
        return answer;
    }
    if (draft->id != 0 && sl_cdp_mapping_by_id(&now.mapping, draft->id) == NULL) {
        draft->id = 0;
    }
    said.text = apr_pstrcat(state->r->pool, said.text,
                            " What you typed stands below. Please look at what is mapped now "
                            "before you save it.",
                            NULL);
    return sl_cdp_setup_row_show(&now, draft, &said);
}

int sl_cdp_setup_row_save(sl_cdp_setup_state_t *state)
{
    apr_pool_t *p = state->r->pool;
    apr_array_header_t *faults = sl_cdp_faults_new(p);
    const sl_cdp_setup_said_t wrong = {
        .status = HTTP_BAD_REQUEST,
        .text = "This row cannot be saved as it is; nothing was changed.",
        .faults = faults,
    };
    const sl_params_t *form = NULL;
    sl_cdp_setup_draft_t draft;
    sl_cdp_mapping_t mapping;
    sl_cdp_map_t map;
    int answer = sl_cdp_setup_read(&form, state, "row");

    if (answer != DECLINED) {
        return answer;
    }
    if (sl_cdp_setup_is_old(state, sl_params_one(form, "revision"))) {
        draft = draft_of_form(form, p);
        return show_overtaken(state, &draft);
    }
    if (state->revision == 0) {
        return show_beginning(state);
    }
    draft = draft_of_form(form, p);
    if (draft.id != 0 && sl_cdp_mapping_by_id(&state->mapping, draft.id) == NULL) {
        return show_gone(state);
    }
    if (sl_cdp_setup_is_away(state)) {
        return sl_cdp_setup_show_away(state);
    }
    map = map_of(&draft, faults);
    sl_cdp_map_settle(&map, &state->rules, p);
    judge(faults, state, &map);
    if (faults->nelts > 0) {
        return sl_cdp_setup_row_show(state, &draft, &wrong);
    }
    mapping = with_row(state, draft.id, &map);
    return sl_cdp_setup_keep(state, &mapping, "saved");
}

int sl_cdp_setup_row_remove(sl_cdp_setup_state_t *state)
{
    const sl_params_t *form = NULL;
    sl_cdp_mapping_t mapping;
    apr_int64_t id;
    int answer = sl_cdp_setup_read(&form, state, "remove");

    if (answer != DECLINED) {
        return answer;
    }
    if (sl_cdp_setup_is_old(state, sl_params_one(form, "revision"))) {
        return sl_cdp_setup_show_old(state, NULL);
    }
    id = id_of(sl_cdp_setup_value(form, "id", state->r->pool));
    if (id <= 0 || sl_cdp_mapping_by_id(&state->mapping, id) == NULL) {
        return show_gone(state);
    }
    mapping = with_row(state, id, NULL);
    return sl_cdp_setup_keep(state, &mapping, "removed");
}
