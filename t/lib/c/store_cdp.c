/* SPDX-License-Identifier: Apache-2.0 */
#include "store_cdp.h"

#include "flow/sl_cdp_vault.h"
#include "store/sl_store_cdp_sheet.h"
#include "tap.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

static sl_runtime_t runtime;
sl_cdp_t cdp = {.rt = &runtime};
sl_cdp_project_t study = {
    .name = "study",
    .app = "app",
    .delivery = {.protocol = SL_CDP_TO_HTTP, .url = "https://app.example/cdp"},
    .every = 24 * HOUR,
    .inactive = 7 * 24 * HOUR,
};

static const sl_cdp_map_t FIELDS[] = {
    {.source = "name-given", .event = "", .field = "first"},
    {.source = "name-family", .event = "", .field = "last"},
    {.source = "birthDate", .event = "", .field = "dob"},
    {.source = "29463-7",
     .event = "",
     .field = "weight",
     .temporal_field = "visit_date",
     .pick = SL_CDP_PICK_MAX,
     .unit = "kg"},
    {.source = "2947-0",
     .event = "",
     .field = "sodium",
     .temporal_field = "visit_date",
     .pick = SL_CDP_PICK_NEAR,
     .offset = {150, SL_CDP_BEFORE}},
};

void cdp_ring(const char *text)
{
    sl_keyring_t *ring = NULL;
    sl_err_t err = {0};

    if (sl_keyring_parse(&ring, sl_secret_str(pool, text), pool, &err) != SL_OK) {
        diag("key ring: %s", err.text);
        abort();
    }
    runtime.ring = ring;
}

sl_rc_t cdp_save(const sl_cdp_mapping_t *mapping, apr_int64_t revision)
{
    const sl_cdp_saving_t saving = {mapping, revision, "anna"};
    sl_err_t err = {0};

    return sl_cdp_setup_save(&cdp, study.name, &saving, pool, &err);
}

void cdp_begin(void)
{
    sl_cdp_mapping_t mapping = {
        .project = study.name,
        .offset = {7 * SL_CDP_DAY, SL_CDP_AROUND},
        .identifier = {.source = "id", .event = "", .field = "mrn"},
    };
    apr_array_header_t *fields = apr_array_make(pool, 8, sizeof(sl_cdp_map_t));

    runtime.db = db;
    runtime.self = "here";
    cdp_ring(RING_ONE);
    (void)owner("TRUNCATE smartlaunch.cdp_key, smartlaunch.cdp_project, smartlaunch.cdp_mapping,"
                " smartlaunch.cdp_preview, smartlaunch.cdp_right, smartlaunch.cdp_record,"
                " smartlaunch.cdp_value, smartlaunch.cdp_view, smartlaunch.cdp_log,"
                " smartlaunch.cdp_outbox");
    for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++) {
        APR_ARRAY_PUSH(fields, sl_cdp_map_t) = FIELDS[i];
    }
    mapping.fields = fields;
    if (cdp_save(&mapping, 0) != SL_OK) {
        diag("the mapping cannot be saved");
        abort();
    }
}

sl_cdp_mapping_t cdp_mapping(apr_int64_t *revision)
{
    sl_cdp_mapping_t mapping = {0};
    apr_int64_t ignored;
    sl_err_t err = {0};

    if (sl_cdp_setup_load(&mapping, revision != NULL ? revision : &ignored, &cdp, study.name, pool,
                          &err) != SL_OK) {
        diag("the mapping cannot be read: %s", err.text);
        abort();
    }
    return mapping;
}

sl_rc_t cdp_claim(sl_cdp_claim_t *claim, const char *record, const char *mrn)
{
    const sl_cdp_claim_ask_t ask = {
        .project = &study, .record = record, .mrn = mrn, .by = "alice", .lease = MINUTE};
    sl_err_t err = {0};

    return sl_cdp_hold_claim(claim, &cdp, &ask, pool, &err);
}

static const sl_cdp_map_t *map_of(const sl_cdp_mapping_t *mapping, const char *field)
{
    for (int i = 0; i < mapping->fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t);

        if (strcmp(map->field, field) == 0) {
            return map;
        }
    }
    return NULL;
}

