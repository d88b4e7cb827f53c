/* SPDX-License-Identifier: Apache-2.0 */
/* Mapping and rights, as they are stored. */
#include "store_cdp.h"

#include "flow/sl_cdp_right.h"
#include "tap.h"

#include <apr_strings.h>

static const cdp_item_t BOTH[] = {{"first", "Morris", ""},
                                  {"weight", "71.5", "2024-03-15 10:00:00"}};

static const char *as_text(const sl_cdp_mapping_t *mapping)
{
    return sl_json_text(pool, sl_cdp_mapping_json(mapping, pool));
}

static apr_int64_t id_of(const char *field)
{
    return owner_int("SELECT id FROM smartlaunch.cdp_mapping WHERE field = '%s'", field);
}

static void round_trip(void)
{
    static const char *const PREVIEW[] = {"name-given", "birthDate"};
    sl_cdp_mapping_t mapping;
    sl_cdp_mapping_t again;
    apr_array_header_t *preview = apr_array_make(pool, 2, sizeof(const char *));
    apr_int64_t revision = -1;
    sl_err_t err = {0};

    is_int(sl_cdp_setup_load(&mapping, &revision, &cdp, "nobodys", pool, &err), SL_NONE,
           "CDP-MAP a project nobody has set up has no mapping");
    is_int(revision, 0, "… and revision 0");
    mapping = cdp_mapping(&revision);
    is_int(revision, 1, "CDP-MAP the first save is revision 1");
    is_int(mapping.fields->nelts, 5, "… with all fields");
    is_str(mapping.identifier.field, "mrn", "… and the identifier");
    APR_ARRAY_PUSH(preview, const char *) = PREVIEW[0];
    APR_ARRAY_PUSH(preview, const char *) = PREVIEW[1];
    mapping.preview = preview;
    mapping.ehr = "main";
    mapping.convert_gmt = true;
    mapping.adjudication = SL_CDP_AUTO;
    mapping.offset = (sl_cdp_offset_t){3650, SL_CDP_AFTER};
    is_int(cdp_save(&mapping, 1), SL_OK, "CDP-MAP everything is changed");
    again = cdp_mapping(&revision);
    is_str(as_text(&again), as_text(&mapping), "… and comes back as it was saved");
    is_int(APR_ARRAY_IDX(again.fields, 3, sl_cdp_map_t).id, id_of("weight"), "… ids with it");
    is_int(cdp_save(&mapping, 1), SL_CONFLICT, "CDP-MAP an old revision does not overwrite it");
    is_int(cdp_save(&mapping, -1), SL_OK, "… unless that is said");
}

static int count_values(const char *state)
{
    return owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE state = '%s'", state);
}

/* A field that goes takes what was held for it; what was decided stays. */
static void fields_go(void)
{
    sl_cdp_mapping_t mapping;
    sl_cdp_mapping_t fewer;
    apr_array_header_t *fields;
    apr_int64_t weight;

    cdp_begin();
    mapping = cdp_mapping(NULL);
    weight = id_of("weight");
    is_int(cdp_fetch("1", MRN, ITEMS(BOTH)).rows, 2, "CDP-MAP two values are held");
    (void)owner("UPDATE smartlaunch.cdp_value SET state = 'saved', value_sealed = NULL"
                " WHERE taken_at IS NULL");
    is_int(cdp_save(&mapping, -1), SL_OK, "CDP-MAP the same mapping again");
    is_int(count_values("new"), 1, "… keeps what is held");
    is_int(owner_int("SELECT version FROM smartlaunch.cdp_record"), 2, "… and makes forms old");
    fewer = mapping;
    fields = apr_array_make(pool, 1, sizeof(sl_cdp_map_t));
    APR_ARRAY_PUSH(fields, sl_cdp_map_t) = APR_ARRAY_IDX(mapping.fields, 1, sl_cdp_map_t);
    fewer.fields = fields;
    is_int(cdp_save(&fewer, -1), SL_OK, "CDP-MAP all fields but one go");
    is_int(cdp_mapping(NULL).fields->nelts, 1, "… one is left");
    is_int(count_values("new"), 0, "… what was held for others is gone");
    is_int(count_values("saved"), 1, "… what was decided is not");
    is_int(cdp_save(&mapping, -1), SL_OK, "CDP-MAP they come back");
    is_int(id_of("weight"), weight, "… with their old ids");
    is_int(cdp_fetch("1", MRN, ITEMS(BOTH)).rows, 1, "… and what was saved is not offered again");
}

