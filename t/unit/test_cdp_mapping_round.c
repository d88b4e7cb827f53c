/* SPDX-License-Identifier: Apache-2.0 */
/* C2: whatever is mapped, JSON and CSV give it back. Mappings are drawn by a fixed seed. */
#include "cdp/sl_cdp_catalogue.h"
#include "cdp_project.h"
#include "rule.h"
#include <stdint.h>

#define ROUNDS 300

typedef struct {
    uint64_t state;
    apr_pool_t *p;
} dice_t;

static int roll(dice_t *dice, int sides)
{
    dice->state = dice->state * 6364136223846793005U + 1442695040888963407U;
    return (int)((dice->state >> 33) % (uint64_t)sides);
}

/* Names an app may have, with what CSV and JSON have to quote. */
static const char *a_name(dice_t *dice)
{
    static const char *const parts[] = {"dob",  "a b", "x,y", "q\"q", "\xc3\xa9t\xc3\xa9",
                                        "it's", "s;t", "<b>", "\\n",  "1"};
    return apr_psprintf(dice->p, "%s%d", parts[roll(dice, COUNT_OF(parts))], roll(dice, 100000));
}

static sl_cdp_offset_t an_offset(dice_t *dice, bool may_be_none)
{
    if (may_be_none && roll(dice, 2) == 0) {
        return (sl_cdp_offset_t){0, SL_CDP_AROUND};
    }
    return (sl_cdp_offset_t){roll(dice, 36500) + 1, (sl_cdp_direction_t)roll(dice, 3)};
}

/* Which of the catalogue, but for the identifier; sometimes two codes. */
static const sl_cdp_source_t *a_source(dice_t *dice)
{
    int count;
    const sl_cdp_source_t *all = sl_cdp_catalogue(&count);
    sl_cdp_source_t *two = apr_palloc(dice->p, sizeof(*two));

    if (roll(dice, 10) == 0 && sl_cdp_catalogue_find(two, "10839-9,2951-2", dice->p)) {
        return two;
    }
    return &all[1 + roll(dice, count - 1)];
}

static sl_cdp_map_t a_map(dice_t *dice)
{
    const sl_cdp_source_t *source = a_source(dice);
    sl_cdp_map_t map = {.source = source->name,
                        .event = roll(dice, 3) == 0 ? "" : a_name(dice),
                        .field = a_name(dice)};

    if (sl_cdp_is_temporal(source)) {
        map.temporal_field = apr_pstrcat(dice->p, a_name(dice), "_date", NULL);
        map.pick = (sl_cdp_pick_t)roll(dice, 6);
        map.unit = roll(dice, 2) == 0 ? NULL : "10*3/uL, \"x\"";
        map.offset = an_offset(dice, true);
    }
    return map;
}

static sl_cdp_mapping_t a_mapping(dice_t *dice)
{
    static const char *const previews[] = {"name-given", "name-family", "birthDate", "gender",
                                           "id"};
    apr_array_header_t *preview = apr_array_make(dice->p, 5, sizeof(const char *));
    apr_array_header_t *fields = apr_array_make(dice->p, 8, sizeof(sl_cdp_map_t));
    sl_cdp_mapping_t mapping = {.project = "study1",
                                .ehr = roll(dice, 2) == 0 ? NULL : "main",
                                .offset = an_offset(dice, false),
                                .convert_gmt = roll(dice, 2) == 0,
                                .adjudication = (sl_cdp_adjudication_t)roll(dice, 3),
                                .preview = preview,
                                .identifier = {.source = "id", .field = "mrn"},
                                .fields = fields};

    mapping.identifier.event = roll(dice, 2) == 0 ? "" : a_name(dice);
    for (int i = roll(dice, 6); i > 0; i--) {
        APR_ARRAY_PUSH(preview, const char *) = previews[i - 1];
    }
    for (int i = roll(dice, 20); i > 0; i--) {
        APR_ARRAY_PUSH(fields, sl_cdp_map_t) = a_map(dice);
    }
    return mapping;
}

/* Everything of it, to compare. */
static const char *shown_map(const sl_cdp_map_t *map, apr_pool_t *p)
{
    return apr_psprintf(p, "%s|%s|%s|%s|%d|%s|%d|%d\n", map->source, map->event, map->field,
                        map->temporal_field == NULL ? "-" : map->temporal_field, (int)map->pick,
                        map->unit == NULL ? "-" : map->unit, map->offset.centidays,
                        (int)map->offset.direction);
}

static const char *shown(const sl_cdp_mapping_t *mapping, apr_pool_t *p)
{
    const char *text = apr_psprintf(
        p, "%s|%s|%d|%d|%d|%d|%s\n%s", mapping->project, mapping->ehr == NULL ? "-" : mapping->ehr,
        mapping->offset.centidays, (int)mapping->offset.direction, mapping->convert_gmt,
        (int)mapping->adjudication, apr_array_pstrcat(p, mapping->preview, ' '),
        shown_map(&mapping->identifier, p));

    for (int i = 0; i < mapping->fields->nelts; i++) {
        text = apr_pstrcat(p, text, shown_map(&APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t), p),
                           NULL);
    }
    return text;
}

static bool json_round(const sl_cdp_mapping_t *mapping, const sl_cdp_mapping_rules_t *rules,
                       apr_pool_t *p)
{
    const char *text = sl_json_text(p, sl_cdp_mapping_json(mapping, p));
    apr_array_header_t *faults;
    sl_cdp_mapping_t back;
    sl_rc_t rc = sl_cdp_mapping_parse(&back, &faults, text, strlen(text), rules, p);

    if (rc != SL_OK) {
        diag("%s", project_faults(faults, p));
    }
    return rc == SL_OK && strcmp(shown(mapping, p), shown(&back, p)) == 0 &&
           strcmp(text, sl_json_text(p, sl_cdp_mapping_json(&back, p))) == 0;
}

static bool csv_round(const sl_cdp_mapping_t *mapping, const sl_cdp_mapping_rules_t *rules,
                      apr_pool_t *p)
{
    const char *text = sl_cdp_mapping_csv(mapping, p);
    apr_array_header_t *faults;
    sl_cdp_mapping_t back;
    sl_rc_t rc = sl_cdp_mapping_from_csv(&back, &faults, text, strlen(text), mapping, rules, p);

    if (rc != SL_OK) {
        diag("%s", project_faults(faults, p));
    }
    return rc == SL_OK && strcmp(shown(mapping, p), shown(&back, p)) == 0 &&
           strcmp(text, sl_cdp_mapping_csv(&back, p)) == 0;
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    const sl_cdp_mapping_rules_t rules = {"study1", "main", NULL, true};
    int fields = 0;

    for (int seed = 1; seed <= ROUNDS; seed++) {
        dice_t dice = {(uint64_t)seed, p};
        sl_cdp_mapping_t mapping = a_mapping(&dice);

        fields += mapping.fields->nelts;
        ok(json_round(&mapping, &rules, p), "C2 seed %d: JSON gives it back", seed);
        ok(csv_round(&mapping, &rules, p), "C2 seed %d: CSV gives it back", seed);
    }
    ok(fields > ROUNDS * 5, "%d fields were drawn", fields);
    rule_release(p);
    return tap_done();
}
