/* SPDX-License-Identifier: Apache-2.0 */
/* What a sheet shows, and what a form may do to it. */
#include "flow/sl_cdp_decide_check.h"
#include "flow/sl_cdp_sheet_build.h"
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;
static apr_array_header_t *maps, *fields, *values, *last, *current;
static sl_cdp_mapping_t mapping;
static sl_cdp_dictionary_t dictionary;
static sl_cdp_sheet_parts_t parts;

static void add_map(apr_int64_t id, const char *source, const char *field, const char *date,
                    sl_cdp_pick_t pick)
{
    APR_ARRAY_PUSH(maps, sl_cdp_map_t) = (sl_cdp_map_t){.id = id,
                                                        .source = source,
                                                        .event = "e1",
                                                        .field = field,
                                                        .temporal_field = date,
                                                        .pick = pick};
}

static void add_field(const char *name, sl_cdp_valid_t valid)
{
    APR_ARRAY_PUSH(fields, sl_cdp_field_t) =
        (sl_cdp_field_t){.name = name,
                         .label = apr_pstrcat(pool, "Label of ", name, NULL),
                         .kind = SL_CDP_FIELD_TEXT,
                         .valid = valid};
}

static sl_cdp_opened_t *add_value(apr_int64_t id, apr_int64_t of, const char *value,
                                  const char *when)
{
    sl_cdp_opened_t *row = apr_array_push(values);

    memset(row, 0, sizeof(*row));
    row->id = id;
    row->mapping = of;
    row->value = value;
    row->state = SL_CDP_NEW;
    if (when != NULL && sl_cdp_when_parse(&row->when, when) != SL_OK) {
        diag("no time: %s", when);
    }
    return row;
}

static void set_current(const char *field, const char *value)
{
    APR_ARRAY_PUSH(current, sl_cdp_current_t) = (sl_cdp_current_t){"e1", 0, field, value};
}

/** A project: names, a weight with its date, and a sex with two sources. */
static void begin(void)
{
    maps = apr_array_make(pool, 8, sizeof(sl_cdp_map_t));
    fields = apr_array_make(pool, 8, sizeof(sl_cdp_field_t));
    values = apr_array_make(pool, 8, sizeof(sl_cdp_opened_t));
    last = apr_array_make(pool, 8, sizeof(sl_cdp_last_t));
    current = apr_array_make(pool, 8, sizeof(sl_cdp_current_t));
    add_map(1, "name-given", "first", NULL, SL_CDP_PICK_NONE);
    add_map(2, "29463-7", "weight", "visit", SL_CDP_PICK_MAX);
    add_map(3, "name-family", "sex", NULL, SL_CDP_PICK_NONE);
    add_map(4, "gender", "sex", NULL, SL_CDP_PICK_NONE);
    add_field("first", SL_CDP_VALID_ANY);
    add_field("weight", SL_CDP_VALID_NUMBER);
    add_field("sex", SL_CDP_VALID_ANY);
    add_field("visit", SL_CDP_VALID_DATE);
    mapping = (sl_cdp_mapping_t){.project = "p", .fields = maps};
    dictionary = (sl_cdp_dictionary_t){.fields = fields,
                                       .events = apr_array_make(pool, 1, sizeof(const char *))};
    parts = (sl_cdp_sheet_parts_t){.mapping = &mapping,
                                   .dictionary = &dictionary,
                                   .current = current,
                                   .values = values,
                                   .last = last};
}

static const sl_cdp_target_t *target(const char *field)
{
    apr_array_header_t *targets = sl_cdp_sheet_build(&parts, pool);

    for (int i = 0; i < targets->nelts; i++) {
        const sl_cdp_target_t *found = &APR_ARRAY_IDX(targets, i, sl_cdp_target_t);

        if (strcmp(found->field, field) == 0) {
            return found;
        }
    }
    return NULL;
}

static const sl_cdp_shown_t *shown(const sl_cdp_target_t *of, apr_int64_t id)
{
    for (int i = 0; i < of->candidates->nelts; i++) {
        const sl_cdp_shown_t *found = &APR_ARRAY_IDX(of->candidates, i, sl_cdp_shown_t);

        if (found->id == id) {
            return found;
        }
    }
    return NULL;
}

