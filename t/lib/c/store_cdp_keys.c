/* SPDX-License-Identifier: Apache-2.0 */
/* What is sealed opens in its place only, and survives a rotation of the key ring. */
#include "store_cdp.h"

#include "base/sl_text.h"
#include "flow/sl_cdp_vault.h"
#include "store/sl_store_cdp_key.h"
#include "tap.h"

#include <apr_strings.h>

#define VALUES "first=Morris|last=Lockman|weight=71.25|weight=83.75"

static const cdp_item_t CHART[] = {
    {"first", "Morris", ""},
    {"last", "Lockman", ""},
    {"weight", "71.25", "2024-03-15 10:00:00"},
    {"weight", "83.75", "2024-03-15 10:00:00"},
};

static const sl_cdp_outbox_place_t PARCEL = {.project = "study",
                                             .record = "1",
                                             .event = "",
                                             .field = "first",
                                             .key = "01900000-0000-7000-8000-000000000001"};

/** A record that has everything that can be sealed. */
static void fill(void)
{
    const sl_cdp_date_t visit = {"", 0, "visit_date", "2031-01-02 10:30"};
    apr_array_header_t *dates = apr_array_make(pool, 1, sizeof(sl_cdp_date_t));
    const sl_cdp_claim_ask_t ask = {&study, "1", MRN, dates, "alice", MINUTE};
    const sl_cdp_finish_t finish = {.outcome = "partial", .warnings = "[\"Morris is away\"]"};
    sl_cdp_outbox_place_t reason = PARCEL;
    sl_cdp_sealed_t value = {0};
    sl_cdp_sealed_t why = {0};
    sl_cdp_claim_t claim = {0};
    sl_cdp_held_t held = {0};
    sl_err_t err = {0};

    APR_ARRAY_PUSH(dates, sl_cdp_date_t) = visit;
    reason.is_reason = true;
    cdp_begin();
    ok(sl_cdp_hold_claim(&claim, &cdp, &ask, pool, &err) == SL_OK &&
           cdp_hold(&held, &claim, ITEMS(CHART), NULL) == SL_OK &&
           sl_cdp_hold_finish(&cdp, &claim, &finish, &err) == SL_OK &&
           sl_cdp_vault_seal_outbox(&value, cdp.rt->ring, &PARCEL, "Morris", pool, &err) == SL_OK &&
           sl_cdp_vault_seal_outbox(&why, cdp.rt->ring, &reason, "Morris?", pool, &err) == SL_OK,
       "a record with all that is sealed");
    (void)owner("INSERT INTO smartlaunch.cdp_outbox (key, project, record, decision, event,"
                " instance, field, value_id, value_sealed, key_id, saved_by, state, reason_sealed,"
                " reason_key) VALUES ('%s', 'study', '1', gen_random_uuid(), '', 0, 'first', 1,"
                " '\\x%s', '%s', 'alice', 'refused', '\\x%s', '%s')",
                PARCEL.key, sl_text_hex(pool, value.bytes.bytes, value.bytes.len), value.key_id,
                sl_text_hex(pool, why.bytes.bytes, why.bytes.len), why.key_id);
}

static sl_bytes_t bytes_of(const char *column)
{
    const char *hex = owner("SELECT encode(%s, 'hex') FROM smartlaunch.cdp_outbox", column);
    apr_size_t len = strlen(hex) / 2;
    unsigned char *bytes = apr_palloc(pool, len + 1);

    for (apr_size_t i = 0; i < len; i++) {
        unsigned byte = 0;

        (void)sscanf(hex + 2 * i, "%2x", &byte);
        bytes[i] = (unsigned char)byte;
    }
    return (sl_bytes_t){bytes, len};
}

/** Value and reason in the outbox. */
static const char *parcel(void)
{
    sl_cdp_outbox_place_t reason = PARCEL;
    const sl_cdp_sealed_t value = {owner("SELECT key_id FROM smartlaunch.cdp_outbox"),
                                   bytes_of("value_sealed")};
    const sl_cdp_sealed_t why = {owner("SELECT reason_key FROM smartlaunch.cdp_outbox"),
                                 bytes_of("reason_sealed")};
    const char *text[2] = {NULL, NULL};
    sl_err_t err = {0};
    sl_rc_t rc[2];

    reason.is_reason = true;
    rc[0] = sl_cdp_vault_open_outbox(&text[0], cdp.rt->ring, &PARCEL, &value, pool, &err);
    rc[1] = sl_cdp_vault_open_outbox(&text[1], cdp.rt->ring, &reason, &why, pool, &err);
    return apr_psprintf(pool, "%s %s", rc[0] == SL_OK ? text[0] : sl_rc_name(rc[0]),
                        rc[1] == SL_OK ? text[1] : sl_rc_name(rc[1]));
}

