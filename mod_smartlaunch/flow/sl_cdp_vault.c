/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_vault.h"

#include "base/sl_json.h"
#include "base/sl_text.h"

#include <apr_strings.h>
#include <string.h>

#define PRINT_KEY_LEN 32
#define AAD_MAX 12
#define CONTENT_MAX (8 * 1024 * 1024)

static const sl_cdp_sealed_column_t RECORD_COLUMNS[] = {
    [SL_CDP_MRN] = SL_CDP_SEALED_MRN,
    [SL_CDP_DATES] = SL_CDP_SEALED_DATES,
    [SL_CDP_WARNINGS] = SL_CDP_SEALED_WARNINGS,
};

/** What a seal covers, by column: the column itself and all that says where the row belongs. */
static const char *const *aad_of(const sl_store_cdp_sealed_t *row, apr_pool_t *p)
{
    static const char *const COLUMNS[SL_CDP_SEALED_COLUMNS] = {
        [SL_CDP_SEALED_PRINT] = "cdp_key.print_sealed",
        [SL_CDP_SEALED_MRN] = "cdp_record.mrn_sealed",
        [SL_CDP_SEALED_DATES] = "cdp_record.dates_sealed",
        [SL_CDP_SEALED_WARNINGS] = "cdp_record.warnings_sealed",
        [SL_CDP_SEALED_VALUE] = "cdp_value.value_sealed",
        [SL_CDP_SEALED_OUTBOX] = "cdp_outbox.value_sealed",
        [SL_CDP_SEALED_REASON] = "cdp_outbox.reason_sealed",
    };
    const char *const parts[] = {row->project, row->record, row->taken_at, row->print,
                                 row->unit,    row->event,  row->field,    row->key};
    const char **aad = apr_pcalloc(p, AAD_MAX * sizeof(*aad));
    int n = 0;

    aad[n++] = COLUMNS[row->column];
    aad[n++] = apr_psprintf(p, "%" APR_INT64_T_FMT, row->mapping);
    aad[n++] = apr_itoa(p, row->instance);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        aad[n++] = parts[i] != NULL ? parts[i] : "";
    }
    return aad;
}

static sl_store_cdp_sealed_t value_row(const sl_cdp_value_place_t *place)
{
    return (sl_store_cdp_sealed_t){
        .column = SL_CDP_SEALED_VALUE,
        .project = place->project,
        .record = place->record,
        .mapping = place->mapping,
        .instance = place->instance,
        .taken_at = place->taken_at,
        .print = place->print,
        .unit = place->unit,
    };
}

static sl_store_cdp_sealed_t record_row(const sl_cdp_record_place_t *place)
{
    return (sl_store_cdp_sealed_t){
        .column = RECORD_COLUMNS[place->column],
        .project = place->project,
        .record = place->record,
    };
}

static sl_store_cdp_sealed_t outbox_row(const sl_cdp_outbox_place_t *place)
{
    return (sl_store_cdp_sealed_t){
        .column = place->is_reason ? SL_CDP_SEALED_REASON : SL_CDP_SEALED_OUTBOX,
        .project = place->project,
        .record = place->record,
        .instance = place->instance,
        .event = place->event,
        .field = place->field,
        .key = place->key,
    };
}

static sl_rc_t seal(sl_cdp_sealed_t *out, const sl_keyring_t *ring, const char *const *aad,
                    const sl_secret_t *text, apr_pool_t *p, sl_err_t *err)
{
    out->key_id = sl_keyring_active(ring);
    return sl_keyring_seal(&out->bytes, ring, aad, text, p, err);
}

static sl_rc_t seal_text(sl_cdp_sealed_t *out, const sl_keyring_t *ring,
                         const sl_store_cdp_sealed_t *row, const char *text, apr_pool_t *p,
                         sl_err_t *err)
{
    return seal(out, ring, aad_of(row, p), sl_secret_str(p, text), p, err);
}

/** The row with what it has sealed. */
static const sl_store_cdp_sealed_t *with(sl_store_cdp_sealed_t *row, const sl_cdp_sealed_t *sealed)
{
    row->key_id = sealed->key_id;
    row->sealed = sealed->bytes;
    return row;
}

static sl_rc_t unseal(sl_secret_t **out, const sl_keyring_t *ring, const sl_store_cdp_sealed_t *row,
                      apr_pool_t *p, sl_err_t *err)
{
    const sl_sealed_t sealed = {row->key_id, aad_of(row, p), row->sealed};

    return sl_keyring_open(out, ring, &sealed, p, err);
}

static sl_rc_t unseal_text(const char **out, const sl_keyring_t *ring,
                           const sl_store_cdp_sealed_t *row, apr_pool_t *p, sl_err_t *err)
{
    sl_secret_t *text = NULL;
    sl_rc_t rc = unseal(&text, ring, row, p, err);

    *out = rc == SL_OK ? sl_secret_reveal(text) : NULL;
    return rc;
}

