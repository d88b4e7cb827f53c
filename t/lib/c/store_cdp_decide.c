/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions at the same moment: of people, of SYSTEM, and beside a fetch. */
#include "store_cdp.h"

#include "flow/sl_cdp_sheet.h"
#include "tap.h"

#include <apr_strings.h>

#define ROUNDS 15
#define PEOPLE 4

static const cdp_item_t ITEMS_OF_ONE[] = {{"first", "Morris", ""},
                                          {"last", "Lockman", ""},
                                          {"weight", "71.25", "2024-03-15 10:00:00"},
                                          {"weight", "72", "2024-03-15 11:00:00"},
                                          {"weight", "73", "2024-03-15 12:00:00"},
                                          {"weight", "74", "2024-03-15 13:00:00"}};
static const cdp_item_t RENAMED[] = {{"first", "Maurice", ""}};

static const sl_cdp_actor_t alice = {.user = "alice"};

/** A record, and what a form of it says. */
typedef struct {
    const char *record, *token;
    apr_int64_t ids[sizeof(ITEMS_OF_ONE) / sizeof(ITEMS_OF_ONE[0])]; /* in their order */
    sl_rc_t rc[PEOPLE];
} form_t;

static sl_cdp_sheet_t sheet_of(const char *record)
{
    sl_cdp_sheet_t sheet;
    sl_err_t err = {0};

    if (sl_cdp_sheet_load(&sheet, &cdp, &study, record, NULL, pool, &err) != SL_OK) {
        diag("no sheet: %s", err.text);
        sheet.targets = apr_array_make(pool, 1, sizeof(sl_cdp_target_t));
    }
    return sheet;
}

/** Fetch it, and fill the form in. */
static form_t begin_form(const char *record)
{
    form_t form = {.record = record};
    sl_cdp_sheet_t sheet;
    size_t n = 0;

    (void)cdp_fetch(record, MRN, ITEMS(ITEMS_OF_ONE));
    sheet = sheet_of(record);
    form.token = sl_cdp_sheet_token(&cdp, &study, &sheet, &alice, pool);
    for (int i = 0; i < sheet.targets->nelts; i++) {
        const sl_cdp_target_t *target = &APR_ARRAY_IDX(sheet.targets, i, sl_cdp_target_t);

        for (int k = 0; k < target->candidates->nelts; k++) {
            form.ids[n++] = APR_ARRAY_IDX(target->candidates, k, sl_cdp_shown_t).id;
        }
    }
    return form;
}

static sl_rc_t decide(const form_t *form, int choice, const sl_cdp_actor_t *actor, apr_pool_t *p)
{
    apr_array_header_t *choose = apr_array_make(p, 1, sizeof(apr_int64_t));
    const sl_cdp_choices_t choices = {.choose = choose, .token = form->token};
    sl_cdp_decided_t decided;
    sl_err_t err = {0};

    APR_ARRAY_PUSH(choose, apr_int64_t) = form->ids[choice];
    return sl_cdp_decide(&decided, &cdp, &study, form->record, &choices, actor, p, &err);
}

static int outbox(const char *record)
{
    return owner_int("SELECT count(*) FROM smartlaunch.cdp_outbox WHERE record = '%s'", record);
}

/** Each of them takes another weight. */
static void choose_weight(int index, apr_pool_t *p, void *data)
{
    form_t *form = data;

    form->rc[index] = decide(form, 2 + index, &alice, p);
}

static void people(void)
{
    int one = 0;
    int whole = 0;

    cdp_begin();
    for (int i = 0; i < ROUNDS; i++) {
        form_t form = begin_form(apr_psprintf(pool, "p%d", i));
        int saved = 0;
        int conflicts = 0;

        together(PEOPLE, choose_weight, &form);
        for (int k = 0; k < PEOPLE; k++) {
            saved += form.rc[k] == SL_OK;
            conflicts += form.rc[k] == SL_CONFLICT;
        }
        one += saved == 1 && conflicts == PEOPLE - 1;
        whole += outbox(form.record) == 1 &&
                 owner_int("SELECT count(*) FROM smartlaunch.cdp_value WHERE record = '%s'"
                           " AND state = 'passed'",
                           form.record) == PEOPLE - 1;
    }
    is_int(one, ROUNDS, "H3 four people save at the same moment: one does, three have a conflict");
    is_int(whole, ROUNDS, "H3 … with one value on its way, and the others passed over");
}

