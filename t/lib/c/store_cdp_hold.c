/* SPDX-License-Identifier: Apache-2.0 */
/* What is held of the pages of a fetch, and what is not. */
#include "store_cdp.h"

#include "tap.h"

#include <apr_strings.h>

#define MORNING "2024-03-15 10:00:00"

static const cdp_item_t CHART[] = {
    {"first", "Morris", ""},
    {"last", "Lockman", ""},
    {"dob", "1970-12-24", ""},
    {"weight", "71.5", MORNING},
};

static void held_is(sl_cdp_held_t held, int rows, int unchanged, const char *what)
{
    if (!ok(held.rows == rows && held.unchanged == unchanged, "%s", what)) {
        diag("%d rows, %d unchanged, %d settled", held.rows, held.unchanged, held.settled);
    }
}

static int in_state(const char *state)
{
    return owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE state = '%s'", state);
}

static void unchanged_chart(void)
{
    static const cdp_item_t MORE[] = {{"first", "Morris", ""}, {"weight", "72", "2024-03-16"}};
    static const cdp_item_t TWICE[] = {{"sodium", "140", MORNING},
                                       {"sodium", "140", MORNING},
                                       {"sodium", "141", MORNING},
                                       {"sodium/2", "140", MORNING}};

    cdp_begin();
    held_is(cdp_fetch("1", MRN, ITEMS(CHART)), 4, 0, "C4 what is mapped is held");
    is_int(cdp_fresh("1"), 4, "… and counts by target");
    held_is(cdp_fetch("1", NULL, ITEMS(CHART)), 0, 4, "C12 an unchanged chart makes no row");
    held_is(cdp_fetch("1", MRN, ITEMS(CHART)), 0, 4, "… nor with the same number again");
    held_is(cdp_fetch("1", NULL, ITEMS(MORE)), 1, 1, "C12 one new laboratory value is one row");
    is_int(cdp_fresh("1"), 4, "… of the same target");
    held_is(cdp_fetch("1", NULL, ITEMS(TWICE)), 3, 0, "C12 a page that says a thing twice");
    is_int(cdp_fresh("1"), 6, "… two instances are two targets");
    is_str(cdp_values("1"),
           "first=Morris|last=Lockman|dob=1970-12-24|weight=71.5|sodium=140|sodium=141|sodium=140|"
           "weight=72",
           "H1 all of it is readable with the key");
}

static void one_time_values(void)
{
    static const cdp_item_t OTHER[] = {{"first", "Maurice", ""}};

    cdp_begin();
    (void)cdp_fetch("1", MRN, ITEMS(CHART));
    held_is(cdp_fetch("1", NULL, ITEMS(OTHER)), 1, 0, "C12 another name is offered");
    is_int(in_state("superseded"), 1, "… in place of the first");
    is_int(cdp_fresh("1"), 4, "… and counts once");
    held_is(cdp_fetch("1", NULL, CHART, 1), 1, 0, "C12 the first name is back, and offered");
    (void)owner("UPDATE smartlaunch.cdp_value SET state = 'excluded' WHERE state = 'new'"
                " AND taken_at IS NULL AND mapping = (SELECT id FROM smartlaunch.cdp_mapping"
                "  WHERE field = 'first')");
    held_is(cdp_fetch("1", NULL, CHART, 1), 0, 1, "H4 excluded, it does not come back");
    held_is(cdp_fetch("1", NULL, ITEMS(OTHER)), 1, 0, "H4 another value does");
    held_is(cdp_fetch("1", NULL, CHART, 1), 0, 1, "H4 and the excluded one not even then");
    is_int(cdp_fresh("1"), 3, "… and the other is not there any more");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE value_sealed IS NOT NULL"
                     " AND state NOT IN ('new', 'excluded')"),
           0, "H1 what is superseded is erased");
}