sl_rc_t sl_cdp_vault_seal_value(sl_cdp_sealed_t *out, const sl_keyring_t *ring,
                                const sl_cdp_value_place_t *place, const sl_cdp_content_t *content,
                                apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_sealed_t row = value_row(place);
    sl_json_t *json = sl_json_object(p);

    sl_json_put_str(json, "value", content->value);
    sl_json_put_str(json, "code", content->code);
    sl_json_put_str(json, "note", content->note);
    sl_json_put_str(json, "problem", content->problem);
    return seal(out, ring, aad_of(&row, p), sl_secret_str(p, sl_json_text(p, json)), p, err);
}

sl_rc_t sl_cdp_vault_open_value(sl_cdp_content_t *out, const sl_keyring_t *ring,
                                const sl_cdp_value_place_t *place, const sl_cdp_sealed_t *sealed,
                                apr_pool_t *p, sl_err_t *err)
{
    sl_store_cdp_sealed_t row = value_row(place);
    sl_secret_t *text = NULL;
    sl_json_t *json = NULL;
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    rc = unseal(&text, ring, with(&row, sealed), p, err);
    if (rc == SL_OK) {
        rc = sl_json_parse_long(&json, sl_secret_reveal(text), sl_secret_len(text), CONTENT_MAX, p,
                                err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    out->value = sl_json_str(json, "value");
    out->code = sl_json_str(json, "code");
    out->note = sl_json_str(json, "note");
    out->problem = sl_json_str(json, "problem");
    return SL_OK;
}

sl_rc_t sl_cdp_vault_seal_record(sl_cdp_sealed_t *out, const sl_keyring_t *ring,
                                 const sl_cdp_record_place_t *place, const char *text,
                                 apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_sealed_t row = record_row(place);

    return seal_text(out, ring, &row, text, p, err);
}

sl_rc_t sl_cdp_vault_open_record(const char **text, const sl_keyring_t *ring,
                                 const sl_cdp_record_place_t *place, const sl_cdp_sealed_t *sealed,
                                 apr_pool_t *p, sl_err_t *err)
{
    sl_store_cdp_sealed_t row = record_row(place);

    return unseal_text(text, ring, with(&row, sealed), p, err);
}

sl_rc_t sl_cdp_vault_seal_outbox(sl_cdp_sealed_t *out, const sl_keyring_t *ring,
                                 const sl_cdp_outbox_place_t *place, const char *text,
                                 apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_sealed_t row = outbox_row(place);

    return seal_text(out, ring, &row, text, p, err);
}

sl_rc_t sl_cdp_vault_open_outbox(const char **text, const sl_keyring_t *ring,
                                 const sl_cdp_outbox_place_t *place, const sl_cdp_sealed_t *sealed,
                                 apr_pool_t *p, sl_err_t *err)
{
    sl_store_cdp_sealed_t row = outbox_row(place);

    return unseal_text(text, ring, with(&row, sealed), p, err);
}

sl_rc_t sl_cdp_vault_reseal(sl_cdp_sealed_t *out, const sl_keyring_t *ring,
                            const sl_store_cdp_sealed_t *was, apr_pool_t *p, sl_err_t *err)
{
    sl_secret_t *text = NULL;
    sl_rc_t rc = unseal(&text, ring, was, p, err);

    return rc == SL_OK ? seal(out, ring, aad_of(was, p), text, p, err) : rc;
}

static sl_rc_t make_print_key(sl_cdp_sealed_t *out, const sl_runtime_t *rt, apr_pool_t *p,
                              sl_err_t *err)
{
    const sl_store_cdp_sealed_t row = {.column = SL_CDP_SEALED_PRINT};
    sl_cdp_sealed_t made = {0};
    char *bytes = NULL;
    sl_secret_t *key = sl_secret_room(p, PRINT_KEY_LEN, &bytes);
    sl_rc_t rc = sl_digest_random(bytes, PRINT_KEY_LEN, err);

    if (rc == SL_OK) {
        rc = seal(&made, rt->ring, aad_of(&row, p), key, p, err);
    }
    return rc == SL_OK ? sl_store_cdp_print_make(out, rt->db, &made, p, err) : rc;
}

sl_rc_t sl_cdp_vault_print_key(const sl_secret_t **out, const sl_runtime_t *rt, apr_pool_t *p,
                               sl_err_t *err)
{
    sl_store_cdp_sealed_t row = {.column = SL_CDP_SEALED_PRINT};
    sl_cdp_sealed_t kept = {0};
    sl_secret_t *key = NULL;
    sl_rc_t rc = sl_store_cdp_print(&kept, rt->db, p, err);

    if (rc == SL_NONE) {
        rc = make_print_key(&kept, rt, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    rc = unseal(&key, rt->ring, with(&row, &kept), p, err);
    *out = key;
    return rc;
}

const char *sl_cdp_vault_print(const sl_secret_t *print_key, const char *const *parts,
                               apr_pool_t *p)
{
    unsigned char digest[SL_SHA256_LEN];
    const char *run = "";

    for (; *parts != NULL; parts++) {
        run = apr_psprintf(p, "%s%" APR_SIZE_T_FMT ":%s", run, strlen(*parts), *parts);
    }
    sl_digest_hmac((const unsigned char *)sl_secret_reveal(print_key), sl_secret_len(print_key),
                   run, strlen(run), digest);
    return sl_text_hex(p, digest, sizeof(digest));
}