/** The id that is ticked; 0: none; -1: several. */
static apr_int64_t ticked(const sl_cdp_target_t *of)
{
    apr_int64_t id = 0;

    for (int i = 0; i < of->candidates->nelts; i++) {
        const sl_cdp_shown_t *found = &APR_ARRAY_IDX(of->candidates, i, sl_cdp_shown_t);

        if (found->ticked) {
            id = id == 0 ? found->id : -1;
        }
    }
    return id;
}

static void test_shown(void)
{
    const sl_cdp_target_t *t;

    begin();
    (void)add_value(1, 1, "Morris", NULL);
    t = target("first");
    is_str(t->label, "Label of first", "H2 a target has the label of its field");
    is_int(ticked(t), 1, "C8 the only candidate is ticked");
    is_str(shown(t, 1)->saved_as, "Morris", "C4 Save would write what is shown");
    is_str(shown(t, 1)->source_label != NULL ? "yes" : NULL, "yes", "H2 its source has a label");
    is_int(t->fresh, 1, "C4 one new item");
    is_int(t->clear, 1, "H7 the only one needs nobody's eyes");
    is_int(target("weight")->candidates->nelts, 0, "H2 a field without values is there, empty");
    set_current("first", "Moritz");
    t = target("first");
    is_str(t->current, "Moritz", "H2 what the project has is shown");
    is_int(t->clear, 0, "H7 what the project has already is not written over unattended");
    is_int(ticked(t), 1, "C8 … and ticked all the same");
}

static void test_rules(void)
{
    const sl_cdp_target_t *t;

    begin();
    set_current("visit", "2017-07-14");
    (void)add_value(1, 2, "80.5", "2017-07-10");
    (void)add_value(2, 2, "81", "2017-07-15");
    add_value(3, 2, "99", "2017-07-16")->state = SL_CDP_EXCLUDED;
    t = target("weight");
    is_str(t->date, "2017-07-14", "C6 the date that opened the window is shown");
    is_int(ticked(t), 2, "C8 MAX ticks the largest; an excluded one does not count");
    is_int(t->fresh, 2, "H4 an excluded one is not new");
    is_int(shown(t, 3)->state, SL_CDP_EXCLUDED, "H4 … but shown, as excluded");
    (void)add_value(4, 2, "120 or so", "2017-07-16");
    t = target("weight");
    is_int(ticked(t), 2, "H5 what does not fit is never ticked");
    ok(shown(t, 4)->saved_as == NULL && shown(t, 4)->problem != NULL, "H5 … and says why");
    is_str(shown(t, 4)->value, "120 or so", "H5 … with its value");
    APR_ARRAY_IDX(maps, 1, sl_cdp_map_t).unit = "kg";
    APR_ARRAY_IDX(values, 0, sl_cdp_opened_t).unit = "kg";
    APR_ARRAY_IDX(values, 1, sl_cdp_opened_t).unit = "[lb_av]";
    t = target("weight");
    is_int(ticked(t), 1, "H5 another unit is not ticked, however large");
    ok(shown(t, 2)->problem != NULL && strstr(shown(t, 2)->problem, "[lb_av]") != NULL,
       "H5 … and flagged");
    is_str(shown(t, 2)->saved_as, "81", "H5 … a person may take it as it is");
}