static const char *warnings(void)
{
    sl_cdp_record_t record = {0};
    sl_err_t err = {0};

    return sl_cdp_hold_record(&record, &cdp, study.name, "1", pool, &err) == SL_OK
               ? record.warnings
               : apr_pstrdup(pool, err.text);
}

static sl_rc_t mrn(const char **text)
{
    sl_err_t err = {0};

    return sl_cdp_hold_mrn(text, &cdp, study.name, "1", pool, &err);
}

static void swap_values(const char *one, const char *other)
{
    (void)owner("UPDATE smartlaunch.cdp_value v SET value_sealed = w.value_sealed"
                " FROM smartlaunch.cdp_value w WHERE v.id <> w.id"
                " AND %s AND %s",
                one, other);
}

static void in_its_place(void)
{
    const char *text = NULL;

    fill();
    is_str(cdp_values("1"), VALUES, "H1 in their place values open");
    swap_values("v.taken_at IS NOT NULL", "w.taken_at IS NOT NULL");
    is_str(cdp_values("1"), "first=Morris|last=Lockman|weight!|weight!",
           "H1 two values of one field and time that change places do not");
    fill();
    swap_values("v.taken_at IS NULL", "w.taken_at IS NULL");
    is_str(cdp_values("1"), "first!|last!|weight=71.25|weight=83.75", "H1 nor of two fields");
    fill();
    (void)owner("UPDATE smartlaunch.cdp_value SET taken_at = taken_at + interval '1 second'"
                " WHERE taken_at IS NOT NULL");
    is_str(cdp_values("1"), "first=Morris|last=Lockman|weight!|weight!", "H1 nor at another time");
    fill();
    (void)owner("UPDATE smartlaunch.cdp_value SET instance = 2 WHERE taken_at IS NULL");
    is_str(cdp_values("1"), "first!|last!|weight=71.25|weight=83.75", "H1 nor in another instance");
    fill();
    (void)owner("INSERT INTO smartlaunch.cdp_record (project, record) VALUES ('study', '2')");
    (void)owner("UPDATE smartlaunch.cdp_value SET record = '2'");
    is_str(cdp_values("2"), "first!|last!|weight!|weight!", "H1 nor in another record");
    is_int(mrn(&text), SL_OK, "H1 the medical record number opens");
    is_str(text, MRN, "… in its record");
    (void)owner("UPDATE smartlaunch.cdp_record SET record = '1x' WHERE record = '1'"
                " AND NOT EXISTS (SELECT 1 FROM smartlaunch.cdp_outbox WHERE record = '1')");
    (void)owner("UPDATE smartlaunch.cdp_record SET mrn_sealed = dates_sealed");
    is_int(mrn(&text), SL_DENIED, "H1 and nothing else in its column");
    is_str(parcel(), "Morris Morris?", "H1 what is on its way opens");
    (void)owner("UPDATE smartlaunch.cdp_outbox SET value_sealed = reason_sealed");
    is_str(parcel(), "SL_DENIED Morris?", "… in its column");
}

static sl_cdp_resealed_t reseal(void)
{
    sl_cdp_resealed_t done = {0};
    sl_err_t err = {0};

    is_int(sl_cdp_hold_reseal(&done, cdp.rt, pool, &err), SL_OK, "H1 a rotation");
    return done;
}

static const char *key_use(void)
{
    apr_array_header_t *uses = NULL;
    const char *all = "";
    sl_err_t err = {0};

    if (sl_store_cdp_key_use(&uses, db, pool, &err) != SL_OK) {
        return apr_pstrdup(pool, err.text);
    }
    for (int i = 0; i < uses->nelts; i++) {
        const sl_store_cdp_key_use_t *use = &APR_ARRAY_IDX(uses, i, sl_store_cdp_key_use_t);

        all = apr_psprintf(pool, "%s%s:%d ", all, use->key_id, (int)use->count);
    }
    return all;
}

