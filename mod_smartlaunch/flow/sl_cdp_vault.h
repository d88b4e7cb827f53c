/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the Clinical Data Pull stores sealed, and what each seal covers; and the keyed fingerprints
 * that tell equal values apart from others without reading them (reference 4.4).
 */
#ifndef SL_CDP_VAULT_H
#define SL_CDP_VAULT_H

#include "base/sl_keyring.h"
#include "flow/sl_runtime.h"
#include "store/sl_store_cdp_key.h"

/*
 * Everything is sealed with the first key of the ring, whose name (key_id) goes into the column
 * beside it. Opening: SL_DENIED when it was altered or moved to another row, or its key is gone:
 * unreadable, never empty. Texts are in `p`.
 */

/** Where a held value stands: its seal covers all of it. */
typedef struct {
    const char *project, *record;
    apr_int64_t mapping;
    int instance;
    const char *taken_at; /* sl_cdp_when_text(): "" without a time */
    const char *print;    /* value_print in hexadecimal */
    const char *unit;     /* NULL: none */
} sl_cdp_value_place_t;

/** What is sealed of a value: one JSON object. */
typedef struct {
    const char *value;   /* NULL: see problem */
    const char *code;    /* NULL: none */
    const char *note;    /* NULL: none */
    const char *problem; /* why it can never be saved; NULL: none */
} sl_cdp_content_t;

SL_MUST_USE sl_rc_t sl_cdp_vault_seal_value(sl_cdp_sealed_t *out, const sl_keyring_t *ring,
                                            const sl_cdp_value_place_t *place,
                                            const sl_cdp_content_t *content, apr_pool_t *p,
                                            sl_err_t *err);
SL_MUST_USE sl_rc_t sl_cdp_vault_open_value(sl_cdp_content_t *out, const sl_keyring_t *ring,
                                            const sl_cdp_value_place_t *place,
                                            const sl_cdp_sealed_t *sealed, apr_pool_t *p,
                                            sl_err_t *err);

/** Columns of cdp_record. */
typedef enum { SL_CDP_MRN, SL_CDP_DATES, SL_CDP_WARNINGS } sl_cdp_record_column_t;
typedef struct {
    const char *project, *record;
    sl_cdp_record_column_t column;
} sl_cdp_record_place_t;

SL_MUST_USE sl_rc_t sl_cdp_vault_seal_record(sl_cdp_sealed_t *out, const sl_keyring_t *ring,
                                             const sl_cdp_record_place_t *place, const char *text,
                                             apr_pool_t *p, sl_err_t *err);
SL_MUST_USE sl_rc_t sl_cdp_vault_open_record(const char **text, const sl_keyring_t *ring,
                                             const sl_cdp_record_place_t *place,
                                             const sl_cdp_sealed_t *sealed, apr_pool_t *p,
                                             sl_err_t *err);

/** A row of cdp_outbox: of its value, or of the reason the app gave (`is_reason`). */
typedef struct {
    const char *project, *record, *event;
    int instance;
    const char *field, *key; /* key: the uuid as text */
    bool is_reason;
} sl_cdp_outbox_place_t;

SL_MUST_USE sl_rc_t sl_cdp_vault_seal_outbox(sl_cdp_sealed_t *out, const sl_keyring_t *ring,
                                             const sl_cdp_outbox_place_t *place, const char *text,
                                             apr_pool_t *p, sl_err_t *err);
SL_MUST_USE sl_rc_t sl_cdp_vault_open_outbox(const char **text, const sl_keyring_t *ring,
                                             const sl_cdp_outbox_place_t *place,
                                             const sl_cdp_sealed_t *sealed, apr_pool_t *p,
                                             sl_err_t *err);

/**
 * The key of the fingerprints: made at first use, whoever comes first. SL_DENIED: unreadable;
 * SL_UNAVAILABLE, SL_BUSY: PostgreSQL.
 */
SL_MUST_USE sl_rc_t sl_cdp_vault_print_key(const sl_secret_t **out, const sl_runtime_t *rt,
                                           apr_pool_t *p, sl_err_t *err);

/** The same under the first key of the ring, whatever it is. SL_DENIED as above. */
SL_MUST_USE sl_rc_t sl_cdp_vault_reseal(sl_cdp_sealed_t *out, const sl_keyring_t *ring,
                                        const sl_store_cdp_sealed_t *was, apr_pool_t *p,
                                        sl_err_t *err);

/** Fingerprint of a list of texts (NULL-terminated), in hexadecimal. */
const char *sl_cdp_vault_print(const sl_secret_t *print_key, const char *const *parts,
                               apr_pool_t *p);

#endif