/** One saves a name, and the EHR has another one by now. */
static void choose_or_fetch(int index, apr_pool_t *p, void *data)
{
    form_t *form = data;

    if (index == 0) {
        form->rc[0] = decide(form, 0, &alice, p);
    } else {
        (void)cdp_fetch(form->record, MRN, ITEMS(RENAMED));
    }
}

static void beside_a_fetch(void)
{
    int fine = 0;

    cdp_begin();
    for (int i = 0; i < ROUNDS; i++) {
        form_t form = begin_form(apr_psprintf(pool, "f%d", i));
        const char *state;

        together(2, choose_or_fetch, &form);
        state = owner("SELECT state FROM smartlaunch.cdp_value WHERE id = %" APR_INT64_T_FMT,
                      form.ids[0]);
        fine += (form.rc[0] == SL_OK && strcmp(state, "saved") == 0 && outbox(form.record) == 1) ||
                (form.rc[0] == SL_CONFLICT && strcmp(state, "superseded") == 0 &&
                 outbox(form.record) == 0);
    }
    is_int(fine, ROUNDS,
           "H3 a Save beside a fetch that brings another value: saved, or a conflict");
}

/** Alice saves a name, and SYSTEM everything that is clear. */
static void choose_or_alone(int index, apr_pool_t *p, void *data)
{
    static const sl_cdp_alone_t after;
    form_t *form = data;
    sl_cdp_decided_t decided;
    sl_err_t err = {0};

    form->rc[index] =
        index == 0 ? decide(form, 0, &alice, p)
                   : sl_cdp_decide_alone(&decided, &cdp, &study, form->record, &after, p, &err);
}

static void beside_system(void)
{
    apr_int64_t revision;
    sl_cdp_mapping_t mapping;
    int fine = 0;

    cdp_begin();
    mapping = cdp_mapping(&revision);
    mapping.adjudication = SL_CDP_INSTANT;
    is_int(cdp_save(&mapping, revision), SL_OK, "a study that wants instant adjudication");
    study.instant = true;
    for (int i = 0; i < ROUNDS; i++) {
        form_t form = begin_form(apr_psprintf(pool, "s%d", i));

        together(2, choose_or_alone, &form);
        fine += (form.rc[0] == SL_OK || form.rc[0] == SL_CONFLICT) && form.rc[1] == SL_OK &&
                owner_int("SELECT count(*) FROM smartlaunch.cdp_outbox WHERE record = '%s'"
                          " AND field = 'first'",
                          form.record) == 1 &&
                outbox(form.record) == 2; /* the weights wait: the record has no date */
    }
    study.instant = false;
    is_int(fine, ROUNDS, "H7 SYSTEM and a person at the same moment: each field is saved once");
}

static void whose_form(void)
{
    const sl_cdp_actor_t bob = {.user = "bob"};
    const sl_cdp_actor_t elsewhere = {.user = "alice", .launch = "another session"};
    form_t form;
    form_t other;

    cdp_begin();
    form = begin_form("1");
    other = begin_form("2");
    is_int(decide(&form, 0, &bob, pool), SL_DENIED, "H3 a form of another user");
    is_int(decide(&form, 0, &elsewhere, pool), SL_DENIED, "H3 of another session");
    other.token = form.token;
    is_int(decide(&other, 0, &alice, pool), SL_DENIED, "H3 of another record");
    is_int(outbox("1") + outbox("2"), 0, "H3 … nothing is stored");
    cdp_ring(RING_TWO RING_ONE);
    is_int(decide(&form, 0, &alice, pool), SL_OK, "H1 a form from before the keys were rotated");
    is_int(owner_int("SELECT count(*) FROM smartlaunch.cdp_outbox WHERE key_id = 'k2'"), 1,
           "H1 … and what is on its way is sealed with the new one");
    cdp_ring(RING_TWO);
    is_int(decide(&form, 1, &alice, pool), SL_DENIED, "H1 a form whose key is gone");
    is_int(sheet_of("2").targets->nelts, 5, "H1 the key is missing: the sheet is there");
    for (int i = 0; i < 2; i++) {
        const sl_cdp_sheet_t sheet = sheet_of("2");
        const sl_cdp_target_t *target = &APR_ARRAY_IDX(sheet.targets, i, sl_cdp_target_t);
        const sl_cdp_shown_t *shown = &APR_ARRAY_IDX(target->candidates, 0, sl_cdp_shown_t);

        ok(shown->value == NULL && shown->saved_as == NULL && shown->problem != NULL,
           "H1 … and its values are unreadable: %s", target->field);
    }
    cdp_ring(RING_ONE);
}

int test_cdp_decide(void)
{
    people();
    beside_a_fetch();
    beside_system();
    whose_form();
    return tap_done();
}