static void other_date(void)
{
    sl_cdp_mapping_t mapping;

    cdp_begin();
    mapping = cdp_mapping(NULL);
    (void)cdp_fetch("1", MRN, ITEMS(BOTH));
    APR_ARRAY_IDX(mapping.fields, 3, sl_cdp_map_t).temporal_field = "other_date";
    is_int(cdp_save(&mapping, -1), SL_OK, "CDP-MAP a field has another date field");
    is_str(cdp_values("1"), "first=Morris", "… what was held for it goes, nothing else");
}

typedef struct {
    sl_cdp_mapping_t mapping;
    sl_rc_t rc[4];
} save_race_t;

static void save_one(int index, apr_pool_t *p, void *data)
{
    save_race_t *race = data;
    const sl_cdp_saving_t saving = {&race->mapping, 1, "anna"};
    sl_err_t err = {0};

    race->rc[index] = sl_cdp_setup_save(&cdp, study.name, &saving, p, &err);
}

static void saves_at_once(void)
{
    save_race_t race = {0};
    int saved = 0;

    cdp_begin();
    race.mapping = cdp_mapping(NULL);
    together(4, save_one, &race);
    for (int i = 0; i < 4; i++) {
        saved += race.rc[i] == SL_OK;
        ok(race.rc[i] == SL_OK || race.rc[i] == SL_CONFLICT, "CDP-MAP %d of four at once: %s", i,
           sl_rc_name(race.rc[i]));
    }
    is_int(saved, 1, "… one of them");
}

static sl_rc_t set(const char *user, const char *right, bool may)
{
    const sl_cdp_right_change_t change = {right, may, "anna"};
    sl_err_t err = {0};

    return sl_cdp_right_set(&cdp, study.name, user, &change, &err);
}

static const char *rights(void)
{
    apr_array_header_t *rows = NULL;
    const char *all = "";
    sl_err_t err = {0};

    if (sl_cdp_right_list(&rows, &cdp, study.name, pool, &err) != SL_OK) {
        return apr_pstrdup(pool, err.text);
    }
    for (int i = 0; i < rows->nelts; i++) {
        const sl_cdp_right_row_t *row = &APR_ARRAY_IDX(rows, i, sl_cdp_right_row_t);

        all = apr_pstrcat(pool, all, row->user, row->rights.setup ? " setup" : "",
                          row->rights.adjudicate ? " adjudicate" : "", " by ", row->granted_by,
                          row->granted_at > 0 ? ";" : " never;", NULL);
    }
    return all;
}

static void who_may(void)
{
    cdp_begin();
    is_str(rights(), "", "C1 nobody has a right before it is given");
    is_int(set("bob", "adjudicate", true), SL_OK, "C1 a right is given");
    is_int(set("bob", "adjudicate", true), SL_OK, "… twice");
    is_int(set("alice", "setup", true), SL_OK, "… another to another");
    is_str(rights(), "alice setup by anna;bob adjudicate by anna;", "C1 each has what was given");
    is_int(set("bob", "setup", true), SL_OK, "C1 both rights");
    is_int(set("bob", "adjudicate", false), SL_OK, "… one is taken");
    is_str(rights(), "alice setup by anna;bob setup by anna;", "… the other stays");
    is_int(set("bob", "everything", true), SL_INVALID, "C1 no such right");
    is_int(set("", "setup", true), SL_INVALID, "… nor for nobody");
    is_int(set("a\nb", "setup", true), SL_INVALID, "… nor for two lines");
    is_int(set("SYSTEM", "adjudicate", true), SL_INVALID, "… nor for SYSTEM");
}

int test_cdp_setup(void)
{
    cdp_begin();
    round_trip();
    fields_go();
    other_date();
    saves_at_once();
    who_may();
    return tap_done();
}