static void other_key(void)
{
    const char *text = NULL;
    sl_cdp_claim_t claim = {0};

    fill();
    is_str(key_use(), "k1:10 ", "H1 what needs the key");
    cdp_ring(RING_TWO);
    is_str(cdp_values("1"), "first!|last!|weight!|weight!",
           "H1 without the key values are unreadable, never empty");
    is_int(mrn(&text), SL_DENIED, "… the medical record number, too");
    is_str(parcel(), "SL_DENIED SL_DENIED", "… and what is on its way");
    ok(strstr(warnings(), "cannot be read") != NULL, "… and warnings say so");
    is_int(cdp_fresh("1"), 3, "… what is new is counted all the same");
    is_int(reseal().closed, 10, "… and nothing is sealed anew");
    is_int(cdp_claim(&claim, "1", NULL), SL_DENIED, "… nothing is fetched");
    is_int(cdp_claim(&claim, "1", MRN), SL_DENIED, "… and equal cannot be told from other");
    cdp_ring(RING_ONE);
    is_str(cdp_values("1"), VALUES, "H1 with the key all is as it was");
    is_int(cdp_claim(&claim, "1", NULL), SL_OK, "… and can be fetched");
}

static void rotation(void)
{
    sl_cdp_resealed_t done;
    const char *text = NULL;
    sl_cdp_claim_t claim = {0};

    fill();
    cdp_ring(RING_TWO RING_ONE);
    is_str(cdp_values("1"), VALUES, "H1 a new key is first: all opens still");
    done = reseal();
    is_int(done.values, 4, "… all values");
    is_int(done.records, 3, "… number, dates and warnings");
    is_int(done.others, 3, "… the key of the fingerprints, and the outbox");
    is_int(done.moved + done.closed, 0, "… nothing is left over");
    done = reseal();
    is_int(done.values + done.records + done.others, 0, "… once");
    is_str(key_use(), "k2:10 ", "H1 the old key is not needed any more");
    cdp_ring(RING_TWO);
    is_str(cdp_values("1"), VALUES, "H1 without it all is readable");
    is_int(mrn(&text), SL_OK, "… the medical record number");
    is_str(text, MRN, "… as it was");
    is_str(parcel(), "Morris Morris?", "… what is on its way");
    is_str(warnings(), "[\"Morris is away\"]", "… warnings");
    is_int(cdp_claim(&claim, "1", MRN), SL_OK, "H1 the number is known again");
    ok(claim.dates != NULL && claim.dates->nelts == 1, "… and the dates");
    is_int(cdp_finish(&claim, "ok"), SL_OK, "it is given back");
    is_int(cdp_fetch("1", NULL, ITEMS(CHART)).rows, 0, "H1 fingerprints still match: no new row");
}

/* The rotation comes with a value it has read, after another has written it. */
static void written_meanwhile(void)
{
    const sl_store_cdp_batch_t batch = {SL_CDP_SEALED_VALUE, "k2", "", 10};
    const sl_cdp_sealed_t now = {"k2", {(const unsigned char *)"new", 3}};
    apr_array_header_t *rows = NULL;
    sl_err_t err = {0};
    bool done = true;

    fill();
    is_int(sl_store_cdp_sealed(&rows, db, &batch, pool, &err), SL_OK, "H1 a batch");
    is_int(rows->nelts, 4, "… of four");
    (void)owner("UPDATE smartlaunch.cdp_value SET state = 'saved', value_sealed = NULL");
    is_int(
        sl_store_cdp_reseal(&done, db, &APR_ARRAY_IDX(rows, 0, sl_store_cdp_sealed_t), &now, &err),
        SL_OK, "H1 what was decided meanwhile");
    ok(!done, "… stays erased");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE value_sealed IS NOT NULL"),
           0, "… all of it");
}

/* Two processes that need the first fingerprint key at the same time have the same. */
typedef struct {
    char text[2][2 * SL_SHA256_LEN + 1];
} prints_t;

static void print_one(int index, apr_pool_t *p, void *data)
{
    prints_t *prints = data;
    const char *const parts[] = {"a", NULL};
    const sl_secret_t *key = NULL;
    sl_err_t err = {0};

    if (sl_cdp_vault_print_key(&key, cdp.rt, p, &err) == SL_OK) {
        apr_cpystrn(prints->text[index], sl_cdp_vault_print(key, parts, p),
                    sizeof(prints->text[index]));
    }
}

static void first_print(void)
{
    int same = 0;

    for (int i = 0; i < 10; i++) {
        prints_t prints = {0};

        cdp_begin();
        together(2, print_one, &prints);
        same += strlen(prints.text[0]) == 2 * SL_SHA256_LEN &&
                strcmp(prints.text[0], prints.text[1]) == 0;
    }
    is_int(same, 10, "H1 the key of fingerprints is made once");
}

int test_cdp_keys(void)
{
    first_print();
    in_its_place();
    other_key();
    written_meanwhile();
    rotation();
    fill(); /* for whoever looks into a dump */
    return tap_done();
}