static void test_sources(void)
{
    const sl_cdp_target_t *t;

    begin();
    (void)add_value(1, 3, "F", NULL);
    (void)add_value(2, 4, "M", NULL);
    t = target("sex");
    is_int(t->candidates->nelts, 2, "C8 all sources of a field are its candidates");
    is_int(ticked(t), 0, "C8 two that differ: none is ticked");
    is_int(t->clear, 0, "H7 … and SYSTEM takes none");
    begin();
    add_map(5, "8302-2", "weight", "visit", SL_CDP_PICK_MIN);
    (void)add_value(1, 2, "80", "2017-07-10");
    (void)add_value(2, 5, "170", "2017-07-11");
    is_int(ticked(target("weight")), 0, "C8 two sources with two rules: neither decides");
    begin();
    add_value(1, 1, "A", NULL)->instance = 2;
    add_value(2, 1, "B", NULL)->instance = 1;
    is_int(sl_cdp_sheet_build(&parts, pool)->nelts, 4, "W10 a target for each instance");
    is_int(target("first")->instance, 1, "W10 … in order");
    add_value(9, 77, "gone", NULL);
    is_int(sl_cdp_sheet_build(&parts, pool)->nelts, 4,
           "CDP-MAP values of a mapping that is gone are not shown");
}

static void test_unreadable(void)
{
    sl_cdp_opened_t *value;
    const sl_cdp_target_t *t;

    begin();
    value = add_value(1, 1, NULL, NULL);
    value->problem = "This value cannot be read.";
    t = target("first");
    is_int(t->candidates->nelts, 1, "H1 what cannot be read is shown as such");
    ok(shown(t, 1)->value == NULL && shown(t, 1)->saved_as == NULL, "H1 … never as empty");
    is_int(ticked(t), 0, "H1 … and never ticked");
    begin();
    parts.dictionary = NULL;
    (void)add_value(1, 1, "Morris", NULL);
    is_str(shown(target("first"), 1)->saved_as, "Morris",
           "CDP-DEL an app that does not tell its fields judges itself");
    parts.is_away = true;
    t = target("first");
    ok(shown(t, 1)->saved_as == NULL && shown(t, 1)->problem != NULL,
       "H5 while the app is away nothing can be judged, and nothing saved");
    is_int(t->clear, 0, "H7 … by SYSTEM neither");
    begin();
    (void)apr_array_pop(fields);
    APR_ARRAY_IDX(fields, 0, sl_cdp_field_t).name = "renamed";
    (void)add_value(1, 1, "Morris", NULL);
    ok(shown(target("first"), 1)->saved_as == NULL, "H5 a field that is gone takes nothing");
}

static void test_last(void)
{
    static const sl_cdp_opened_t refused = {
        .id = 1, .mapping = 1, .value = "Morris", .state = SL_CDP_SAVED};
    const sl_cdp_target_t *t;

    begin();
    APR_ARRAY_PUSH(last, sl_cdp_last_t) = (sl_cdp_last_t){.event = "e1",
                                                          .field = "first",
                                                          .sent = SL_CDP_REFUSED,
                                                          .refusal = "The record is locked.",
                                                          .refused = &refused};
    t = target("first");
    is_str(t->refusal, "The record is locked.", "H5 the app's reason is shown");
    is_int(shown(t, 1)->state, SL_CDP_SAVED, "H5 what it refused can be chosen again");
    is_int(t->fresh, 0, "H5 … and is not counted as new");
    is_int(ticked(t), 0, "H5 … nor ticked");
    (void)add_value(2, 1, "Maurice", NULL);
    t = target("first");
    is_int(ticked(t), 2, "H5 a new one beside it is ticked");
    is_int(t->clear, 0, "H7 where something was saved before, SYSTEM does not go on alone");
}

static void test_revised(void)
{
    static const struct {
        const char *name;
        sl_cdp_revised_t revised;
    } rows[] = {
        {"C10 what was saved stands", SL_CDP_AS_IT_WAS},
        {"C10 what was saved was corrected since", SL_CDP_CORRECTED},
        {"C10 what was saved was withdrawn since", SL_CDP_WITHDRAWN},
    };

    for (int i = 0; i < (int)(sizeof(rows) / sizeof(*rows)); i++) {
        const sl_cdp_target_t *t;

        begin();
        APR_ARRAY_PUSH(last, sl_cdp_last_t) = (sl_cdp_last_t){
            .event = "e1", .field = "first", .sent = SL_CDP_DELIVERED, .revised = rows[i].revised};
        (void)add_value(2, 1, "Maurice", NULL);
        t = target("first");
        is_int((int)t->revised, (int)rows[i].revised, rows[i].name);
        is_int(t->clear, 0, "H7 … and nothing is written over it by SYSTEM");
        is_int((int)target("sex")->revised, SL_CDP_AS_IT_WAS, "C10 … of other fields nothing");
    }
}