/** A value that begins with "?" is a problem, not a value. */
static void add_item(apr_array_header_t *items, const sl_cdp_mapping_t *mapping,
                     const cdp_item_t *from)
{
    sl_cdp_want_t *want = apr_pcalloc(pool, sizeof(*want));
    sl_cdp_item_t *item = apr_array_push(items);
    char *field = apr_pstrdup(pool, from->field);
    char *slash = strchr(field, '/');

    if (slash != NULL) {
        *slash = '\0';
        want->instance = atoi(slash + 1);
    }
    want->map = map_of(mapping, field);
    item->want = want;
    item->value = *from->value != '?' ? from->value : NULL;
    item->problem = *from->value == '?' ? from->value + 1 : NULL;
    item->unit = strcmp(field, "weight") == 0 ? "kg" : NULL;
    if (*from->when != '\0' && sl_cdp_when_parse(&item->when, from->when) != SL_OK) {
        abort();
    }
}

sl_rc_t cdp_hold(sl_cdp_held_t *held, const sl_cdp_claim_t *claim, const cdp_item_t *items,
                 int count, const apr_array_header_t *current)
{
    sl_cdp_hold_t hold = {&cdp, claim, current, NULL};
    const sl_cdp_mapping_t mapping = cdp_mapping(NULL);
    apr_array_header_t *page = apr_array_make(pool, count, sizeof(sl_cdp_item_t));
    const sl_cdp_gain_t gain = {.items = page};
    sl_err_t err = {0};
    sl_rc_t rc;

    for (int i = 0; i < count; i++) {
        add_item(page, &mapping, &items[i]);
    }
    rc = sl_cdp_vault_print_key(&hold.print_key, cdp.rt, pool, &err);
    rc = rc == SL_OK ? sl_cdp_hold_add(held, &hold, &gain, pool, &err) : rc;
    if (rc != SL_OK && rc != SL_EXPIRED) {
        diag("hold: %s", err.text);
    }
    return rc;
}

sl_rc_t cdp_finish(const sl_cdp_claim_t *claim, const char *outcome)
{
    const sl_cdp_finish_t finish = {.outcome = outcome};
    sl_err_t err = {0};

    return sl_cdp_hold_finish(&cdp, claim, &finish, &err);
}

sl_cdp_held_t cdp_fetch(const char *record, const char *mrn, const cdp_item_t *items, int count)
{
    sl_cdp_held_t held = {0};
    sl_cdp_claim_t claim = {0};

    if (cdp_claim(&claim, record, mrn) != SL_OK ||
        cdp_hold(&held, &claim, items, count, NULL) != SL_OK || cdp_finish(&claim, "ok") != SL_OK) {
        diag("a fetch of record %s went wrong", record);
        held.rows = -1;
    }
    return held;
}

static const char *field_of(apr_int64_t mapping)
{
    return owner("SELECT field FROM smartlaunch.cdp_mapping WHERE id = %" APR_INT64_T_FMT, mapping);
}

const char *cdp_values(const char *record)
{
    const sl_store_cdp_place_t at = {study.name, record};
    apr_array_header_t *rows = NULL;
    const char *all = "";
    sl_err_t err = {0};

    if (sl_store_cdp_open(&rows, db, &at, pool, &err) != SL_OK) {
        return apr_pstrdup(pool, err.text);
    }
    for (int i = 0; i < rows->nelts; i++) {
        const sl_store_cdp_open_t *row = &APR_ARRAY_IDX(rows, i, sl_store_cdp_open_t);
        const char *taken = row->taken_at != NULL ? row->taken_at : "";
        const sl_cdp_value_place_t place = {study.name, record,     row->mapping, row->instance,
                                            taken,      row->print, row->unit};
        const sl_cdp_sealed_t sealed = {row->key_id, row->sealed};
        sl_cdp_content_t content = {0};
        sl_rc_t rc = sl_cdp_vault_open_value(&content, runtime.ring, &place, &sealed, pool, &err);

        all = apr_pstrcat(pool, all, *all != '\0' ? "|" : "", field_of(row->mapping),
                          rc == SL_OK       ? content.value != NULL ? "=" : "?"
                          : rc == SL_DENIED ? "!"
                                            : " failed",
                          content.value != NULL     ? content.value
                          : content.problem != NULL ? content.problem
                                                    : "",
                          NULL);
    }
    return all;
}

int cdp_fresh(const char *record)
{
    sl_cdp_record_t row = {0};
    sl_err_t err = {0};

    return sl_cdp_hold_record(&row, &cdp, study.name, record, pool, &err) == SL_OK ? row.fresh : -1;
}