/* Whatever became of it, it is not offered twice. */
static void decided_values(void)
{
    static const char *const STATES[] = {"saved", "passed"};

    for (size_t i = 0; i < sizeof(STATES) / sizeof(STATES[0]); i++) {
        cdp_begin();
        (void)cdp_fetch("1", MRN, ITEMS(CHART));
        (void)owner("UPDATE smartlaunch.cdp_value SET state = '%s', value_sealed = NULL",
                    STATES[i]);
        held_is(cdp_fetch("1", NULL, ITEMS(CHART)), 0, 4,
                apr_psprintf(pool, "H4 what was %s does not come back", STATES[i]));
        is_int(cdp_fresh("1"), 0, "… and counts nowhere");
    }
    cdp_begin();
    (void)cdp_fetch("1", MRN, ITEMS(CHART));
    (void)owner("UPDATE smartlaunch.cdp_value SET state = 'excluded'");
    held_is(cdp_fetch("1", NULL, ITEMS(CHART)), 0, 4, "H4 what was excluded does not come back");
    is_int(cdp_fresh("1"), 0, "… and counts nowhere");
    cdp_begin();
    (void)cdp_fetch("1", MRN, ITEMS(CHART));
    (void)owner("UPDATE smartlaunch.cdp_value SET state = 'superseded', value_sealed = NULL");
    held_is(cdp_fetch("1", NULL, ITEMS(CHART)), 1, 3,
            "C12 what the EHR measured, replaced and says again is new");
    is_int(cdp_fresh("1"), 1, "… and counts");
}

static void settled_values(void)
{
    const sl_cdp_current_t HAS[] = {{"", 0, "first", "Morris"}, {"", 0, "weight", "71.5"}};
    apr_array_header_t *current = apr_array_make(pool, 2, sizeof(sl_cdp_current_t));
    sl_cdp_held_t held = {0};
    sl_cdp_claim_t claim = {0};

    APR_ARRAY_PUSH(current, sl_cdp_current_t) = HAS[0];
    APR_ARRAY_PUSH(current, sl_cdp_current_t) = HAS[1];
    cdp_begin();
    is_int(cdp_claim(&claim, "1", MRN), SL_OK, "a claim");
    is_int(cdp_hold(&held, &claim, CHART, 4, current), SL_OK, "a page");
    is_int(held.settled, 1, "4.5 what the project has already is settled");
    is_int(held.rows, 3, "… repeated values are shown all the same");
    is_int(cdp_fresh("1"), 3, "… and nobody is asked");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE settled"
                     " AND state = 'saved' AND value_sealed IS NULL"),
           1, "… nothing of it is kept");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_outbox"), 0, "… and nothing is sent");
    cdp_begin();
    (void)cdp_fetch("1", MRN, ITEMS(CHART));
    is_int(cdp_claim(&claim, "1", NULL), SL_OK, "a claim later");
    is_int(cdp_hold(&held, &claim, CHART, 4, current), SL_OK, "a page");
    is_int(cdp_fresh("1"), 3, "4.5 what was typed in meanwhile is settled");
}

static int total(const char *table)
{
    return owner_int("SELECT count(*) FROM smartlaunch.%s", table);
}

static void put_into_outbox(void)
{
    (void)owner("INSERT INTO smartlaunch.cdp_outbox (project, record, decision, event, instance,"
                " field, value_id, value_sealed, key_id, saved_by)"
                " SELECT project, record, gen_random_uuid(), '', 0, 'first', id, value_sealed,"
                "  key_id, 'alice' FROM smartlaunch.cdp_value LIMIT 1");
}

static void other_patient(void)
{
    sl_cdp_claim_t claim = {0};
    sl_cdp_record_t record = {0};
    sl_err_t err = {0};

    cdp_begin();
    (void)cdp_fetch("1", MRN, ITEMS(CHART));
    (void)cdp_fetch("2", "MRN-1", ITEMS(CHART));
    put_into_outbox();
    (void)owner("UPDATE smartlaunch.cdp_value SET state = 'saved', value_sealed = NULL"
                " WHERE record = '1' AND taken_at IS NOT NULL");
    is_int(cdp_claim(&claim, "1", "MRN-4712"), SL_OK, "C12 another medical record number");
    is_str(claim.mrn, "MRN-4712", "… is the one that counts");
    is_str(cdp_values("1"), "", "… nothing of the old patient is left");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE record = '1'"), 0,
           "… not even that it was there");
    is_int(total("cdp_outbox"), 0, "… nor is anything on its way");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE record = '2'"), 4,
           "… of another record all");
    is_int(sl_cdp_hold_record(&record, &cdp, study.name, "1", pool, &err), SL_OK, "the record");
    is_int(record.version, 2, "… makes forms of the old one useless");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_log WHERE what = 'purged'"
                     " AND app_user = 'alice'"),
           1, "C13 … and the log says so");
    is_int(sl_cdp_hold_patient(&cdp, &claim, "pat-1", &err), SL_OK, "C12 its patient");
    is_int(cdp_finish(&claim, "ok"), SL_OK, "… is fetched");
    held_is(cdp_fetch("1", NULL, ITEMS(CHART)), 4, 0, "C12 values of hers that look alike are new");
    is_int(cdp_claim(&claim, "1", NULL), SL_OK, "C12 the same number");
    is_int(sl_cdp_hold_patient(&cdp, &claim, "pat-1", &err), SL_OK, "… and patient");
    is_int(cdp_fresh("1"), 4, "… keeps what is held");
    is_int(sl_cdp_hold_patient(&cdp, &claim, "pat-2", &err), SL_OK, "C12 charts were merged");
    is_int(cdp_fresh("1"), 0, "… what was held of the first goes");
    is_str(claim.patient, "pat-2", "… the claim knows");
}