/* ---- decisions ---- */

static sl_cdp_sheet_t sheet;
static sl_cdp_decision_t decision;
static apr_array_header_t *unknown;

static apr_array_header_t *ids(apr_int64_t a, apr_int64_t b)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(apr_int64_t));

    if (a != 0) {
        APR_ARRAY_PUSH(list, apr_int64_t) = a;
    }
    if (b != 0) {
        APR_ARRAY_PUSH(list, apr_int64_t) = b;
    }
    return list;
}

static sl_rc_t check(apr_array_header_t *choose, apr_array_header_t *exclude,
                     apr_array_header_t *include, const char **id)
{
    const sl_cdp_choices_t choices = {choose, exclude, include, NULL};
    sl_err_t err = {0};
    sl_rc_t rc;

    decision = (sl_cdp_decision_t){.seen = 10};
    rc = sl_cdp_decide_check(&decision, &unknown, &sheet, &choices, pool, &err);
    *id = err.id;
    return rc;
}

static void test_decide(void)
{
    static const struct {
        apr_int64_t choose[2], exclude[2], include[2];
        sl_rc_t want;
        const char *id, *name;
    } rows[] = {
        {{1}, {0}, {0}, SL_OK, NULL, "H2 one choice"},
        {{1, 4}, {3}, {5}, SL_OK, NULL, "H2 choices, an exclusion and one offered again"},
        {{0}, {0}, {0}, SL_OK, NULL, "H4 nothing: everything stays"},
        {{2, 3}, {0}, {0}, SL_INVALID, "SL8207", "H3 two choices of one field"},
        {{6}, {0}, {0}, SL_INVALID, "SL8206", "H5 a value that does not fit, by a forged form"},
        {{5}, {0}, {0}, SL_INVALID, "SL8205", "H4 an excluded value"},
        {{1}, {1}, {0}, SL_INVALID, "SL8208", "H3 chosen and excluded at once"},
        {{1, 1}, {0}, {0}, SL_INVALID, "SL8208", "H3 chosen twice"},
        {{0}, {5}, {0}, SL_INVALID, "SL8209", "H4 excluded already"},
        {{0}, {0}, {1}, SL_INVALID, "SL8209", "H4 offered again, and never excluded"},
        {{99}, {0}, {0}, SL_NONE, NULL, "H3 an id that is not on the sheet"},
        {{11}, {0}, {0}, SL_NONE, NULL, "H3 an id that came after the form was made"},
        {{0}, {99}, {0}, SL_NONE, NULL, "H3 an exclusion that is not on the sheet"},
    };

    begin();
    (void)add_value(1, 1, "Morris", NULL);
    (void)add_value(2, 2, "80", "2017-07-10");
    (void)add_value(3, 2, "81", "2017-07-11");
    (void)add_value(4, 4, "M", NULL);
    add_value(5, 3, "F", NULL)->state = SL_CDP_EXCLUDED;
    (void)add_value(6, 2, "heavy", "2017-07-12");
    (void)add_value(11, 2, "82", "2017-07-13");
    sheet.targets = sl_cdp_sheet_build(&parts, pool);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *id = NULL;
        sl_rc_t rc = check(ids(rows[i].choose[0], rows[i].choose[1]),
                           ids(rows[i].exclude[0], rows[i].exclude[1]),
                           ids(rows[i].include[0], rows[i].include[1]), &id);

        is_str(sl_rc_name(rc), sl_rc_name(rows[i].want), rows[i].name);
        is_str(id, rows[i].id, "… by its log id");
    }
    (void)check(ids(99, 1), ids(77, 0), NULL, &(const char *){NULL});
    is_int(unknown->nelts, 2, "H3 all that is unknown is told");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_shown();
    test_rules();
    test_sources();
    test_unreadable();
    test_last();
    test_revised();
    test_decide();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