static void who_was_overtaken(void)
{
    sl_cdp_claim_t slow = {0};
    sl_cdp_claim_t quick = {0};
    sl_cdp_held_t held = {0};
    sl_err_t err = {0};

    cdp_begin();
    is_int(cdp_claim(&slow, "1", MRN), SL_OK, "a fetch that takes too long");
    (void)owner("UPDATE smartlaunch.cdp_record SET lease_until = now() - interval '1 second'");
    is_int(cdp_hold(&held, &slow, CHART, 1, NULL), SL_OK, "C12 nobody took over: it goes on");
    (void)owner("UPDATE smartlaunch.cdp_record SET lease_until = now() - interval '1 second'");
    is_int(cdp_claim(&quick, "1", "MRN-4712"), SL_OK, "somebody takes over");
    is_int(cdp_hold(&held, &slow, CHART, 4, NULL), SL_EXPIRED, "C12 the first holds nothing more");
    is_int(sl_cdp_hold_patient(&cdp, &slow, "pat-1", &err), SL_EXPIRED, "… changes nothing");
    is_int(cdp_finish(&slow, "ok"), SL_EXPIRED, "… and does not end the other's fetch");
    is_int(total("cdp_value"), 0, "… of two patients nothing is mixed");
    is_int(cdp_hold(&held, &quick, CHART, 4, NULL), SL_OK, "the other one does");
}

static void odd_items(void)
{
    static const cdp_item_t ODD[] = {
        {"first", "?longer than 65536 bytes", ""},
        {"weight", "<5", "2024-03-15"},
        {"weight", "\xe2\x89\xa5 5 \"\\\n", "2024-03-15 00:00:00"},
    };
    sl_cdp_mapping_t mapping;
    sl_cdp_claim_t claim = {0};
    sl_cdp_held_t held = {0};
    char *big = apr_pcalloc(pool, SL_CDP_MAX_VALUE + 1);
    const cdp_item_t large = {"last", big, ""};

    cdp_begin();
    held_is(cdp_fetch("1", MRN, ITEMS(ODD)), 3, 0, "H5 odd values are held");
    is_str(cdp_values("1"), "first?longer than 65536 bytes|weight=<5|weight=\xe2\x89\xa5 5 \"\\\n",
           "… as they are; a date is not midnight");
    held_is(cdp_fetch("1", NULL, ITEMS(ODD)), 0, 3, "… once");
    memset(big, '"', SL_CDP_MAX_VALUE);
    held_is(cdp_fetch("1", NULL, &large, 1), 1, 0, "H5 a value as large as they come");
    ok(strstr(cdp_values("1"), apr_pstrcat(pool, "last=", big, NULL)) != NULL, "… is all there");
    mapping = cdp_mapping(NULL);
    is_int(cdp_claim(&claim, "2", MRN), SL_OK, "a fetch");
    apr_array_clear((apr_array_header_t *)mapping.fields);
    is_int(cdp_save(&mapping, -1), SL_OK, "… while its fields go");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_hold('study', '2', %" APR_INT64_T_FMT
                     ", 'k1', jsonb_build_array(jsonb_build_object('mapping', (SELECT min(id)"
                     " FROM smartlaunch.cdp_mapping WHERE removed_at IS NOT NULL), 'instance', 0,"
                     " 'print', repeat('00', 32), 'sealed', 'AAAA', 'settled', false)),"
                     " '{\"origins\": [], \"wants\": []}')"
                     " WHERE ours AND added = 0",
                     claim.lease),
           1, "CDP-MAP what is out of the mapping is not held");
    (void)held;
}

int test_cdp_hold(void)
{
    unchanged_chart();
    one_time_values();
    decided_values();
    settled_values();
    other_patient();
    who_was_overtaken();
    odd_items();
    return tap_done();
}
